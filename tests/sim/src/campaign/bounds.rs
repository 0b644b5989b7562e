//! How soon there must be a master, in true time: L1 of the protocol, with its terms spelled out for clocks that
//! run apart, frames that take their time, and daemons that are woken late.

use heartbeat_core::time::nanos;

use crate::clock::TRUE_RATE;
use crate::world::{TIMING, World};

/// Questions until one is answered by a majority that is free. The first may come while the slower clocks'
/// grants still run; each further one comes when they should be over, by a clock that runs at most 20% faster,
/// so that 18% of the rest is left each time: of a lease's rest less than the guard after three.
const QUESTIONS: u64 = 4;

/// The terms of a bound, of one world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    slowest: u64,
    /// A question and its answer: there and back, and a daemon woken at either end.
    round: u64,
    one_way: u64,
}

impl Terms {
    pub(super) fn of(world: &World) -> Self {
        let rates = world.machines.values().map(|machine| machine.clock.rate());
        let weather = &world.weather;
        let lag = world.lag.values().max().copied().unwrap_or(0);
        let one_way = weather.delay.1 + lag;
        Self {
            slowest: rates.min().unwrap_or(TRUE_RATE),
            round: 2 * (one_way + weather.stall),
            one_way,
        }
    }

    /// A span of the slowest clock, in true time.
    pub(super) fn slow(&self, span: std::time::Duration) -> u64 {
        nanos(span) * TRUE_RATE / self.slowest
    }

    /// So many grants, the last of which began with a frame under way.
    pub(super) fn grants(&self, count: u64) -> u64 {
        count * (self.slow(TIMING.lease()) + self.one_way)
    }

    /// The pauses of those who wait for so many others.
    pub(super) fn ranks(&self, others: u64) -> u64 {
        others * self.slow(TIMING.rank_pause())
    }

    /// A vote in vain and the pause after it: where a master gave its epoch up, the target's request may overtake
    /// the word of it on the way to the others, who then do not vote yet.
    pub(super) fn overtaken_release(&self) -> u64 {
        self.round + self.slow(TIMING.period)
    }

    /// From the end of the last grant to the opening of the gate: one question in the end, one vote.
    pub(super) fn election(&self) -> u64 {
        let questions = QUESTIONS * (self.round + self.slow(TIMING.ask_again_guard()));
        questions + self.round + self.round / 2
    }
}
