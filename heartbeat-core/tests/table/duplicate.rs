//! A second machine in this node's slot: what it makes of that, how long, and when it is over.

use std::time::Duration;

use heartbeat_core::event::KernelWords;
use heartbeat_core::{Epoch, Instant};

use super::bench::*;
use super::states::*;

/// How long this node abstains after it: the longest lease and a fifth.
const ABSTENTION: Duration = Duration::from_millis(240);

fn seen(at: Instant) -> KernelWords {
    KernelWords {
        duplicate_at: at,
        ..probed(Epoch::new(4, 1), ms(10), 2)
    }
}

#[test]
fn a_second_machine_in_the_slot_is_told_once_and_cleared_when_it_was_long_ago() {
    let (mut bench, now) = slave();
    assert_eq!(
        lines(&bench.kernel(seen(now), now)),
        [
            "alarm DuplicateSlot(2) on",
            "abstain until 251 ms",
            "be not eligible"
        ]
    );
    assert_eq!(lines(&bench.kernel(seen(now), ms(12))), NOTHING);
    let cleared = "alarm DuplicateSlot(2) off".to_owned();
    assert!(!lines(&bench.turn(&[], ms(250))).contains(&cleared));
    assert!(lines(&bench.turn(&[], ms(251))).contains(&cleared));
}

#[test]
fn who_was_seen_an_abstention_ago_is_no_second_machine() {
    let (mut bench, _) = slave();
    let now = ms(20);
    let long_ago = now - ABSTENTION;
    assert_eq!(lines(&bench.kernel(seen(long_ago), now)), NOTHING);
    let later = long_ago + Duration::from_nanos(1);
    assert_ne!(lines(&bench.kernel(seen(later), now)), NOTHING);
}
