//! What goes over the socket: one line of JSON each way, then the connection ends.

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::details::{Bucket, Details};
use super::event::Event;
use super::info::{InfoAnswer, InfoRequest};
use super::maps::PinnedMap;
use super::membership::Membership;
use super::nodes::NodeStatus;
use super::sinks::{AlarmsStatus, SinkTest};
use super::snapshot::Status;
use crate::config::change::{Facts, Place};

/// What is asked of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// What does this node know?
    Status,
    /// Why is it what it is?
    Explain,
    /// What happened to this node, its services and its hooks?
    History,
    /// Which map holds what?
    Maps,
    /// Which alarms are in force, and who heard of them?
    Alarms,
    /// Send a test to every sink of alarms.
    TestAlarms,
    /// What did the kernel count?
    Details,
    /// How late did the pulse's turns begin?
    Lateness,
    /// Who is a member, whose votes count, and what the configuration file proposes?
    Members,
    /// What is every node, by its own words?
    Nodes,
    /// Put the configuration file's electors and longest lease in force.
    ApplyMembers,
    /// Hand mastership to this slot, or to the successor.
    Switchover {
        /// The target; null for the successor.
        to: Option<Slot>,
    },
    /// Read the configuration file anew, and go by it.
    Reload,
    /// What does the configuration in force say?
    Configuration,
    /// Something of the dynamic information.
    Info(InfoRequest),
    /// Exit for the next process, keeping mastership.
    Restart,
    /// Become master without a majority.
    Force {
        /// The cluster's name, as who asks typed it.
        cluster: String,
    },
    /// Never become master (a master hands over first), or do again.
    Maintenance {
        /// Into it, or out of it.
        on: bool,
    },
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub enum Response {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Explain`]: full sentences.
    Explanation(Vec<String>),
    /// To [`Request::History`]: oldest first.
    History(Vec<Event>),
    /// To [`Request::Maps`].
    Maps(Vec<PinnedMap>),
    /// To [`Request::Alarms`].
    Alarms(Box<AlarmsStatus>),
    /// To [`Request::TestAlarms`].
    TestedAlarms(Vec<SinkTest>),
    /// To [`Request::Details`].
    Details(Box<Details>),
    /// To [`Request::Lateness`]: only ranges in which there is some.
    Lateness(Vec<Bucket>),
    /// To [`Request::Members`].
    Members(Box<Membership>),
    /// To [`Request::Nodes`]: by slot.
    Nodes(Vec<NodeStatus>),
    /// To [`Request::Configuration`].
    Configuration(Box<Running>),
    /// To [`Request::Info`].
    Info(InfoAnswer),
    /// What was done.
    Done(String),
    /// Why nothing was.
    Refused(String),
}

/// The configuration in force on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Where the node stands in its cluster.
    pub node: Place,
    /// What it goes by.
    pub facts: Facts,
}

/// The line that a client sends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    /// [`super::SCHEMA`] of the client.
    pub(super) schema: u32,
    pub(super) request: Request,
}

/// The line that the daemon sends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    /// [`super::SCHEMA`] of the daemon.
    pub(super) schema: u32,
    pub(super) response: Response,
}
