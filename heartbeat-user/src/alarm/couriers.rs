//! A task for each sink.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::courier::{Courier, Errand};
use super::desk::Desk;
use super::notice::Identity;
use super::sink::Sink;
use crate::config::{Alarms, Connection};
use crate::control::SinkTest;

/// Longest time that a test waits for one sink: the operator waits for all of them.
const TEST: Duration = Duration::from_secs(4);

/// The tasks, by the names of their sinks.
pub(super) struct Couriers {
    desk: Arc<Desk>,
    from: Option<Connection>,
    errands: BTreeMap<String, watch::Sender<Errand>>,
}

impl Couriers {
    pub(super) const fn new(desk: Arc<Desk>, from: Option<Connection>) -> Self {
        Self {
            desk,
            from,
            errands: BTreeMap::new(),
        }
    }

    /// These are the sinks from now on. A task whose sink is the same goes on.
    pub(super) fn send(&mut self, wanted: &Alarms) {
        let is_wanted = |name: &String| wanted.sinks.iter().any(|sink| sink.name == *name);
        self.errands.retain(|name, _| is_wanted(name));
        for sink in &wanted.sinks {
            let errand = Errand {
                sink: sink.clone(),
                from: self.from.clone(),
            };
            match self.errands.get(&sink.name) {
                Some(known) => {
                    known.send_if_modified(|known| {
                        let is_new = *known != errand;
                        *known = errand;
                        is_new
                    });
                }
                None => self.begin(sink.name.clone(), errand),
            }
        }
    }

    fn begin(&mut self, name: String, errand: Errand) {
        let (sender, errand) = watch::channel(errand);
        let courier = Courier {
            desk: Arc::clone(&self.desk),
            errand,
        };
        tokio::spawn(courier.run());
        self.errands.insert(name, sender);
    }
}

/// Sends a test to every sink, at once and past what waits for it, and says how each took it.
pub async fn test(
    wanted: &Alarms,
    from: Option<&Connection>,
    identity: &Identity,
) -> Vec<SinkTest> {
    let mut tests = JoinSet::new();
    for (place, sink) in wanted.sinks.iter().enumerate() {
        let notice = identity.test(SystemTime::now());
        let mut errand = Errand {
            sink: sink.clone(),
            from: from.cloned(),
        };
        errand.sink.timeout = errand.sink.timeout.min(TEST);
        tests.spawn(async move {
            let begun = Instant::now();
            let outcome = Sink::open(&errand).deliver(&notice).await;
            let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let test = SinkTest {
                kind: errand.sink.way.as_str().to_owned(),
                name: errand.sink.name,
                fault: outcome.err(),
                took_us,
            };
            (place, test)
        });
    }
    let mut tested = tests.join_all().await;
    tested.sort_by_key(|(place, _)| *place);
    tested.into_iter().map(|(_, test)| test).collect()
}
