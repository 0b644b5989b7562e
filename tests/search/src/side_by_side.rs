//! Searches side by side: each one runs on one processor.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for each of these, as many at a time as there are processors. Panics once all is done if one of them did.
pub fn side_by_side<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}
