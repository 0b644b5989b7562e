//! What stands in a record: where the election began, what happened to it, what it commanded.

use std::borrow::Cow;
use std::time::Duration;

use heartbeat_core::event::{Heard, KernelWords, Order, QueryAnswer, Refusal, Reply, Restored};
use heartbeat_core::message::{Message, Network};
use heartbeat_core::service::Services;
use heartbeat_core::{Command, Config, ElectorRecord, Epoch, Instant, Node, Slot};
use serde::{Deserialize, Serialize};

/// One entry of a record. New ones are added at the end: their places are their numbers in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Item<'a> {
    /// The two clocks at one time, so that people can be told when.
    Clocks {
        /// CLOCK_BOOTTIME.
        boot: Instant,
        /// CLOCK_REALTIME in nanoseconds since 1970.
        wall_ns: u64,
    },
    /// A daemon started.
    Start(Box<Birth>),
    /// The election as it stands: after what was lost, and where a file begins.
    Checkpoint(Box<Checkpoint>),
    /// Some of what happened is not here.
    Gap(Gap),
    /// [`Node::handle`] was called.
    Event(Instant, Happened<'a>),
    /// [`Node::handle_timeout`] was called.
    Timeout(Instant),
    /// [`Node::poll_command`] gave this.
    Command(Cow<'a, Command>),
}

/// All that [`Node::new`] is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// The cluster as this node sees it.
    pub config: Config,
    /// What its last life left.
    pub restored: Restored,
    /// When it began.
    pub now: Instant,
}

impl Birth {
    /// The node that begins so.
    #[must_use]
    pub fn node(&self) -> Node {
        Node::new(self.config.clone(), self.restored, self.now)
    }
}

/// The election between two events, with the answers that the next one's are told apart from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When.
    pub now: Instant,
    /// The election.
    pub node: Node,
    /// The members' newest answers.
    pub replies: Vec<Reply>,
}

/// Entries that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How many.
    pub lost: u64,
    /// Why.
    pub cause: Cause,
}

/// Why entries are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The recorder did not keep up: a disk that hangs, a machine that is too busy, an entry that is too long.
    Behind,
    /// The file could not be written: a disk that is full.
    Unwritable,
}

/// An event as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Happened<'a> {
    /// [`heartbeat_core::Event::Turn`]
    Turn {
        /// The kernel's words.
        kernel: KernelWords,
        /// The members' answers.
        replies: Changes<'a>,
        /// How late it ran.
        lateness: Duration,
        /// CLOCK_MONOTONIC_RAW in nanoseconds.
        raw_ns: u64,
    },
    /// [`heartbeat_core::Event::Kernel`]
    Kernel(KernelWords),
    /// [`heartbeat_core::Event::Answers`]
    Answers {
        /// The kernel's words.
        kernel: KernelWords,
        /// The members' answers.
        replies: Changes<'a>,
    },
    /// [`heartbeat_core::Event::Promised`]
    Promised {
        /// The epoch.
        epoch: Epoch,
        /// The kernel's words.
        kernel: KernelWords,
    },
    /// [`heartbeat_core::Event::QueryAnswer`]
    QueryAnswer(QueryAnswer),
    /// [`heartbeat_core::Event::Refusal`]
    Refusal(Refusal),
    /// [`heartbeat_core::Event::Message`]
    Message {
        /// Its sender.
        from: Slot,
        /// Its sender's incarnation.
        incarnation: u64,
        /// The network that it came by.
        network: Network,
        /// What it says.
        message: Cow<'a, Message>,
    },
    /// [`heartbeat_core::Event::Order`]
    Order(Order),
    /// [`heartbeat_core::Event::ElectorsSaved`]
    ElectorsSaved(ElectorRecord),
    /// [`heartbeat_core::Event::ReferenceAnswer`]
    ReferenceAnswer {
        /// The question's id.
        id: u64,
        /// Which reference.
        reference: u8,
    },
    /// [`heartbeat_core::Event::Fenced`]
    Fenced {
        /// The run's id.
        id: u64,
        /// Whether it succeeded.
        done: bool,
    },
    /// [`heartbeat_core::Event::Services`]
    Services(Services),
    /// [`heartbeat_core::Event::Carrier`]
    Carrier(bool),
    /// [`heartbeat_core::Event::Reconfigured`]
    Reconfigured(Cow<'a, Config>),
    /// [`heartbeat_core::Event::Heard`]
    Heard(Cow<'a, [Heard]>),
}

/// The list of answers by what changed in it since the event before.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Changes<'a> {
    /// How long the list is.
    pub length: u16,
    /// The places that changed, and what stands there.
    pub changed: Cow<'a, [(u16, Reply)]>,
}
