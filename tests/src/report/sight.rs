//! All that was seen of one fault.

use anyhow::Result;

use crate::lab::watch::Watch;
use crate::report::doubles::{Doubles, judge, overlap_ns};
use crate::report::outage::{self, Move, Outage, moves};
use crate::report::{answers, within};

/// How long before a fault the looking begins: what was normal belongs into the picture.
pub const BEFORE_NS: u64 = 100_000_000;

/// What client and observer saw of a window of time.
#[derive(Debug, Clone)]
pub struct Sight {
    /// When the fault came, in nanoseconds of CLOCK_BOOTTIME.
    pub fault_ns: u64,
    /// When the looking ended, likewise.
    pub end_ns: u64,
    /// The client's time without an answer when the address first moved, or without a move its longest
    /// since the fault; `None` if nobody answered again.
    pub outage: Option<Outage>,
    /// Its longest other time without an answer since the fault: hiccups of the machine, or worse.
    pub hiccup_ns: u64,
    /// The address's moves as the client saw them.
    pub moves: Vec<Move>,
    /// Whether two nodes answered the observer at once.
    pub doubles: Doubles,
    /// How long the old node answered beside the new one, in nanoseconds; sound only with one move.
    pub overlap_ns: u64,
}

impl Sight {
    /// Judges everything from shortly before `fault_ns` until `end_ns`.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn of(watch: &mut Watch, fault_ns: u64, end_ns: u64) -> Result<Self> {
        let from_ns = fault_ns.saturating_sub(BEFORE_NS);
        let client = answers(&within(watch.client()?, from_ns, end_ns));
        let observer = within(watch.observer()?, from_ns, end_ns);
        let asked_all = answers(&observer);
        let gaps = outage::gaps(&client, fault_ns, end_ns);
        let outage = outage::of_the_move(&gaps);
        Ok(Self {
            fault_ns,
            end_ns,
            outage,
            hiccup_ns: gaps
                .iter()
                .filter(|gap| Some(**gap) != outage)
                .map(Outage::length_ns)
                .max()
                .unwrap_or(0),
            moves: moves(&client),
            doubles: judge(&observer),
            overlap_ns: overlap_ns(&client).max(overlap_ns(&asked_all)),
        })
    }

    /// Two-answer time in nanoseconds: what either way of looking found, the larger.
    #[must_use]
    pub fn two_answer_ns(&self) -> u64 {
        // More than one move makes the overlap meaningless; the observer's doubles never are.
        let overlap = if self.moves.len() > 1 {
            0
        } else {
            self.overlap_ns
        };
        self.doubles.time_ns.max(overlap)
    }

    /// Whether two nodes ever answered.
    #[must_use]
    pub fn two_answered(&self) -> bool {
        self.doubles.any() || self.two_answer_ns() > 0
    }

    /// The outage in milliseconds, if the service came back.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "an outage of a hundred days is still exact to the nanosecond"
    )]
    pub fn outage_ms(&self) -> Option<f64> {
        self.outage.map(|outage| outage.length_ns() as f64 / 1e6)
    }
}
