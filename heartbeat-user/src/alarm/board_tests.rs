//! Raised once, cleared once, whatever flaps, restarts or changes its master.

use super::*;
use crate::alarm::tests::{member_alarm, own_alarm};

const HOLD: Duration = Duration::from_secs(10);
const SETTLE: Duration = Duration::from_secs(15);

fn at(second: u64) -> Clock {
    Clock {
        now: Instant(second * 1_000_000_000),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
    }
}

fn board(said: Vec<Standing>, is_master: bool, second: u64) -> Board {
    Board::new(said, is_master, [HOLD, SETTLE], at(second))
}

fn raise(board: &mut Board, alarm: Alarm, second: u64) -> bool {
    board.raise(Source::Election, alarm, at(second)).is_some()
}

/// When alarms were over of which that is said at this time.
fn over(board: &mut Board, second: u64) -> Vec<SystemTime> {
    let said = board.tick(at(second));
    said.into_iter().filter_map(|said| said.over_at).collect()
}

fn said(board: &Board) -> Vec<Standing> {
    board.standing().cloned().collect()
}

fn is_raised(board: &Board, key: &str) -> bool {
    let mut in_force = board.in_force();
    in_force.any(|it| it.alarm.key == key && it.over_at.is_none())
}

#[test]
fn an_alarm_is_said_when_raised_and_when_it_was_over_for_the_hold_time() {
    let mut board = board(Vec::new(), true, 0);
    assert!(raise(&mut board, member_alarm(3), 1));
    assert!(!raise(&mut board, member_alarm(3), 2));
    board.clear(&member_alarm(3).key, at(5));
    assert_eq!(board.next_at(), Some(at(15).now));
    assert!(over(&mut board, 14).is_empty());
    assert_eq!(over(&mut board, 15), [at(5).wall]);
    assert!(over(&mut board, 100).is_empty(), "once");
    assert!(raise(&mut board, member_alarm(3), 101), "another one");
}

#[test]
fn one_that_flaps_within_the_hold_time_is_said_once_each_way() {
    let mut board = board(Vec::new(), true, 0);
    let mut said = 0;
    for second in (0..100).step_by(5) {
        said += usize::from(raise(&mut board, member_alarm(3), second));
        board.clear(&member_alarm(3).key, at(second + 2));
        said += over(&mut board, second + 4).len();
    }
    assert_eq!(said, 1);
    assert_eq!(over(&mut board, 107), [at(97).wall]);
}

#[test]
fn what_the_last_life_said_goes_on_if_it_is_raised_again_and_is_over_if_not() {
    let mut before = board(Vec::new(), false, 0);
    assert!(raise(&mut before, own_alarm(), 1));
    let mut again = board(said(&before), false, 50);
    assert!(!raise(&mut again, own_alarm(), 52));
    assert!(over(&mut again, 100).is_empty());
    let since = again.standing().next().map(|standing| standing.since);
    assert_eq!(since, Some(at(1).wall));
    let mut gone = board(said(&before), false, 50);
    assert!(over(&mut gone, 64).is_empty());
    assert_eq!(over(&mut gone, 65), [at(65).wall]);
}

#[test]
fn what_a_master_says_is_the_next_ones_to_judge() {
    let mut first = board(Vec::new(), true, 0);
    assert!(raise(&mut first, member_alarm(2), 1));
    assert!(raise(&mut first, member_alarm(3), 1));
    assert!(raise(&mut first, own_alarm(), 1));
    first.clear(&member_alarm(2).key, at(2));
    let told = first.stand(false, at(3));
    let told: Vec<_> = told.iter().map(|it| (&*it.alarm.key, it.over_at)).collect();
    let was_over = (&*member_alarm(2).key, Some(at(2).wall));
    assert_eq!(told, [was_over], "it was over before");
    first.clear(&member_alarm(3).key, at(3));
    assert!(over(&mut first, 1_000).is_empty(), "not its to say");
    let own: Vec<_> = first.ours().map(|it| it.alarm.key.clone()).collect();
    assert_eq!(own, [own_alarm().key]);
    // It is master again, and nobody said anything in between: what is not judged so again is over.
    assert!(first.stand(true, at(2_000)).is_empty());
    assert!(over(&mut first, 2_014).is_empty());
    assert_eq!(over(&mut first, 2_015).len(), 1);
}

#[test]
fn a_new_master_says_nothing_again_that_the_old_one_said_and_ends_what_is_over() {
    let mut old = board(Vec::new(), true, 0);
    for slot in [2, 3] {
        assert!(raise(&mut old, member_alarm(slot), 1));
    }
    let mut new = board(Vec::new(), false, 0);
    assert!(new.stand(true, at(10)).is_empty());
    new.inherit(said(&old), at(10));
    assert!(!raise(&mut new, member_alarm(3), 11), "said already");
    assert!(raise(&mut new, member_alarm(1), 11), "nobody said so");
    assert!(over(&mut new, 24).is_empty());
    assert_eq!(over(&mut new, 25).len(), 1, "slot 2 is back");
    let left: Vec<_> = new.standing().map(|it| it.alarm.key.clone()).collect();
    assert_eq!(left, [member_alarm(1).key, member_alarm(3).key]);
}

#[test]
fn who_knows_all_that_was_said_is_believed_over_what_this_node_remembers() {
    let mut board = board(Vec::new(), true, 0);
    assert!(raise(&mut board, member_alarm(2), 1));
    board.stand(false, at(2));
    board.stand(true, at(100));
    board.inherit(Vec::new(), at(100));
    assert!(
        over(&mut board, 1_000).is_empty(),
        "another master said so already"
    );
    assert!(raise(&mut board, member_alarm(2), 1_001));
}

#[test]
fn what_is_not_among_all_is_over_and_only_of_that_judge() {
    let mut board = board(Vec::new(), true, 0);
    assert!(raise(&mut board, member_alarm(2), 1));
    assert!(raise(&mut board, member_alarm(3), 1));
    assert!(board.whole(Source::Addresses, Vec::new(), at(2)).is_empty());
    assert!(is_raised(&board, &member_alarm(2).key));
    let whole = vec![member_alarm(3), own_alarm()];
    assert_eq!(board.whole(Source::Election, whole, at(2)).len(), 1);
    assert!(!is_raised(&board, &member_alarm(2).key));
    assert!(is_raised(&board, &member_alarm(3).key));
}
