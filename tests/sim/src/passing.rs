//! Frames on their way through a kernel.

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_kernel_twin::{Passage, Step};
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::maps::Address;
use heartbeat_wire::verdict::Verdict;

use crate::arrive::Arrival;
use crate::world::{MS, World};

/// Longest time that a frame is held up between two steps of the kernel program: a processor that a
/// hypervisor takes away.
const MOST_HOLD_UP: u64 = 8 * MS;

impl World {
    /// A frame arrives. What a kernel does with it is done at once, or it is held up on its way.
    pub(crate) fn frame_arrives(&mut self, to: Slot, frame: &Frame, source: Address) {
        let at = self.at;
        let is_held_up = self.weather.stops > 0;
        let came = self.in_kernel(to, |machine| {
            let mut passage = machine.admit(frame, source, at)?;
            let done = (!is_held_up).then(|| machine.pass(&mut passage));
            Some((passage, done))
        });
        match came {
            Some(Some((passage, Some((verdict, network))))) => {
                self.is_through(to, &passage, verdict, network);
            }
            Some(Some((passage, None))) => self.go_through(to, Box::new(passage), true),
            Some(None) | None => {}
        }
    }

    /// Goes on with a frame step by step. `may_stop`: before the very next one, too.
    pub(crate) fn go_through(&mut self, to: Slot, mut passage: Box<Passage>, mut may_stop: bool) {
        loop {
            let stops = self.weather.stops;
            if std::mem::replace(&mut may_stop, true) && stops > 0 && self.below(1_000) < stops {
                let life = self.machine(to).kernel.config.incarnation;
                let at = self.at + self.below(MOST_HOLD_UP);
                return self.schedule(at, Arrival::Passing { to, life, passage });
            }
            match self.in_kernel(to, |machine| machine.step(&mut passage)) {
                Some(Step::On) => {}
                Some(Step::Done(verdict)) => return self.is_through(to, &passage, verdict, None),
                Some(Step::Answered(verdict, network)) => {
                    return self.is_through(to, &passage, verdict, Some(network));
                }
                None => return,
            }
        }
    }

    fn is_through(
        &mut self,
        slot: Slot,
        passage: &Passage,
        verdict: Verdict,
        network: Option<Network>,
    ) {
        self.trace.frame(self.at, slot, passage, verdict);
        let Some(network) = network else { return };
        self.watch.answered(self.at, slot, passage);
        if passage.kind == Kind::Probe {
            let life = self.machine(slot).kernel.config.incarnation;
            self.watch.granted(self.at, (slot, life), &passage.frame);
        }
        self.carry(slot, passage.asker, network, &passage.frame);
    }
}
