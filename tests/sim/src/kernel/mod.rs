//! A twin of the kernel program: the same decisions, with plain words instead of atomics. A probe can be
//! held up between the steps that the program takes with it.

mod answers;
mod members;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use heartbeat_core::event::{QueryAnswer, Refusal};
use heartbeat_core::message::Network;
use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, Promises, View, after_grant, check_shape, decide, road,
};
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::gate::gate_of;
use heartbeat_wire::maps::{self, Address, Config, Control, Grant, Sent};
use heartbeat_wire::verdict::Verdict;

use members::network_of;
pub use members::{Members, Verdicts, address_of};

/// What the daemon is woken for.
#[derive(Clone, Copy, Debug)]
pub enum Ring {
    /// A kernel answered our query.
    QueryAnswer(QueryAnswer),
    /// A kernel refused our probe.
    Refusal(Refusal),
    /// The words are worth a look.
    Look,
}

/// A probe on its way through the program, which another CPU's frame and the daemon can cross.
#[derive(Clone, Debug)]
pub struct Crossing {
    frame: Frame,
    step: GrantStep,
    at: Place,
    network: Network,
    now_ns: u64,
}

/// What of a probe is done.
#[derive(Clone, Copy, Debug)]
enum Place {
    Decided,
    EpochRaised,
    GrantWritten,
}

/// What became of a frame.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done with; the answer, if one leaves, to whom and by which network.
    Done(Verdict, Option<Box<(Slot, Network, Frame)>>),
    /// There is more to do.
    Under(Box<Crossing>),
}

/// The maps of one machine, and the program that works on them.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// What the daemon configured.
    pub config: Config,
    /// The daemon's words.
    pub control: Control,
    /// The kernel's own words.
    pub grant: Grant,
    members: Arc<Members>,
    /// Empty until the first question.
    sent: Vec<Sent>,
    replies: BTreeMap<Slot, maps::Reply>,
    /// What the daemon is to be woken for.
    pub ring: Vec<Ring>,
    /// What became of the frames, counted.
    pub verdicts: Verdicts,
}

impl Kernel {
    /// A kernel with new maps.
    #[must_use]
    pub fn new(config: Config, members: Arc<Members>) -> Self {
        Self {
            config,
            control: Control::default(),
            grant: Grant::default(),
            members,
            sent: Vec::new(),
            replies: BTreeMap::new(),
            ring: Vec::new(),
            verdicts: Verdicts::default(),
        }
    }

    /// One frame arrives.
    pub fn receive(&mut self, mut frame: Frame, source: Address, now_ns: u64) -> Outcome {
        let asker = frame.sender;
        let road = self
            .members
            .0
            .get(&asker)
            .and_then(|sender| road(sender, &self.config, &source))
            .map(|road| network_of(*road.other));
        let (verdict, answers) = match check_shape(&frame, &self.config) {
            Ok(kind) => match self.decide(&frame, kind, source, now_ns) {
                Decision::Accept(step) => {
                    return Outcome::Under(Box::new(Crossing {
                        frame,
                        step,
                        at: Place::Decided,
                        network: road.expect("who is accepted came by a road"),
                        now_ns,
                    }));
                }
                decision => self.carry_out(&mut frame, kind, decision, now_ns),
            },
            Err(verdict) => (verdict, false),
        };
        let answer = answers.then(|| {
            let network = road.expect("who is answered came by a road");
            (asker, network, frame)
        });
        self.done(verdict, answer)
    }

    /// The next thing that is done about a probe.
    pub fn go_on(&mut self, mut crossing: Box<Crossing>) -> Outcome {
        let frame = crossing.frame;
        match crossing.at {
            Place::Decided => {
                self.grant.probed_epoch = self.grant.probed_epoch.max(frame.epoch);
                crossing.at = Place::EpochRaised;
            }
            Place::EpochRaised => {
                let found = Accepted(self.grant.accepted);
                if self.grant.probed_epoch > frame.epoch {
                    return self.done(Verdict::Contended, None);
                }
                if crossing.step.is_late(&frame, found) {
                    return self.done(Verdict::Replayed, None);
                }
                let is_new = !found.is_of(Epoch(frame.epoch));
                self.grant.accepted = crossing.step.accepted.0;
                self.grant.end_ns = self.grant.end_ns.max(crossing.step.end_ns);
                if is_new {
                    self.ring.push(Ring::Look);
                }
                crossing.at = Place::GrantWritten;
            }
            Place::GrantWritten => return self.answer_probe(frame, &crossing),
        }
        Outcome::Under(crossing)
    }

    fn done(&mut self, verdict: Verdict, answer: Option<(Slot, Network, Frame)>) -> Outcome {
        self.verdicts.0[verdict.index()] += 1;
        Outcome::Done(verdict, answer.map(Box::new))
    }

    fn decide(&self, frame: &Frame, kind: Kind, source: Address, now_ns: u64) -> Decision {
        let view = View {
            config: &self.config,
            sender: self.members.0.get(&frame.sender),
            promises: self.promises(),
            accepted: Accepted(self.grant.accepted),
            epoch_floor: Epoch(self.control.epoch_floor),
            abstain_until_ns: self.control.abstain_until_ns,
            source,
            now_ns,
        };
        decide(frame, kind, &view)
    }

    fn carry_out(
        &mut self,
        frame: &mut Frame,
        kind: Kind,
        decision: Decision,
        now_ns: u64,
    ) -> (Verdict, bool) {
        match decision {
            Decision::Drop(verdict) => (verdict, false),
            Decision::Duplicate { shut } => {
                if shut {
                    self.grant.duplicate_ns = now_ns;
                }
                self.ring.push(Ring::Look);
                (Verdict::Duplicate, false)
            }
            Decision::Refuse => (
                self.answer(frame, Kind::Refusal, Verdict::Refused, now_ns),
                true,
            ),
            Decision::Accept(_) => unreachable!("a probe is accepted step by step"),
            Decision::AnswerQuery => (
                self.answer(frame, Kind::Reply, Verdict::QueryAnswered, now_ns),
                true,
            ),
            Decision::MatchAnswer => (self.count(frame, kind, now_ns), false),
        }
    }

    fn promises(&self) -> Promises {
        Promises {
            promised: Epoch(self.control.promised_epoch),
            probed: Epoch(self.grant.probed_epoch),
        }
    }

    fn answer_probe(&mut self, mut frame: Frame, crossing: &Crossing) -> Outcome {
        let (asker, now_ns, verdict) = (frame.sender, crossing.now_ns, crossing.step.verdict);
        let network = crossing.network;
        if !after_grant(&frame, self.promises()) {
            let verdict = self.answer(&mut frame, Kind::Refusal, Verdict::Refused, now_ns);
            return self.done(verdict, Some((asker, network, frame)));
        }
        self.grant.arrival_ns = now_ns;
        self.grant.holder_incarnation = frame.incarnation;
        self.grant.successor = frame.successor.into();
        self.grant.lease_ns = u64::from(frame.lease_us) * 1_000;
        if verdict == Verdict::Recorded {
            return self.done(verdict, None);
        }
        self.answer(&mut frame, Kind::Reply, verdict, now_ns);
        self.done(verdict, Some((asker, network, frame)))
    }

    fn answer(&self, frame: &mut Frame, kind: Kind, verdict: Verdict, now_ns: u64) -> Verdict {
        let own = Own {
            config: &self.config,
            control: &self.control,
            grant: &self.grant,
            now_ns,
        };
        write_answer(frame, kind, verdict, &own);
        verdict
    }

    /// Whether traffic of an address that follows the master passes at `now_ns` of its own CLOCK_BOOTTIME.
    #[must_use]
    pub fn gate_is_open(&self, now_ns: u64) -> bool {
        gate_of(&self.control, &self.grant, &self.config, now_ns)
    }
}
