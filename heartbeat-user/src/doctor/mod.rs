//! What on this machine stands in the way of a fast and safe failover, looked for before it does.
//!
//! Each group of questions is one file. They only look: nothing is attached, set or sent. What an interface says is asked by
//! netlink and ethtool, since /sys shows the network namespace that it was mounted in.

mod clock;
mod coalescing;
mod daemon;
mod firewall;
mod groups;
mod kernel;
mod legacy;
mod manners;
mod network;
mod owners;
mod processor;

use std::time::Duration;

use heartbeat_core::Slot;
use serde::Serialize;

use crate::config::{Config, Connection};
use crate::control::Client;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// As it should be.
    Good,
    /// Could not be found out, or is worth knowing.
    Note,
    /// heartbeatd works, and something of what it promises is weaker.
    Warning,
    /// heartbeatd does not start, or does not do its part.
    Fault,
}

impl Weight {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub subject: String,
    /// How much it weighs.
    pub weight: Weight,
    /// What was found.
    pub text: String,
    /// What to do; null where nothing is to be done.
    pub cure: Option<String>,
}

impl Finding {
    fn good(subject: &str, text: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            weight: Weight::Good,
            text: text.into(),
            cure: None,
        }
    }

    fn note(subject: &str, text: impl Into<String>) -> Self {
        Self {
            weight: Weight::Note,
            ..Self::good(subject, text)
        }
    }

    fn warning(subject: &str, text: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            weight: Weight::Warning,
            cure: Some(cure.into()),
            ..Self::good(subject, text)
        }
    }

    fn fault(subject: &str, text: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            weight: Weight::Fault,
            ..Self::warning(subject, text, cure)
        }
    }
}

/// What is looked at.
#[derive(Debug)]
pub struct Patient<'a> {
    /// The cluster.
    pub config: &'a Config,
    /// Which of its members this machine is.
    pub slot: Slot,
    /// How long the processor is watched.
    pub watched_for: Duration,
}

impl Patient<'_> {
    /// This node's own places: by their network's name in the file.
    fn connections(&self) -> impl Iterator<Item = (&'static str, &Connection)> {
        let own = &self.config.members[&self.slot];
        let business = own.business.as_ref().map(|business| ("business", business));
        std::iter::once(("management", &own.management)).chain(business)
    }
}

/// Everything that was found, in the order of the questions.
#[must_use]
pub fn examine(patient: &Patient<'_>, client: &Client) -> Vec<Finding> {
    let mut found = kernel::look();
    found.extend(clock::look());
    found.extend(processor::look(patient));
    found.extend(network::look(patient));
    found.extend(coalescing::look(patient));
    found.extend(manners::look(patient));
    found.extend(owners::look(patient));
    found.extend(firewall::look(patient));
    found.extend(legacy::look(patient));
    let status = daemon::ask(client);
    found.extend(groups::look(patient, status.as_ref().ok()));
    found.extend(daemon::look(status));
    found
}
