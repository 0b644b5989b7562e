//! What the node tells the driver to do, in this order.

use std::time::Duration;

use crate::electors::ElectorRecord;
use crate::message::{Message, Network};
use crate::order::{OrderDone, OrderError};
use crate::pair::PairRecord;
use crate::snapshot::{Alarm, Guarantee, Reason, Role};
use crate::{Epoch, Instant, Slot};

/// One thing to do. Order is data: a command is carried out before the next one is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Raise the promised epoch in the kernel's view, then (behind a full barrier) read the kernel's
    /// words and hand them back as [`crate::Event::Promised`] before any other command or event.
    Promise(Epoch),
    /// Write the grant given by a vote (or to oneself) into the maps, whatever stood there: an end that
    /// has come takes the grant back.
    VoteGrant {
        /// Epoch voted for; its slot holds the grant.
        epoch: Epoch,
        /// Incarnation voted for.
        incarnation: u64,
        /// When the grant ends.
        end: Instant,
    },
    /// Write the lease: the gate is open until `deadline` unless a higher epoch is probed.
    Lease {
        /// The mastership's epoch.
        epoch: Epoch,
        /// When the lease ends.
        deadline: Instant,
    },
    /// Shut the gate: lease deadline zero.
    GateShut,
    /// Note in the maps whether the lease rests on an operator's word instead of a majority's.
    Forced(bool),
    /// Note in the maps that this epoch was released.
    Released(Epoch),
    /// Note in the maps until when this node neither votes nor grants.
    Abstain(Instant),
    /// Note in the maps, and save in the background, the highest epoch stood in.
    Floor(Epoch),
    /// Save this record of the electors' sets in the background; once it is on disk, hand it back as
    /// [`crate::Event::ElectorsSaved`]. Not told, it is handed out again a second later.
    SaveElectors(ElectorRecord),
    /// The record is on disk: tell the kernel which sets it grants by, and name the one in force in every
    /// question from now on.
    Electors(ElectorRecord),
    /// Tell the kernel this node's role, for its answers.
    Role(Role),
    /// Tell the kernel whether this node may become master, for its answers.
    Eligible(bool),
    /// Write the sent record and the sequence word, then send a probe to all over the management network.
    Probe(Question),
    /// The same by unicast to every other elector over the business network, on which this node may not be.
    ProbeBusiness(Question),
    /// Write the sent record and the sequence word, then send a query to all over the management network.
    Query(Question),
    /// The same by unicast to every other elector over the business network, on which this node may not be.
    QueryBusiness(Question),
    /// Send a control message.
    Send {
        /// To which member.
        to: Slot,
        /// By which network.
        network: Network,
        /// What.
        message: Message,
    },
    /// Add the virtual addresses that follow the master, and announce them.
    AddAddresses(Epoch),
    /// Delete them.
    RemoveAddresses(Epoch),
    /// A role changed: one line in the log, one entry in the history.
    RoleChanged {
        /// The role left.
        from: Role,
        /// The role taken.
        to: Role,
        /// Why.
        reason: Reason,
        /// The epoch concerned.
        epoch: Epoch,
        /// How long the role left had lasted.
        lasted: Duration,
    },
    /// An alarm is raised (`true`) or cleared.
    Alarm(Alarm, bool),
    /// What became of the oldest order that was not answered yet: each order gets exactly one answer.
    OrderAnswer(Result<OrderDone, OrderError>),
    /// The stop that was ordered is complete.
    Exit,
    /// The restart that was ordered is due: exit, and leave lease, addresses, programs and maps as they
    /// are, for the next process.
    ExitKeeping,
    /// Ask every reference at once; hand each answer to exactly this question back as
    /// [`crate::Event::ReferenceAnswer`]. The question must not leave before this command was taken.
    AskReference {
        /// Another one for each question.
        id: u64,
    },
    /// Run the fence command against the peer, in the background and one at a time; when it has ended, hand that back
    /// as [`crate::Event::Fenced`].
    Fence {
        /// Another one for each run.
        id: u64,
        /// Whom to stop.
        target: Slot,
    },
    /// Save this record of a pair's node in the background, its age made a point in time.
    SavePair(PairRecord),
    /// Note in the maps until when the own slot's lease runs: the gate of its addresses is open until then;
    /// [`Instant::ZERO`] shuts it.
    SlotLease(Instant),
    /// Note in the maps that this master bears the addresses of another slot: their gate is open while the lease of
    /// exactly this epoch holds; [`Epoch::NONE`] shuts it, at once.
    SlotTaken {
        /// Whose addresses.
        slot: Slot,
        /// The mastership's epoch.
        epoch: Epoch,
    },
    /// Add the addresses of this slot that go by a lease, and announce them. What a master took over goes with
    /// [`Command::RemoveAddresses`] as well.
    HoldSlot(Slot),
    /// Delete them.
    DropSlot(Slot),
    /// Another promise keeps a second master away: one line in the log.
    Guarantee(Guarantee),
}

/// The fields of a probe or query that the election decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Question {
    /// Probe: the mastership's epoch. Query: the epoch that would be taken.
    pub epoch: Epoch,
    /// Its number, above all earlier ones of this incarnation.
    pub sequence: u64,
    /// Its send time: `now` of the event that led to it, which was read before the lease was checked.
    pub sent: Instant,
    /// The lease asked for.
    pub lease: Duration,
    /// Who follows if the sender is lost; 0 for nobody.
    pub successor: Slot,
    /// Members that are no electors answer when `slot % stride == offset`.
    pub stride: u16,
    /// See `stride`.
    pub offset: u16,
}
