//! Frames in a machine's kernel.

use heartbeat_core::message::Network;
use heartbeat_kernel_twin::{Passage, Step};
use heartbeat_wire::frame::Frame;
use heartbeat_wire::maps::Address;
use heartbeat_wire::verdict::Verdict;

use super::Machine;

impl Machine {
    /// A frame arrives at true time `at`. Nothing happens in a machine that is off, and little to a frame that is
    /// not this cluster's.
    pub(crate) fn admit(&mut self, frame: &Frame, source: Address, at: u64) -> Option<Passage> {
        if !self.is_on {
            return None;
        }
        self.frames_received += 1;
        let now_ns = self.clock.boot(at);
        if self.only_beats {
            self.kernel.control.beat_ns = now_ns;
        }
        match self.kernel.admit(frame, source, now_ns) {
            Ok(passage) => Some(passage),
            Err(verdict) => {
                self.verdicts.count(verdict);
                None
            }
        }
    }

    /// Takes a frame through at once.
    pub(crate) fn pass(&mut self, passage: &mut Passage) -> (Verdict, Option<Network>) {
        let done = self.kernel.pass(passage);
        self.verdicts.count(done.0);
        done
    }

    /// The next step of a frame's way.
    pub(crate) fn step(&mut self, passage: &mut Passage) -> Step {
        let step = self.kernel.step(passage);
        if let Step::Done(verdict) | Step::Answered(verdict, _) = step {
            self.verdicts.count(verdict);
        }
        step
    }
}
