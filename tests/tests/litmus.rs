//! The crossing of grant and promise: of a probe and a vote that meet, at least one side sees the other.
//!
//! The kernel program runs on one processor (BPF_PROG_TEST_RUN), the daemon's words are raised and read
//! on another one through the memory-mapped map: both the product's own. A round in which the kernel
//! granted and the daemon did not see the grant would be two masters.

use std::hint::spin_loop;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::thread;

use aya::maps::MapData;
use heartbeat_tests::kernel::frames::{Heartbeat, probe};
use heartbeat_tests::kernel::{Kernel, XDP_TX};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::datapath::Words;
use heartbeat_user::sys::mmap::MappedWords;
use heartbeat_wire::maps::{Control, Grant, LAYOUT, name};
use heartbeat_wire::{Epoch, Kind};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// Rounds of the product's own two halves.
const ROUNDS: u64 = 1_000_000;
/// Rounds of the weakened half, which loses about one crossing in a thousand.
const CONTROL_ROUNDS: u64 = 1_000_000;
/// How often the weakened half is run until it loses one.
const CONTROL_TURNS: u64 = 20;
/// Where the kind of a heartbeat stands in a packet without a tag.
const KIND: usize = 14 + 20 + 8 + 5;

/// The daemon's half: promises `epoch`, then says when the grant it read behind that ends.
trait Voter: Sync {
    fn promise(&self, epoch: Epoch) -> u64;
}

/// As the product does it.
struct Product(Words);

impl Voter for Product {
    fn promise(&self, epoch: Epoch) -> u64 {
        self.0.promise(epoch).end_ns
    }
}

/// As it must not be done: no full barrier between the two.
struct Weak {
    control: MappedWords,
    grant: MappedWords,
}

impl Voter for Weak {
    fn promise(&self, epoch: Epoch) -> u64 {
        const PROMISED: usize = std::mem::offset_of!(Control, promised_epoch) / 8;
        const END: usize = std::mem::offset_of!(Grant, end_ns) / 8;
        self.control[PROMISED].store(epoch.0, Relaxed);
        self.grant[END].load(Relaxed)
    }
}

/// What the rounds of one run came to.
#[derive(Debug, Default)]
struct Tally {
    /// The kernel granted: it saw no promise.
    granted: u64,
    /// The kernel refused: it saw the promise.
    refused: u64,
    /// The daemon saw the grant.
    seen_by_daemon: u64,
    /// True crossings: the kernel wrote its grant and saw the promise only when it read again.
    crossed: u64,
    /// The kernel granted and the daemon saw nothing.
    missed: u64,
}

/// Both threads meet here twice a round.
#[derive(Default)]
struct Meeting(AtomicU32);

impl Meeting {
    /// Waits for the other thread's `number`th arrival.
    fn arrive(&self, number: u32) {
        self.0.fetch_add(1, SeqCst);
        let mut spins = 0_u32;
        while self.0.load(SeqCst).wrapping_sub(number.wrapping_mul(2)) > u32::MAX / 2 {
            spins += 1;
            // The other one may wait for this very processor on a busy machine.
            if spins.is_multiple_of(10_000) {
                thread::yield_now();
            }
            spin_loop();
        }
    }
}

fn stay_on(cpu: usize) {
    let mut cpus = CpuSet::new();
    cpus.set(cpu).expect("a small number");
    sched_setaffinity(Pid::from_raw(0), &cpus).expect("a thread may choose its processor");
}

fn run(kernel: &Kernel, voter: &dyn Voter, first_round: u64, rounds: u64) -> Tally {
    let meeting = Meeting::default();
    let delay = AtomicU32::new(200);
    let seen_end_ns = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            stay_on(1);
            let mut meetings = 0;
            for round in first_round..first_round + rounds {
                meetings += 1;
                meeting.arrive(meetings);
                for _ in 0..delay.load(Relaxed) {
                    spin_loop();
                }
                // Above this round's probe, below the next one's.
                seen_end_ns.store(voter.promise(Epoch::new(2 * round + 1, 3)), SeqCst);
                meetings += 1;
                meeting.arrive(meetings);
                if failed.load(SeqCst) {
                    return;
                }
            }
        });
        stay_on(0);
        let mut tally = Tally::default();
        let mut meetings = 0;
        for round in first_round..first_round + rounds {
            let packet = short(probe(Epoch::new(2 * round, 1), round)).packet();
            let before_ns = kernel.opened.words.grant().end_ns;
            meetings += 1;
            meeting.arrive(meetings);
            let ran = kernel.responder(&packet);
            meetings += 1;
            // Before the meeting, so that the other thread never waits for one that panicked.
            failed.store(ran.is_err(), SeqCst);
            meeting.arrive(meetings);
            let ran = ran.expect("the program runs");
            let granted = ran.action == XDP_TX && ran.packet[KIND] == Kind::Reply as u8;
            let seen = seen_end_ns.load(SeqCst) != before_ns;
            let written = kernel.opened.words.grant().end_ns != before_ns;
            tally.granted += u64::from(granted);
            tally.refused += u64::from(!granted);
            tally.seen_by_daemon += u64::from(seen);
            tally.crossed += u64::from(!granted && written);
            tally.missed += u64::from(granted && !seen);
            aim(&delay, granted);
        }
        tally
    })
}

/// A lease that is over long before the next round's, so that every grant moves the end on.
fn short(mut heartbeat: Heartbeat) -> Heartbeat {
    heartbeat.frame.lease_us = 1;
    heartbeat
}

/// Moves the daemon's moment towards the kernel's: later after a refusal, earlier after a grant.
fn aim(delay: &AtomicU32, granted: bool) {
    let now = delay.load(Relaxed);
    let next = if granted {
        now.saturating_sub(1)
    } else {
        now + 1
    };
    delay.store(next, Relaxed);
}

fn kernel(test: &str) -> Option<Kernel> {
    if lacks(
        test,
        &[Need::Root, Need::KernelProgram, Need::Processors(2)],
    ) {
        return None;
    }
    Some(Kernel::load().expect("the programs load"))
}

/// That the two sides really met, and each was the later one often enough.
fn assert_they_met(tally: &Tally, rounds: u64) {
    assert_eq!(tally.granted + tally.refused, rounds, "{tally:?}");
    assert!(tally.granted > rounds / 100, "{tally:?}");
    assert!(tally.refused > rounds / 100, "{tally:?}");
    assert!(tally.seen_by_daemon > rounds / 100, "{tally:?}");
    assert!(tally.crossed > 100, "too few true crossings: {tally:?}");
}

#[test]
fn a_grant_and_a_promise_that_cross_are_never_both_unseen() {
    let Some(kernel) = kernel("a_grant_and_a_promise_that_cross") else {
        return;
    };
    let product = Product(kernel.opened.words.clone());
    let tally = run(&kernel, &product, 1, ROUNDS);
    println!("{ROUNDS} rounds: {tally:?}");
    assert_they_met(&tally, ROUNDS);
    assert_eq!(tally.missed, 0, "{tally:?}");

    // The same rounds without the barrier: if nothing is missed here, nothing could have been there.
    let map = |map: &str, words: usize| {
        let pin = kernel.pins().0.join(format!("maps/v{LAYOUT}")).join(map);
        let data = MapData::from_pin(pin).expect("it is pinned");
        let words = NonZeroUsize::new(words).expect("not zero");
        MappedWords::new(data.fd(), words).expect("it can be mapped")
    };
    let weak = Weak {
        control: map(name::CONTROL, size_of::<Control>() / 8),
        grant: map(name::GRANT, size_of::<Grant>() / 8),
    };
    // How often one is missed is the processor's affair, and how its host shares it: some hundreds, or none.
    let missed = (0..CONTROL_TURNS).any(|turn| {
        let tally = run(
            &kernel,
            &weak,
            ROUNDS + turn * CONTROL_ROUNDS + 1,
            CONTROL_ROUNDS,
        );
        println!("{CONTROL_ROUNDS} rounds without the barrier: {tally:?}");
        assert_they_met(&tally, CONTROL_ROUNDS);
        tally.missed > 0
    });
    assert!(missed, "the test cannot see a miss");
}
