//! Votes and commands: userspace datagrams on the control port, authenticated by the envelope.

use std::time::Duration;

use crate::electors::{Ballot, ElectorRecord, ElectorSet};
use crate::pair::PairState;
use crate::snapshot::Diagnosis;
use crate::{Epoch, Slot};

/// Which of the two networks a message travels by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Network {
    /// Heartbeats, votes, commands.
    Management,
    /// The service's own; low-rate cross-checks.
    Business,
}

/// One control message. Sender, receiver and incarnation stand in the envelope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Message {
    /// A candidate asks for a vote.
    VoteRequest {
        /// The epoch it would hold.
        epoch: Epoch,
        /// How long the vote's grant is to last.
        lease: Duration,
        /// Random number of the request: the same id gets the same answer and extends nothing.
        id: u64,
        /// Electors' version the candidate goes by.
        elector_version: u32,
        /// Electors' digest it goes by.
        elector_digest: u32,
    },
    /// The answer to a vote request.
    Vote {
        /// The request's epoch.
        epoch: Epoch,
        /// The request's id.
        id: u64,
        /// Yes, or why not.
        answer: VoteAnswer,
        /// The voter's dynamic-information version.
        info_version: u64,
    },
    /// Would you vote, in principle? Asked every 10 s over both networks, promising nothing.
    Poll {
        /// Random number that the answer repeats.
        id: u64,
    },
    /// The answer to a poll.
    PollAnswer {
        /// The poll's id.
        id: u64,
        /// Whether the sender votes at all now (no abstention, clock sound).
        votes: bool,
    },
    /// The new master tells the first one, and all, to follow it.
    Promote {
        /// The new master's epoch.
        epoch: Epoch,
    },
    /// A master (or a candidate) gives its epoch up for good: grants given to it end.
    Release {
        /// The epoch that is over; its slot is the sender's.
        epoch: Epoch,
        /// Who is to follow at once; 0 for nobody in particular.
        target: Slot,
    },
    /// Which electors' set is in force, and, from a master that changes it: agree to the next one.
    Electors {
        /// The set in force at the sender.
        set: ElectorSet,
        /// The ballot to be promised; [`Ballot::NONE`] for none.
        ballot: Ballot,
        /// The set to be agreed to in that ballot.
        next: Option<ElectorSet>,
    },
    /// What stands on the sender's disk about the electors' sets: the answer to [`Message::Electors`], and the
    /// question of a node that is not sure which set is in force.
    ElectorsState(ElectorRecord),
    /// The master's view of the members, on change and every second, so that every node shows the same.
    Health {
        /// The master's epoch.
        epoch: Epoch,
        /// Whether its lease rests on the business network, since the management network fails.
        degraded: bool,
        /// One entry a member other than the master.
        members: Vec<MemberHealth>,
    },
    /// A master that nobody answers over the business network asks: does anybody answer you there? Who is asked looks anew.
    SideAsk {
        /// Random number that the answer repeats.
        id: u64,
    },
    /// The answer, as far as it is known by then.
    SideTell {
        /// The question's id.
        id: u64,
        /// How the answerer finds its side.
        side: BusinessSide,
    },
    /// A machine asks the master for the lease of its own slot. Sent over both networks while no answer comes.
    SlotAsk {
        /// Random number that the answer repeats.
        id: u64,
        /// How long the lease is to last, from the sending of this.
        lease: Duration,
        /// Whether it holds the slot's lease as it sends this: a new master grants no other.
        renews: bool,
    },
    /// The lease is granted, by the network of the question; who is not granted it gets no answer.
    SlotGrant {
        /// The question's id.
        id: u64,
    },
    /// In a pair: how is it with you? It says how it is with the asker. Sent over both networks.
    PairAsk {
        /// Random number that the answer repeats.
        id: u64,
        /// The asker's state.
        state: PairState,
    },
    /// The answer, by the network of the question.
    PairTell {
        /// The question's id.
        id: u64,
        /// The state of who answers.
        state: PairState,
    },
}

/// What a node knows of its own place on the business network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BusinessSide {
    /// Whether its interface has its carrier, as far as was told.
    pub has_carrier: bool,
    /// How long ago a member last answered it over that network; `None`: none ever did.
    pub heard_ago: Option<Duration>,
}

/// The answer to a vote request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum VoteAnswer {
    /// Yes: a grant for the lease that was asked for.
    Granted,
    /// A grant to somebody else is in force for so much longer.
    Held(Duration),
    /// The epoch is not above what the voter promised or saw probed.
    Old {
        /// Highest epoch promised.
        promised: Epoch,
        /// Highest epoch probed.
        probed: Epoch,
    },
    /// The voter restarted without its maps, or its clock is at fault, for so much longer.
    Abstains(Duration),
    /// The voter goes by another version of the electors' set.
    OtherElectors,
    /// The lease asked for is longer than `max_lease`, or the asker may not become master.
    NotAllowed,
}

/// What the master found out about one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MemberHealth {
    /// Which member.
    pub slot: Slot,
    /// Whether it replied of late.
    pub healthy: bool,
    /// What is wrong with it.
    pub diagnosis: Diagnosis,
    /// Its role as its answers say ([`heartbeat_wire::frame::role`]).
    pub role: u8,
    /// Round trip of its newest answer, in microseconds; `u32::MAX` if unknown.
    pub rtt_us: u32,
}
