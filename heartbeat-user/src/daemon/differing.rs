//! In what the configuration of a member differs: asked of itself while it is `misconfigured`, and said in the alarm.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;

use super::current::Current;
use super::operator::{PULSE_ANSWERS, wait};
use super::reload;
use crate::config::change::{Difference, Facts, Place, differences};
use crate::control::Electors;
use crate::peer::{Kind, Peers};
use crate::pulse::{OrderSender, PulseOrder};

/// How long a member may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How often it is asked while it differs: either side may be reloaded meanwhile.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// Most differences that are said; of more there is a number.
const MOST_SAID: usize = 5;
/// Longest value that is said, in characters.
const LONGEST_VALUE: usize = 80;

/// What a node tells of its configuration: what must be equal on all of them, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    version: String,
    electors: Electors,
    facts: Facts,
}

/// Members that differ; cheap to clone.
#[derive(Clone)]
pub(super) struct Differing {
    asker: Asker,
    runtime: Handle,
    members: Members,
}

/// What asking needs.
#[derive(Clone)]
struct Asker {
    current: Current,
    pulse: OrderSender,
    peers: Peers,
    highest_slot: Slot,
}

type Members = Arc<Mutex<BTreeMap<Slot, Member>>>;

/// One of them.
struct Member {
    how: Option<String>,
    asking: JoinHandle<()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

impl Differing {
    /// Answers others that ask in what they differ from this node, and asks for this one. Must run inside tokio.
    pub(super) fn start(
        current: &Current,
        pulse: &OrderSender,
        peers: &Peers,
        highest_slot: Slot,
    ) -> Self {
        let teller = (current.clone(), pulse.clone());
        peers.answer(Kind::Configuration, move |_, _| {
            let (current, pulse) = teller.clone();
            async move {
                let told = told(&current, &pulse).await?;
                let text = serde_json::to_vec(&told).map_err(|error| error.to_string())?;
                Ok(Bytes::from(text))
            }
        });
        Self {
            asker: Asker {
                current: current.clone(),
                pulse: pulse.clone(),
                peers: peers.clone(),
                highest_slot,
            },
            runtime: Handle::current(),
            members: Members::default(),
        }
    }

    /// This member differs from now on, or does not any more.
    pub(super) fn differs(&self, slot: Slot, does: bool) {
        let mut members = lock(&self.members);
        if !does {
            members.remove(&slot);
            return;
        }
        let (asker, all) = (self.asker.clone(), Arc::clone(&self.members));
        let asking = self.runtime.spawn(async move {
            loop {
                note(&all, slot, asker.ask(slot).await);
                sleep(ASK_AGAIN).await;
            }
        });
        members.insert(slot, Member { how: None, asking });
    }

    /// In what each of them differs, as far as it told.
    pub(super) fn told(&self) -> BTreeMap<Slot, String> {
        let members = lock(&self.members);
        let told = members
            .iter()
            .filter_map(|(slot, member)| Some((*slot, member.how.clone()?)));
        told.collect()
    }
}

fn lock(members: &Members) -> MutexGuard<'_, BTreeMap<Slot, Member>> {
    // Each change is one assignment: a panic elsewhere leaves nothing half done.
    members.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what was found out, and says it in the log when it is something else than before.
fn note(members: &Members, slot: Slot, how: Result<String, String>) {
    let how = how.unwrap_or_else(|why| format!("in what is not known: {why}"));
    let mut members = lock(members);
    let Some(member) = members.get_mut(&slot) else {
        return;
    };
    if member.how.as_ref() != Some(&how) {
        warn!(slot, "this member's configuration is another one: {how}");
        member.how = Some(how);
    }
}

impl Asker {
    async fn ask(&self, slot: Slot) -> Result<String, String> {
        let asked = self
            .peers
            .call(slot, Kind::Configuration, Bytes::new(), ANSWER_TIME);
        let answer = asked.await.map_err(|error| error.to_string())?;
        let there: Told = serde_json::from_slice(&answer)
            .map_err(|error| format!("its answer is of another version: {error}"))?;
        let here = told(&self.current, &self.pulse).await?;
        let plan = self.current.plan();
        let place = reload::place(plan.slot, &plan.electors, self.highest_slot);
        Ok(compare(&here, &there, &place))
    }
}

async fn told(current: &Current, pulse: &OrderSender) -> Result<Told, String> {
    let (answer, answered) = oneshot::channel();
    pulse.send(PulseOrder::Publish(answer))?;
    let published = wait(answered, PULSE_ANSWERS).await?;
    Ok(Told {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        electors: Electors::of(&published.snapshot.electors.record.in_force),
        facts: Facts::of(&current.plan().config).shared(),
    })
}

/// In words: every key that differs, up to a number, and the electors' set.
fn compare(here: &Told, there: &Told, place: &Place) -> String {
    let found = differences(&here.facts, &there.facts, place);
    let mut said: Vec<String> = found.iter().take(MOST_SAID).map(say).collect();
    if found.len() > MOST_SAID {
        said.push(format!("{} more", found.len() - MOST_SAID));
    }
    if here.electors != there.electors {
        let set = |electors: &Electors| {
            let Electors { version, slots, .. } = electors;
            format!("version {version} of slots {slots:?}")
        };
        said.push(format!(
            "the electors' set in force is {} here and {} there",
            set(&here.electors),
            set(&there.electors)
        ));
    }
    if here.version != there.version {
        said.push(format!(
            "heartbeatd is {} here and {} there",
            here.version, there.version
        ));
    }
    if said.is_empty() {
        return "what it says now is the same".to_owned();
    }
    said.join("; ")
}

fn say(difference: &Difference) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) if value.chars().count() > LONGEST_VALUE => value
            .chars()
            .take(LONGEST_VALUE)
            .chain(['\u{2026}'])
            .collect(),
        Some(value) => value.clone(),
        None => "missing".to_owned(),
    };
    // From this node's to the other's.
    let (here, there) = (value(&difference.from), value(&difference.to));
    format!("{} is {here} here and {there} there", difference.place())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests_support::three_nodes;

    fn told(change: impl FnOnce(&mut crate::config::Config)) -> Told {
        let mut config = three_nodes();
        change(&mut config);
        Told {
            version: "0.1.0".to_owned(),
            electors: Electors::of(&config.elector_set(1)),
            facts: Facts::of(&config).shared(),
        }
    }

    fn place() -> Place {
        Place {
            slot: 1,
            electors: vec![1, 2, 3],
            highest_slot: 63,
        }
    }

    #[test]
    fn each_key_that_differs_is_said_with_both_values_and_the_electors_too() {
        let here = told(|_| {});
        let there = told(|config| {
            config.timing.period *= 2;
            config.virtual_addresses.clear();
            config.members.get_mut(&2).expect("a member").name = "other".to_owned();
        });
        let said = compare(&here, &there, &place());
        for part in [
            "[management] period is 10ms here and 20ms there",
            "[[member]] slot 2: name is n2 here and other there",
            "[[virtual_address]] 203.0.113.100: address is 203.0.113.100/24 here and missing there",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let mut other_set = told(|_| {});
        other_set.electors.version = 2;
        let said = compare(&here, &other_set, &place());
        let set = "is version 1 of slots [1, 2, 3] here and version 2 of slots [1, 2, 3] there";
        assert!(said.contains(set), "{said}");
    }

    #[test]
    fn many_differences_are_counted_and_long_values_cut() {
        let here = told(|_| {});
        let there = told(|config| {
            for member in config.members.values_mut() {
                member.name = "x".repeat(100);
                member.management.address = std::net::Ipv4Addr::LOCALHOST.into();
            }
        });
        let said = compare(&here, &there, &place());
        assert!(said.ends_with("; 1 more"), "{said}");
        assert!(said.len() < 1_500, "{}", said.len());
    }

    #[test]
    fn neither_keys_nor_what_is_a_nodes_own_matter_is_told() {
        let here = told(|_| {});
        let there = told(|config| {
            config.keys = vec![crate::config::ClusterKey::new([7; 32])];
            for member in config.members.values_mut() {
                member.management.interface = "eth7".to_owned();
            }
        });
        assert_eq!(
            compare(&here, &there, &place()),
            "what it says now is the same"
        );
        let text = serde_json::to_string(&there).expect("plain");
        assert!(text.contains("period"), "{text}");
        for own in [
            "key_file",
            "eth7",
            "mgmt0",
            &crate::config::ClusterKey::new([7; 32]).fingerprint(),
        ] {
            assert!(!text.contains(own), "{own}: {text}");
        }
    }
}
