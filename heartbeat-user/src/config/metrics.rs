//! `[metrics]`: where a node's metrics are scraped, and the file that they are written to for who scrapes files.

use std::path::PathBuf;
use std::time::Duration;

use super::service::Network;

/// How a node's metrics are to be had; at least one of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// The network that they are served on, and the TCP port.
    pub listen: Option<(Network, u16)>,
    /// The file that has them.
    pub textfile: Option<Textfile>,
}

/// A file for node_exporter's textfile collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Textfile {
    /// Its whole path; its name ends in `.prom`.
    pub path: PathBuf,
    /// How often it is written.
    pub interval: Duration,
}
