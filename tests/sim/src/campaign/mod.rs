//! Campaigns: thousands of clusters, each drawn from a seed, each living through faults, and each checked
//! against what must hold and how soon.
//!
//! A case is its kind and its seed, and nothing else: [`Case::run`] does the same each time.

mod able;
mod bounds;
mod chaos;
mod cluster;
mod draw;
mod failover;
mod fault;
mod pair;
mod run;
mod service;
mod sound;
mod tally;

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

pub use draw::Draw;
pub use failover::{LOSSES, Loss};
pub use fault::FAULTS;
pub use run::{Limits, campaign};
pub use tally::{Nearest, Tally};

/// What a case consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A cluster in order loses its master, again and again: how soon is there another one?
    Failover,
    /// Anything at any time: what must hold does, there is a master wherever a majority is in order, and once it
    /// is over all nodes agree.
    Chaos,
    /// [`Self::Chaos`] with clocks outside the drift guard that nobody watches: what must hold does not, and a
    /// campaign that does not find that is none.
    Drift,
    /// [`Self::Chaos`] with daemons that start without their maps and do not know it.
    Amnesia,
    /// Two nodes by the pair method: two masters only in the one case that it names, and one when all is in order.
    Pair,
    /// Services that fail and are mended: who serves is well, and handovers for their sake are bounded.
    Service,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Failover,
        Self::Chaos,
        Self::Drift,
        Self::Amnesia,
        Self::Pair,
        Self::Service,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Chaos => "chaos",
            Self::Drift => "drift",
            Self::Amnesia => "amnesia",
            Self::Pair => "pair",
            Self::Service => "service",
        }
    }
}

/// One case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its kind.
    pub kind: Kind,
    /// Its seed.
    pub seed: u64,
}

/// A case that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub case: Case,
    /// What was wrong.
    pub what: String,
    /// Each event, if the case was traced.
    pub trace: Vec<String>,
}

impl Case {
    /// How many members its cluster has.
    #[must_use]
    pub fn members(self) -> usize {
        match self.kind {
            Kind::Pair => pair::SLOTS.len(),
            Kind::Failover | Kind::Chaos | Kind::Drift | Kind::Amnesia | Kind::Service => {
                cluster::members(&mut Draw::new(self.seed)).0.len()
            }
        }
    }

    /// Lives through it. `is_traced`: a failure tells each event.
    ///
    /// # Errors
    /// The [`Failure`].
    pub fn run(self, is_traced: bool) -> Result<Tally, Box<Failure>> {
        let begin = Instant::now();
        let mut tally = Tally::default();
        let mut draw = Draw::new(self.seed);
        let mut world = match self.kind {
            Kind::Pair => pair::drawn(&mut draw, self.seed),
            Kind::Failover | Kind::Chaos | Kind::Drift | Kind::Amnesia | Kind::Service => {
                cluster::drawn(&mut draw, self)
            }
        };
        if is_traced {
            world.trace.keep();
        }
        let outcome = match self.kind {
            Kind::Failover => failover::live(&mut world, &mut draw, self.seed, &mut tally),
            Kind::Pair => pair::live(&mut world, &mut draw, self.seed, &mut tally),
            Kind::Service => service::live(&mut world, &mut draw, self.seed, &mut tally),
            Kind::Chaos | Kind::Drift | Kind::Amnesia => {
                chaos::live(&mut world, &mut draw, self.seed, &mut tally)
            }
        };
        tally.count("cases");
        tally.took(world.machines.len(), world.at, begin.elapsed());
        tally.events += world.events;
        match outcome {
            Ok(()) => Ok(tally),
            Err(what) => Err(Box::new(Failure {
                case: self,
                what,
                trace: world.trace.lines().to_vec(),
            })),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.seed)
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, seed) = text
            .split_once(':')
            .ok_or_else(|| format!("{text:?} is no case, such as failover:17"))?;
        let kind = Kind::ALL
            .into_iter()
            .find(|known| known.name() == kind)
            .ok_or_else(|| format!("{kind:?} is no kind of case, such as failover or chaos"))?;
        let seed = seed
            .parse()
            .map_err(|_| format!("{seed:?} is no seed: a number below 2^64"))?;
        Ok(Self { kind, seed })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        write!(f, "{}: {}", self.case, self.what)
    }
}
