//! Every metric there is.

mod alarms;
mod cluster;
mod datapath;
mod election;
mod node;
mod services;
mod store;

use super::metric::Metric;

/// Every metric, in the order of the text and of the docs.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    [
        node::METRICS,
        election::METRICS,
        cluster::METRICS,
        datapath::METRICS,
        services::METRICS,
        store::METRICS,
        alarms::METRICS,
    ]
    .into_iter()
    .flatten()
}
