//! How a telling of all members goes: to whom, in how many messages, and how soon it is over.

use std::time::Duration;

use crate::config::Config;
use crate::news::MEMBERS_PER_MESSAGE;

/// Time between two tellings when nothing changes.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// After so many of them without a telling, what was told is not shown any more.
const STALE_AFTER: u32 = 3;
/// Most messages of one turn when nothing changed: each of them costs as much as a probe.
const QUIET_MESSAGES_PER_TURN: usize = 4;
/// Where they do not tell all in an interval, one turn sends no more than it takes to tell all in this time.
const QUIET_TOUR: Duration = Duration::from_secs(20);

/// Most members of a cluster in which all are told. In a larger one only the electors are: all that there is to tell,
/// told to everybody, grows with the square of the cluster.
const MOST_TOLD: usize = 256;

/// Whether all that there is to tell goes to the electors alone.
pub(crate) fn tells_electors_only(config: &Config) -> bool {
    config.members.len() > MOST_TOLD
}

/// Messages that tell all there is to tell to all who are told.
fn messages(config: &Config) -> usize {
    let told = if tells_electors_only(config) {
        config.electors().count()
    } else {
        config.members.len()
    };
    told * config.members.len().div_ceil(MEMBERS_PER_MESSAGE)
}

/// Messages of one turn when nothing changed: where all cannot be told in each interval, as few as it takes to tell them
/// in a longer time.
pub(crate) fn quiet_pace(config: &Config) -> usize {
    let messages = messages(config);
    let turns_in = |span: Duration| {
        let turns = span.as_nanos() / config.timing.period.as_nanos().max(1);
        usize::try_from(turns).unwrap_or(usize::MAX).max(1)
    };
    if messages.div_ceil(QUIET_MESSAGES_PER_TURN) <= turns_in(INTERVAL) {
        return QUIET_MESSAGES_PER_TURN;
    }
    let pace = messages.div_ceil(turns_in(QUIET_TOUR));
    pace.clamp(1, QUIET_MESSAGES_PER_TURN)
}

/// After so long without a telling, a node goes by nothing that it was told.
pub(crate) fn stale_after(config: &Config) -> Duration {
    let turns = messages(config).div_ceil(quiet_pace(config));
    let tour = config.timing.period * u32::try_from(turns).unwrap_or(u32::MAX);
    tour.max(INTERVAL) * STALE_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Slot;
    use crate::config::{Handovers, Member, Mode, Timing};

    /// So many members of which three are electors.
    fn config(members: Slot, period: Duration) -> Config {
        let member = |slot| {
            let member = Member {
                elector: slot <= 3,
                witness: false,
                business: false,
            };
            (slot, member)
        };
        Config {
            slot: 1,
            members: (1..=members).map(member).collect(),
            elector_version: 1,
            elector_digest: 1,
            config_digest: 1,
            timing: Timing {
                period,
                multiplier: 5,
                max_lease: period * 5,
                restart_lease: period * 5,
            },
            takeover: std::collections::BTreeSet::new(),
            preempt_after: None,
            handovers: Handovers::DEFAULT,
            mode: Mode::Quorum,
        }
    }

    #[test]
    fn what_was_told_is_shown_until_three_more_tellings_had_their_time() {
        let stale = |members, ms| stale_after(&config(members, Duration::from_millis(ms)));
        assert_eq!(stale(3, 10), Duration::from_secs(3), "once a second");
        // 256 are told of 256 in four messages each: four a turn, or as few as it takes to be done in 20 s.
        assert_eq!(stale(256, 100), Duration::from_millis(3 * 25_600));
        assert_eq!(stale(256, 20), Duration::from_millis(3 * 512 * 20));
        // Of more the three electors alone are told: five messages each, one a turn, which is soon enough.
        assert_eq!(stale(257, 1_000), Duration::from_secs(3 * 15));
        assert_eq!(stale(10_000, 10), Duration::from_millis(3 * 4_710));
    }
}
