//! The pair: two nodes and nobody else. A majority of two is both, so while the peer is heard everything goes by
//! votes and grants as in any cluster. What is in here is what takes their place while it is silent, and which of the
//! two stands when neither is master.

mod activity;
mod ask;
mod battle;
mod bridge;
mod decide;
mod evidence;
mod fence;
mod leave;
mod record;
mod reference;
mod silence;
mod words;

use std::collections::VecDeque;

pub use record::{Age, LastRole, PairRecord, PairState};

use crate::config::{Config, Mode, PairRules};
use crate::event::Restored;
use crate::node::Node;
use crate::snapshot::Guarantee;
use crate::stage::Stage;
use crate::{Command, Instant, Slot};
use activity::Activity;
use evidence::Evidence;

/// Own questions to the peer whose answers are still of use: one may be under way for some periods.
const OPEN_QUESTIONS: usize = 4;

/// What a node of a pair knows beyond any other node.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pair {
    peer: Slot,
    evidence: Evidence,
    activity: Activity,
    /// What the peer said of itself, and when.
    told: Option<(PairState, Instant)>,
    /// Own questions: their ids, and what each said of this node.
    questions: VecDeque<(u64, PairState)>,
    asked_at: Instant,
    /// It stops, and stays until the peer has its vote, at most until then.
    leaves_at: Option<Instant>,
    /// What this node's mastership rests on.
    basis: Guarantee,
}

impl Pair {
    /// `None` for a node that goes by a majority alone.
    ///
    /// # Panics
    /// When the configuration of a pair was not validated: there are not two members, one is a witness or no elector,
    /// or the multiplier leaves the reference no time to answer.
    pub(crate) fn new(
        config: &Config,
        restored: &Restored,
        first_id: u64,
        now: Instant,
    ) -> Option<Self> {
        let Mode::Pair(rules) = config.mode else {
            return None;
        };
        let others = config.members.keys().filter(|slot| **slot != config.slot);
        let peer = others.copied().next();
        assert!(
            config.members.len() == 2
                && config
                    .members
                    .keys()
                    .all(|slot| config.may_be_master(*slot)),
            "a pair is two members that may both be master"
        );
        assert!(
            config.timing.multiplier >= PairRules::LEAST_MULTIPLIER
                && rules.references <= PairRules::MOST_REFERENCES,
            "the rules of a pair are within their bounds"
        );
        Some(Self {
            peer: peer?,
            evidence: Evidence::new(rules, config, restored.maps_kept, first_id),
            activity: Activity::new(restored.pair, now),
            told: None,
            questions: VecDeque::with_capacity(OPEN_QUESTIONS),
            asked_at: Instant::ZERO,
            leaves_at: None,
            basis: Guarantee::Quorum,
        })
    }

    pub(crate) const fn peer(&self) -> Slot {
        self.peer
    }

    pub(crate) const fn basis(&self) -> Guarantee {
        self.basis
    }
}

impl Node {
    /// Does what time and the newest event bring about in a pair. `has_read`: the peer's answers to this master's
    /// probes were read just now.
    pub(crate) fn run_pair(&mut self, has_read: bool, now: Instant) {
        if self.pair.is_none() {
            return;
        }
        if self.stopping {
            self.write_down(now);
            return self.leave(now);
        }
        self.leave_init(now);
        self.ask_about_peer(has_read, now);
        self.bridge(now);
        self.decide_in_pair(now);
        if self.pending.is_none() {
            self.write_down(now);
        }
    }

    /// When [`Self::run_pair`] has something to do.
    pub(crate) fn pair_timeout(&self) -> Option<Instant> {
        let pair = self.pair.as_ref()?;
        if self.stopping {
            return pair.leaves_at;
        }
        let is_master = matches!(self.stage, Stage::Master(_));
        let is_undecided = matches!(self.stage, Stage::Undecided(_));
        let evidence = pair
            .evidence
            .timeout(is_master, self.seeks_mastership(), &self.config);
        let asks = is_undecided.then(|| pair.asked_at + self.config.timing.period);
        [Some(evidence), asks, pair.leaves_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the evidence is of use to this node: to keep mastership, or to take it.
    pub(crate) fn seeks_mastership(&self) -> bool {
        if self.roster.electors.len() != 2 {
            // By a set that was taken over from elsewhere a peer's silence says nothing of the third.
            return false;
        }
        match &self.stage {
            Stage::Master(mastership) => mastership.forced.is_none(),
            Stage::Slave | Stage::Candidate(_) | Stage::Undecided(_) => self.may_stand(),
            Stage::Init | Stage::Witness => false,
        }
    }

    /// The peer was heard by a network that counts: all evidence against it is void.
    pub(crate) fn peer_heard(&mut self, at: Instant) {
        if let Some(pair) = &mut self.pair
            && pair.evidence.heard(at)
        {
            self.clear_fence_alarm();
        }
    }

    /// A mastership ends, and with it what it rested on and what the peer answered to it.
    pub(crate) fn forget_basis(&mut self) {
        if let Some(pair) = &mut self.pair {
            pair.evidence.forget_abstention();
        }
        self.rest_on(Guarantee::Quorum);
    }

    /// Whether the peer is silent, as this node found out.
    pub(crate) fn is_peer_silent(&self) -> bool {
        self.pair
            .as_ref()
            .is_some_and(|pair| pair.evidence.is_silent())
    }

    /// What this node's mastership rests on from now on; told before the lease that does.
    pub(crate) fn rest_on(&mut self, basis: Guarantee) {
        if let Some(pair) = &mut self.pair
            && pair.basis != basis
        {
            pair.basis = basis;
            self.push(Command::Guarantee(basis));
        }
    }

    /// Saves who this node is when that changes, and as master once a second.
    pub(crate) fn write_down(&mut self, now: Instant) {
        let is_master = matches!(self.stage, Stage::Master(_));
        let is_undecided = matches!(
            self.stage,
            Stage::Init | Stage::Undecided(_) | Stage::Candidate(_)
        );
        let epoch = self.succession.mastered;
        let Some(pair) = &mut self.pair else { return };
        let record = if is_undecided {
            // What it was last is still what its disk says.
            None
        } else {
            pair.activity.note(is_master, epoch, now)
        };
        if let Some(record) = record {
            self.push(Command::SavePair(record));
        }
    }
}
