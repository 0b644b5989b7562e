//! The responder's limits, brought about without a race against the clock.

use anyhow::Result;
use aya::maps::{PerCpuArray, PerCpuValues};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::maps::name;

use super::Kernel;

/// Longer than any test runs.
const LONG_NS: u64 = 3_600_000_000_000;

impl Kernel {
    /// Has the responder believe that it refused this slot a moment ago, and go on believing it: however slow the
    /// machine is, the next refusal comes too soon.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn limit_refusals(&self, slot: u16) -> Result<()> {
        let mut last = PerCpuArray::<_, u64>::try_from(self.map(name::REFUSALS)?)?;
        let processors = last.get(&slot.into(), 0)?.len();
        let later = PerCpuValues::try_from(vec![boot_ns() + LONG_NS; processors])?;
        Ok(last.set(slot.into(), later, 0)?)
    }
}
