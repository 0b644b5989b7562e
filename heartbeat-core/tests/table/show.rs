//! Commands as short lines: times in milliseconds after the start, epochs as round.slot.

use std::time::Duration;

use heartbeat_core::command::Question;
use heartbeat_core::electors::{Ballot, ElectorRecord, ElectorSet};
use heartbeat_core::message::{Message, Network, VoteAnswer};
use heartbeat_core::{Command, Epoch, Instant};

use super::bench::{START, TIMING};

pub(crate) fn show(command: &Command) -> String {
    match command {
        Command::Promise(epoch) => format!("promise {}", name(*epoch)),
        Command::VoteGrant {
            epoch,
            incarnation,
            end,
        } => {
            format!(
                "grant to {} of {incarnation} until {}",
                name(*epoch),
                at(*end)
            )
        }
        Command::Lease { epoch, deadline } => {
            format!("lease of {} until {}", name(*epoch), at(*deadline))
        }
        Command::GateShut => "shut the gate".into(),
        Command::Forced(forced) => (if *forced {
            "the lease is forced"
        } else {
            "the lease is not forced"
        })
        .into(),
        Command::Released(epoch) => format!("{} is released", name(*epoch)),
        Command::Abstain(until) => format!("abstain until {}", at(*until)),
        Command::Floor(epoch) => format!("floor {}", name(*epoch)),
        Command::SaveElectors(record) => format!("save {}", kept(record)),
        Command::Electors(record) => format!("go by {}", kept(record)),
        Command::Role(role) => format!("be {}", role.as_str()),
        Command::Eligible(eligible) => (if *eligible {
            "be eligible"
        } else {
            "be not eligible"
        })
        .into(),
        Command::Probe(question) => format!("probe {}", asked(question)),
        Command::ProbeBusiness(question) => {
            format!("probe {} over the business network", asked(question))
        }
        Command::Query(question) => format!("query {}", asked(question)),
        Command::QueryBusiness(question) => {
            format!("query {} over the business network", asked(question))
        }
        Command::Send {
            to,
            network,
            message,
        } => sent(*to, *network, message),
        Command::AddAddresses(epoch) => format!("add addresses for {}", name(*epoch)),
        Command::RemoveAddresses(epoch) => format!("remove addresses of {}", name(*epoch)),
        Command::RoleChanged {
            from,
            to,
            reason,
            epoch,
            lasted,
        } => format!(
            "{} -> {} because {reason} ({}, after {})",
            from.as_str(),
            to.as_str(),
            name(*epoch),
            ms(*lasted)
        ),
        Command::Alarm(alarm, raised) => {
            format!("alarm {alarm:?} {}", if *raised { "on" } else { "off" })
        }
        Command::OrderAnswer(Ok(done)) => format!("answer: {done}"),
        Command::OrderAnswer(Err(error)) => format!("refuse: {error}"),
        Command::Exit => "exit".into(),
        Command::ExitKeeping => "exit, keeping everything".into(),
        Command::AskReference { .. } => "ask the references".into(),
        Command::Fence { target, .. } => format!("fence slot {target}"),
        Command::SavePair(record) => format!("save {record}"),
        Command::SlotLease(Instant::ZERO) => "shut the slot's gate".into(),
        Command::SlotLease(deadline) => format!("lease of the slot until {}", at(*deadline)),
        Command::SlotTaken { slot, epoch } => format!("slot {slot} taken in {}", name(*epoch)),
        Command::HoldSlot(slot) => format!("hold slot {slot}"),
        Command::DropSlot(slot) => format!("drop slot {slot}"),
        Command::Guarantee(guarantee) => format!("guarantee {}", guarantee.as_str()),
    }
}

fn sent(to: u16, network: Network, message: &Message) -> String {
    let road = match network {
        Network::Management => "to",
        Network::Business => "over the business network to",
    };
    format!("{} {road} {to}", said(message))
}

fn said(message: &Message) -> String {
    match message {
        Message::VoteRequest { epoch, lease, .. } => {
            format!("vote request for {} of {}", name(*epoch), ms(*lease))
        }
        Message::Vote { epoch, answer, .. } => {
            format!("vote on {}: {}", name(*epoch), answered(answer))
        }
        Message::Poll { .. } => "poll".into(),
        Message::PollAnswer { votes, .. } => (if *votes {
            "poll answer: votes"
        } else {
            "poll answer: abstains"
        })
        .into(),
        Message::SideAsk { .. } => "ask about the business network".into(),
        Message::SideTell { side, .. } => format!("tell of the business network: {side}"),
        Message::Promote { epoch } => format!("promote {}", name(*epoch)),
        Message::Release { epoch, target: 0 } => format!("release {}", name(*epoch)),
        Message::Release { epoch, target } => format!("release {} for {target}", name(*epoch)),
        Message::Electors { set, ballot, next } => {
            let next = next.map_or(String::new(), |next| format!(", then {}", electors(&next)));
            format!("electors {}{}{next}", electors(set), asked_in(*ballot))
        }
        Message::ElectorsState(record) => format!("state {}", kept(record)),
        Message::Health {
            epoch,
            degraded: _,
            members,
        } => {
            format!("health in {} of {} members", name(*epoch), members.len())
        }
        Message::PairAsk { state, .. } => format!("pair ask: {state}"),
        Message::SlotAsk { lease, renews, .. } => {
            format!("slot lease of {} ms? renews: {renews}", lease.as_millis())
        }
        Message::SlotGrant { .. } => "slot lease granted".into(),
        Message::PairTell { state, .. } => format!("pair tell: {state}"),
    }
}

fn electors(set: &ElectorSet) -> String {
    format!("{}[{}]", set.version, set.slots)
}

fn asked_in(ballot: Ballot) -> String {
    match ballot {
        Ballot::NONE => String::new(),
        Ballot(number) => format!(" in ballot {}.{}", number >> 16, number & 0xffff),
    }
}

fn kept(record: &ElectorRecord) -> String {
    let accepted = record.accepted.map_or(String::new(), |accepted| {
        format!(
            ", next {}{}",
            electors(&accepted.set),
            asked_in(accepted.ballot)
        )
    });
    let promised = match record.promised {
        Ballot::NONE => String::new(),
        ballot => format!(", promised{}", asked_in(ballot)),
    };
    let proposed = if record.is_proposed { " proposed" } else { "" };
    format!(
        "electors {}{proposed}{promised}{accepted}",
        electors(&record.in_force)
    )
}

fn answered(answer: &VoteAnswer) -> String {
    match answer {
        VoteAnswer::Granted => "granted".into(),
        VoteAnswer::Held(left) => format!("held for {}", ms(*left)),
        VoteAnswer::Old { promised, probed } => {
            format!("old, promised {} probed {}", name(*promised), name(*probed))
        }
        VoteAnswer::Abstains(left) => format!("abstains for {}", ms(*left)),
        VoteAnswer::OtherElectors => "other electors".into(),
        VoteAnswer::NotAllowed => "not allowed".into(),
    }
}

fn asked(question: &Question) -> String {
    let Question {
        epoch,
        sequence,
        sent,
        lease,
        successor,
        ..
    } = question;
    let length = if *lease == TIMING.lease() {
        String::new()
    } else {
        format!(" for {}", ms(*lease))
    };
    let follows = if *successor == 0 {
        String::new()
    } else {
        format!(", {successor} follows")
    };
    format!(
        "{} number {sequence} at {}{length}{follows}",
        name(*epoch),
        at(*sent)
    )
}

fn name(epoch: Epoch) -> String {
    format!("{}.{}", epoch.round(), epoch.slot())
}

fn at(instant: Instant) -> String {
    ms(instant.since(START))
}

fn ms(duration: Duration) -> String {
    let us = duration.as_micros();
    if us.is_multiple_of(1_000) {
        format!("{} ms", us / 1_000)
    } else {
        format!("{us} us")
    }
}
