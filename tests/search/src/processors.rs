//! A node's two processors, and the probes that are on their way through the program on them.

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_kernel_twin::{Kernel, Passage, Step, address_of};
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::verdict::Verdict;

use crate::hold::Hold;
use crate::on_the_way::OnTheWay;
use crate::reduce;
use crate::scope::Scope;

/// Processors that run the program at once.
pub(crate) const CPUS: usize = 2;

/// An answer: to whom, by which network.
pub(crate) type Answer = (Slot, Network, Box<Frame>);

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Processors {
    busy: [Option<Box<Passage>>; CPUS],
    /// The probes of the newest epoch that were replied to.
    replied: Vec<(u64, u64)>,
    /// S5 is violated.
    pub(crate) has_replied_twice: bool,
    /// Whether what an answer says of its kernel's daemon is gone by.
    tells_all: bool,
}

impl Processors {
    pub(crate) fn of(scope: &Scope) -> Self {
        Self {
            tells_all: scope.is_pair(),
            ..Self::default()
        }
    }

    /// The probes of `slot` that are on their way through.
    pub(crate) fn probes(&self, slot: Slot) -> impl Iterator<Item = u64> {
        let of_it = self
            .busy
            .iter()
            .flatten()
            .filter(move |probe| probe.asker == slot);
        of_it.map(|probe| probe.frame.sequence)
    }

    /// Whether another probe could be taken on.
    pub(crate) fn has_free(&self) -> bool {
        self.busy.iter().any(Option::is_none)
    }

    /// Those with a probe that is held up.
    pub(crate) fn busy(&self) -> impl Iterator<Item = usize> {
        (0..CPUS).filter(|cpu| self.busy[*cpu].is_some())
    }

    /// A frame arrives. A probe goes on its way on a free processor and as far as `hold` lets it; anything else touches
    /// no word but its own in between, and is done with at once.
    pub(crate) fn receive(
        &mut self,
        kernel: &mut Kernel,
        frame: &Frame,
        (from, network): (Slot, Network),
        now_ns: u64,
        hold: &mut Hold,
    ) -> Option<Answer> {
        let source = address_of(from, network);
        let mut passage = Box::new(kernel.admit(frame, source, now_ns).ok()?);
        if passage.kind == Kind::Probe {
            let cpu = self.busy.iter().position(Option::is_none)?;
            self.busy[cpu] = Some(passage);
            return self.go_on(kernel, cpu, hold);
        }
        let (verdict, network) = kernel.pass(&mut passage);
        if self.tells_all {
            reduce::count(kernel, from);
        } else {
            reduce::record(kernel, from);
        }
        network.map(|network| self.answer(passage, verdict, network))
    }

    /// Goes on with the probe on `cpu` until it is through or `hold` stops it.
    pub(crate) fn go_on(
        &mut self,
        kernel: &mut Kernel,
        cpu: usize,
        hold: &mut Hold,
    ) -> Option<Answer> {
        let mut passage = self.busy[cpu].take()?;
        loop {
            match kernel.step(&mut passage) {
                Step::On if hold.is_here() => {
                    self.busy[cpu] = Some(passage);
                    return None;
                }
                Step::On => {}
                Step::Done(_) => return None,
                Step::Answered(verdict, network) => {
                    if verdict != Verdict::Refused {
                        self.note_reply(kernel, &passage.frame);
                    }
                    return Some(self.answer(passage, verdict, network));
                }
            }
        }
    }

    /// Whether it remembers replies to probes that cannot come again.
    pub(crate) fn has_old(&self, way: &OnTheWay) -> bool {
        self.replied.iter().any(|probe| !self.may_come(*probe, way))
    }

    /// Forgets them.
    pub(crate) fn forget_old(&mut self, way: &OnTheWay) {
        let mut replied = std::mem::take(&mut self.replied);
        replied.retain(|probe| self.may_come(*probe, way));
        self.replied = replied;
    }

    /// Whether this probe is on its way to this machine or through it.
    fn may_come(&self, probe: (u64, u64), way: &OnTheWay) -> bool {
        let frames = self.busy.iter().flatten().map(|passage| &passage.frame);
        let mut crossing = frames.map(|frame| (frame.epoch, frame.sequence));
        way.has_probe(probe) || crossing.any(|other| other == probe)
    }

    fn note_reply(&mut self, kernel: &Kernel, frame: &Frame) {
        let probed = kernel.grant.probed_epoch;
        self.replied.retain(|(epoch, _)| *epoch == probed);
        let probe = (frame.epoch, frame.sequence);
        self.has_replied_twice |= self.replied.contains(&probe);
        self.replied.push(probe);
        self.replied.sort_unstable();
    }

    fn answer(&self, passage: Box<Passage>, verdict: Verdict, network: Network) -> Answer {
        let Passage {
            frame, kind, asker, ..
        } = *passage;
        let frame = if self.tells_all {
            frame
        } else {
            reduce::answer(frame, kind, verdict)
        };
        (asker, network, Box::new(frame))
    }
}
