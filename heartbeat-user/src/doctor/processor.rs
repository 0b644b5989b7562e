//! Whether this machine lets a real-time thread run when its time has come.

use std::fs;
use std::thread;
use std::time::Duration;

use heartbeat_core::time::nanos;

use super::{Finding, Patient};
use crate::pulse::Durations;
use crate::sys::clock::{boot_ns, sleep_until};
use crate::sys::realtime;

/// Field of the first line of /proc/stat that counts what the host took, in 100ths of a second (proc_stat(5)).
const STEAL_FIELD: usize = 8;
const HUNDREDTHS: f64 = 100.0;
/// Above this part of the time the host's share is said to be unusual.
const UNUSUAL_STEAL: f64 = 0.01;
/// Threads that may run before the pulse.
const ALL_OF_A_SECOND: &str = "-1";
const RUNTIME: &str = "/proc/sys/kernel/sched_rt_runtime_us";

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let before = stolen();
    let measured = measure(patient.config.timing.period, patient.watched_for);
    let after = stolen();
    let mut found = match measured {
        Ok(late) => vec![lateness(&late, patient)],
        Err(why) => vec![Finding::note("lateness", why)],
    };
    if let (Some(before), Some(after)) = (before, after) {
        found.push(steal(after.saturating_sub(before), patient.watched_for));
    }
    found.push(budget(&fs::read_to_string(RUNTIME).unwrap_or_default()));
    found
}

/// Wakes up once a period as the pulse does, in a thread of the pulse's priority.
fn measure(period: Duration, watched_for: Duration) -> Result<Durations, String> {
    let run = move || -> Result<Durations, String> {
        let _realtime = realtime::enter(realtime::PULSE).map_err(|error| error.to_string())?;
        let mut late = Durations::default();
        let end = boot_ns() + nanos(watched_for);
        let mut due = boot_ns();
        while due < end {
            due = (due + nanos(period)).max(boot_ns());
            sleep_until(due);
            late.record(Duration::from_nanos(boot_ns().saturating_sub(due)));
        }
        Ok(late)
    };
    let thread = thread::Builder::new().name("doctor".into()).spawn(run);
    let thread = thread.map_err(|error| error.to_string())?;
    thread
        .join()
        .map_err(|_| "the measuring thread panicked".to_owned())?
}

/// Against what a master can bear: its lease, less the guard, less the period until the next probe.
fn lateness(late: &Durations, patient: &Patient<'_>) -> Finding {
    const SUBJECT: &str = "lateness";
    let timing = &patient.config.timing;
    let borne = timing.bearable_lateness();
    let (median, p999, worst) = (late.quantile(500), late.quantile(999), late.worst());
    let text = format!(
        "a real-time thread that wakes up once a period was {} us late in the median, {} us in 99.9 % and {} us at worst, \
         in {} s; a master bears {} us",
        median.as_micros(),
        p999.as_micros(),
        worst.as_micros(),
        patient.watched_for.as_secs(),
        borne.as_micros(),
    );
    if worst >= borne {
        Finding::warning(
            SUBJECT,
            text,
            "a longer lease (period or detect_multiplier), or a machine whose processors are not withheld; \
             `heartbeatctl status --json` has what the daemon saw itself",
        )
    } else if worst * 2 >= borne {
        Finding::note(SUBJECT, text + ": more than half of it")
    } else {
        Finding::good(SUBJECT, text)
    }
}

fn stolen() -> Option<u64> {
    of_stat(&fs::read_to_string("/proc/stat").ok()?)
}

fn of_stat(text: &str) -> Option<u64> {
    let all = text.lines().find(|line| line.starts_with("cpu "))?;
    all.split_ascii_whitespace().nth(STEAL_FIELD)?.parse().ok()
}

fn steal(hundredths: u64, watched_for: Duration) -> Finding {
    const SUBJECT: &str = "steal";
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let part = hundredths as f64 / HUNDREDTHS / (watched_for.as_secs_f64() * processors as f64);
    let text = format!(
        "the host took {:.2} % of this machine's processors",
        part * 100.0
    );
    if part > UNUSUAL_STEAL {
        Finding::warning(
            SUBJECT,
            text,
            "processors of its own for this virtual machine, or a longer lease",
        )
    } else {
        Finding::good(SUBJECT, text)
    }
}

fn budget(runtime: &str) -> Finding {
    const SUBJECT: &str = "real-time budget";
    if runtime.trim() == ALL_OF_A_SECOND {
        Finding::note(
            SUBJECT,
            "real-time tasks may take all processors for ever (sched_rt_runtime_us = -1): one that loops stops the daemon's \
             other threads",
        )
    } else {
        Finding::good(SUBJECT, "ordinary tasks get a share of each second")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn the_hosts_share_is_read_and_weighed() {
        let text = "cpu  100 2 3 4 5 6 7 250 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(of_stat(text), Some(250));
        assert_eq!(of_stat("nothing"), None);
        let watched = Duration::from_secs(5);
        assert_eq!(steal(0, watched).weight, Weight::Good);
        assert_eq!(steal(100_000, watched).weight, Weight::Warning);
    }

    #[test]
    fn a_budget_without_a_bound_is_noted() {
        assert_eq!(budget("-1\n").weight, Weight::Note);
        assert_eq!(budget("950000\n").weight, Weight::Good);
    }
}
