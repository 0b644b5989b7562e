//! The dynamic information on a node.

use std::fmt;

use crate::control::StoreStatus;
use crate::metrics::measured::Measured;
use crate::metrics::metric::{Metric, gauge};

pub(super) static METRICS: &[Metric] = &[
    gauge(
        "store_state",
        &["state"],
        "1 with the state of this node's store as label, as `heartbeatctl info store` has it.",
        |m, s| store(m, |it| s.number(&[&it.state], 1)),
    ),
    gauge(
        "store_serving",
        &[],
        "1 if dynamic information can be read and written here: on the master.",
        |m, s| store(m, |it| s.flag(&[], it.state == "serving")),
    ),
    gauge(
        "store_revision",
        &[],
        "The number of the newest change that this store has.",
        |m, s| store(m, |it| s.number(&[], it.revision)),
    ),
    gauge("store_entries", &[], "Entries in it.", |m, s| {
        store(m, |it| s.number(&[], it.entries as u64))
    }),
    gauge(
        "store_bytes",
        &[],
        "Bytes of all keys and values in it.",
        |m, s| store(m, |it| s.number(&[], it.bytes)),
    ),
    gauge(
        "store_disk_failed",
        &[],
        "1 if its disk did not take the last write.",
        |m, s| store(m, |it| s.flag(&[], it.disk.is_some())),
    ),
    gauge(
        "store_behind_changes",
        &["slot"],
        "How many changes the store of that elector lacks; only on the master.",
        |m, s| {
            store(m, |it| {
                it.holders.iter().try_for_each(|holder| {
                    let behind = holder.behind;
                    behind.map_or(Ok(()), |count| s.number(&[&holder.slot], count))
                })
            })
        },
    ),
];

fn store(m: &Measured, mut write: impl FnMut(&StoreStatus) -> fmt::Result) -> fmt::Result {
    m.store.as_ref().map_or(Ok(()), &mut write)
}
