//! What clients ask, and how this node answers.

use std::time::Duration;

use bytes::Bytes;
use heartbeat_core::Epoch;
use heartbeat_store::{Author, Expect, Key, State, Store, Write};
use tokio::sync::oneshot;
use tokio::time::Instant as WallInstant;
use tracing::warn;

use super::{Driver, boot_now};
use crate::control::{Expected, InfoAnswer, InfoRequest};
use crate::store::{reads, shown};
use crate::sys::clock::boot_ns;

/// How long a watch waits for a change, so that its client's connection never looks dead.
const WATCH_TIME: Duration = Duration::from_secs(3);
/// Most watches at once.
const WATCHES: usize = 256;

/// What is to be written.
pub(super) struct Wanted {
    pub(super) author: Author,
    pub(super) key: String,
    pub(super) value: Option<Bytes>,
    pub(super) expect: Expected,
}

impl Wanted {
    fn of_user(key: String, value: Option<Bytes>, expect: Expected) -> Self {
        Self {
            author: Author::User,
            key,
            value,
            expect,
        }
    }
}

/// A client that waits for a change.
pub(super) struct Watch {
    prefix: String,
    since: u64,
    pub(super) until: WallInstant,
    answer: oneshot::Sender<InfoAnswer>,
}

impl Driver {
    pub(super) fn asked(&mut self, request: InfoRequest, answer: oneshot::Sender<InfoAnswer>) {
        let outcome = match request {
            InfoRequest::Store => Some(InfoAnswer::Store(match &self.store {
                Some(store) => shown::store(store),
                None => shown::absent(self.absent.as_deref()),
            })),
            InfoRequest::Get { key, local } => {
                Some(self.read(local, |state| reads::get(state, &key)))
            }
            InfoRequest::List {
                prefix,
                after,
                local,
            } => Some(self.read(local, |state| reads::list(state, &prefix, after.as_deref()))),
            InfoRequest::Put { key, value, expect } => {
                return self.write(Wanted::of_user(key, Some(value.0), expect), answer);
            }
            InfoRequest::Delete { key, expect } => {
                return self.write(Wanted::of_user(key, None, expect), answer);
            }
            InfoRequest::Force { cluster: _ } => Some(self.force()),
            InfoRequest::Watch { prefix, since } => return self.watch(prefix, since, answer),
        };
        if let Some(outcome) = outcome {
            // Who asked may have gone.
            let _ = answer.send(outcome);
        }
    }

    /// The master's answer is the newest there is: its lease is looked at after the reading.
    fn read(&self, local: bool, read: impl FnOnce(&State) -> InfoAnswer) -> InfoAnswer {
        let Some(store) = &self.store else {
            return self.refused();
        };
        if local {
            return read(&store.stored().state);
        }
        match store.served() {
            Some(state) => {
                let answer = read(state);
                if self.holds_lease() {
                    answer
                } else {
                    self.refused()
                }
            }
            None => self.refused(),
        }
    }

    /// An operator vouched for it that the silent stores are gone, or never held anything.
    fn force(&mut self) -> InfoAnswer {
        let refused = self.refused();
        match &mut self.store {
            Some(store) if self.master.is_some() && store.served().is_none() => {
                warn!(
                    "by an operator's word dynamic information goes on without the stores that are silent"
                );
                store.force(boot_now());
                InfoAnswer::Forced(
                    "the master goes on with the stores that have answered; `heartbeatctl info store` shows how far it is"
                        .to_owned(),
                )
            }
            Some(_) if self.master.is_some() => InfoAnswer::Refused(
                "it can be read and written: nothing has to be forced".to_owned(),
            ),
            Some(_) | None => refused,
        }
    }

    fn holds_lease(&self) -> bool {
        let control = self.words.control();
        let is_own = Epoch(control.lease_epoch).slot() == self.slot;
        is_own && boot_ns() < control.lease_deadline_ns
    }

    fn refused(&self) -> InfoAnswer {
        let why = match (&self.store, &self.absent) {
            (None, Some(why)) => why.clone(),
            (None, None) => "this node's store is being opened".to_owned(),
            (Some(store), _) if self.master.is_some() => {
                let status = shown::store(store);
                format!(
                    "the master does not serve dynamic information yet: {}",
                    status.text
                )
            }
            (Some(_), _) => "this node is not the master any more; ask again".to_owned(),
        };
        InfoAnswer::Refused(why)
    }

    pub(super) fn write(&mut self, wanted: Wanted, answer: oneshot::Sender<InfoAnswer>) {
        let refused = self.refused();
        let (store, key) = match (&mut self.store, Key::new(&wanted.key)) {
            (Some(store), Ok(key)) => (store, key),
            (None, _) => return drop(answer.send(refused)),
            (Some(_), Err(error)) => {
                return drop(answer.send(InfoAnswer::Refused(error.to_string())));
            }
        };
        self.last_write += 1;
        self.writes.insert(self.last_write, answer);
        let write = Write {
            author: wanted.author,
            key,
            value: wanted.value,
            expect: match wanted.expect {
                Expected::Anything => Expect::Anything,
                Expected::Nothing => Expect::Nothing,
                Expected::Revision(revision) => Expect::Revision(revision),
            },
        };
        store.write(self.last_write, write, boot_now());
    }

    fn watch(&mut self, prefix: String, since: Option<u64>, answer: oneshot::Sender<InfoAnswer>) {
        let served = self.store.as_ref().and_then(Store::served);
        let Some(served) = served else {
            let _ = answer.send(self.refused());
            return;
        };
        if self.watches.len() >= WATCHES {
            let why = format!("{WATCHES} clients watch already");
            let _ = answer.send(InfoAnswer::Refused(why));
            return;
        }
        self.watches.push(Watch {
            prefix,
            since: since.unwrap_or(served.stamp.revision),
            until: WallInstant::now() + WATCH_TIME,
            answer,
        });
    }

    /// Answers those for whom there is something, or who have waited long enough.
    pub(super) fn tell_watches(&mut self) {
        let Some(store) = &self.store else {
            return self.watches.clear();
        };
        let now = WallInstant::now();
        for watch in std::mem::take(&mut self.watches) {
            let Some(served) = store.served() else {
                continue;
            };
            let nothing = || InfoAnswer::Changes {
                changes: Vec::new(),
                revision: watch.since.max(served.stamp.revision),
            };
            match reads::changes(store, &watch.prefix, watch.since) {
                Some(found) => drop(watch.answer.send(found)),
                None if now >= watch.until => {
                    let answer = nothing();
                    drop(watch.answer.send(answer));
                }
                None => self.watches.push(watch),
            }
        }
    }
}
