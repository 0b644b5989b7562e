//! Alarms, and who heard of them.

use super::render::or_dash;
use super::table::table;
use super::{Failure, print, print_json, unexpected};
use crate::cli::Exit;
use crate::control::human::duration;
use crate::control::{Alarm, AlarmsStatus, Client, Request, Response, SinkStatus, SinkTest};

pub(super) fn show(client: &Client, json: bool) -> Result<Exit, Failure> {
    match client.ask(Request::Alarms)? {
        Response::Alarms(status) if json => print_json(&status),
        Response::Alarms(status) => print(&text(&status)),
        other => Err(unexpected(other)),
    }
}

/// Fails if one sink did not take it.
pub(super) fn test(client: &Client, json: bool) -> Result<Exit, Failure> {
    let tests = match client.ask(Request::TestAlarms)? {
        Response::TestedAlarms(tests) => tests,
        other => return Err(unexpected(other)),
    };
    if json {
        print_json(&tests)?;
    } else {
        print(&tested(&tests))?;
    }
    Ok(if tests.iter().all(|test| test.fault.is_none()) {
        Exit::Ok
    } else {
        Exit::Failure
    })
}

fn text(status: &AlarmsStatus) -> String {
    let mut text = if status.alarms.is_empty() {
        "no alarm is in force on this node\n".to_owned()
    } else {
        alarms(&status.alarms)
    };
    for alarm in &status.alarms {
        text += &format!("{}: {}\n", alarm.name.as_str(), alarm.cure);
    }
    text += "\n";
    text += &if status.sinks.is_empty() {
        "nobody is told of alarms: add [[alarms.sink]] to the configuration\n".to_owned()
    } else {
        sinks(&status.sinks)
    };
    text
}

fn alarms(alarms: &[Alarm]) -> String {
    let row = |alarm: &Alarm| {
        [
            alarm.name.as_str().to_owned(),
            alarm.severity.as_str().to_owned(),
            or_dash(alarm.slot.map(|slot| slot.to_string())),
            or_dash(alarm.since.clone()),
            or_dash(alarm.age_us.map(duration)),
            alarm.text.clone(),
        ]
    };
    let rows: Vec<_> = alarms.iter().map(row).collect();
    table(["ALARM", "SEVERITY", "SLOT", "SINCE", "FOR", "WHAT"], &rows)
}

fn sinks(sinks: &[SinkStatus]) -> String {
    let row = |sink: &SinkStatus| {
        [
            sink.name.clone(),
            sink.kind.clone(),
            sink.least.as_str().to_owned(),
            sink.delivered.to_string(),
            or_dash(sink.last_delivered.clone()),
            sink.waiting.to_string(),
            sink.dropped.to_string(),
            sink.attempts.to_string(),
            or_dash(sink.next_attempt.clone()),
            or_dash(sink.fault.clone()),
        ]
    };
    let rows: Vec<_> = sinks.iter().map(row).collect();
    table(
        [
            "SINK",
            "WAY",
            "FROM",
            "DELIVERED",
            "LAST",
            "WAITING",
            "DROPPED",
            "FAILURES",
            "NEXT ATTEMPT",
            "FAULT",
        ],
        &rows,
    )
}

fn tested(tests: &[SinkTest]) -> String {
    let row = |test: &SinkTest| {
        [
            test.name.clone(),
            test.kind.clone(),
            if test.fault.is_none() {
                "took it"
            } else {
                "failed"
            }
            .to_owned(),
            duration(test.took_us),
            or_dash(test.fault.clone()),
        ]
    };
    let rows: Vec<_> = tests.iter().map(row).collect();
    table(["SINK", "WAY", "TEST", "TOOK", "FAULT"], &rows)
}
