//! A frame on its way through the program, which another processor's frame and the daemon can cross between any two
//! of its steps.

use heartbeat_core::message::Network;
use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, View, after_grant, check_shape, decide, road,
};
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::maps::Address;
use heartbeat_wire::verdict::Verdict;

use crate::guard::Guard;
use crate::kernel::{Kernel, Ring};

/// Lost races after which the program drops a frame.
const TRIES: u8 = 8;

/// A frame that was admitted, and what of its way is done.
#[derive(Clone, Debug, Hash)]
pub struct Passage {
    /// The frame; its answer, once there is one.
    pub frame: Frame,
    /// What it was when it came.
    pub kind: Kind,
    /// Whose frame it is.
    pub asker: Slot,
    source: Address,
    now_ns: u64,
    place: Place,
}

/// What is done.
#[derive(Clone, Copy, Debug, Hash)]
enum Place {
    /// The clock was read.
    Stamped,
    /// The accepted word was read.
    Read(Accepted),
    /// The promises were read, and it was decided to accept a probe.
    Decided(GrantStep),
    /// Its epoch was raised; whether it was new.
    Raised(GrantStep, bool),
    /// The accepted word was looked at, to be swapped; so many times.
    Looked(GrantStep, bool, Accepted, u8),
    /// It was swapped; whether the probe is the first of its epoch.
    Swapped(GrantStep, bool),
    /// The grant's end was raised: the barrier.
    Ended(GrantStep, bool),
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    On,
    /// The frame is done with.
    Done(Verdict),
    /// The frame is its own answer now, and leaves by this network for who asked.
    Answered(Verdict, Network),
}

impl Kernel {
    /// Takes a frame in at `now_ns` of its clock, if its shape is right and it is this cluster's.
    ///
    /// # Errors
    /// The verdict with which it is passed on or dropped.
    pub fn admit(&self, frame: &Frame, source: Address, now_ns: u64) -> Result<Passage, Verdict> {
        Ok(Passage {
            kind: check_shape(frame, &self.config)?,
            frame: *frame,
            asker: frame.sender,
            source,
            now_ns,
            place: Place::Stamped,
        })
    }

    /// Takes a frame through at once: its verdict, and the network that its answer takes, if there is one.
    pub fn pass(&mut self, passage: &mut Passage) -> (Verdict, Option<Network>) {
        loop {
            match self.step(passage) {
                Step::On => {}
                Step::Done(verdict) => return (verdict, None),
                Step::Answered(verdict, network) => return (verdict, Some(network)),
            }
        }
    }

    /// The next step of a frame's way.
    pub fn step(&mut self, passage: &mut Passage) -> Step {
        let epoch = passage.frame.epoch;
        passage.place = match passage.place {
            // First: who sees a word accepted must see its epoch probed, which is raised before.
            Place::Stamped => Place::Read(Accepted(self.grant.accepted)),
            Place::Read(accepted) => match self.decide(passage, accepted) {
                Decision::Accept(step) => Place::Decided(step),
                decision => return self.carry_out(passage, decision),
            },
            Place::Decided(step) => {
                let is_new = self.grant.probed_epoch < epoch;
                self.grant.probed_epoch = self.grant.probed_epoch.max(epoch);
                Place::Raised(step, is_new)
            }
            Place::Raised(step, is_new) => {
                let found = Accepted(self.grant.accepted);
                match self.must_stay(&passage.frame, &step, found) {
                    Some(verdict) => return Step::Done(verdict),
                    None => Place::Looked(step, is_new, found, 1),
                }
            }
            Place::Looked(step, is_new, looked, tries) => {
                let found = Accepted(self.grant.accepted);
                if found == looked {
                    self.grant.accepted = step.accepted.0;
                    // A refusal may have told of the epoch before its first probe came.
                    Place::Swapped(step, is_new || !found.is_of(Epoch(epoch)))
                } else if tries == TRIES {
                    return Step::Done(Verdict::Contended);
                } else {
                    match self.must_stay(&passage.frame, &step, found) {
                        Some(verdict) => return Step::Done(verdict),
                        None => Place::Looked(step, is_new, found, tries + 1),
                    }
                }
            }
            Place::Swapped(step, is_first) => {
                self.raise_end(step.end_ns);
                Place::Ended(step, is_first)
            }
            Place::Ended(step, is_first) => return self.finish(passage, &step, is_first),
        };
        Step::On
    }

    fn decide(&self, passage: &Passage, accepted: Accepted) -> Decision {
        let abstains = self.guards.hold(Guard::Abstention);
        let minds = self.guards.hold(Guard::Replays);
        let view = View {
            config: &self.config,
            sender: self.members().get(passage.asker),
            promises: self.promises(),
            accepted: if minds { accepted } else { Accepted(0) },
            epoch_floor: Epoch(self.control.epoch_floor),
            abstain_until_ns: if abstains {
                self.control.abstain_until_ns
            } else {
                0
            },
            source: passage.source,
            now_ns: passage.now_ns,
        };
        decide(&passage.frame, passage.kind, &view)
    }

    fn carry_out(&mut self, passage: &mut Passage, decision: Decision) -> Step {
        match decision {
            Decision::Drop(verdict) => Step::Done(verdict),
            Decision::Duplicate { shut } => {
                if shut && self.guards.hold(Guard::OneMachine) {
                    self.grant.duplicate_ns = passage.now_ns;
                }
                self.ring.push_back(Ring::Look);
                Step::Done(Verdict::Duplicate)
            }
            Decision::Refuse => self.reply(passage, Kind::Refusal, Verdict::Refused),
            Decision::AnswerQuery => self.reply(passage, Kind::Reply, Verdict::QueryAnswered),
            Decision::MatchAnswer => {
                Step::Done(self.count(&passage.frame, passage.kind, passage.now_ns))
            }
            Decision::Accept(_) => unreachable!("a probe is accepted step by step"),
        }
    }

    /// Why the accepted word as it was found keeps this probe from being accepted, if it does.
    fn must_stay(&self, frame: &Frame, step: &GrantStep, found: Accepted) -> Option<Verdict> {
        if self.grant.probed_epoch > frame.epoch {
            return Some(Verdict::Contended);
        }
        let is_late = self.guards.hold(Guard::Replays) && step.is_late(frame, found);
        is_late.then_some(Verdict::Replayed)
    }

    fn raise_end(&mut self, end_ns: u64) {
        let least = if self.guards.hold(Guard::EndOnlyGrows) {
            self.grant.end_ns
        } else {
            0
        };
        self.grant.end_ns = end_ns.max(least);
    }

    fn finish(&mut self, passage: &mut Passage, step: &GrantStep, is_first: bool) -> Step {
        let frame = &passage.frame;
        if self.guards.hold(Guard::SecondLook) && !after_grant(frame, self.promises()) {
            return self.reply(passage, Kind::Refusal, Verdict::Refused);
        }
        self.grant.arrival_ns = passage.now_ns;
        self.grant.holder_incarnation = frame.incarnation;
        self.grant.successor = frame.successor.into();
        self.grant.lease_ns = u64::from(frame.lease_us) * 1_000;
        if is_first {
            self.ring.push_back(Ring::Look);
        }
        if step.verdict == Verdict::Recorded {
            return Step::Done(Verdict::Recorded);
        }
        self.reply(passage, Kind::Reply, step.verdict)
    }

    fn reply(&self, passage: &mut Passage, kind: Kind, verdict: Verdict) -> Step {
        let sender = self.members().get(passage.asker);
        let road =
            sender.and_then(|sender| Some((sender, road(sender, &self.config, &passage.source)?)));
        let Some((sender, road)) = road else {
            return Step::Done(Verdict::Impostor);
        };
        let network = if *road.other == sender.address {
            Network::Management
        } else {
            Network::Business
        };
        self.answer(&mut passage.frame, kind, verdict, passage.now_ns);
        Step::Answered(verdict, network)
    }
}
