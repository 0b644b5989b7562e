//! Which events and commands belong to a decision.

use heartbeat_core::event::KernelWords;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Event, Message};

pub(super) const fn kernel<'a>(event: &'a Event<'_>) -> Option<&'a KernelWords> {
    match event {
        Event::Turn { kernel, .. }
        | Event::Answers { kernel, .. }
        | Event::Promised { kernel, .. }
        | Event::Kernel(kernel) => Some(kernel),
        Event::Heard(_)
        | Event::QueryAnswer(_)
        | Event::Refusal(_)
        | Event::Message { .. }
        | Event::Order(_)
        | Event::ElectorsSaved(_)
        | Event::ReferenceAnswer { .. }
        | Event::Fenced { .. }
        | Event::Services(_)
        | Event::Carrier(_)
        | Event::Reconfigured(_) => None,
    }
}

pub(super) const fn is_of_an_election(event: &Event<'_>) -> bool {
    match event {
        Event::Turn { .. }
        | Event::Heard(_)
        | Event::Kernel(_)
        | Event::Answers { .. }
        | Event::Promised { .. } => false,
        Event::QueryAnswer(_)
        | Event::Refusal(_)
        | Event::Order(_)
        | Event::ElectorsSaved(_)
        | Event::ReferenceAnswer { .. }
        | Event::Fenced { .. }
        | Event::Services(_)
        | Event::Carrier(_)
        | Event::Reconfigured(_) => true,
        Event::Message { message, .. } => is_election(message),
    }
}

/// Polls and the members' health come again and again, and decide nothing by themselves.
const fn is_election(message: &Message) -> bool {
    match message {
        Message::VoteRequest { .. }
        | Message::Vote { .. }
        | Message::Promote { .. }
        | Message::Release { .. }
        | Message::Electors { .. }
        | Message::ElectorsState(_) => true,
        Message::PairAsk { .. } | Message::PairTell { .. } => true,
        Message::Poll { .. }
        | Message::PollAnswer { .. }
        | Message::SideAsk { .. }
        | Message::SideTell { .. }
        | Message::Health { .. }
        | Message::SlotAsk { .. }
        | Message::SlotGrant { .. } => false,
    }
}

pub(super) const fn is_decision(command: &Command) -> bool {
    match command {
        // The role change that it belongs to is told, and each lease once.
        Command::Role(_)
        | Command::Lease { .. }
        | Command::Floor(_)
        | Command::Probe(_)
        | Command::ProbeBusiness(_)
        | Command::SlotLease(_)
        | Command::SavePair(_) => false,
        Command::Send { message, .. } => is_election(message),
        Command::Promise(_)
        | Command::VoteGrant { .. }
        | Command::GateShut
        | Command::Forced(_)
        | Command::Released(_)
        | Command::Abstain(_)
        | Command::SaveElectors(_)
        | Command::Electors(_)
        | Command::Eligible(_)
        | Command::Query(_)
        | Command::QueryBusiness(_)
        | Command::AddAddresses(_)
        | Command::RemoveAddresses(_)
        | Command::SlotTaken { .. }
        | Command::HoldSlot(_)
        | Command::DropSlot(_)
        | Command::RoleChanged { .. }
        | Command::Alarm(..)
        | Command::OrderAnswer(_)
        | Command::Exit
        | Command::ExitKeeping
        | Command::AskReference { .. }
        | Command::Fence { .. }
        | Command::Guarantee(_) => true,
    }
}

pub(super) const fn ends_lease(command: &Command) -> bool {
    matches!(
        command,
        Command::GateShut
            | Command::ExitKeeping
            | Command::RoleChanged {
                from: Role::Master,
                ..
            }
    )
}
