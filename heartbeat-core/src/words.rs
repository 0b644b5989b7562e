//! Events, commands and messages in words, one short line each: for the recorder and the simulator.
//!
//! Times are milliseconds of the node's own clock, epochs are round.slot. Nothing in here allocates, so that the
//! pulse can write it.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::command::Question;
use crate::electors::{Ballot, ElectorRecord, ElectorSet};
use crate::event::{KernelWords, Order, QueryAnswer, Refusal, Reply};
use crate::message::{Message, Network, VoteAnswer};
use crate::service::ServiceState;
use crate::{Command, Epoch, Event, Instant};

/// An epoch as round.slot.
pub(crate) struct Name(pub(crate) Epoch);

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.round(), self.0.slot())
    }
}

/// A span in milliseconds.
pub(crate) struct Ms(pub(crate) Duration);

impl Display for Ms {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        write!(f, "{}.{:03} ms", us / 1_000, us % 1_000)
    }
}

impl Display for Instant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&Ms(self.since(Self::ZERO)), f)
    }
}

impl Display for Network {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Management => "management",
            Self::Business => "business",
        })
    }
}

impl Display for Event<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn {
                kernel,
                replies,
                lateness,
                raw_ns: _,
            } => {
                write!(f, "turn, {} late: {kernel}; ", Ms(*lateness))?;
                answers(replies, f)
            }
            Self::Heard(answers) => write!(f, "{} members answered", answers.len()),
            Self::Kernel(kernel) => write!(f, "words: {kernel}"),
            Self::Answers { kernel, replies } => {
                write!(f, "answers: {kernel}; ")?;
                answers(replies, f)
            }
            Self::Promised { epoch, kernel } => write!(f, "promised {}: {kernel}", Name(*epoch)),
            Self::QueryAnswer(answer) => write!(f, "{answer}"),
            Self::Refusal(refusal) => write!(f, "{refusal}"),
            Self::Message {
                from,
                incarnation: _,
                network,
                message,
            } => write!(f, "slot {from} by the {network} network: {message}"),
            Self::Order(order) => write!(f, "order: {order}"),
            Self::ElectorsSaved(record) => write!(f, "saved: {record}"),
            Self::ReferenceAnswer { id, reference } => {
                write!(f, "reference {reference} answers question {id}")
            }
            Self::Fenced { id, done: true } => write!(f, "fence command {id} succeeded"),
            Self::Fenced { id, done: false } => write!(f, "fence command {id} failed"),
            Self::Services(told) => write!(f, "services: {}", told.state),
            Self::Carrier(true) => f.write_str("the business link has its carrier"),
            Self::Carrier(false) => f.write_str("the business link has no carrier"),
            Self::Reconfigured(config) => {
                write!(f, "configuration {:016x}", config.config_digest)
            }
        }
    }
}

/// Who granted which probe.
fn answers(replies: &[Reply], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("granted")?;
    for reply in replies {
        write!(f, " {}:{}", reply.slot, reply.granted_sequence)?;
    }
    Ok(())
}

impl Display for KernelWords {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} probed at {}, granted until {}",
            Name(self.probed),
            self.arrival,
            self.grant_end
        )?;
        if self.duplicate_at > Instant::ZERO {
            write!(f, ", its slot elsewhere at {}", self.duplicate_at)?;
        }
        Ok(())
    }
}

impl Display for QueryAnswer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let abstains = if self.abstains { ", abstains" } else { "" };
        write!(
            f,
            "slot {} answers query {}: promised {} probed {}, held for {}{abstains}",
            self.from,
            self.sequence,
            Name(self.promised),
            Name(self.probed),
            Ms(self.grant_left)
        )
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slot {} refuses {}: promised {} probed {}",
            self.from,
            Name(self.epoch),
            Name(self.promised),
            Name(self.probed)
        )
    }
}

impl Display for ServiceState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "not seen to work yet",
            Self::Healthy => "all work",
            Self::Recovering => "one is being recovered",
            Self::Lost => "one is lost",
            Self::NotPromoted => "the promotion hook did not succeed",
        })
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switchover(None) => f.write_str("switchover"),
            Self::Switchover(Some(slot)) => write!(f, "switchover to slot {slot}"),
            Self::Maintenance(true) => f.write_str("maintenance on"),
            Self::Maintenance(false) => f.write_str("maintenance off"),
            Self::Stop => f.write_str("stop"),
            Self::Restart => f.write_str("restart"),
            Self::Force => f.write_str("promote by force"),
            Self::Electors(set) => write!(f, "electors {}", set.slots),
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::VoteRequest {
                epoch, lease, id, ..
            } => write!(
                f,
                "vote request {id:016x} for {} of {}",
                Name(*epoch),
                Ms(*lease)
            ),
            Self::Vote {
                epoch, id, answer, ..
            } => write!(f, "vote {id:016x} on {}: {answer}", Name(*epoch)),
            Self::Poll { .. } => f.write_str("poll"),
            Self::PollAnswer { votes: true, .. } => f.write_str("poll answer: votes"),
            Self::PollAnswer { votes: false, .. } => f.write_str("poll answer: abstains"),
            Self::SideAsk { .. } => f.write_str("ask about the business network"),
            Self::SideTell { side, .. } => write!(f, "tell of the business network: {side}"),
            Self::Promote { epoch } => write!(f, "promote {}", Name(*epoch)),
            Self::Release { epoch, target: 0 } => write!(f, "release {}", Name(*epoch)),
            Self::Release { epoch, target } => {
                write!(f, "release {}, slot {target} follows", Name(*epoch))
            }
            Self::Electors { set, ballot, next } => {
                write!(f, "electors {set}{ballot}")?;
                next.iter().try_for_each(|next| write!(f, ", then {next}"))
            }
            Self::ElectorsState(record) => write!(f, "electors' state: {record}"),
            Self::Health {
                epoch,
                degraded,
                members,
            } => {
                let degraded = if *degraded { ", degraded" } else { "" };
                write!(
                    f,
                    "health of {} members in {}{degraded}",
                    members.len(),
                    Name(*epoch)
                )
            }
            Self::SlotAsk {
                lease,
                renews: false,
                ..
            } => write!(f, "the lease of my slot for {}?", Ms(*lease)),
            Self::SlotAsk { lease, .. } => {
                write!(f, "more of the lease of my slot, {}?", Ms(*lease))
            }
            Self::SlotGrant { .. } => f.write_str("the lease of your slot is granted"),
            Self::PairAsk { state, .. } => write!(f, "how is it with you? Here it is {state}"),
            Self::PairTell { state, .. } => write!(f, "here it is {state}"),
        }
    }
}

impl Display for VoteAnswer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::Held(left) => write!(f, "held for {}", Ms(*left)),
            Self::Old { promised, probed } => write!(
                f,
                "too old, promised {} probed {}",
                Name(*promised),
                Name(*probed)
            ),
            Self::Abstains(left) => write!(f, "abstains for {}", Ms(*left)),
            Self::OtherElectors => f.write_str("other electors"),
            Self::NotAllowed => f.write_str("not allowed"),
        }
    }
}

impl Display for ElectorSet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.version, self.slots)
    }
}

impl Display for Ballot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => Ok(()),
            Self(number) => write!(f, " in ballot {}.{}", number >> 16, number & 0xffff),
        }
    }
}

impl Display for ElectorRecord {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let proposed = if self.is_proposed { " proposed" } else { "" };
        write!(f, "electors {}{proposed}", self.in_force)?;
        if self.promised != Ballot::NONE {
            write!(f, ", promised{}", self.promised)?;
        }
        self.accepted
            .iter()
            .try_for_each(|accepted| write!(f, ", next {}{}", accepted.set, accepted.ballot))
    }
}

impl Display for Question {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} number {} for {}",
            Name(self.epoch),
            self.sequence,
            Ms(self.lease)
        )?;
        match self.successor {
            0 => Ok(()),
            slot => write!(f, ", slot {slot} follows"),
        }
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise(epoch) => write!(f, "promise {}", Name(*epoch)),
            Self::VoteGrant { epoch, end, .. } => {
                write!(f, "grant to {} until {end}", Name(*epoch))
            }
            Self::Lease { epoch, deadline } => {
                write!(f, "lease of {} until {deadline}", Name(*epoch))
            }
            Self::GateShut => f.write_str("shut the gate"),
            Self::Forced(true) => f.write_str("the lease is forced"),
            Self::Forced(false) => f.write_str("the lease is not forced"),
            Self::Released(epoch) => write!(f, "{} is released", Name(*epoch)),
            Self::Abstain(until) => write!(f, "abstain until {until}"),
            Self::Floor(epoch) => write!(f, "save the floor {}", Name(*epoch)),
            Self::SaveElectors(record) => write!(f, "save {record}"),
            Self::Electors(record) => write!(f, "go by {record}"),
            Self::Role(role) => write!(f, "be {}", role.as_str()),
            Self::Eligible(true) => f.write_str("be eligible"),
            Self::Eligible(false) => f.write_str("be not eligible"),
            Self::Probe(question) => write!(f, "probe {question}"),
            Self::ProbeBusiness(question) => {
                write!(f, "probe {question}, by the business network")
            }
            Self::Query(question) => write!(f, "query {question}"),
            Self::QueryBusiness(question) => {
                write!(f, "query {question}, by the business network")
            }
            Self::Send {
                to,
                network,
                message,
            } => write!(f, "to slot {to} by the {network} network: {message}"),
            Self::AddAddresses(epoch) => write!(f, "add the addresses for {}", Name(*epoch)),
            Self::RemoveAddresses(epoch) => {
                write!(f, "remove the addresses of {}", Name(*epoch))
            }
            Self::RoleChanged {
                from,
                to,
                reason,
                epoch,
                lasted,
            } => write!(
                f,
                "{} -> {}: {reason} ({}, after {})",
                from.as_str(),
                to.as_str(),
                Name(*epoch),
                Ms(*lasted)
            ),
            Self::Alarm(alarm, true) => write!(f, "alarm on: {alarm:?}"),
            Self::Alarm(alarm, false) => write!(f, "alarm off: {alarm:?}"),
            Self::OrderAnswer(Ok(done)) => write!(f, "answer: {done}"),
            Self::OrderAnswer(Err(error)) => write!(f, "refuse the order: {error}"),
            Self::Exit => f.write_str("exit"),
            Self::ExitKeeping => f.write_str("exit, keeping everything"),
            Self::AskReference { id } => write!(f, "ask the references, question {id}"),
            Self::Fence { id, target } => write!(f, "fence slot {target}, run {id}"),
            Self::SavePair(record) => write!(f, "save the pair's record: {record}"),
            Self::SlotLease(Instant::ZERO) => f.write_str("shut the gate of the slot's addresses"),
            Self::SlotLease(deadline) => write!(f, "lease of the slot until {deadline}"),
            Self::SlotTaken {
                slot,
                epoch: Epoch::NONE,
            } => write!(f, "slot {slot} is not taken over"),
            Self::SlotTaken { slot, epoch } => {
                write!(f, "slot {slot} is taken over in {}", Name(*epoch))
            }
            Self::HoldSlot(slot) => write!(f, "add the addresses of slot {slot}"),
            Self::DropSlot(slot) => write!(f, "remove the addresses of slot {slot}"),
            Self::Guarantee(guarantee) => write!(f, "guarantee: {}", guarantee.as_str()),
        }
    }
}
