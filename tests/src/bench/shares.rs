//! What an outage is made of, by the stamps of the new master's takeover.

use serde_json::Value;

use crate::bench::statistics::Summary;
use crate::trial::Outcome;

/// Parts of one outage in nanoseconds, each from the end of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// From the fault until the new master's grant was over: the lease.
    pub lease_ns: u64,
    /// From then until a majority had voted: query and vote, and the pauses before them.
    pub vote_ns: u64,
    /// From then until the addresses were there.
    pub takeover_ns: u64,
    /// From then until the first announcement had left.
    pub announcement_ns: u64,
    /// From then until the client had its first answer.
    pub client_ns: u64,
}

impl Shares {
    /// Of the first promotion after the fault in `history` (`heartbeatctl history --json` of the new master).
    /// `None` if it has no complete takeover there, or no answer came.
    #[must_use]
    pub fn of(history: &Value, outcome: &Outcome) -> Option<Self> {
        let fault_ns = outcome.sight.fault_ns;
        let stamps = |entry: &Value| {
            let takeover = entry.get("takeover")?;
            let stamp = |name: &str| takeover.get(name).and_then(Value::as_u64);
            let [elected, added, announced] = ["elected_ns", "added_ns", "announced_ns"].map(stamp);
            Some((stamp("orphaned_ns"), elected?, added?, announced?))
        };
        let (orphaned, elected, added, announced) = history
            .as_array()?
            .iter()
            .filter_map(stamps)
            .find(|(_, elected, ..)| *elected > fault_ns)?;
        // A grant that was over before the fault belongs to an earlier candidacy.
        let orphaned = orphaned.map_or(fault_ns, |at_ns| at_ns.max(fault_ns));
        Some(Self {
            lease_ns: orphaned - fault_ns,
            vote_ns: elected.saturating_sub(orphaned),
            takeover_ns: added.saturating_sub(elected),
            announcement_ns: announced.saturating_sub(added),
            client_ns: outcome.sight.outage?.to_ns.saturating_sub(announced),
        })
    }
}

/// One of the shares.
type Part = fn(&Shares) -> u64;

/// Every share over many outages.
#[must_use]
pub fn summaries(all: &[Shares]) -> Vec<(&'static str, Summary)> {
    let parts: [(&str, Part); 5] = [
        ("lease", |shares| shares.lease_ns),
        ("query and vote", |shares| shares.vote_ns),
        ("takeover", |shares| shares.takeover_ns),
        ("announcement", |shares| shares.announcement_ns),
        ("client", |shares| shares.client_ns),
    ];
    parts
        .into_iter()
        .filter_map(|(name, part)| Some((name, Summary::of(all.iter().map(part).collect())?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::doubles::Doubles;
    use crate::report::outage::Outage;
    use crate::report::sight::Sight;
    use serde_json::json;

    fn outcome() -> Outcome {
        let outage = Outage {
            from_ns: 90,
            to_ns: 700,
            before: 1,
            after: 2,
        };
        let sight = Sight {
            fault_ns: 100,
            end_ns: 1_000,
            outage: Some(outage),
            hiccup_ns: 0,
            moves: vec![],
            doubles: Doubles::default(),
            overlap_ns: 0,
        };
        Outcome {
            from: 1,
            to: 2,
            sight,
        }
    }

    #[test]
    fn shares_are_the_steps_of_the_takeover_after_the_fault() {
        let history = json!([
            {"takeover": {"orphaned_ns": 1, "elected_ns": 2, "added_ns": 3, "announced_ns": 4}},
            {"takeover": {"orphaned_ns": 600, "elected_ns": 640, "added_ns": 670, "announced_ns": 675}},
            {"to": "slave"},
        ]);
        let expected = Shares {
            lease_ns: 500,
            vote_ns: 40,
            takeover_ns: 30,
            announcement_ns: 5,
            client_ns: 25,
        };
        assert_eq!(Shares::of(&history, &outcome()), Some(expected));
    }

    #[test]
    fn a_history_without_a_takeover_has_no_shares() {
        assert_eq!(Shares::of(&json!([{"to": "slave"}]), &outcome()), None);
        assert_eq!(Shares::of(&json!({}), &outcome()), None);
    }
}
