//! Services that nodes watch, and what is tried when one fails.

mod check;

use std::time::Duration;

use heartbeat_core::recovery::Plan;

pub use check::{Check, Http, Network, Process, Tls, Unit, WantedState};

use super::Program;

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, unique: 1 to 32 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Which nodes watch it.
    pub on: On,
    /// How it is looked at.
    pub check: Check,
    /// How often, and what follows from it.
    pub pace: Pace,
    /// What a master tries when it fails.
    pub on_master: Option<Recovery>,
    /// What any other node tries.
    pub on_slave: Option<Recovery>,
}

impl Service {
    /// Whether what was seen of it in another role says nothing: it runs on the master only, or has to look different
    /// there.
    #[must_use]
    pub fn starts_anew(&self) -> bool {
        self.on == On::Master || self.check.depends_on_role()
    }
}

/// Which nodes watch a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Every node that may become master.
    Every,
    /// The master: elsewhere it does not run.
    Master,
}

impl On {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Every, Self::Master];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Master => "master",
        }
    }
}

/// What is wanted of a service on the master, and on every other node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerRole<T> {
    /// On the master.
    pub master: T,
    /// On any other node.
    pub slave: T,
}

impl<T: PartialEq> PerRole<T> {
    /// What is wanted of a node that is master, or is not.
    pub const fn of(&self, is_master: bool) -> &T {
        if is_master { &self.master } else { &self.slave }
    }

    /// Whether it is not the same for both.
    pub fn differs(&self) -> bool {
        self.master != self.slave
    }
}

/// How often a service is looked at, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the beginning of one check to that of the next, 10 ms to 1 h.
    pub interval: Duration,
    /// A check that takes longer has failed, 1 ms to 10 m.
    pub timeout: Duration,
    /// Successes in a row after which a failed service works again, 1 to 255.
    pub rise: u16,
    /// Failures in a row after which it has failed, 1 to 255.
    pub fall: u16,
    /// A service that was not seen to work yet has not failed before.
    pub start_grace: Duration,
}

impl Pace {
    /// The oldest that the last successful check of a service can be that is not known to have failed.
    #[must_use]
    pub fn oldest_success(&self) -> Duration {
        (self.interval.max(self.timeout)) * (u32::from(self.fall) + 1)
    }
}

/// How a failed service is brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What brings it back.
    pub means: Means,
    /// How long it may take.
    pub timeout: Duration,
    /// How often, and for how long in all.
    pub plan: Plan,
}

impl Recovery {
    /// The program, if it is one.
    #[must_use]
    pub const fn program(&self) -> Option<&Program> {
        match &self.means {
            Means::Program(program) => Some(program),
            Means::Unit(_) => None,
        }
    }

    /// The systemd unit, if it is one.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        match &self.means {
            Means::Program(_) => None,
            Means::Unit(unit) => Some(unit),
        }
    }
}

/// What brings a service back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// This program.
    Program(Program),
    /// A restart of this systemd unit.
    Unit(String),
}
