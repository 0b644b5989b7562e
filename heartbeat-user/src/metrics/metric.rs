//! One metric, as the table has it.

use std::fmt;

use prometheus_client::metrics::MetricType;

use super::measured::Measured;
use super::samples::Samples;

/// What every name begins with.
pub const PREFIX: &str = "heartbeatd";

/// What becomes of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They go up and down.
    Gauge,
    /// They only grow, and begin anew with the daemon, or with the kernel's maps.
    Counter,
    /// They are counted by how large they were.
    Histogram,
    /// They stand in labels; the number is 1.
    Info,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// What the word for it is at the end of a name.
    const fn ending(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::Histogram => "",
        }
    }

    pub(super) const fn exposed(self) -> MetricType {
        match self {
            Self::Gauge => MetricType::Gauge,
            Self::Counter => MetricType::Counter,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name without prefix and ending.
    pub(super) name: &'static str,
    /// What becomes of its values.
    pub kind: Kind,
    /// Names of its labels, besides the cluster's and the node's.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
    pub(super) write: fn(&Measured, &mut Samples<'_>) -> fmt::Result,
}

impl Metric {
    /// Its whole name, as queries have it.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{PREFIX}_{}{}", self.name, self.kind.ending())
    }
}

/// A gauge of the table.
pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    write: fn(&Measured, &mut Samples<'_>) -> fmt::Result,
) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        labels,
        help,
        write,
    }
}

/// A counter of the table.
pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    write: fn(&Measured, &mut Samples<'_>) -> fmt::Result,
) -> Metric {
    Metric {
        kind: Kind::Counter,
        ..gauge(name, labels, help, write)
    }
}

/// A histogram of the table.
pub(super) const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    write: fn(&Measured, &mut Samples<'_>) -> fmt::Result,
) -> Metric {
    Metric {
        kind: Kind::Histogram,
        ..gauge(name, labels, help, write)
    }
}

/// An info of the table.
pub(super) const fn info(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    write: fn(&Measured, &mut Samples<'_>) -> fmt::Result,
) -> Metric {
    Metric {
        kind: Kind::Info,
        ..gauge(name, labels, help, write)
    }
}
