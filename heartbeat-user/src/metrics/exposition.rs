//! The text that is scraped.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

use super::measured::Measured;
use super::metric::PREFIX;
use super::samples::Samples;
use super::table;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0, which Prometheus asks for.
    OpenMetrics,
    /// Prometheus's own text format, which files for node_exporter have, and everybody else understands.
    Text,
}

impl Format {
    /// What it is called over HTTP.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => prometheus_text::CONTENT_TYPE,
        }
    }

    /// What is written for somebody who accepts this.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// All metrics of one node, as text. Each series names the cluster and the node that tells it.
#[must_use]
pub fn exposition(measured: Measured, format: Format) -> String {
    let status = &measured.status;
    let node = status.member(status.slot).map(|own| own.name.clone());
    let label = |name, value: String| (Cow::Borrowed(name), Cow::Owned(value));
    let labels = [
        label("cluster", status.cluster.clone()),
        label("node", node.unwrap_or_else(|| status.slot.to_string())),
    ];
    let mut registry = Registry::with_prefix_and_labels(PREFIX, labels.into_iter());
    registry.register_collector(Box::new(measured));
    let mut text = String::new();
    let written = match format {
        Format::OpenMetrics => text::encode(&mut text, &registry),
        Format::Text => prometheus_text::encode(&mut text, &registry),
    };
    written.expect("memory takes it");
    text
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for metric in table::all() {
            let exposed = metric.kind.exposed();
            let encoder = encoder.encode_descriptor(metric.name, metric.help, None, exposed)?;
            (metric.write)(self, &mut Samples::new(metric.labels, encoder))?;
        }
        Ok(())
    }
}
