//! Many cases, on all processors.

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Case, Failure, Kind, Tally};

/// When a campaign ends, as soon as either is reached, and what it leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many cases.
    pub cases: u64,
    /// So much of this machine's time.
    pub time: Duration,
    /// Only clusters of so many members.
    pub members: Option<usize>,
}

impl Limits {
    /// So many cases, however long they take.
    #[must_use]
    pub const fn cases(cases: u64) -> Self {
        Self {
            cases,
            time: Duration::MAX,
            members: None,
        }
    }

    /// As many cases as there are in this time.
    #[must_use]
    pub const fn time(time: Duration) -> Self {
        Self {
            cases: u64::MAX,
            time,
            members: None,
        }
    }

    fn leaves_out(&self, case: Case) -> bool {
        self.members
            .is_some_and(|members| members != case.members())
    }
}

/// Lives through cases of one kind, with the seeds from `seed` on. What they contained, and how many seconds that
/// took.
///
/// # Errors
/// The first case that went wrong, traced.
pub fn campaign(kind: Kind, seed: u64, limits: Limits) -> Result<(Tally, Duration), Box<Failure>> {
    let begin = Instant::now();
    let (next, has_failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let seen = Mutex::new((Tally::default(), None::<Case>));
    let work = || {
        let mut own = Tally::default();
        while !has_failed.load(Ordering::Relaxed) && begin.elapsed() < limits.time {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= limits.cases {
                break;
            }
            let case = Case {
                kind,
                seed: seed.wrapping_add(index),
            };
            if limits.leaves_out(case) {
                continue;
            }
            // The election's own assertions are among what is checked.
            match catch_unwind(|| case.run(false)) {
                Ok(Ok(tally)) => own.merge(&tally),
                Ok(Err(_)) | Err(_) => {
                    has_failed.store(true, Ordering::Relaxed);
                    if let Ok(mut seen) = seen.lock() {
                        seen.1.get_or_insert(case);
                    }
                }
            }
        }
        if let Ok(mut seen) = seen.lock() {
            seen.0.merge(&own);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let (tally, failed) = seen.into_inner().unwrap_or_default();
    match failed {
        None => Ok((tally, begin.elapsed())),
        // The same again, this time with its events.
        Some(case) => Err(case.run(true).err().unwrap_or_else(|| {
            Box::new(Failure {
                case,
                what: "went wrong once, and not when it was run again: it is not the same run"
                    .into(),
                trace: Vec::new(),
            })
        })),
    }
}
