//! The fixed information of every node: each says its own, and what the others said is kept on disk.

mod known;
mod own;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use heartbeat_core::Slot;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::current::Current;
use super::shared::Facts;
use crate::control::{NodeFacts, NodeStatus};
use crate::peer::{Kind, Peers};
use crate::state::StateFolder;
use known::Known;

/// How long one node may take to answer.
const NODE_TIME: Duration = Duration::from_secs(1);
/// How long all of them may: less than a request on the control socket.
const ALL_TIME: Duration = Duration::from_secs(4);
/// How many are asked at once.
const AT_ONCE: usize = 64;
/// How soon after its start, and how often from then on, a daemon asks all others unasked, so that it knows what
/// one was that is lost. In larger clusters than [`AT_ONCE`] only operators ask.
const FIRST_LOOK: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_mins(10);

/// Asks every node what it is; cheap to clone.
#[derive(Clone)]
pub(super) struct Nodes {
    current: Current,
    peers: Peers,
    facts: Facts,
    known: Arc<Known>,
}

impl Nodes {
    /// Answers the others from now on, and asks them now and then. Must run inside tokio.
    pub(super) fn start(
        current: &Current,
        peers: &Peers,
        facts: &Facts,
        state: &StateFolder,
    ) -> Self {
        let nodes = Self {
            current: current.clone(),
            peers: peers.clone(),
            facts: facts.clone(),
            known: Arc::new(Known::read(state)),
        };
        let (current, facts) = (current.clone(), facts.clone());
        peers.answer(Kind::Node, move |_, _| {
            let (current, facts) = (current.clone(), facts.clone());
            async move {
                let own = own(current, facts).await?;
                let text = serde_json::to_vec(&own).map_err(|error| error.to_string())?;
                Ok(Bytes::from(text))
            }
        });
        tokio::spawn(nodes.clone().look());
        nodes
    }

    async fn look(self) {
        sleep(FIRST_LOOK).await;
        loop {
            if self.current.plan().config.members.len() <= AT_ONCE {
                self.ask_all().await;
            }
            sleep(LOOK).await;
        }
    }

    /// Every node: what it says now, or why it says nothing, and what it said last.
    pub(super) async fn ask_all(&self) -> Vec<NodeStatus> {
        let plan = self.current.plan();
        let mut answers: BTreeMap<Slot, Result<NodeFacts, String>> = BTreeMap::new();
        answers.insert(
            plan.slot,
            own(self.current.clone(), self.facts.clone()).await,
        );
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        for slot in plan.config.members.keys().filter(|it| **it != plan.slot) {
            let (slot, peers, places) = (*slot, self.peers.clone(), Arc::clone(&places));
            asked.spawn(async move {
                let _place = places.acquire().await;
                (slot, ask(&peers, slot).await)
            });
        }
        let all = async {
            while let Some(answer) = asked.join_next().await {
                // One that panicked has no slot, and is shown as one that did not answer.
                answers.extend(answer.ok());
            }
        };
        // Whoever was not asked in time is shown so below.
        let _ = timeout(ALL_TIME, all).await;
        let now = SystemTime::now();
        let said = answers.iter().filter_map(|(slot, answer)| {
            let facts = answer.as_ref().ok()?;
            Some((*slot, facts.clone()))
        });
        self.known.learn(said, now);
        let known = Arc::clone(&self.known);
        let members: Vec<Slot> = plan.config.members.keys().copied().collect();
        let saved = spawn_blocking(move || known.save(&members)).await;
        if let Ok(Err(error)) = saved {
            warn!("{error}; what nodes are is not known any more after a restart");
        }
        let status = |(slot, member): (&Slot, &crate::config::Member)| {
            let fault = match answers.remove(slot) {
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(why),
                None => Some("it was not asked in time: the cluster is too large".to_owned()),
            };
            let (age, facts) = self.known.of(*slot, now).unzip();
            NodeStatus {
                slot: *slot,
                name: member.name.clone(),
                answered: fault.is_none(),
                fault,
                age_us: age.map(|age| u64::try_from(age.as_micros()).unwrap_or(u64::MAX)),
                facts,
            }
        };
        plan.config.members.iter().map(status).collect()
    }
}

/// What this node is; drivers are asked, which may take a lock.
async fn own(current: Current, facts: Facts) -> Result<NodeFacts, String> {
    spawn_blocking(move || own::facts(&current.plan(), &facts))
        .await
        .map_err(|error| error.to_string())
}

async fn ask(peers: &Peers, slot: Slot) -> Result<NodeFacts, String> {
    let answer = peers.call(slot, Kind::Node, Bytes::new(), NODE_TIME).await;
    let answer = answer.map_err(|error| error.to_string())?;
    serde_json::from_slice(&answer)
        .map_err(|error| format!("it is of another version: its answer cannot be read: {error}"))
}
