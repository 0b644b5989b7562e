//! Evidence: what stands for the vote and the grant of a peer that is silent.
//!
//! Three things, each required or not: the silence itself, a reference that answers a question sent after that, and a
//! fence command that succeeded. All of it is void as soon as the peer is heard.

use super::fence::Fence;
use super::reference::Reference;
use super::silence::{Silence, Step};
use crate::Instant;
use crate::config::{Config, PairRules, Timing};
use crate::lease::reach;
use crate::message::Network;
use crate::snapshot::Guarantee;

#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Evidence {
    business_silent: bool,
    silence: Silence,
    /// The peer's kernel answers a master that it started without its maps and grants nothing yet, so its daemon can
    /// be master no more than a silent one.
    peer_abstains: bool,
    pub(super) reference: Reference,
    pub(super) fence: Fence,
}

/// What the evidence comes to for a node that would be master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is not complete.
    None,
    /// The fence command is to be run, under this id.
    Fence(u64),
    /// It is complete; a lease by it counts from this time.
    Complete(Instant),
}

impl Evidence {
    /// `maps_kept`: this life of the machine has seen daemons before.
    pub(super) fn new(rules: PairRules, config: &Config, maps_kept: bool, first_id: u64) -> Self {
        Self {
            business_silent: rules.business_silent,
            silence: Silence::new(),
            peer_abstains: false,
            reference: Reference::new(rules.references, first_id),
            fence: Fence::new(rules.fence, config.slot, maps_kept, first_id),
        }
    }

    /// Whether silence on this network is asked for.
    pub(super) fn counts(&self, network: Network) -> bool {
        network == Network::Management || self.business_silent
    }

    pub(super) const fn is_silent(&self) -> bool {
        self.silence.since().is_some()
    }

    /// Whether the reference may stand for the peer's grant.
    pub(super) const fn is_absent(&self) -> bool {
        self.is_silent() || self.peer_abstains
    }

    pub(super) const fn heard_at(&self) -> Instant {
        self.silence.heard_at()
    }

    /// The peer was heard. Whether it was silent before.
    pub(super) fn heard(&mut self, at: Instant) -> bool {
        let was_silent = self.silence.heard(at);
        if !self.peer_abstains {
            self.reference.forget();
        }
        self.fence.forget();
        was_silent
    }

    /// The peer answered this master, with or without a grant.
    pub(super) fn answered(&mut self, at: Instant, abstains: bool) -> bool {
        self.peer_abstains = abstains;
        self.heard(at)
    }

    pub(super) fn forget_abstention(&mut self) {
        if self.peer_abstains {
            self.peer_abstains = false;
            self.reference.forget();
        }
    }

    /// The peer's kernel answered a query: with an open gate, and with a daemon that lives.
    pub(super) fn kernel_answered(&mut self, gate_open: bool, lives: bool, now: Instant) -> bool {
        if gate_open || (lives && self.is_silent()) {
            return self.heard(now);
        }
        if lives {
            self.silence.kernel_lives();
        } else {
            self.silence.kernel_is_alone();
        }
        false
    }

    pub(super) fn step(&mut self, may_judge: bool, timing: &Timing, now: Instant) -> Step {
        let step = self.silence.step(may_judge, timing, now);
        if step == Step::Stands {
            self.reference.forget();
        }
        step
    }

    /// Asks the reference, if it is required, the peer is absent and it is time to; the question's id.
    pub(super) fn ask_reference(&mut self, timing: &Timing, now: Instant) -> Option<u64> {
        let is_due = self.wants_reference() && self.reference.ask_at(timing) <= now;
        is_due.then(|| self.reference.ask(now))
    }

    const fn wants_reference(&self) -> bool {
        self.reference.is_required() && self.is_absent()
    }

    /// What it comes to for a node that could stand from `free_at` on.
    ///
    /// A master that lost the reference shuts its gate [`reach`] of a lease after the last question that was
    /// answered. So a lease passes after the silence stood and the reference was first reached: whoever is still
    /// master then reached the reference as well, later than that.
    pub(super) fn prove(&mut self, free_at: Instant, timing: &Timing, now: Instant) -> Proof {
        let lease = timing.lease();
        let Some(since) = self.silence.since() else {
            return Proof::None;
        };
        let settled = free_at.max(since + lease);
        let sent = match (self.reference.is_required(), self.reference.answered()) {
            (false, _) if now >= settled => now,
            (true, Some(answered)) if answered.newest >= settled.max(answered.first + lease) => {
                answered.newest
            }
            (false, _) | (true, _) => return Proof::None,
        };
        if now >= sent + reach(lease) {
            return Proof::None;
        }
        if !self.fence.is_required() || self.fence.is_done() {
            return Proof::Complete(sent);
        }
        self.fence.run(now).map_or(Proof::None, Proof::Fence)
    }

    /// What a mastership rests on that this evidence keeps.
    pub(super) fn guarantee(&self) -> Guarantee {
        if self.fence.is_done() {
            Guarantee::Fenced
        } else {
            Guarantee::Evidence
        }
    }

    /// When there is something to do; `seeks`: the evidence is of use to this node.
    pub(super) fn timeout(&self, is_master: bool, seeks: bool, config: &Config) -> Instant {
        // A master judges when it has read the answers, never by the clock alone.
        let silence = self.silence.timeout(!is_master, &config.timing);
        if seeks && self.wants_reference() {
            silence.min(self.reference.ask_at(&config.timing))
        } else {
            silence
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use std::time::Duration;

    use super::*;
    use crate::config::{Handovers, Member, Mode};

    const TIMING: Timing = Timing {
        period: Duration::from_millis(10),
        multiplier: 5,
        max_lease: Duration::from_millis(200),
        restart_lease: Duration::from_millis(200),
    };

    const fn us(us: u64) -> Instant {
        Instant(us * 1_000)
    }

    fn evidence() -> Evidence {
        let member = Member {
            elector: true,
            witness: false,
            business: false,
        };
        let config = Config {
            slot: 1,
            members: [(1, member), (2, member)].into(),
            elector_version: 1,
            elector_digest: 1,
            config_digest: 1,
            timing: TIMING,
            preempt_after: None,
            handovers: Handovers::DEFAULT,
            mode: Mode::Pair(PairRules::DEFAULT),
            takeover: BTreeSet::new(),
        };
        Evidence::new(PairRules::DEFAULT, &config, false, 1)
    }

    #[test]
    fn an_answering_kernel_keeps_the_silence_away_if_its_daemon_lives_and_only_then() {
        for lives in [true, false] {
            let mut evidence = evidence();
            evidence.heard(us(100_000));
            for at in [112_500, 122_500, 132_500] {
                assert_eq!(evidence.step(true, &TIMING, us(at)), Step::Ask);
            }
            evidence.kernel_answered(false, lives, us(133_000));
            evidence.step(true, &TIMING, us(135_000));
            assert_eq!(evidence.is_silent(), !lives);
        }
    }
}
