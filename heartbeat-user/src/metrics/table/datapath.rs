//! What this node's kernel programs did.

use crate::control::{Bucket, Counted};
use crate::metrics::metric::{Metric, counter, gauge, histogram};
use crate::metrics::samples::Samples;

pub(super) static METRICS: &[Metric] = &[
    counter(
        "frames",
        &["verdict"],
        "Heartbeat frames by what the responder did with them; since the kernel's maps were made.",
        |m, s| counted(&m.details.verdicts, s),
    ),
    counter(
        "gate_packets",
        &["verdict"],
        "Packets of virtual addresses by what the gate did with them; since the kernel's maps were made.",
        |m, s| counted(&m.details.gate_verdicts, s),
    ),
    histogram(
        "heartbeat_gap_seconds",
        &[],
        "Gaps between accepted heartbeats of a master; since the kernel's maps were made. The sum is an estimate.",
        |m, s| s.octaves(&m.details.gaps),
    ),
    gauge(
        "heartbeat_gap_max_seconds",
        &[],
        "No gap was longer: the upper bound of the highest bucket, half an octave wide, that has one.",
        |m, s| s.value(&[], longest(&m.details.gaps)),
    ),
    histogram(
        "round_trip_seconds",
        &[],
        "Round trips of all members' answers to this node; since the kernel's maps were made. The sum is an estimate.",
        |m, s| s.octaves(&m.details.round_trips),
    ),
];

fn counted(all: &[Counted], samples: &mut Samples<'_>) -> std::fmt::Result {
    all.iter()
        .try_for_each(|it| samples.count(&[&it.name], it.count))
}

/// In seconds; 0 if nothing was counted.
fn longest(buckets: &[Bucket]) -> f64 {
    let last = buckets.last();
    last.map_or(0.0, |it| it.below_ns.unwrap_or(u64::MAX) as f64 / 1e9)
}
