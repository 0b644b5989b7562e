//! What the machine's time service does to the clocks.

use std::mem::zeroed;

use nix::errno::Errno;

/// What the kernel's clocks are made to run by, against their hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slew {
    /// Parts per million; above zero: faster.
    pub ppm: i32,
}

/// Microseconds of a tick that nobody changed, at the 100 ticks a second that userspace counts in.
const TICK_US: i64 = 10_000;
/// The kernel tells frequencies in parts per million, with a fraction of 16 bits (adjtimex(2)).
const FREQUENCY_UNIT: i64 = 1 << 16;

/// How the clocks are slewed now; asks only.
///
/// # Errors
/// What adjtimex(2) answers, where a sandbox forbids it.
pub fn slew() -> Result<Slew, Errno> {
    // SAFETY: a structure of numbers, for which zero is a value; no mode is set, so nothing is changed.
    let mut state: libc::timex = unsafe { zeroed() };
    // SAFETY: `state` lives through the call and is what the kernel writes.
    let result = unsafe { libc::adjtimex(&raw mut state) };
    if result < 0 {
        return Err(Errno::last());
    }
    Ok(of(state.tick, state.freq))
}

fn of(tick_us: i64, frequency: i64) -> Slew {
    let by_tick = (tick_us - TICK_US) * 1_000_000 / TICK_US;
    let ppm = by_tick + frequency / FREQUENCY_UNIT;
    Slew {
        ppm: i32::try_from(ppm).unwrap_or(i32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_and_frequency_add_up() {
        assert_eq!(of(10_000, 0), Slew { ppm: 0 });
        assert_eq!(of(11_000, 0), Slew { ppm: 100_000 });
        assert_eq!(of(10_000, -500 << 16), Slew { ppm: -500 });
        assert_eq!(of(9_999, 20 << 16), Slew { ppm: -80 });
    }

    #[test]
    fn the_kernel_tells() {
        assert!(slew().is_ok_and(|slew| slew.ppm.abs() <= 200_000));
    }
}
