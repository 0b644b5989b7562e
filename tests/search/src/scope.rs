//! What is searched: the cluster, its times, and how much may go wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use heartbeat_core::config::{Config, Handovers, Member, Mode, Timing};
use heartbeat_core::{ElectorSet, Slot, Slots};
use heartbeat_kernel_twin::Guards;

/// Nanoseconds of true time in one tick. All that happens happens at a tick, in any order within it.
pub(crate) const TICK_NS: u64 = 10_000;

/// How fast a node's CLOCK_BOOTTIME runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// 10% slower than true time: a master's lease lasts longest.
    Slow,
    /// As true time.
    True,
    /// 10% faster: an elector's grant ends soonest.
    Fast,
}

impl Rate {
    const fn tick_ns(self) -> u64 {
        match self {
            Self::Slow => TICK_NS * 9 / 10,
            Self::True => TICK_NS,
            Self::Fast => TICK_NS * 11 / 10,
        }
    }

    /// How far such a clock goes in so many ticks, in nanoseconds.
    pub(crate) const fn ticks_ns(self, ticks: u32) -> u64 {
        ticks as u64 * self.tick_ns()
    }
}

/// Of something that may go wrong: any number of times.
pub const ANY: u8 = u8::MAX;

/// One time less.
pub(crate) const fn spend(left: &mut u8) {
    if *left != ANY {
        *left -= 1;
    }
}

/// What may still go wrong on a path: so often each, or [`ANY`] number of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Ticks that pass although a daemon has something to do that is due.
    pub lates: u8,
    /// Places at which a daemon or a kernel program stops in the middle of what it does.
    pub pauses: u8,
    /// Packets that arrive once more: each may be lost, delayed and overtaken, and arrives once besides.
    pub copies: u8,
    /// Daemons that are killed.
    pub kills: u8,
    /// Machines that lose their maps.
    pub losses: u8,
    /// Orders to hand mastership over.
    pub switchovers: u8,
    /// Planned restarts.
    pub restarts: u8,
    /// Orders to change the electors.
    pub changes: u8,
    /// Reloads of one daemon that give it the longest lease, or its first one again.
    pub retimes: u8,
}

/// One search's cluster and bounds.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Its name, in a sentence's words.
    pub name: &'static str,
    /// Members, ascending, each with its clock.
    pub members: Vec<(Slot, Rate)>,
    /// Electors at the start.
    pub electors: Vec<Slot>,
    /// Those that never become master.
    pub witnesses: Vec<Slot>,
    /// Electors that an order asks for.
    pub target: Vec<Slot>,
    /// Ticks in a period.
    pub period: u32,
    /// Periods in a lease.
    pub multiplier: u32,
    /// Leases in `max_lease` and in a planned restart's lease.
    pub longest: u32,
    /// The tick after which nothing is looked at any more; `None`: it goes on until nothing is new.
    pub horizon: Option<u32>,
    /// The highest round that is followed.
    pub rounds: u64,
    /// Ticks that may pass between a daemon's reading of its clock and its acting on it.
    pub stale: u32,
    /// What may go wrong.
    pub budget: Budget,
    /// Whether control messages that bear on no lease (polls, health) travel too, and probes over the business network.
    pub is_whole: bool,
    /// By what its nodes are master.
    pub mode: Mode,
    /// The kernel program's safety lines that hold.
    pub guards: Guards,
}

impl Scope {
    /// The cluster's times.
    pub(crate) fn timing(&self) -> Timing {
        let period = Duration::from_nanos(TICK_NS * u64::from(self.period));
        let longest = period * self.multiplier * self.longest;
        Timing {
            period,
            multiplier: self.multiplier,
            max_lease: longest,
            restart_lease: longest,
        }
    }

    /// How long ago something may be and still count: abstention lasts longest, and in a pair how long the peer and
    /// the reference have been asked in vain.
    pub(crate) fn memory(&self) -> Duration {
        let timing = self.timing();
        match self.mode {
            Mode::Quorum => timing.max_lease * 6 / 5,
            Mode::Pair(_) => timing.max_lease * 2 + timing.lease() * 2,
        }
    }

    pub(crate) const fn is_pair(&self) -> bool {
        matches!(self.mode, Mode::Pair(_))
    }

    /// How far ahead anything is planned that this search comes to.
    pub(crate) fn foresight(&self) -> Duration {
        self.timing().max_lease * 2
    }

    /// The electors' set at the start.
    pub(crate) fn first_set(&self) -> ElectorSet {
        self.set(1, &self.electors)
    }

    /// The electors' set that an order asks for.
    pub(crate) fn target_set(&self) -> ElectorSet {
        self.set(0, &self.target)
    }

    fn set(&self, version: u32, slots: &[Slot]) -> ElectorSet {
        ElectorSet {
            version,
            slots: Slots::new(slots.iter().copied()).expect("at most nine electors"),
            max_lease: self.timing().max_lease,
        }
    }

    /// One node's configuration by `set`.
    pub(crate) fn config(&self, slot: Slot, set: &ElectorSet) -> Config {
        let member = |(slot, _): &(Slot, Rate)| {
            let (elector, witness) = (set.slots.contains(*slot), self.witnesses.contains(slot));
            // Polls are no part of a search, and so nothing is found out about this network.
            let business = false;
            (
                *slot,
                Member {
                    elector,
                    witness,
                    business,
                },
            )
        };
        Config {
            slot,
            members: self.members.iter().map(member).collect(),
            elector_version: set.version,
            elector_digest: set.digest(),
            config_digest: 99,
            timing: Timing {
                max_lease: set.max_lease,
                restart_lease: set.max_lease,
                ..self.timing()
            },
            preempt_after: None,
            handovers: Handovers::DEFAULT,
            mode: self.mode,
            takeover: BTreeSet::new(),
        }
    }
}
