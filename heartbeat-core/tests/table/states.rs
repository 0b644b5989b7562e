//! The states, each with the time at which it is looked at.

use std::time::Duration;

use heartbeat_core::event::Restored;
use heartbeat_core::message::VoteAnswer;
use heartbeat_core::{Epoch, Instant};

use super::bench::*;

/// Slot 2 as it starts.
pub(crate) fn init() -> (Bench, Instant) {
    let (mut bench, _) = Bench::new(config(2), restored(2));
    bench.turn(&[], START);
    (bench, ms(1))
}

/// Slot 2 without the maps of its last run.
pub(crate) fn abstaining() -> (Bench, Instant) {
    let (mut bench, _) = Bench::new(
        config(2),
        Restored {
            created: START,
            maps_kept: false,
            ..restored(2)
        },
    );
    bench.turn(&[], START);
    (bench, ms(1))
}

/// Slot 2, which follows slot 1 in epoch 4.1 and is its successor.
pub(crate) fn slave() -> (Bench, Instant) {
    let (mut bench, _) = init();
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    (bench, ms(11))
}

/// The same when no probe came for a grant: it asked.
pub(crate) fn asking() -> (Bench, Instant) {
    let (mut bench, _) = slave();
    bench.timeout(ms(60));
    (bench, ms(61))
}

/// The same when the witness would vote for it: it asks for votes.
pub(crate) fn requesting() -> (Bench, Instant) {
    let (mut bench, _) = asking();
    bench.answer(3, Duration::ZERO, ms(61));
    (bench, ms(62))
}

/// The same when the witness did not vote in time.
pub(crate) fn waiting() -> (Bench, Instant) {
    let (mut bench, _) = requesting();
    bench.timeout(ms(71));
    bench.timeout(ms(81));
    bench.timeout(ms(86));
    (bench, ms(87))
}

/// The same when the witness voted for it.
pub(crate) fn master() -> (Bench, Instant) {
    let (mut bench, _) = requesting();
    bench.vote(3, VoteAnswer::Granted, ms(62));
    (bench, ms(63))
}

/// The same when slot 1 came back and refused its probe for a promise of its own.
pub(crate) fn attempting() -> (Bench, Instant) {
    let (mut bench, _) = master();
    bench.refusal(1, Epoch::new(9, 1), Epoch::new(4, 1), ms(63));
    (bench, ms(64))
}

/// Slot 3, the witness, which heard slot 1 in epoch 4.1.
pub(crate) fn witness() -> (Bench, Instant) {
    let (mut bench, _) = Bench::new(config(3), restored(3));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    (bench, ms(11))
}
