//! The kernel programs' counters of a running daemon, read from its pins as an operator would.

use std::path::Path;

use anyhow::{Context, Result};
use aya::maps::MapData;
use heartbeat_user::sys::bpf::PerCpuArray;
use heartbeat_wire::maps::{LAYOUT, Limits, name};
use heartbeat_wire::verdict::{GateVerdict, Verdict};

/// How often the responder with these pins came to that verdict.
///
/// # Errors
/// When there is no such pin.
pub fn responder(pins: &Path, verdict: Verdict) -> Result<u64> {
    count(pins, name::VERDICTS, verdict.index())
}

/// How often the gate with these pins came to that verdict.
///
/// # Errors
/// When there is no such pin.
pub fn gate(pins: &Path, verdict: GateVerdict) -> Result<u64> {
    count(pins, name::GATE, verdict.index())
}

/// How many events of the kernel programs with these pins found the daemon's ring full.
///
/// # Errors
/// When there is no such pin.
pub fn lost_events(pins: &Path) -> Result<u64> {
    let place = std::mem::offset_of!(Limits, lost_events) / 8;
    count(pins, name::LIMITS, place)
}

/// The sum over all processors of one 64-bit counter in the map's only value.
fn count(pins: &Path, map: &str, place: usize) -> Result<u64> {
    let path = pins.join(format!("maps/v{LAYOUT}")).join(map);
    let pinned =
        MapData::from_pin(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut counters = PerCpuArray::new(pinned)?;
    let per_cpu = counters
        .read(0)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(per_cpu
        .filter_map(|bytes| bytes[place * 8..].first_chunk())
        .map(|word| u64::from_le_bytes(*word))
        .sum())
}
