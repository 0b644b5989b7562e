//! `[metrics]` as written.

use std::ops::Range;
use std::time::Duration;

use super::Value;
use super::http::listen;
use crate::config::fault::Fault;
use crate::config::section::Section;
use crate::config::service::Network;
use crate::config::value::{text, time};

const CURE: &str = "name the network and a port: listen = \"business:9405\"";

/// `[metrics]`
pub(in crate::config) struct Metrics {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) listen: Value<(Network, u16)>,
    pub(in crate::config) textfile: Value<String>,
    pub(in crate::config) interval: Value<Duration>,
}

/// Reads `[metrics]`.
pub(super) fn metrics(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Metrics {
    let metrics = Metrics {
        at: s.at(),
        listen: s.optional(faults, "listen", |value| listen(value, CURE)),
        textfile: s.optional(faults, "textfile", text),
        interval: s.optional(faults, "interval", time),
    };
    s.end(faults);
    metrics
}
