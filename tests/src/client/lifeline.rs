//! Helper processes end with the process that started them: their input is its pipe.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Set as soon as the input ends.
#[must_use]
pub fn ends() -> &'static AtomicBool {
    static ENDED: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        // An input that cannot be read any more has ended too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ENDED.store(true, Ordering::Relaxed);
    });
    &ENDED
}

/// Ends the process as soon as the input ends.
pub fn hang_on() {
    thread::spawn(|| {
        // As above.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
