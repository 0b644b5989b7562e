//! What the election goes by: validated values only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::Slot;
use crate::electors::{ElectorSet, Slots};
use crate::lease::reach;

/// One node's view of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// This node's slot; a key of `members`.
    pub slot: Slot,
    /// Every member, this node included.
    pub members: BTreeMap<Slot, Member>,
    /// Version of the electors' set.
    pub elector_version: u32,
    /// Digest of the electors' set.
    pub elector_digest: u32,
    /// Digest of the configuration that must be equal on all nodes.
    pub config_digest: u64,
    /// The cluster's times.
    pub timing: Timing,
    /// After how long a healthy lower slot takes mastership back, by switchover; `None`: never.
    pub preempt_after: Option<Duration>,
    /// How often mastership is handed on for a fault's sake.
    pub handovers: Handovers,
    /// What stands for a vote and a grant that are missing.
    pub mode: Mode,
    /// The slots with an address that goes by a lease, so that the master may take it over while their machine is
    /// away. Members, and none in a pair.
    pub takeover: BTreeSet<Slot>,
}

/// By what a node is master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// By a majority of the electors alone.
    Quorum,
    /// Two electors: by both, and by evidence while one of them is silent.
    Pair(PairRules),
}

/// What a pair takes for evidence that the peer may be passed over. That it is silent on the management network,
/// and that no grant to it is in force, is always part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PairRules {
    /// It must be silent on the business network as well.
    pub business_silent: bool,
    /// How many references there are, of which a majority must answer: 1 to 9, or 0 if none is required.
    pub references: u8,
    /// The fence command must have succeeded.
    pub fence: Option<FenceRule>,
}

/// When the fence command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FenceRule {
    /// So many times this node's slot after all other evidence is there: two nodes do not shoot each other.
    pub delay: Duration,
}

impl PairRules {
    /// The least detect multiplier of a pair.
    ///
    /// A master's lease ends 4/5 of M periods after its newest granted probe. The one after it is missed at 1 1/4
    /// periods, three questions take until 3 1/2, and only then is the reference asked: with 5 it has half a period to
    /// answer, with 4 the lease would be over before.
    pub const LEAST_MULTIPLIER: u32 = 5;
    /// Most references.
    pub const MOST_REFERENCES: u8 = 9;
    /// The protocol's default: silence on both networks, and one reference.
    pub const DEFAULT: Self = Self {
        business_silent: true,
        references: 1,
        fence: None,
    };
}

/// What the election knows of a member beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member {
    /// Its answers and votes count towards the majority.
    pub elector: bool,
    /// It never becomes master.
    pub witness: bool,
    /// It has a place on the business network.
    pub business: bool,
}

/// How often one node hands mastership on for a fault's sake: then it stays, or a fault of all nodes, or one that comes
/// and goes, would move mastership for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Handovers {
    /// So often within `window`; above 0.
    pub most: u32,
    /// See `most`.
    pub window: Duration,
}

impl Handovers {
    /// What holds unless the configuration says otherwise.
    pub const DEFAULT: Self = Self {
        most: 3,
        window: Duration::from_secs(600),
    };
}

/// The cluster's times; see the protocol's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timing {
    /// Time between two probes, 1 ms to 10 s.
    pub period: Duration,
    /// Periods without a probe after which the master counts as lost, 2 to 255.
    pub multiplier: u32,
    /// Longest lease that a grant is given for.
    pub max_lease: Duration,
    /// The lease that a master's last probes name before a planned restart; L to `max_lease`.
    pub restart_lease: Duration,
}

impl Timing {
    /// Questions in a row over the business network that a member leaves without an answer when it has a fault there.
    pub const BUSINESS_QUESTIONS: u32 = 5;
    /// How long such an answer may take, and thus how far apart the questions of a row are.
    pub const BUSINESS_ANSWER: Duration = Duration::from_millis(200);
    /// Time between two questions to who does not answer there, or did not of late.
    pub const BUSINESS_PAUSE: Duration = Duration::from_secs(1);

    /// L: how long a lease and a grant last.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.period * self.multiplier
    }

    /// How late a master may send its next probe and hold its lease still: what is left of the lease without the guard.
    #[must_use]
    pub fn bearable_lateness(&self) -> Duration {
        reach(self.lease()).saturating_sub(self.period)
    }

    /// How long an orphan waits for each one that goes before it, so that votes do not split.
    #[must_use]
    pub fn rank_pause(&self) -> Duration {
        self.period * 2
    }

    /// How long a candidate waits for votes: its lease already runs, so at most half of it.
    #[must_use]
    pub fn vote_timeout(&self) -> Duration {
        (self.lease() / 2).min(self.period * 4)
    }

    /// Taken on top of what an elector says is left of its grant before it is asked again, so that two
    /// clocks that run a little apart do not make the question come too early once more.
    #[must_use]
    pub fn ask_again_guard(&self) -> Duration {
        self.period / 100
    }

    /// How long a master that is to restart waits until a majority granted the longer lease. The lease it
    /// has outlives that, so it can go on as before: at most half of L, and answers come within a period.
    #[must_use]
    pub fn restart_timeout(&self) -> Duration {
        self.vote_timeout()
    }
}

impl Config {
    /// The electors' slots, ascending.
    pub fn electors(&self) -> impl Iterator<Item = Slot> + '_ {
        self.members
            .iter()
            .filter(|(_, member)| member.elector)
            .map(|(slot, _)| *slot)
    }

    /// The electors' set that this configuration goes by.
    ///
    /// # Panics
    /// When it names more than nine electors, which no validated configuration does.
    #[must_use]
    pub fn elector_set(&self) -> ElectorSet {
        ElectorSet {
            version: self.elector_version,
            slots: Slots::new(self.electors()).expect("at most nine electors"),
            max_lease: self.timing.max_lease,
        }
    }

    /// How many electors are a majority.
    #[must_use]
    pub fn majority(&self) -> usize {
        self.electors().count() / 2 + 1
    }

    /// Whether the answers and votes of `slot` count towards the majority.
    #[must_use]
    pub fn is_elector(&self, slot: Slot) -> bool {
        self.members.get(&slot).is_some_and(|member| member.elector)
    }

    /// Whether `slot` has a place on the business network.
    #[must_use]
    pub fn is_on_business(&self, slot: Slot) -> bool {
        self.members
            .get(&slot)
            .is_some_and(|member| member.business)
    }

    /// Whether `slot` never becomes master.
    #[must_use]
    pub fn is_witness(&self, slot: Slot) -> bool {
        self.members.get(&slot).is_none_or(|member| member.witness)
    }

    /// Whether `slot` may ever become master: an elector that is no witness.
    #[must_use]
    pub fn may_be_master(&self, slot: Slot) -> bool {
        self.members
            .get(&slot)
            .is_some_and(|member| member.elector && !member.witness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_majorities_of_the_electors_share_one() {
        let second = Duration::from_secs(1);
        for count in 1..=9 {
            let member = Member {
                elector: true,
                witness: false,
                business: true,
            };
            let config = Config {
                slot: 1,
                members: (1..=count).map(|slot| (slot, member)).collect(),
                elector_version: 1,
                elector_digest: 0,
                config_digest: 0,
                timing: Timing {
                    period: second,
                    multiplier: 2,
                    max_lease: second,
                    restart_lease: second,
                },
                preempt_after: None,
                handovers: Handovers::DEFAULT,
                mode: Mode::Quorum,
                takeover: BTreeSet::new(),
            };
            let (majority, electors) = (config.majority(), config.electors().count());
            assert!(majority * 2 > electors && (majority - 1) * 2 <= electors);
            assert_eq!(majority, config.elector_set().majority());
        }
    }
}
