//! What is answered to who asks for more than the page.

use std::time::SystemTime;

use heartbeat_core::Slot;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::access::may_change;
use super::content::{Content, Refusal, json, refusal, written};
use super::masterships::Mastership;
use super::route::Site;
use crate::control::{
    Answer, Bucket, Counted, Details, Event, Handler, MemberStatus, SCHEMA, rfc3339,
};

/// Newest events told: a page shows fewer, and `heartbeatctl history` has all.
const MOST_EVENTS: usize = 200;

#[derive(Serialize)]
struct History {
    schema: u32,
    slot: Option<Slot>,
    now: String,
    masterships: Vec<Mastership>,
    events: Vec<Event>,
}

#[derive(Serialize)]
struct Detail {
    schema: u32,
    now: String,
    member: MemberStatus,
    answer: Option<Answer>,
    kernel: Kernel,
}

#[derive(Serialize)]
struct Kernel {
    slot: Slot,
    round_trips: Vec<Bucket>,
    gaps: Vec<Bucket>,
    verdicts: Vec<Counted>,
    gate_verdicts: Vec<Counted>,
}

/// What the page offers, and to whom.
#[derive(Serialize)]
struct Orders {
    schema: u32,
    possible: bool,
    refused: Option<String>,
}

pub(super) async fn status(site: &Site<impl Handler>) -> Response<Content> {
    match site.feed.newest().await.status {
        Ok(text) => written(text),
        Err(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

pub(super) async fn history(site: &Site<impl Handler>) -> Response<Content> {
    let mut events = site.handler.history().await;
    let events = events.split_off(events.len().saturating_sub(MOST_EVENTS));
    let slot = events.iter().rev().find_map(|event| match event {
        Event::Role(change) => Some(change.slot),
        Event::Service(_) | Event::Hook(_) | Event::FirstMaster(_) | Event::Slot(_) => None,
    });
    let history = History {
        schema: SCHEMA,
        slot,
        now: rfc3339(SystemTime::now()),
        masterships: site.feed.masterships(),
        events,
    };
    json(StatusCode::OK, &history)
}

/// Of one member; the kernel's counters are always this node's own.
pub(super) async fn member(site: &Site<impl Handler>, slot: &str) -> Response<Content> {
    let Ok(slot) = slot.parse::<Slot>() else {
        return refusal(
            StatusCode::NOT_FOUND,
            format!("{slot:?} is no slot: write its number"),
        );
    };
    let known = match site.details().await {
        Ok(known) => known,
        Err(why) => return refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    };
    match known.status.member(slot) {
        Some(member) => json(StatusCode::OK, &detail(member.clone(), &known.details)),
        None => refusal(StatusCode::NOT_FOUND, format!("slot {slot} is no member")),
    }
}

/// Whether this viewer may give orders here.
pub(super) fn orders(site: &Site<impl Handler>, lines: &HeaderMap) -> Response<Content> {
    let orders = Orders {
        schema: SCHEMA,
        possible: site.page.read_only().is_none(),
        refused: may_change(&site.page, lines).err().map(Refusal::into_why),
    };
    json(StatusCode::OK, &orders)
}

fn detail(member: MemberStatus, details: &Details) -> Detail {
    let answer = details.answers.iter().find(|it| it.slot == member.slot);
    Detail {
        schema: SCHEMA,
        now: rfc3339(SystemTime::now()),
        answer: answer.cloned(),
        member,
        kernel: Kernel {
            slot: details.slot,
            round_trips: details.round_trips.clone(),
            gaps: details.gaps.clone(),
            verdicts: details.verdicts.clone(),
            gate_verdicts: details.gate_verdicts.clone(),
        },
    }
}
