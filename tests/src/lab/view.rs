//! What all daemons of a cluster say at one time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::contact::Contact;

/// Longest time until the first of the daemons says what it knows: longer only if the machine has no time for any.
const ANYBODY: Duration = Duration::from_secs(3);
/// Longest time that the others have after it. One that is stopped never answers.
const THE_OTHERS: Duration = Duration::from_millis(500);

/// The `status --json` of every node, by slot; `None` where no daemon answers.
#[derive(Debug, Clone)]
pub struct View(BTreeMap<u16, Option<Value>>);

impl View {
    /// Asks all of them at once.
    #[must_use]
    pub fn take(contacts: &[Contact]) -> Self {
        let (tell, told) = mpsc::channel();
        for contact in contacts.iter().cloned() {
            let tell = tell.clone();
            thread::spawn(move || {
                // Nobody listens any more to one that answers late.
                let _ = tell.send((contact.slot, contact.status(ANYBODY).ok()));
            });
        }
        drop(tell);
        let mut view = Self(
            contacts
                .iter()
                .map(|contact| (contact.slot, None))
                .collect(),
        );
        let mut until = Instant::now() + ANYBODY;
        while let Ok((slot, status)) = told.recv_timeout(until - Instant::now()) {
            if status.is_some() {
                until = until.min(Instant::now() + THE_OTHERS);
            }
            view.0.insert(slot, status);
        }
        view
    }

    /// Every slot, answering or not.
    pub fn slots(&self) -> impl Iterator<Item = u16> {
        self.0.keys().copied()
    }

    /// What the daemon in `slot` says, if it answers.
    #[must_use]
    pub fn of(&self, slot: u16) -> Option<&Value> {
        self.0.get(&slot)?.as_ref()
    }

    /// All that answer.
    pub fn answering(&self) -> impl Iterator<Item = (u16, &Value)> {
        self.0
            .iter()
            .filter_map(|(slot, status)| Some((*slot, status.as_ref()?)))
    }

    /// The role that the daemon in `slot` says it has.
    #[must_use]
    pub fn role(&self, slot: u16) -> Option<&str> {
        self.of(slot)?.get("role")?.as_str()
    }

    /// The master that the daemon in `slot` knows.
    #[must_use]
    pub fn master_known_to(&self, slot: u16) -> Option<u16> {
        slot_in(self.of(slot)?.get("master_slot")?)
    }

    /// The slots that say they are master.
    #[must_use]
    pub fn masters(&self) -> Vec<u16> {
        self.answering()
            .filter(|(_, status)| status.get("role").and_then(Value::as_str) == Some("master"))
            .map(|(slot, _)| slot)
            .collect()
    }

    /// The master, if exactly one says it is, and everybody who answers knows it.
    #[must_use]
    pub fn agreed(&self) -> Option<u16> {
        let [master] = self.masters()[..] else {
            return None;
        };
        self.answering()
            .all(|(slot, _)| self.master_known_to(slot) == Some(master))
            .then_some(master)
    }

    /// The agreed master, if every daemon answers and the master finds every member healthy.
    #[must_use]
    pub fn settled(&self) -> Option<u16> {
        let master = self.agreed()?;
        let whole = self.answering().count() == self.0.len();
        let healthy = self
            .0
            .keys()
            .all(|slot| self.diagnosis(master, *slot) == Some("healthy"));
        (whole && healthy).then_some(master)
    }

    /// What the daemon in slot `by` finds wrong with the member in slot `of`.
    #[must_use]
    pub fn diagnosis(&self, by: u16, of: u16) -> Option<&str> {
        self.member(by, of)?.get("diagnosis")?.as_str()
    }

    /// What the daemon in slot `by` says about the member in slot `of`.
    #[must_use]
    pub fn member(&self, by: u16, of: u16) -> Option<&Value> {
        let members = self.of(by)?.get("members")?.as_array()?;
        members
            .iter()
            .find(|member| member.get("slot").and_then(slot_in) == Some(of))
    }

    /// Slots whose daemon says that it holds a virtual address.
    #[must_use]
    pub fn holders(&self) -> Vec<u16> {
        let held = |status: &Value| {
            let addresses = status.get("virtual_addresses").and_then(Value::as_array);
            addresses.is_some_and(|all| {
                all.iter()
                    .any(|one| one.get("held") == Some(&Value::Bool(true)))
            })
        };
        self.answering()
            .filter(|(_, status)| held(status))
            .map(|(slot, _)| slot)
            .collect()
    }

    /// The highest epoch that anybody shows, as (round, slot).
    #[must_use]
    pub fn epoch(&self) -> Option<(u64, u64)> {
        let of = |status: &Value| {
            let epoch = status.get("epoch")?;
            Some((epoch.get("round")?.as_u64()?, epoch.get("slot")?.as_u64()?))
        };
        self.answering().filter_map(|(_, status)| of(status)).max()
    }
}

fn slot_in(value: &Value) -> Option<u16> {
    u16::try_from(value.as_u64()?).ok()
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (slot, status) in &self.0 {
            match status {
                Some(status) => writeln!(f, "slot {slot}: {status}")?,
                None => writeln!(f, "slot {slot}: no answer")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn view(statuses: &[(u16, Option<Value>)]) -> View {
        View(statuses.iter().cloned().collect())
    }

    fn status(role: &str, master: Option<u16>) -> Value {
        let members: Vec<Value> = (1..=2)
            .map(|slot| json!({"slot": slot, "diagnosis": "healthy"}))
            .collect();
        json!({"role": role, "master_slot": master, "members": members, "epoch": {"round": 3, "slot": 1}})
    }

    #[test]
    fn a_cluster_is_settled_when_one_is_master_and_all_know_it() {
        let both = view(&[
            (1, Some(status("master", Some(1)))),
            (2, Some(status("slave", Some(1)))),
        ]);
        assert_eq!(
            (both.agreed(), both.settled(), both.epoch()),
            (Some(1), Some(1), Some((3, 1)))
        );
    }

    #[test]
    fn it_is_not_when_one_does_not_answer_or_knows_another_or_two_are() {
        let silent = view(&[(1, Some(status("master", Some(1)))), (2, None)]);
        assert_eq!((silent.agreed(), silent.settled()), (Some(1), None));
        let other = view(&[
            (1, Some(status("master", Some(1)))),
            (2, Some(status("slave", Some(2)))),
        ]);
        assert_eq!(other.agreed(), None);
        let two = view(&[
            (1, Some(status("master", Some(1)))),
            (2, Some(status("master", Some(2)))),
        ]);
        assert_eq!((two.masters(), two.agreed()), (vec![1, 2], None));
    }
}
