//! What a probe leaves in the kernel's words.

use heartbeat_tests::kernel::frames::probe;
use heartbeat_tests::kernel::{Kernel, OWN_SLOT, XDP_DROP, XDP_TX};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::decide::Accepted;
use heartbeat_wire::maps::{ALARMS_PER_WINDOW, Event, EventKind};
use heartbeat_wire::{Epoch, Verdict};

use crate::verdicts::{EPOCH, NEWER, body, run};

fn events(kernel: &mut Kernel) -> Vec<Event> {
    std::iter::from_fn(|| kernel.opened.events.next_event()).collect()
}

#[test]
fn an_accepted_probe_is_recorded_whole() {
    let Some(kernel) = crate::kernel("an_accepted_probe_is_recorded_whole") else {
        return;
    };
    let before_ns = boot_ns();
    run(&kernel, &[probe(EPOCH, 12)]);
    let after_ns = boot_ns();
    let grant = kernel.opened.words.grant();
    assert!((before_ns..=after_ns).contains(&grant.arrival_ns));
    assert_eq!(grant.end_ns, grant.arrival_ns + 50_000_000);
    assert_eq!(grant.lease_ns, 50_000_000);
    assert_eq!(grant.probed_epoch, EPOCH.0);
    assert_eq!(grant.holder_incarnation, 0x1001);
    assert_eq!(grant.successor, 3);
    assert_eq!(grant.duplicate_ns, 0);
    assert_eq!(Accepted(grant.accepted), Accepted::new(EPOCH, 12));
}

#[test]
fn the_end_of_a_grant_never_goes_back() {
    let Some(kernel) = crate::kernel("the_end_of_a_grant_never_goes_back") else {
        return;
    };
    let long = body(probe(EPOCH, 1), |frame| frame.lease_us = 150_000);
    let short = body(probe(EPOCH, 2), |frame| frame.lease_us = 1_000);
    run(&kernel, &[long]);
    let end_ns = kernel.opened.words.grant().end_ns;
    let (_, ran) = run(&kernel, &[short]);
    assert_eq!(ran.action, XDP_TX, "it is accepted all the same");
    let grant = kernel.opened.words.grant();
    assert_eq!(grant.end_ns, end_ns);
    assert_eq!(grant.lease_ns, 1_000_000);
}

#[test]
fn a_replayed_or_late_probe_changes_nothing() {
    let Some(kernel) = crate::kernel("a_replayed_or_late_probe") else {
        return;
    };
    run(&kernel, &[probe(EPOCH, 10)]);
    let grant = kernel.opened.words.grant();
    for sequence in [10, 9, 1] {
        let (_, ran) = run(&kernel, &[probe(EPOCH, sequence)]);
        assert_eq!(ran.action, XDP_DROP);
        assert_eq!(kernel.opened.words.grant(), grant);
    }
    let (_, ran) = run(&kernel, &[probe(EPOCH, 11)]);
    assert_eq!(ran.action, XDP_TX, "the witness: a newer one is accepted");
}

#[test]
fn an_epoch_that_folds_like_the_one_before_it_loses_no_grant() {
    let Some(kernel) = crate::kernel("an_epoch_that_folds_like") else {
        return;
    };
    let twin = (8..)
        .map(|round| Epoch::new(round, 3))
        .find(|epoch| epoch.fold() == EPOCH.fold())
        .expect("16 bits repeat themselves");
    run(&kernel, &[probe(EPOCH, 1_000)]);
    let (_, ran) = run(&kernel, &[probe(twin, 1)]);
    assert_eq!(ran.action, XDP_TX);
    let (_, ran) = run(&kernel, &[probe(twin, 1)]);
    assert_eq!(ran.action, XDP_DROP, "the copy");
    let (_, ran) = run(&kernel, &[probe(twin, 2)]);
    assert_eq!(ran.action, XDP_TX);
    let grant = kernel.opened.words.grant();
    assert_eq!(Accepted(grant.accepted), Accepted::new(twin, 2));
}

#[test]
fn a_promise_shuts_lower_epochs_out_and_a_probe_of_a_higher_one_overrides_the_grant() {
    let Some(kernel) = crate::kernel("a_promise_shuts_lower_epochs_out") else {
        return;
    };
    let words = &kernel.opened.words;
    run(&kernel, &[probe(EPOCH, 1)]);
    let grant = words.promise(NEWER);
    assert_eq!(
        grant.probed_epoch, EPOCH.0,
        "what the promise saw behind it"
    );
    run(&kernel, &[probe(EPOCH, 2)]);
    assert_eq!(words.grant(), grant, "refused: not recorded");
    let (_, ran) = run(&kernel, &[probe(NEWER, 1)]);
    assert_eq!(ran.action, XDP_TX);
    assert_eq!(words.grant().probed_epoch, NEWER.0);
    assert_eq!(words.grant().holder_incarnation, 0x1003);
    words.promise(EPOCH);
    assert_eq!(words.control().promised_epoch, NEWER.0, "only ever raised");
}

#[test]
fn each_epoch_is_told_once_and_each_further_probe_counts_as_a_gap() {
    let Some(mut kernel) = crate::kernel("each_epoch_is_told_once") else {
        return;
    };
    for sequence in 1..=5 {
        run(&kernel, &[probe(EPOCH, sequence)]);
    }
    run(&kernel, &[probe(NEWER, 6)]);
    let told = events(&mut kernel);
    let kinds: Vec<_> = told.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::NewEpoch as u32; 2]);
    assert_eq!(told[0].epoch, EPOCH.0);
    assert_eq!(told[1].epoch, NEWER.0);
    assert_eq!((told[1].slot, told[1].sequence), (3, 6));
    assert_eq!(told[1].at_ns, kernel.opened.words.grant().arrival_ns);
    let gaps = kernel.opened.statistics.gaps().expect("it can be read");
    assert_eq!(gaps.iter().sum::<u64>(), 4);
}

#[test]
fn another_machine_in_our_slot_shuts_the_gate_and_alarms_at_a_bounded_rate() {
    let Some(mut kernel) = crate::kernel("another_machine_in_our_slot") else {
        return;
    };
    let twin = |sequence| probe(Epoch::new(9, OWN_SLOT), sequence);
    let before_ns = boot_ns();
    for sequence in 1..=100 {
        run(&kernel, &[twin(sequence)]);
    }
    let grant = kernel.opened.words.grant();
    assert!((before_ns..=boot_ns()).contains(&grant.duplicate_ns));
    assert_eq!((grant.end_ns, grant.probed_epoch), (0, 0), "no grant");
    let told = events(&mut kernel);
    assert!(
        told.iter()
            .all(|event| event.kind == EventKind::Duplicate as u32)
    );
    assert!(
        (1..=2 * ALARMS_PER_WINDOW).contains(&(told.len() as u64)),
        "{} alarms",
        told.len()
    );
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(counted[&Verdict::Duplicate], 100);
}

#[test]
fn an_older_recording_of_our_own_slot_cannot_shut_the_gate() {
    let Some(mut kernel) = crate::kernel("an_older_recording_of_our_own_slot") else {
        return;
    };
    kernel.opened.words.promise(Epoch::new(10, OWN_SLOT));
    run(&kernel, &[probe(Epoch::new(9, OWN_SLOT), 1)]);
    assert_eq!(kernel.opened.words.grant().duplicate_ns, 0);
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(counted[&Verdict::Replayed], 1);
}

#[test]
fn an_implausible_epoch_leaves_no_trace_but_the_alarm() {
    let Some(mut kernel) = crate::kernel("an_implausible_epoch_leaves_no_trace") else {
        return;
    };
    run(&kernel, &[probe(EPOCH, 1)]);
    let grant = kernel.opened.words.grant();
    let far = Epoch::new((1 << 48) - 1, 3);
    run(&kernel, &[probe(far, 2)]);
    assert_eq!(kernel.opened.words.grant(), grant);
    let told = events(&mut kernel);
    assert_eq!(
        told.last().map(|event| event.kind),
        Some(EventKind::Implausible as u32)
    );
    assert_eq!(told.last().map(|event| event.epoch), Some(far.0));
}
