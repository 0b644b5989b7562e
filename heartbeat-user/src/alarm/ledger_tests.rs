//! Each sink hears everything once and in order, whatever other sinks do and whenever the daemon is killed.

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::alarm::notice::Action;
use crate::alarm::saved;
use crate::alarm::tests::{identity, member_alarm, own_alarm};
use crate::config::alarms::Way;
use crate::state::StateFolder;

const SETTLE: Duration = Duration::from_secs(15);

fn at(second: u64) -> Clock {
    Clock {
        now: Instant(second * 1_000_000_000),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
    }
}

fn sink(name: &str, least: Severity) -> Sink {
    Sink {
        name: name.to_owned(),
        way: Way::Journal,
        least,
        timeout: Duration::from_secs(5),
    }
}

fn wanted(sinks: &[(&str, Severity)]) -> Alarms {
    Alarms {
        hold: Duration::from_secs(10),
        sinks: sinks
            .iter()
            .map(|(name, least)| sink(name, *least))
            .collect(),
    }
}

fn two() -> Alarms {
    wanted(&[("a", Severity::Warning), ("b", Severity::Warning)])
}

fn ledger(saved: Saved, wanted: &Alarms, second: u64) -> Ledger {
    Ledger::new(saved, true, wanted, SETTLE, identity(), at(second))
}

/// Everything that this sink hears from here on.
fn hears(ledger: &mut Ledger, name: &str) -> Vec<Arc<Notice>> {
    let mut heard = Vec::new();
    while let Some(notice) = ledger.next_of(name) {
        ledger.took(name, &notice, at(0).wall);
        heard.push(notice);
    }
    heard
}

fn words(notices: &[Arc<Notice>]) -> Vec<(&str, Action)> {
    notices
        .iter()
        .map(|it| (it.key.as_str(), it.action))
        .collect()
}

#[test]
fn each_sink_hears_all_of_it_in_order_and_a_silent_one_holds_no_other_up() {
    let mut ledger = ledger(Saved::default(), &two(), 0);
    ledger.hear(Told::Raised(member_alarm(3)), at(1));
    ledger.failed("a", "no route".to_owned(), at(2).wall, at(3).wall);
    ledger.hear(Told::Cleared(member_alarm(3)), at(2));
    ledger.tick(at(12));
    let key = member_alarm(3).key;
    let both = [(&*key, Action::Raised), (&*key, Action::Cleared)];
    assert_eq!(words(&hears(&mut ledger, "b")), both);
    let [a, b] = &ledger.statuses()[..] else {
        panic!("two sinks")
    };
    assert_eq!(
        (a.waiting, a.attempts, b.waiting, b.delivered),
        (2, 1, 0, 2)
    );
    assert_eq!(a.fault.as_deref(), Some("no route"));
    assert_eq!(words(&hears(&mut ledger, "a")), both);
}

#[test]
fn a_sink_hears_nothing_below_its_severity() {
    let wanted = wanted(&[("a", Severity::Critical)]);
    let mut ledger = ledger(Saved::default(), &wanted, 0);
    ledger.hear(Told::Raised(member_alarm(3)), at(1));
    ledger.hear(Told::Raised(own_alarm()), at(1));
    assert_eq!(
        words(&hears(&mut ledger, "a")),
        [(&*own_alarm().key, Action::Raised)]
    );
    assert_eq!(ledger.in_force_for("a").len(), 1);
}

#[test]
fn beyond_the_bound_the_sink_is_told_first_how_many_were_dropped() {
    let mut ledger = ledger(Saved::default(), &two(), 0);
    for second in 0..DEPTH as u64 {
        let second = second * 100;
        ledger.hear(Told::Raised(member_alarm(3)), at(second));
        ledger.hear(Told::Cleared(member_alarm(3)), at(second + 1));
        ledger.tick(at(second + 50));
    }
    let saved = ledger.saved();
    let mut again = self::ledger(saved, &two(), 100_000);
    let heard = hears(&mut again, "a");
    assert_eq!(heard.len(), DEPTH + 1);
    assert_eq!(heard[0].dropped, Some(DEPTH as u64));
    assert_eq!(heard[0].name.as_str(), "alarms_dropped");
}

#[test]
fn a_sink_that_is_new_hears_what_is_in_force_and_one_that_is_gone_nothing() {
    let mut ledger = ledger(Saved::default(), &two(), 0);
    ledger.hear(Told::Raised(member_alarm(3)), at(1));
    hears(&mut ledger, "a");
    ledger.change(
        &wanted(&[("c", Severity::Warning), ("a", Severity::Warning)]),
        SETTLE,
        at(2).wall,
    );
    assert_eq!(
        words(&hears(&mut ledger, "c")),
        [(&*member_alarm(3).key, Action::Raised)]
    );
    assert!(hears(&mut ledger, "a").is_empty());
    assert!(ledger.next_of("b").is_none());
    let saved = ledger.saved();
    let mut again = self::ledger(saved, &two(), 3);
    assert!(
        hears(&mut again, "a").is_empty(),
        "known in the next life too"
    );
    assert_eq!(hears(&mut again, "b").len(), 1);
}

#[test]
fn what_no_sink_has_heard_when_mastership_ends_is_left_to_the_next_master() {
    let mut ledger = ledger(Saved::default(), &two(), 0);
    ledger.hear(Told::Raised(member_alarm(3)), at(1));
    hears(&mut ledger, "a");
    ledger.hear(Told::Stands(false), at(2));
    assert!(hears(&mut ledger, "b").is_empty());
    ledger.hear(Told::Cleared(member_alarm(3)), at(2));
    ledger.tick(at(100));
    assert!(hears(&mut ledger, "a").is_empty());
    ledger.hear(Told::Stands(true), at(200));
    ledger.hear(Told::Inherited(Saved::default()), at(200));
    ledger.hear(Told::Raised(member_alarm(3)), at(201));
    assert_eq!(
        hears(&mut ledger, "b").len(),
        1,
        "it would never hear of it"
    );
}

/// A node that becomes master at second 10, and what the one before left to it: slot 3 is down since second 1, of which
/// `a` has heard and `b` has not.
fn next_master() -> (Ledger, Saved) {
    let mut old = ledger(Saved::default(), &two(), 0);
    old.hear(Told::Raised(member_alarm(3)), at(1));
    hears(&mut old, "a");
    let left = old.left().expect("it knows");
    let (saved, wanted) = (Saved::default(), two());
    let mut new = Ledger::new(saved, false, &wanted, SETTLE, identity(), at(0));
    new.hear(Told::Stands(true), at(10));
    (new, left)
}

#[test]
fn a_new_master_goes_on_with_the_open_alarms_and_delivers_what_the_old_one_could_not() {
    let (mut new, left) = next_master();
    new.hear(Told::Raised(member_alarm(3)), at(11));
    new.hear(Told::Raised(member_alarm(2)), at(11));
    assert_eq!(new.left(), None, "it does not know yet what was left");
    assert!(hears(&mut new, "a").is_empty(), "nor what is news");
    new.hear(Told::Inherited(left), at(12));
    let (third, second) = (member_alarm(3).key, member_alarm(2).key);
    assert_eq!(words(&hears(&mut new, "a")), [(&*second, Action::Raised)]);
    let heard = hears(&mut new, "b");
    let both = [(&*third, Action::Raised), (&*second, Action::Raised)];
    assert_eq!(words(&heard), both);
    let first_said = identity().notice(&member_alarm(3), at(1).wall, None);
    assert_eq!(heard[0].id, first_said.id, "the same notice");
    new.hear(Told::Cleared(member_alarm(3)), at(20));
    new.tick(at(30));
    let cleared = hears(&mut new, "a");
    assert_eq!(words(&cleared), [(&*third, Action::Cleared)]);
    assert_eq!(cleared[0].since, first_said.since, "and the same alarm");
}

#[test]
fn what_was_over_when_the_new_master_looked_is_cleared_once_by_it() {
    let (mut new, left) = next_master();
    new.hear(Told::Inherited(left), at(12));
    hears(&mut new, "b");
    let settled = new.next_at().expect("who is not judged is over");
    assert_eq!(settled, at(12).now + SETTLE);
    new.tick(at(27));
    for name in ["a", "b"] {
        assert_eq!(
            words(&hears(&mut new, name)),
            [(&*member_alarm(3).key, Action::Cleared)]
        );
    }
    new.tick(at(1_000));
    assert!(hears(&mut new, "a").is_empty());
}

#[test]
fn a_new_master_that_cannot_read_what_was_left_says_what_it_finds_after_three_seconds() {
    let (mut new, _) = next_master();
    new.hear(Told::Raised(member_alarm(3)), at(11));
    new.hear(Told::Raised(member_alarm(2)), at(11));
    new.hear(Told::Cleared(member_alarm(2)), at(12));
    new.hear(Told::Raised(own_alarm()), at(11));
    assert_eq!(
        words(&hears(&mut new, "a")),
        [(&*own_alarm().key, Action::Raised)]
    );
    assert_eq!(new.next_at(), Some(at(13).now));
    new.tick(at(13));
    assert_eq!(words(&hears(&mut new, "a")).len(), 2);
}

#[test]
fn what_is_left_is_bounded_and_is_no_node_s_own() {
    let mut ledger = ledger(Saved::default(), &two(), 0);
    ledger.hear(Told::Raised(own_alarm()), at(1));
    let empty = ledger.left().expect("it knows").open();
    assert!(empty.0.is_empty() && empty.1.values().all(|queue| queue.waiting.is_empty()));
    for number in 0..2 * MOST_LEFT {
        let mut alarm = member_alarm(3);
        alarm.key = format!("storage-a/down/slot-{number}");
        ledger.hear(Told::Raised(alarm), at(2));
    }
    let (standing, queues) = ledger.left().expect("it knows").open();
    assert_eq!(standing.len(), MOST_LEFT);
    assert!(queues.values().all(|queue| queue.waiting.len() == DEPTH));
    let whole = serde_json::to_vec(&ledger.left()).expect("plain");
    assert!(
        whole.len() < 1 << 20,
        "one value of the store: {}",
        whole.len()
    );
}

/// One step of what happens to a ledger.
fn step(ledger: &mut Ledger, number: u64, took: &mut Vec<(String, String)>) {
    let (second, slot) = (
        number * 7,
        2 + u16::try_from(number / 2 % 3).expect("small"),
    );
    if number.is_multiple_of(2) {
        ledger.hear(Told::Raised(member_alarm(slot)), at(second));
    } else {
        ledger.hear(Told::Cleared(member_alarm(slot)), at(second));
    }
    ledger.tick(at(second));
    let sink = if number.is_multiple_of(3) { "a" } else { "b" };
    if let Some(notice) = ledger.next_of(sink) {
        ledger.took(sink, &notice, at(second).wall);
        took.push((sink.to_owned(), notice.id.clone()));
    }
}

#[test]
fn killed_after_any_step_a_daemon_loses_nothing_and_repeats_nothing_that_was_written() {
    const STEPS: u64 = 24;
    for killed in 0..STEPS {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = StateFolder::open(folder.path()).expect("its folder");
        let mut ledger = ledger(Saved::default(), &two(), 0);
        let mut took = Vec::new();
        for number in 0..=killed {
            step(&mut ledger, number, &mut took);
        }
        ledger.saved().write(&state).expect("written");
        let said: BTreeSet<String> = ["a", "b"]
            .iter()
            .flat_map(|name| hears(&mut ledger, name))
            .map(|notice| notice.id.clone())
            .chain(took.iter().map(|(_, id)| id.clone()))
            .collect();
        let mut again = self::ledger(Saved::read(&state).expect("read"), &two(), killed * 7);
        for name in ["a", "b"] {
            let mut heard: Vec<String> = (took.iter().filter(|(sink, _)| sink == name))
                .map(|(_, id)| id.clone())
                .collect();
            heard.extend(hears(&mut again, name).iter().map(|it| it.id.clone()));
            let once: BTreeSet<String> = heard.iter().cloned().collect();
            assert_eq!(once.len(), heard.len(), "killed after step {killed}: twice");
            assert_eq!(once, said, "killed after step {killed}: lost");
        }
    }
}

#[test]
fn killed_at_any_byte_of_a_write_the_file_is_what_it_was_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = StateFolder::open(folder.path()).expect("its folder");
    let mut ledger = ledger(Saved::default(), &two(), 0);
    ledger.hear(Told::Raised(member_alarm(3)), at(1));
    let before = ledger.saved();
    before.write(&state).expect("written");
    let file = folder.path().join(saved::FILE);
    ledger.hear(Told::Raised(member_alarm(2)), at(2));
    let after = ledger.saved();
    let other = tempfile::tempdir().expect("a temporary folder");
    let other_state = StateFolder::open(other.path()).expect("its folder");
    after.write(&other_state).expect("written");
    let written = fs::read(other.path().join(saved::FILE)).expect("there");
    for length in (0..=written.len()).step_by(37) {
        fs::write(file.with_extension("new"), &written[..length]).expect("writable");
        assert_eq!(Saved::read(&state).expect("whole"), before);
    }
    // What a disk gives back instead of what was written is not believed.
    for place in (0..written.len()).step_by(11) {
        let mut torn = written.clone();
        torn[place] ^= 1;
        fs::write(&file, &torn).expect("writable");
        assert!(Saved::read(&state).is_err(), "byte {place}");
    }
}
