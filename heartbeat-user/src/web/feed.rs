//! One look at the daemon at a time, whoever many there are who want to see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hyper::body::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::masterships::{Mastership, Masterships};
use crate::control::{Handler, Status, rfc3339};

/// Time between two looks while somebody looks. A look costs the pulse one message, and takes well below a
/// millisecond.
pub(super) const PACE: Duration = Duration::from_millis(200);
/// The same while nobody does: often enough to tell when masterships began.
const IDLE: Duration = Duration::from_secs(1);
/// So many times as long as it took to write a look down comes before the next: of 10,000 members too the page takes no
/// more than a twentieth of a processor.
const REST: u32 = 20;
/// And so many times as long as the whole look took: a daemon that is slow to answer is not asked more for it.
const ANSWER_REST: u32 = 2;
/// How long who asks waits for a look; longer than the daemon may take to answer.
const MOST_WAIT: Duration = Duration::from_secs(6);

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Counted from 1.
    pub(super) number: u64,
    /// Counts the looks at which more than an age was another one.
    pub(super) change: u64,
    /// When.
    at: Instant,
    /// The status as JSON, or why there is none.
    pub(super) status: Result<Bytes, String>,
}

/// The status as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    status: &'a Status,
    /// When that was, by the node's wall clock, as RFC 3339 in UTC.
    now: &'a str,
}

/// The looks; cheap to clone.
#[derive(Clone)]
pub(super) struct Feed(Arc<Inner>);

struct Inner {
    looks: watch::Sender<Look>,
    asked: Notify,
    masterships: Mutex<Masterships>,
}

impl Default for Feed {
    fn default() -> Self {
        let none = Look {
            number: 0,
            change: 0,
            at: Instant::now(),
            status: Err("heartbeatd is starting: ask again in a moment".to_owned()),
        };
        Self(Arc::new(Inner {
            looks: watch::Sender::new(none),
            asked: Notify::new(),
            masterships: Mutex::default(),
        }))
    }
}

impl Look {
    /// Whether it shows what is so now: while nobody looked, looks were rare.
    pub(super) fn is_fresh(&self) -> bool {
        self.number > 0 && self.at.elapsed() <= PACE
    }
}

impl Feed {
    /// Looks until it is dropped.
    pub(super) async fn look(self, handler: Arc<impl Handler>) {
        let told = Masterships::recall(&handler.history().await);
        *self.masterships_lock() = told;
        let mut substance = Value::Null;
        let (mut number, mut change) = (0, 0);
        loop {
            let begun = Instant::now();
            let status = handler.status().await;
            let answered = Instant::now();
            let now = rfc3339(SystemTime::now());
            let is = match &status {
                Ok(status) => {
                    self.masterships_lock().see(status, &now);
                    substance_of(status)
                }
                Err(why) => Value::String(why.clone()),
            };
            number += 1;
            if is != substance {
                change += 1;
                substance = is;
            }
            self.0.looks.send_replace(Look {
                number,
                change,
                at: begun,
                status: status.map(|status| {
                    let shown = Shown {
                        status: &status,
                        now: &now,
                    };
                    let text = serde_json::to_vec(&shown).expect("plain values");
                    text.into()
                }),
            });
            let rest = (answered.elapsed() * REST).max(begun.elapsed() * ANSWER_REST);
            self.rest(rest).await;
        }
    }

    async fn rest(&self, least: Duration) {
        sleep(PACE.max(least)).await;
        if self.0.looks.receiver_count() == 0 {
            // Whether somebody asked or not.
            let _ = timeout(IDLE, self.0.asked.notified()).await;
        }
    }

    /// All that is seen from now on.
    pub(super) fn follow(&self) -> watch::Receiver<Look> {
        let looks = self.0.looks.subscribe();
        self.0.asked.notify_one();
        looks
    }

    /// What is seen now: by a look that is no older than the time between two.
    pub(super) async fn newest(&self) -> Look {
        let mut looks = self.0.looks.subscribe();
        let newest = looks.borrow_and_update().clone();
        if newest.is_fresh() {
            return newest;
        }
        self.0.asked.notify_one();
        match timeout(MOST_WAIT, looks.changed()).await {
            Ok(_) => looks.borrow().clone(),
            Err(_) => Look {
                status: Err("the daemon did not tell what it knows in time".to_owned()),
                ..newest
            },
        }
    }

    /// Who was master, oldest first.
    pub(super) fn masterships(&self) -> Vec<Mastership> {
        self.masterships_lock().list()
    }

    fn masterships_lock(&self) -> MutexGuard<'_, Masterships> {
        // A mastership is added whole: a panic elsewhere leaves nothing half done.
        (self.0.masterships.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

/// All but what passes by itself: ages, and how late turns ran.
fn substance_of(status: &Status) -> Value {
    let mut all = serde_json::to_value(status).expect("plain values with texts for keys");
    strip(&mut all);
    if let Value::Object(keys) = &mut all {
        keys.remove("local");
    }
    all
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            keys.retain(|key, _| !key.ends_with("_us"));
            keys.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::tests::master;
    use crate::control::{Answering, Diagnosis};

    #[test]
    fn an_age_is_no_change_and_a_member_that_stops_answering_is_one() {
        let mut later = master();
        let before = substance_of(&later);
        later.lease_remaining_us = Some(1);
        later.members[1].rtt_us = Some(9);
        later.members[1].last_reply_age_us = Some(9);
        later.local.turns += 1;
        assert_eq!(substance_of(&later), before);
        later.members[1].answering = Some(Answering::Missing);
        later.members[1].diagnosis = Diagnosis::Down;
        assert_ne!(substance_of(&later), before);
    }
}
