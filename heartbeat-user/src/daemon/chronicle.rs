//! A master writes down what happens to its cluster and what it sees of it, and holds what the one before saw against that.
//!
//! All of it is dynamic information: it begins when that can be written, and nothing waits for it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use heartbeat_core::snapshot::{self, Diagnosis};
use heartbeat_core::{Epoch, Slot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::info;

use super::current::Current;
use super::handing::{Begun, Handing};
use super::operator::{PULSE_ANSWERS, wait};
use super::plan::Plan;
use crate::alarm::{self, Alarms};
use crate::config::Follows;
use crate::control::{
    Alarm, EpochParts, HISTORY_KEY, Happened, InfoAnswer, InfoRequest, MOST_HAPPENED, MastersView,
    Seen, VIEW_KEY, What, rfc3339, why,
};
use crate::pulse::{OrderSender, Published, PulseOrder};
use crate::store::Info;

/// Pause before what could not be read or written is tried again.
pub(super) const AGAIN: Duration = Duration::from_millis(250);
/// How often the view is written down, if it changed, in clusters of at most [`LOOKED_AT`] members.
const LOOK: Duration = Duration::from_secs(1);
/// The pulse makes a snapshot for each look: a larger cluster is looked at as many times more seldom as it is larger.
const LOOKED_AT: usize = 256;
/// After so long whoever is not judged yet is compared as he is.
const SETTLED: Duration = Duration::from_secs(15);

/// The writer of this node.
pub(super) struct Chronicle {
    author: Author,
    handing: Handing,
    /// The mastership's task.
    writing: Mutex<Option<JoinHandle<()>>>,
}

/// What writing needs.
#[derive(Clone)]
pub(super) struct Author {
    dynamic: Info,
    pulse: OrderSender,
    current: Current,
    alarms: alarm::View,
}

impl Chronicle {
    pub(super) fn new(
        dynamic: &Info,
        pulse: &OrderSender,
        current: &Current,
        alarms: &Alarms,
    ) -> Self {
        Self {
            author: Author {
                dynamic: dynamic.clone(),
                pulse: pulse.clone(),
                current: current.clone(),
                alarms: alarms.view().clone(),
            },
            handing: Handing {
                view: alarms.view().clone(),
                teller: alarms.teller().clone(),
            },
            writing: Mutex::default(),
        }
    }

    /// This node became master, or goes on as one. Must run inside tokio.
    pub(super) fn begin(&self, epoch: Epoch, reason: String, begun: Begun) {
        let mastership = Mastership {
            author: self.author.clone(),
            epoch: epoch.into(),
            happened: Vec::new(),
            is_written: true,
        };
        let handing = self.handing.clone().work(self.author.clone(), begun);
        let both = async move {
            tokio::join!(mastership.write(reason), handing);
        };
        self.replace(Some(Handle::current().spawn(both)));
    }

    /// This node is master no more.
    pub(super) fn end(&self) {
        self.replace(None);
    }

    fn replace(&self, task: Option<JoinHandle<()>>) {
        // One assignment: a panic elsewhere leaves nothing half done.
        let mut writing = self
            .writing
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *writing, task) {
            before.abort();
        }
    }
}

/// One mastership's part of it.
struct Mastership {
    author: Author,
    epoch: EpochParts,
    /// What happened in the cluster, this mastership's part included.
    happened: Vec<Happened>,
    /// All of it is stored.
    is_written: bool,
}

impl Mastership {
    async fn write(mut self, reason: String) {
        let before: Option<MastersView> = self.author.read(VIEW_KEY).await;
        self.happened = self.author.read(HISTORY_KEY).await.unwrap_or_default();
        let slot = self.author.current.plan().slot;
        let name = name_of(&self.author.current.plan(), slot);
        self.add(
            What::Mastership,
            format!("slot {slot} ({name}) is master: {reason}"),
        );
        let mut seen = before.clone().unwrap_or_default();
        self.save().await;
        if let Some(before) = before {
            let Some(now) = self.settled().await else {
                return;
            };
            self.compare(&before, &now);
        }
        let mut stored = None;
        loop {
            let Some((mut now, _)) = self.author.look().await else {
                return;
            };
            now.keep_words(&seen);
            self.alarms(&seen, &now);
            if stored.as_ref() != Some(&now) && self.author.keep(VIEW_KEY, &now).await {
                stored = Some(now.clone());
            }
            let members = now.members.len();
            seen = now;
            if !self.is_written {
                self.save().await;
            }
            sleep(pause(members)).await;
        }
    }

    /// What this node sees once it has judged everybody. `None`: the pulse has ended.
    async fn settled(&self) -> Option<MastersView> {
        let until = Instant::now() + SETTLED;
        loop {
            let (view, is_settled) = self.author.look().await?;
            if is_settled || Instant::now() >= until {
                return Some(view);
            }
            sleep(AGAIN).await;
        }
    }

    fn compare(&mut self, before: &MastersView, now: &MastersView) {
        let found = before.differences(now);
        let text = if found.is_empty() {
            "all is as the master before saw it last".to_owned()
        } else {
            found.join("; ")
        };
        info!(
            differences = found.len(),
            "compared with what the master before saw last: {text}"
        );
        self.add(What::Compared, text);
    }

    fn alarms(&mut self, before: &MastersView, now: &MastersView) {
        let raised = now.alarms.iter().filter(|it| !before.alarms.contains(it));
        let cleared = before.alarms.iter().filter(|it| !now.alarms.contains(it));
        let events: Vec<(What, String)> = (raised.map(|it| (What::Raised, it.clone())))
            .chain(cleared.map(|it| (What::Cleared, it.clone())))
            .collect();
        for (what, text) in events {
            self.add(what, text);
        }
    }

    fn add(&mut self, what: What, text: String) {
        self.happened.push(Happened {
            at: rfc3339(SystemTime::now()),
            epoch: self.epoch,
            what,
            text,
        });
        let surplus = self.happened.len().saturating_sub(MOST_HAPPENED);
        self.happened.drain(..surplus);
        self.is_written = false;
    }

    async fn save(&mut self) {
        self.is_written = self.author.keep(HISTORY_KEY, &self.happened).await;
    }
}

impl Author {
    /// What stands under a key, once this node can say so. What cannot be understood is of a later version, and given up.
    pub(super) async fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        loop {
            let request = InfoRequest::Get {
                key: key.to_owned(),
                local: false,
            };
            match self.dynamic.ask(request).await {
                InfoAnswer::Entry(entry) => return serde_json::from_slice(&entry?.value.0).ok(),
                _ => sleep(AGAIN).await,
            }
        }
    }

    /// Whether it is stored.
    pub(super) async fn keep(&self, key: &str, value: &impl Serialize) -> bool {
        let text = serde_json::to_vec(value).expect("plain lists and words always serialise");
        let answer = self.dynamic.keep(key, Bytes::from(text)).await;
        matches!(answer, InfoAnswer::Written { .. })
    }

    /// What this node sees, and whether it has judged everybody. `None`: the pulse has ended.
    async fn look(&self) -> Option<(MastersView, bool)> {
        let (answer, answered) = oneshot::channel();
        self.pulse.send(PulseOrder::Publish(answer)).ok()?;
        let published = wait(answered, PULSE_ANSWERS).await.ok()?;
        let raised_at = self.alarms.raised_at();
        Some(view(&self.current.plan(), &published, &raised_at))
    }
}

/// How long after one look the next one is due.
fn pause(members: usize) -> Duration {
    LOOK * u32::try_from(members.div_ceil(LOOKED_AT).max(1)).unwrap_or(u32::MAX)
}

fn view(
    plan: &Plan,
    published: &Published,
    raised_at: &BTreeMap<String, SystemTime>,
) -> (MastersView, bool) {
    let (config, snapshot) = (&plan.config, &published.snapshot);
    let at = rfc3339(SystemTime::now());
    let is_settled = (snapshot.members.iter())
        .all(|seen| seen.slot == plan.slot || seen.diagnosis != Diagnosis::Unknown);
    let members = snapshot.members.iter().map(|seen| {
        let reply = published.replies.iter().find(|it| it.slot == seen.slot);
        let raised = snapshot::Alarm::Member(seen.slot, seen.diagnosis);
        let alarm = Alarm::of_election(config, plan.slot, raised);
        Seen {
            slot: seen.slot,
            name: name_of(plan, seen.slot),
            diagnosis: seen.diagnosis.into(),
            cause: why(config, snapshot, reply, seen.diagnosis),
            since: alarm.and_then(|it| raised_at.get(&it.key).copied().map(rfc3339)),
            at: at.clone(),
        }
    });
    let addresses = config.virtual_addresses.iter();
    let alarms = snapshot.alarms.iter();
    let view = MastersView {
        members: members.collect(),
        addresses: addresses
            .filter(|it| it.follows == Follows::Master)
            .map(|it| it.address)
            .collect(),
        alarms: alarms
            .filter_map(|raised| Alarm::of_election(config, plan.slot, *raised))
            .map(|alarm| alarm.text)
            .collect(),
    };
    (view, is_settled)
}

fn name_of(plan: &Plan, slot: Slot) -> String {
    let member = plan.config.members.get(&slot);
    member.map_or_else(|| "?".to_owned(), |member| member.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_cluster_is_looked_at_more_seldom() {
        for (members, seconds) in [(0, 1), (3, 1), (256, 1), (257, 2), (10_000, 40)] {
            assert_eq!(pause(members), Duration::from_secs(seconds), "{members}");
        }
    }
}
