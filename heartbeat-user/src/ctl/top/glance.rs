//! All of the cluster on one screen of 80 by 24.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState, Wrap};

use super::asker::Told;
use super::screen::{ALARM, BOLD, QUIET, WARNING, name, state};
use crate::control::human::{duration, list};
use crate::control::{Bearer, Event, MemberStatus, ServiceWord, Status, VirtualAddressStatus};

/// Alarms shown; of more it is said how many.
const MOST_ALARMS: usize = 3;
/// Addresses and services shown.
const MOST_LINES: usize = 3;
/// Newest events shown.
const MOST_EVENTS: usize = 3;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, told: &Told, chosen: &mut TableState) {
    let status = &told.status;
    let (head, alarms) = (head(status), alarms(status));
    let (held, events) = (held(status), events(&told.history));
    let height =
        |lines: &[Line<'_>]| Constraint::Length(u16::try_from(lines.len()).unwrap_or(u16::MAX));
    let parts = [
        height(&head),
        Constraint::Length(wrapped(&alarms, area.width)),
        Constraint::Min(4),
        height(&held),
        height(&events),
    ];
    let [top, warn, middle, below, last] = Layout::vertical(parts).areas(area);
    frame.render_widget(Paragraph::new(head), top);
    frame.render_widget(Paragraph::new(alarms).wrap(Wrap { trim: true }), warn);
    frame.render_stateful_widget(members(status), middle, chosen);
    frame.render_widget(Paragraph::new(held), below);
    frame.render_widget(Paragraph::new(events), last);
}

/// Lines that these take, wrapped between words; maybe one more.
fn wrapped(lines: &[Line<'_>], width: u16) -> u16 {
    // Of a word that does not fit, its length is lost at the line's end.
    const LONG_WORD: usize = 8;
    let room = usize::from(width).saturating_sub(LONG_WORD).max(1);
    let needed = lines.iter().map(|line| line.width().div_ceil(room).max(1));
    u16::try_from(needed.sum::<usize>()).unwrap_or(u16::MAX)
}

fn head(status: &Status) -> Vec<Line<'static>> {
    let first = match status.master_slot {
        Some(master) => {
            let follows = match status.successor_slot {
                Some(slot) => format!("{} follows if it is lost", name(status, slot)),
                None => "nobody could follow it".to_owned(),
            };
            Line::from(vec![
                Span::styled(format!("{} is master", name(status, master)), BOLD),
                Span::raw(format!(" in round {}; {follows}", status.epoch.round)),
            ])
        }
        None => Line::styled(" NO MASTER IS KNOWN ", ALARM),
    };
    let second = format!(
        "guarantee {}: {} of {} electors answer, {} are needed; lease {}{}",
        status.guarantee.as_str(),
        status.electors_answering,
        status.electors.len(),
        status.majority,
        duration(status.lease_us),
        if status.degraded { "; DEGRADED" } else { "" }
    );
    vec![Line::default(), first, Line::raw(second), Line::default()]
}

fn alarms(status: &Status) -> Vec<Line<'static>> {
    let shown = status.alarms.iter().take(MOST_ALARMS);
    let mut lines: Vec<Line<'_>> = shown
        .map(|alarm| {
            Line::from(vec![
                Span::styled(format!("alarm {}", alarm.name.as_str()), ALARM),
                Span::raw(format!(" {}", alarm.text)),
            ])
        })
        .collect();
    if let Some(more) = status
        .alarms
        .len()
        .checked_sub(MOST_ALARMS)
        .filter(|it| *it > 0)
    {
        lines.push(Line::styled(format!("and {more} more alarms"), WARNING));
    }
    let warnings = status.warnings.iter().take(1);
    lines.extend(warnings.map(|it| Line::styled(format!("warning: {it}"), WARNING)));
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

fn members(status: &Status) -> Table<'static> {
    let row = |member: &MemberStatus| {
        let is_master = Some(member.slot) == status.master_slot;
        let or_dash = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), duration);
        let mark = if is_master { "*" } else { "" };
        let cells = [
            Cell::from(mark),
            Cell::from(member.slot.to_string()),
            Cell::from(member.name.clone()),
            Cell::from(member.role.as_str()),
            Cell::from(state(member)),
            Cell::from(or_dash(member.rtt_us)),
            Cell::from(or_dash(member.last_reply_age_us)),
        ];
        Row::new(cells).style(if is_master { BOLD } else { Style::new() })
    };
    let widths = [
        Constraint::Length(1),
        Constraint::Length(5),
        Constraint::Min(10),
        Constraint::Length(13),
        Constraint::Length(19),
        Constraint::Length(10),
        Constraint::Length(10),
    ];
    let heads = [
        "",
        "SLOT",
        "NAME",
        "ROLE",
        "STATE",
        "ROUND TRIP",
        "LAST HEARD",
    ];
    Table::new(status.members.iter().map(row), widths)
        .header(Row::new(heads).style(QUIET))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
}

/// Addresses and services, of which those that are not well come first.
fn held(status: &Status) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'_>> = vec![Line::default()];
    lines.extend(
        status
            .virtual_addresses
            .iter()
            .take(MOST_LINES)
            .map(|it| address(status, it)),
    );
    let (well, ill): (Vec<_>, Vec<_>) = (status.services.iter())
        .partition(|it| matches!(it.state, ServiceWord::Healthy | ServiceWord::NotWatched));
    lines.extend(ill.iter().take(MOST_LINES).map(|it| {
        let fault = it.fault.as_deref().unwrap_or_default();
        Line::styled(
            format!("service {} {} {fault}", it.name, it.state.as_str()),
            WARNING,
        )
    }));
    if !well.is_empty() {
        let names: Vec<String> = well.iter().map(|it| it.name.clone()).collect();
        lines.push(Line::raw(format!(
            "services well or not watched: {}",
            list(&names)
        )));
    }
    lines
}

fn address(status: &Status, it: &VirtualAddressStatus) -> Line<'static> {
    let bearer = it.slot_lease.map(|lease| lease.bearer);
    let owner = it.follows_slot.or(status.master_slot);
    let whose = match owner {
        _ if it.held => "here".to_owned(),
        Some(_) if bearer == Some(Some(Bearer::Nobody)) => "nobody's".to_owned(),
        Some(owner) if owner != status.slot => format!("{}'s", name(status, owner)),
        Some(_) => "NOT HERE".to_owned(),
        None => "nobody's".to_owned(),
    };
    let gate = if it.gate_open { "open" } else { "shut" };
    Line::raw(format!("address {} {whose}, gate here {gate}", it.address))
}

/// Day and second of a time as RFC 3339 writes it.
fn short(at: &str) -> String {
    let part = |range| at.get(range).unwrap_or_default();
    format!("{} {} UTC", part(5..10), part(11..19))
}

fn events(history: &[Event]) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for event in history.iter().rev().take(MOST_EVENTS) {
        let (at, what, why) = match event {
            Event::FirstMaster(it) => (
                &it.at,
                format!("first master, slot {}", it.first_master),
                it.diagnosis.as_str(),
            ),
            Event::Role(it) => (
                &it.at,
                format!("{} -> {}", it.from.as_str(), it.to.as_str()),
                it.reason.as_str(),
            ),
            Event::Service(it) => (
                &it.at,
                format!("{} {}", it.service, it.to.as_str()),
                it.reason.as_str(),
            ),
            Event::Hook(it) => (
                &it.at,
                format!("{} {}", it.hook, it.state.as_str()),
                it.reason.as_str(),
            ),
            Event::Slot(it) => (
                &it.at,
                format!("addresses of slot {}", it.slot_addresses),
                it.change.as_str(),
            ),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{}  ", short(at)), QUIET),
            Span::raw(format!("{what}: {why}")),
        ]));
    }
    lines
}
