//! How an operator's program talks to the daemon: a unix socket, one JSON line each way.

mod alarm;
mod cause;
mod chronicle;
mod client;
mod cures;
mod details;
mod event;
mod explain;
mod facts;
mod history;
pub(crate) mod human;
mod info;
mod maps;
mod membership;
mod nodes;
mod protocol;
mod server;
mod sinks;
mod snapshot;
mod socket;
mod words;

pub use crate::config::alarms::Severity;
pub use alarm::Alarm;
pub use cause::why;
pub use chronicle::{
    ALARMS_KEY, HISTORY_KEY, Happened, MOST_HAPPENED, MastersView, Seen, VIEW_KEY, What,
};
pub use client::{Client, ClientError};
pub use details::{Answer, Bucket, Counted, Details};
pub use event::{Event, ServiceEvent, SlotChange, SlotEvent};
pub use explain::explain;
pub use facts::LocalFacts;
pub use history::{HistoryEntry, TakeoverStamps, rfc3339};
pub use info::{
    Expected, HolderStatus, InfoAnswer, InfoChange, InfoEntry, InfoRequest, PAGE, PAGE_BYTES,
    StoreStatus, Value,
};
pub use maps::{PinnedMap, pinned_maps};
pub use membership::{Change, Electors, Membership};
pub use nodes::{DriverFacts, InterfaceFacts, NodeFacts, NodeStatus};
pub use protocol::{Request, Response, Running};
pub use server::{Handler, understand};
pub use sinks::{AlarmsStatus, SinkStatus, SinkTest};
pub use snapshot::{
    Datapath, EpochParts, FirstMaster, HookStatus, LinkStatus, LinksStatus, Local, MemberStatus,
    ReloadStatus, SCHEMA, ServiceStatus, SlotLeaseStatus, Status, VerifiedStatus,
    VirtualAddressStatus,
};
pub use socket::{BindError, ControlSocket};
pub use words::{
    AlarmName, Answering, Bearer, Diagnosis, Guarantee, HookWord, NotElectable, Role, Scope,
    ServiceWord,
};

#[cfg(test)]
pub(crate) mod tests;
