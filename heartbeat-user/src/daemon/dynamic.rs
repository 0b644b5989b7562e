//! Dynamic information: where the daemon's parts meet its store, and how a client's request finds the master.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use heartbeat_core::snapshot::Guarantee;
use heartbeat_core::{ElectorRecord, Epoch, Slot};

use super::failure::Failure;
use super::operator::Operator;
use super::plan::Plan;
use crate::control::{InfoAnswer, InfoRequest};
use crate::datapath::Words;
use crate::floor::Floors;
use crate::peer::{CallError, Kind, Peers};
use crate::state::StateFolder;
use crate::store::{Info, Setup};

/// How long the master may take to answer another node: less than a client waits for its own.
const MASTER_ANSWERS: Duration = Duration::from_secs(4);

/// Starts the store of this node, and has the others' requests answered by it. `goes_on`: the mastership that this
/// process took over from the last one.
pub(super) fn start(
    plan: &Plan,
    state: &StateFolder,
    words: &Words,
    peers: &Peers,
    floors: &Floors,
    goes_on: Option<Epoch>,
) -> Result<Info, Failure> {
    let setup = Setup {
        slot: plan.slot,
        electors: electors(&plan.electors),
        folder: state.path().to_owned(),
        peers: peers.clone(),
        words: words.clone(),
        floors: floors.clone(),
    };
    let info = Info::start(setup).map_err(Failure::of)?;
    if goes_on.is_some() {
        info.master(goes_on);
    }
    let asked = info.clone();
    peers.answer(Kind::Client, move |_, body| {
        let info = asked.clone();
        async move { answer(&info, &body).await }
    });
    Ok(info)
}

/// Whose stores are to count.
pub(super) fn electors(record: &ElectorRecord) -> BTreeSet<Slot> {
    record.in_force.slots.iter().collect()
}

/// Whether one of a pair does without the other.
pub(super) const fn is_alone(guarantee: Guarantee) -> bool {
    match guarantee {
        Guarantee::Evidence | Guarantee::Fenced => true,
        Guarantee::Quorum | Guarantee::Forced => false,
    }
}

/// Another node's client asks this node, which it takes for the master.
async fn answer(info: &Info, body: &[u8]) -> Result<Bytes, String> {
    let request: InfoRequest = postcard::from_bytes(body)
        .map_err(|error| format!("the request is of another version: {error}"))?;
    let answer = info.ask(request).await;
    let answer = postcard::to_allocvec(&answer).map_err(|error| error.to_string())?;
    Ok(answer.into())
}

impl Operator {
    /// Has it answered by the master, or by this node where its own copy is asked for.
    pub(super) async fn info(&self, request: InfoRequest) -> Result<InfoAnswer, String> {
        if let InfoRequest::Force { cluster } = &request {
            let own = &self.current.plan().config.cluster;
            if cluster != own {
                return Err(format!(
                    "this is cluster {own}, not {cluster}: nothing was done"
                ));
            }
        }
        if request.is_local() || self.dynamic.is_master() {
            return Ok(self.dynamic.ask(request).await);
        }
        let no_master = || {
            "no master is known now: dynamic information is read and written through it; `heartbeatctl info get --local` \
             shows this node's own copy"
                .to_owned()
        };
        let master = self.master().await?.ok_or_else(no_master)?;
        if master == self.current.plan().slot {
            Ok(self.dynamic.ask(request).await)
        } else {
            self.ask_master(master, &request).await
        }
    }

    async fn ask_master(&self, master: Slot, request: &InfoRequest) -> Result<InfoAnswer, String> {
        let body = postcard::to_allocvec(request).map_err(|error| error.to_string())?;
        let asked = self
            .peers
            .call(master, Kind::Client, body.into(), MASTER_ANSWERS);
        match asked.await {
            Ok(answer) => postcard::from_bytes(&answer)
                .map_err(|error| format!("the master's answer is of another version: {error}")),
            Err(error @ (CallError::Late { .. } | CallError::LinkLost(_)))
                if request.is_write() =>
            {
                Ok(InfoAnswer::Unknown(error.to_string()))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
