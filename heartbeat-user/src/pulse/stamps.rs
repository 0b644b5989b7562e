//! When each step of one takeover was done, so that an outage can be told apart into its shares.

use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Instant, Message};

/// CLOCK_BOOTTIME of each step of a promotion; zero for a step that was not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// The last probe of the lost master arrived.
    pub last_probe: Instant,
    /// The grant given to it ended (or it released it).
    pub orphaned: Instant,
    /// The first query left.
    pub queried: Instant,
    /// The vote requests that won left.
    pub requested: Instant,
    /// The majority was there: lease written, gate open.
    pub elected: Instant,
    /// The addresses were added.
    pub added: Instant,
    /// The first announcement left.
    pub announced: Instant,
}

impl Stamps {
    /// Notes the step that `command` is part of.
    pub(crate) fn observe(
        &mut self,
        command: &Command,
        now: Instant,
        last_probe: Instant,
        grant_end: Instant,
    ) {
        match command {
            Command::Query(_) | Command::QueryBusiness(_) => {
                if self.queried == Instant::ZERO {
                    self.start(last_probe, grant_end, now);
                    self.queried = now;
                }
            }
            Command::Send {
                message: Message::VoteRequest { .. },
                ..
            } => {
                if self.orphaned == Instant::ZERO {
                    self.start(last_probe, grant_end, now);
                }
                self.requested = now;
            }
            Command::AddAddresses(_) => self.elected = now,
            // A candidacy that came to nothing is no part of the next one.
            Command::RoleChanged {
                to: Role::Init | Role::Slave | Role::Witness | Role::IsMaster | Role::BattleMaster,
                ..
            } => *self = Self::default(),
            Command::Promise(_)
            | Command::VoteGrant { .. }
            | Command::Lease { .. }
            | Command::GateShut
            | Command::Forced(_)
            | Command::Released(_)
            | Command::Abstain(_)
            | Command::Floor(_)
            | Command::SaveElectors(_)
            | Command::Electors(_)
            | Command::Role(_)
            | Command::Eligible(_)
            | Command::Probe(_)
            | Command::ProbeBusiness(_)
            | Command::Send { .. }
            | Command::RemoveAddresses(_)
            | Command::RoleChanged {
                to: Role::Candidate | Role::Master,
                ..
            }
            | Command::Alarm(..)
            | Command::OrderAnswer(_)
            | Command::Exit
            | Command::ExitKeeping
            | Command::AskReference { .. }
            | Command::Fence { .. }
            | Command::SavePair(_)
            | Command::SlotLease(_)
            | Command::SlotTaken { .. }
            | Command::HoldSlot(_)
            | Command::DropSlot(_)
            | Command::Guarantee(_) => {}
        }
    }

    fn start(&mut self, last_probe: Instant, grant_end: Instant, now: Instant) {
        self.last_probe = last_probe;
        // A grant that still runs was released: the node stands from the moment it heard so.
        self.orphaned = if grant_end < now { grant_end } else { now };
    }
}
