//! Steps the store: messages, the disk's answers, clients' requests and roles go in; what comes out is carried out.

mod clients;
mod outputs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_store::{Author, Message, Store, WriteId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant as WallInstant, sleep_until};
use tracing::warn;

use super::writer::{DiskOrder, DiskSays};
use super::{Setup, Told};
use crate::control::{Expected, InfoAnswer};
use crate::datapath::Words;
use crate::peer::{Kind, LinkState, Peers, Received};
use crate::sys::clock::boot_ns;
use clients::{Wanted, Watch};

pub(super) struct Driver {
    slot: Slot,
    electors: BTreeSet<Slot>,
    peers: Peers,
    words: Words,
    disk: SyncSender<DiskOrder>,
    /// `None` while its file cannot be opened.
    store: Option<Store>,
    /// Why it cannot.
    absent: Option<String>,
    /// The mastership that this node holds.
    master: Option<Epoch>,
    /// In a pair: it does without the other node.
    is_alone: bool,
    last_write: WriteId,
    writes: BTreeMap<WriteId, oneshot::Sender<InfoAnswer>>,
    watches: Vec<Watch>,
    /// The links as they were looked at last.
    lives: BTreeMap<Slot, u64>,
}

impl Driver {
    pub(super) fn new(setup: Setup, disk: SyncSender<DiskOrder>) -> Self {
        Self {
            slot: setup.slot,
            electors: setup.electors,
            peers: setup.peers,
            words: setup.words,
            disk,
            store: None,
            absent: None,
            master: None,
            is_alone: false,
            last_write: 0,
            writes: BTreeMap::new(),
            watches: Vec::new(),
            lives: BTreeMap::new(),
        }
    }

    /// Runs until nobody tells it anything any more.
    pub(super) async fn run(
        mut self,
        mut told: mpsc::Receiver<Told>,
        mut said: mpsc::Receiver<DiskSays>,
    ) {
        let mut received = self.peers.receive(Kind::Store);
        let mut links = self.peers.links();
        self.keep_links();
        loop {
            tokio::select! {
                biased;
                Some(said) = said.recv() => self.disk_said(said),
                Some(message) = received.recv() => self.received(message),
                told = told.recv() => match told {
                    Some(told) => self.told(told),
                    None => return,
                },
                Ok(()) = links.changed() => self.links_changed(&mut links),
                () = sleep_until(self.due()) => self.timeout(),
            }
            self.carry_out();
            self.tell_watches();
            self.tell_version();
        }
    }

    /// Says in the answers to the master how new this node's copy is.
    fn tell_version(&self) {
        let version = self.store.as_ref().map_or(0, Store::version);
        self.words.set_info_version(version);
    }

    /// Every elector's store may have to report to every other's.
    fn keep_links(&self) {
        let mut others = self.electors.clone();
        others.remove(&self.slot);
        if self.electors.contains(&self.slot) {
            self.peers.keep(others);
        } else {
            self.peers.keep(BTreeSet::new());
        }
    }

    fn due(&self) -> WallInstant {
        let now = WallInstant::now();
        let store = self.store.as_ref().and_then(Store::poll_timeout);
        let store = store.map(|at| now + at.since(boot_now()));
        let watches = self.watches.iter().map(|watch| watch.until);
        // Nothing is due: so long nobody asks anything.
        let far = now + Duration::from_secs(3600);
        watches.chain(store).min().unwrap_or(far)
    }

    fn timeout(&mut self) {
        if let Some(store) = &mut self.store {
            store.handle_timeout(boot_now());
        }
    }

    fn disk_said(&mut self, said: DiskSays) {
        match (said, &mut self.store) {
            (DiskSays::Opened(stored), _) => {
                self.forget_writes();
                self.absent = None;
                self.store = Some(Store::new(self.slot, *stored));
                self.lead();
            }
            (DiskSays::Absent(why), _) => {
                self.absent = Some(why);
            }
            (DiskSays::Written(id), Some(store)) => store.written(id, boot_now()),
            (DiskSays::Failed(id, trouble), Some(store)) => store.failed(id, trouble, boot_now()),
            (DiskSays::Written(_) | DiskSays::Failed(..), None) => {}
        }
    }

    fn received(&mut self, received: Received) {
        let Some(store) = &mut self.store else {
            return;
        };
        match postcard::from_bytes::<Message>(&received.body) {
            Ok(message) => store.handle(received.from, message, boot_now()),
            Err(error) => {
                warn!(slot = received.from, %error, "what another node's store said is no message of this version");
            }
        }
    }

    fn links_changed(&mut self, links: &mut watch::Receiver<BTreeMap<Slot, LinkState>>) {
        let lives: BTreeMap<Slot, u64> = links
            .borrow_and_update()
            .iter()
            .filter_map(|(slot, state)| match state {
                LinkState::Up { life, .. } => Some((*slot, *life)),
                LinkState::Down { .. } => None,
            })
            .collect();
        for (slot, life) in &lives {
            if self.lives.get(slot) != Some(life)
                && let Some(store) = &mut self.store
            {
                store.connected(*slot, boot_now());
            }
        }
        self.lives = lives;
    }

    fn told(&mut self, told: Told) {
        match told {
            Told::Master(epoch) => {
                self.master = epoch;
                self.lead();
            }
            Told::Electors(electors) => {
                self.electors = electors;
                self.keep_links();
                if let Some(store) = &mut self.store {
                    store.set_electors(self.electors.clone(), boot_now());
                }
            }
            Told::Alone(is_alone) => {
                self.is_alone = is_alone;
                if let Some(store) = &mut self.store {
                    store.set_alone(is_alone, boot_now());
                }
            }
            Told::Keep(key, value, answer) => {
                let wanted = Wanted {
                    author: Author::Product,
                    key,
                    value: Some(value),
                    expect: Expected::Anything,
                };
                self.write(wanted, answer);
            }
            Told::Ask(request, answer) => self.asked(request, answer),
        }
    }

    /// Leads while this node is master, and not otherwise.
    fn lead(&mut self) {
        let Some(store) = &mut self.store else {
            return;
        };
        match self.master {
            Some(epoch) => {
                store.lead(epoch, self.electors.clone(), boot_now());
                store.set_alone(self.is_alone, boot_now());
            }
            None => {
                store.stop();
                // They watch what this node serves no more.
                self.watches.clear();
            }
        }
    }

    /// Nobody knows what became of writes whose store is no more.
    fn forget_writes(&mut self) {
        for answer in std::mem::take(&mut self.writes).into_values() {
            let _ = answer.send(unknown());
        }
    }
}

fn boot_now() -> Instant {
    Instant(boot_ns())
}

fn unknown() -> InfoAnswer {
    InfoAnswer::Unknown("the mastership ended while it was on its way".to_owned())
}
