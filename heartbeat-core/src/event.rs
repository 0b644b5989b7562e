//! What the driver tells the node.

use std::time::Duration;

use crate::config::Config;
use crate::electors::{ElectorRecord, ElectorSet};
use crate::message::{Message, Network};
use crate::pair::PairRecord;
use crate::service::Services;
use crate::{Epoch, Instant, Slot};

/// What was left by the daemon's last run, and what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Restored {
    /// Random number of this life of the maps.
    pub incarnation: u64,
    /// When the maps were created; abstention counts from here.
    pub created: Instant,
    /// Whether the maps are those of the last run: grants, votes and promises in them hold.
    pub maps_kept: bool,
    /// The kernel's words.
    pub kernel: KernelWords,
    /// The last daemon's words.
    pub daemon: DaemonWords,
    /// Highest epoch that was saved to disk: a floor for own rounds, never a promise.
    pub saved_floor: Epoch,
    /// What the disk says of the electors' sets; `None` if nothing was ever changed (the configuration's holds).
    pub electors: Option<ElectorRecord>,
    /// Any random number: request ids are derived from it.
    pub seed: u64,
    /// In a pair: what its disk says of it, its age counted up to now. `None`: it never ran.
    pub pair: Option<PairRecord>,
}

/// The kernel's words about the grants it gave, read at one point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KernelWords {
    /// When the grant by the last accepted probe ends.
    pub grant_end: Instant,
    /// Highest epoch of an authentic probe; the grant's holder is its slot.
    pub probed: Epoch,
    /// Arrival of the last accepted probe.
    pub arrival: Instant,
    /// Incarnation of the grant's holder.
    pub holder_incarnation: u64,
    /// Slot that the last accepted probe named as successor; 0 for none.
    pub successor: Slot,
    /// When our own slot was last seen with another incarnation; zero for never.
    pub duplicate_at: Instant,
}

/// The daemon's words that outlive it in the maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DaemonWords {
    /// Highest epoch promised.
    pub promised: Epoch,
    /// End of the grant given by the newest vote.
    pub vote_grant_end: Instant,
    /// Epoch of that vote.
    pub vote_epoch: Epoch,
    /// Incarnation it was given to.
    pub vote_incarnation: u64,
    /// Epoch of the lease.
    pub lease_epoch: Epoch,
    /// End of the lease; zero for none.
    pub lease_deadline: Instant,
    /// Highest sequence number used.
    pub sequence: u64,
    /// Highest epoch ever stood or served in.
    pub epoch_floor: Epoch,
    /// Epoch last given up by its holder: grants to exactly it no longer hold.
    pub released: Epoch,
    /// Whether the lease was this node's own word alone: an operator forced it.
    pub forced: bool,
    /// Until when the last daemon neither voted nor granted: a fault of its clock outlives it.
    pub abstain_until: Instant,
    /// End of the own slot's lease; zero for none.
    pub slot_lease: Instant,
}

/// What the kernel counted of one member's answers, all CPUs merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reply {
    /// Whose answers.
    pub slot: Slot,
    /// Newest probe it answered with a grant, and when that was sent (our record).
    pub granted_sequence: u64,
    /// When that probe was sent.
    pub granted_sent: Instant,
    /// Newest probe it answered at all.
    pub sequence: u64,
    /// Epoch of that probe.
    pub epoch: Epoch,
    /// When its newest answer arrived.
    pub arrival: Instant,
    /// Round trip of its newest answer.
    pub rtt: Duration,
    /// Its incarnation.
    pub incarnation: u64,
    /// When two incarnations were last seen to alternate; zero for never.
    pub clash_at: Instant,
    /// Age of its daemon when it answered; `None` if it never gave a sign of life.
    pub daemon_age: Option<Duration>,
    /// Age of its last successful service check; `None` without a monitor.
    pub service_age: Option<Duration>,
    /// Flags of its newest answer ([`heartbeat_wire::frame::flag`]).
    pub flags: u8,
    /// Role in it ([`heartbeat_wire::frame::role`]).
    pub role: u8,
    /// Diagnosis bits in it.
    pub diagnosis: u16,
    /// Electors' version in it.
    pub elector_version: u32,
    /// Electors' digest in it.
    pub elector_digest: u32,
    /// Configuration digest in it.
    pub config_digest: u64,
    /// Dynamic-information version in it.
    pub info_version: u64,
}

/// A member answered a probe: what is told of all members in every turn, where their whole answers would be too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Heard {
    /// Who.
    pub slot: Slot,
    /// Newest probe over the management network that it answered.
    pub sequence: u64,
}

/// A kernel's answer to our query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QueryAnswer {
    /// Who answered.
    pub from: Slot,
    /// Sequence number of the query it answers.
    pub sequence: u64,
    /// When the answer arrived, by the kernel's stamp.
    pub arrival: Instant,
    /// Its incarnation.
    pub incarnation: u64,
    /// Highest epoch it promised.
    pub promised: Epoch,
    /// Highest epoch it saw probed.
    pub probed: Epoch,
    /// What is left of the grant it gave; zero if it is free.
    pub grant_left: Duration,
    /// Whether it restarted without its maps and neither votes nor grants yet.
    pub abstains: bool,
    /// Electors' version it goes by.
    pub elector_version: u32,
    /// Electors' digest it goes by.
    pub elector_digest: u32,
    /// Dynamic-information version it has.
    pub info_version: u64,
    /// Whether its gate is open: a lease of its holds.
    pub gate_open: bool,
    /// Age of its daemon when it answered; `None` if that never gave a sign of life.
    pub daemon_age: Option<Duration>,
}

/// A kernel's refusal of our probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Refusal {
    /// Who refused.
    pub from: Slot,
    /// Epoch of the probe it refused.
    pub epoch: Epoch,
    /// Highest epoch it promised.
    pub promised: Epoch,
    /// Highest epoch it saw probed.
    pub probed: Epoch,
}

/// What an operator, or a signal, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Order {
    /// Hand mastership to this slot, or to the successor.
    Switchover(Option<Slot>),
    /// Do not become master (a master hands over first); or do again.
    Maintenance(bool),
    /// Hand mastership over in order, then exit.
    Stop,
    /// Exit for the next process of this node, keeping mastership.
    Restart,
    /// Become master without a majority: who orders it vouches that no other node serves.
    Force,
    /// Go to these electors and this longest lease (its version says nothing), one step after the other.
    Electors(ElectorSet),
}

/// What happened. `now` comes beside it, and was read before anything in the event was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A period began (or the first turn after a start).
    Turn {
        /// The kernel's words.
        kernel: KernelWords,
        /// Members' newest answers: of the electors always, of the others when the driver has read them anew (see
        /// [`Event::Heard`]).
        replies: &'a [Reply],
        /// How late this turn runs.
        lateness: Duration,
        /// CLOCK_MONOTONIC_RAW in nanoseconds, read beside `now`.
        raw_ns: u64,
    },
    /// Members that answered since this was told last, by slot; precedes a turn. For all that are no electors: what
    /// else such a member's answer says is read at a slower pace.
    Heard(&'a [Heard]),
    /// The kernel's words were read anew; precedes a timeout and every other event of a wake-up.
    Kernel(KernelWords),
    /// The answers were read anew between two turns: a master's lease is renewed as soon as a majority
    /// granted, not a period later, and who did not grant may be asked over the business network. Nobody is
    /// judged by it.
    Answers {
        /// The kernel's words.
        kernel: KernelWords,
        /// As in [`Event::Turn`].
        replies: &'a [Reply],
    },
    /// [`crate::Command::Promise`] was carried out: the word is raised, and the kernel's words were
    /// read after it, behind a full barrier.
    ///
    /// `now` was read after the command was taken, thus after the vote request that led to it was
    /// received: the vote's grant is counted from here, and must not end before the asker's lease.
    Promised {
        /// The epoch promised.
        epoch: Epoch,
        /// The kernel's words, read after the raise.
        kernel: KernelWords,
    },
    /// A kernel answered our query.
    QueryAnswer(QueryAnswer),
    /// A kernel refused our probe.
    Refusal(Refusal),
    /// An authentic control message came. Of a [`Message::SlotAsk`] or [`Message::SlotGrant`] `now` was read *after*
    /// it was received: a lease is granted, and renewed, only while one that holds then says so.
    Message {
        /// Its sender.
        from: Slot,
        /// Its sender's incarnation.
        incarnation: u64,
        /// The network that it came by.
        network: Network,
        /// What it says.
        message: Message,
    },
    /// An operator or a signal asks.
    Order(Order),
    /// [`crate::Command::SaveElectors`] was carried out: this record is on disk.
    ElectorsSaved(ElectorRecord),
    /// A reference answered the question of [`crate::Command::AskReference`] with this id.
    ReferenceAnswer {
        /// The command's id, which the answer echoed.
        id: u64,
        /// Which reference: its place in the configuration, from 0.
        reference: u8,
    },
    /// The fence command of [`crate::Command::Fence`] with this id has ended.
    Fenced {
        /// The command's id.
        id: u64,
        /// Whether it succeeded: the peer can serve nothing until it was started anew.
        done: bool,
    },
    /// How the services on this node are; told at the start where some are watched, and on each change.
    Services(Services),
    /// Whether this node's interface on the business network has its carrier; until it is told, it has.
    Carrier(bool),
    /// The election goes by this configuration from now on. Slot, mode, period, multiplier and who among the
    /// electors is a witness are as before; what it says of the electors' set is passed over.
    Reconfigured(Box<Config>),
}
