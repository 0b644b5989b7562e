//! The clock that every lease is told in.

use std::fs;

use nix::errno::Errno;

use super::Finding;
use crate::sys::clock::check_time_namespace;
use crate::sys::time_service::{self, Slew};

const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// Sources that are read without a way into the kernel or out of the machine, on the architectures that there are.
const FAST: [&str; 5] = [
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "arch_sys_counter",
    "timebase",
];
/// How far the kernel's clock may be slewed before the guard of a fifth of the lease is in question, in parts per million:
/// the kernel's own bound is a tenth on each side.
const UNUSUAL_PPM: u32 = 10_000;

pub(super) fn look() -> Vec<Finding> {
    vec![
        namespace(),
        source(fs::read_to_string(SOURCE).unwrap_or_default().trim()),
        slew(&time_service::slew()),
    ]
}

fn namespace() -> Finding {
    const SUBJECT: &str = "boot clock";
    match check_time_namespace() {
        Ok(()) => Finding::good(SUBJECT, "it is the kernel's own"),
        Err(error) => Finding::fault(
            SUBJECT,
            error.to_string(),
            "start heartbeatd in the host's time namespace",
        ),
    }
}

fn source(name: &str) -> Finding {
    const SUBJECT: &str = "clock source";
    if name.is_empty() {
        Finding::note(SUBJECT, format!("{SOURCE} cannot be read"))
    } else if FAST.contains(&name) {
        Finding::good(SUBJECT, name)
    } else {
        Finding::warning(
            SUBJECT,
            format!(
                "{name}: reading it takes microseconds, which the kernel does for every frame and every guarded packet"
            ),
            "tsc, if the processor's is stable (`dmesg | grep -i clocksource` says why it was given up)",
        )
    }
}

fn slew(found: &Result<Slew, Errno>) -> Finding {
    const SUBJECT: &str = "clock rate";
    match found {
        Err(errno) => Finding::note(SUBJECT, format!("adjtimex does not tell it: {errno}")),
        Ok(slew) if slew.ppm.unsigned_abs() > UNUSUAL_PPM => Finding::warning(
            SUBJECT,
            format!(
                "the time service has the clock run {} ppm off its hardware's rate now; the drift guard covers 100,000",
                slew.ppm
            ),
            "let it step at start (chrony: makestep; ntpd: -g) and slew gently",
        ),
        Ok(slew) => Finding::good(SUBJECT, format!("{} ppm off its hardware's rate", slew.ppm)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn a_slow_source_and_a_hard_slew_are_warned_of() {
        assert_eq!(source("tsc").weight, Weight::Good);
        assert_eq!(source("acpi_pm").weight, Weight::Warning);
        assert_eq!(source("").weight, Weight::Note);
        assert_eq!(slew(&Ok(Slew { ppm: -500 })).weight, Weight::Good);
        assert_eq!(slew(&Ok(Slew { ppm: 83_333 })).weight, Weight::Warning);
        assert_eq!(slew(&Err(Errno::ENOSYS)).weight, Weight::Note);
    }
}
