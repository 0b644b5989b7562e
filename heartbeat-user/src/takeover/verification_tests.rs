//! A master whose takeover is looked at by slots 2 and 1, in this order.

use super::*;

const MS: u64 = 1_000_000;
const START: u64 = 7_000 * MS;
const OWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 3]);
const OTHER: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

fn address() -> IpAddr {
    IpAddr::from([203, 0, 113, 100])
}

struct Bench {
    verification: Verification,
    now_ns: u64,
}

impl Bench {
    fn new() -> Self {
        Self {
            verification: Verification::new(Epoch::new(4, 3), vec![2, 1], &[address()], 70, START),
            now_ns: START,
        }
    }

    /// What is due next, and how many milliseconds after the last time.
    fn next(&mut self) -> (u64, Vec<Act>) {
        let at = self.verification.next_ns().max(self.now_ns);
        let passed = (at - self.now_ns) / MS;
        self.now_ns = at;
        (passed, self.verification.due(at, |_| Some(OWN)))
    }

    fn answer(&mut self, from: Slot, macs: &[MacAddress]) {
        let number = self.verification.number;
        let seen = Some(macs.to_vec());
        self.verification
            .answered(from, number, address(), seen, self.now_ns);
    }

    /// A round in which slot 2 sees these; how long before it, and what it led to.
    fn round(&mut self, macs: &[MacAddress]) -> (u64, Vec<Act>) {
        let (passed, acts) = self.next();
        assert!(matches!(acts[..], [Act::Ask(2, _)]), "{acts:?}");
        self.answer(2, macs);
        (passed, self.next().1)
    }

    fn it(&self) -> &Verified {
        &self.verification.addresses[0]
    }
}

#[test]
fn an_address_that_is_answered_by_this_node_is_complete_once_and_looked_at_every_minute() {
    let mut bench = Bench::new();
    let (passed, acts) = bench.round(&[OWN]);
    assert_eq!(passed, 20);
    assert_eq!(acts, [Act::Show, Act::Complete(bench.now_ns)]);
    assert!(bench.it().is_ours() && !bench.it().unverified);
    assert_eq!(bench.round(&[OWN]), (60_000, vec![Act::Show]));
}

#[test]
fn one_that_is_not_is_announced_again_with_growing_pauses_and_then_an_alarm() {
    for answers in [&[][..], &[OTHER]] {
        let mut bench = Bench::new();
        let mut pauses = Vec::new();
        for _ in 0..3 {
            let (passed, acts) = bench.round(answers);
            assert_eq!(acts, [Act::Show, Act::Announce]);
            assert!(!bench.it().unverified);
            pauses.push(passed);
        }
        assert_eq!(pauses, [20, 100, 300]);
        assert_eq!(bench.round(answers), (1_000, vec![Act::Show]));
        assert!(bench.it().unverified);
        assert_eq!(bench.round(answers), (5_000, vec![Act::Show]));
        let (passed, acts) = bench.round(&[OWN]);
        assert_eq!(passed, 5_000);
        assert_eq!(acts, [Act::Show, Act::Complete(bench.now_ns)]);
        assert!(!bench.it().unverified);
    }
}

#[test]
fn a_stranger_beside_this_node_is_an_alarm_at_once_that_clears_when_it_is_gone() {
    let mut bench = Bench::new();
    let (_, acts) = bench.round(&[OTHER, OWN]);
    assert!(
        !acts.contains(&Act::Announce),
        "this node answers: {acts:?}"
    );
    assert_eq!(bench.it().strangers, [OTHER]);
    assert!(!bench.it().unverified);
    let (passed, _) = bench.round(&[OWN]);
    assert_eq!(passed, 5_000);
    assert!(bench.it().strangers.is_empty());
}

#[test]
fn a_stranger_that_comes_later_is_found_by_the_slow_look() {
    let mut bench = Bench::new();
    bench.round(&[OWN]);
    let (passed, _) = bench.round(&[OWN, OTHER]);
    assert_eq!(passed, 60_000);
    assert_eq!(bench.it().strangers, [OTHER]);
}

#[test]
fn a_member_that_does_not_answer_or_cannot_ask_is_followed_by_the_next() {
    let mut bench = Bench::new();
    assert!(matches!(bench.next().1[..], [Act::Ask(2, _)]));
    let (passed, acts) = bench.next();
    assert!(matches!(acts[..], [Act::Ask(1, _)]), "{acts:?}");
    assert_eq!(passed, 500);
    // Too late: slot 1 is asked by now.
    bench.answer(2, &[OTHER]);
    bench.answer(1, &[OWN]);
    let (_, acts) = bench.next();
    assert_eq!(acts, [Act::Show, Act::Complete(bench.now_ns)]);
    assert_eq!(bench.it().seen.as_ref().map(|seen| seen.by), Some(1));

    let mut bench = Bench::new();
    bench.next();
    let number = bench.verification.number;
    let now_ns = bench.now_ns;
    bench
        .verification
        .answered(2, number, address(), None, now_ns);
    let (passed, acts) = bench.next();
    assert!(matches!(acts[..], [Act::Ask(1, _)]), "{acts:?}");
    assert_eq!(passed, 0);
}

#[test]
fn without_anybody_to_ask_nothing_is_announced_again_and_nothing_is_an_alarm() {
    let mut bench = Bench::new();
    for _ in 0..6 {
        bench.next();
        bench.next();
        let (_, acts) = bench.next();
        assert_eq!(acts, [Act::Show]);
    }
    assert_eq!(bench.it().seen, None);
    assert!(!bench.it().unverified);
}

#[test]
fn an_answer_to_an_earlier_question_counts_for_nothing() {
    let mut bench = Bench::new();
    bench.next();
    let number = bench.verification.number - 1;
    let now_ns = bench.now_ns;
    bench
        .verification
        .answered(2, number, address(), Some(vec![OWN]), now_ns);
    let (_, acts) = bench.next();
    assert!(matches!(acts[..], [Act::Ask(1, _)]), "{acts:?}");
}
