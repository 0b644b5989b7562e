//! The screen as it is drawn, and as keys change it.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use heartbeat_core::snapshot as core;

use super::asker::Told;
use super::screen::{Next, Screen};
use crate::config::tests_support::three_nodes;
use crate::control::tests::{details, master};
use crate::control::{Alarm, Answering, Diagnosis, EpochParts, Event, HistoryEntry, Role, Status};

fn told() -> Told {
    let status = Status {
        version: "1.2.3".to_owned(),
        ..master()
    };
    Told {
        status,
        details: Some(details()),
        history: vec![Event::Role(HistoryEntry {
            at: "2026-01-31T12:00:00.000Z".to_owned(),
            slot: 1,
            from: Role::Candidate,
            to: Role::Master,
            epoch: EpochParts { round: 4, slot: 1 },
            reason: "a majority of electors voted for this node".to_owned(),
            duration_us: 5,
            takeover: None,
        })],
    }
}

fn drawn(screen: &Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| screen.draw(frame)).expect("drawn");
    let buffer = terminal.backend().buffer();
    let line = |y| {
        (0..width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    (0..height)
        .map(|y| line(y).trim_end().to_owned() + "\n")
        .collect()
}

fn press(screen: &mut Screen, code: KeyCode) -> Next {
    screen.key(code, KeyModifiers::NONE)
}

#[test]
fn a_healthy_cluster_is_seen_at_a_glance_on_the_smallest_screen() {
    let text = drawn(&Screen::new(told()), 80, 24);
    assert_eq!(text, include_str!("tests/healthy.txt"));
}

#[test]
fn what_is_missing_stands_out_without_colour() {
    let mut told = told();
    told.status.members[1].answering = Some(Answering::Missing);
    told.status.members[1].diagnosis = Diagnosis::Down;
    told.status.members[2].diagnosis = Diagnosis::ServiceFault;
    let of = |alarm| Alarm::of_election(&three_nodes(), 1, alarm);
    let down = |slot| of(core::Alarm::Member(slot, core::Diagnosis::Down));
    let others = [core::Alarm::ClockFault, core::Alarm::Degraded].map(of);
    told.status.alarms = ((1..=3).map(down).chain(others)).flatten().collect();
    let text = drawn(&Screen::new(told), 80, 24);
    assert_eq!(text, include_str!("tests/missing.txt"));
}

#[test]
fn a_member_is_looked_at_closely_and_left_again() {
    let mut screen = Screen::new(told());
    press(&mut screen, KeyCode::Down);
    press(&mut screen, KeyCode::Enter);
    let text = drawn(&screen, 80, 24);
    assert_eq!(text, include_str!("tests/detail.txt"));
    press(&mut screen, KeyCode::Up);
    assert!(drawn(&screen, 80, 24).contains("slot 1  n1"));
    assert_eq!(press(&mut screen, KeyCode::Esc), Next::Go);
    assert!(drawn(&screen, 80, 24).contains("n1 is master"));
}

#[test]
fn keys_choose_within_the_members_and_end_it() {
    let mut screen = Screen::new(told());
    for _ in 0..9 {
        press(&mut screen, KeyCode::Down);
    }
    press(&mut screen, KeyCode::Right);
    assert!(drawn(&screen, 80, 24).contains("slot 3  n3"));
    press(&mut screen, KeyCode::Home);
    assert!(drawn(&screen, 80, 24).contains("slot 1  n1"));
    press(&mut screen, KeyCode::Left);
    assert_eq!(press(&mut screen, KeyCode::Char('x')), Next::Go);
    assert_eq!(press(&mut screen, KeyCode::Char('q')), Next::End);
    assert_eq!(press(&mut screen, KeyCode::Esc), Next::End);
    assert_eq!(
        screen.key(KeyCode::Char('c'), KeyModifiers::CONTROL),
        Next::End
    );
}

#[test]
fn old_data_is_not_shown_as_the_present() {
    let mut screen = Screen::new(told());
    screen.told(Err("daemon unreachable: control socket".to_owned()));
    let text = drawn(&screen, 80, 24);
    assert!(text.starts_with(" NOT LIVE: this was "), "{text}");
    assert!(text.contains("n1 is master"), "{text}");
    screen.told(Ok(told()));
    assert!(drawn(&screen, 80, 24).contains("live"));
}

#[test]
fn of_many_members_the_chosen_one_is_in_sight_and_no_size_is_too_small() {
    let mut told = told();
    let one = told.status.members[2].clone();
    told.status.members.extend((4..=100).map(|slot| {
        let mut member = one.clone();
        (member.slot, member.name) = (slot, format!("n{slot}"));
        member
    }));
    let mut screen = Screen::new(told);
    press(&mut screen, KeyCode::End);
    assert!(drawn(&screen, 80, 24).contains("n100"));
    for (width, height) in [(1, 1), (10, 3), (40, 10), (200, 60)] {
        let glance = drawn(&screen, width, height);
        press(&mut screen, KeyCode::Enter);
        assert_ne!(drawn(&screen, width, height), "", "{glance}");
        press(&mut screen, KeyCode::Left);
    }
}
