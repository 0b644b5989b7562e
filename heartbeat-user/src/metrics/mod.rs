//! Metrics: what a node tells Prometheus of itself and its cluster.
//!
//! One table ([`all`]) has every metric with its help, its labels and where its values come from; the exposition and the
//! docs' table are made from it. The values are those of `status` and of the kernel's counters, looked at once a scrape.

mod exposition;
mod measured;
mod metric;
mod samples;
mod table;

pub use exposition::{Format, exposition};
pub use measured::{Begun, DURATIONS, Durations, Ended, Happened, Measured, Source};
pub use metric::{Kind, Metric, PREFIX};
pub use table::all;

#[cfg(test)]
pub(crate) mod tests;
