//! Steps the store: messages, the disk's answers, clients' requests and roles go in; what comes out is carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_store::{
    Author, Event, Expect, Key, Message, Outcome, Output, State, Store, Write, WriteId,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant as WallInstant, sleep_until};
use tracing::{debug, info, warn};

use super::writer::{DiskOrder, DiskSays};
use super::{Setup, Told, reads, shown};
use crate::control::{Expected, InfoAnswer, InfoRequest};
use crate::datapath::Words;
use crate::peer::{Kind, LinkState, Peers, Received};
use crate::sys::clock::boot_ns;

/// How long a watch waits for a change, so that its client's connection never looks dead.
const WATCH_TIME: Duration = Duration::from_secs(3);
/// Most watches at once.
const WATCHES: usize = 256;

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

/// What is to be written.
struct Wanted {
    author: Author,
    key: String,
    value: Option<bytes::Bytes>,
    expect: Expected,
}

impl Wanted {
    fn of_user(key: String, value: Option<bytes::Bytes>, expect: Expected) -> Self {
        Self {
            author: Author::User,
            key,
            value,
            expect,
        }
    }
}

/// A client that waits for a change.
struct Watch {
    prefix: String,
    since: u64,
    until: WallInstant,
    answer: oneshot::Sender<InfoAnswer>,
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
        }
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

    fn asked(&mut self, request: InfoRequest, answer: oneshot::Sender<InfoAnswer>) {
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

    fn write(&mut self, wanted: Wanted, answer: oneshot::Sender<InfoAnswer>) {
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
    fn tell_watches(&mut self) {
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

    /// Carries out what the store wants.
    fn carry_out(&mut self) {
        while let Some(output) = self.store.as_mut().and_then(Store::poll_output) {
            match output {
                Output::Send { to, message } => self.send(to, &message),
                Output::Disk { id, write } => self.order(DiskOrder::Write(id, write)),
                Output::Outcome { id, outcome } => {
                    if let Some(answer) = self.writes.remove(&id) {
                        let _ = answer.send(told_outcome(outcome));
                    }
                }
                Output::Event(event) => self.happened(event),
            }
        }
    }

    /// What is not taken is sent again by the store.
    fn send(&self, to: Slot, message: &Message) {
        let body =
            postcard::to_allocvec(message).expect("a message has no part that cannot be written");
        if let Err(error) = self.peers.try_send(to, Kind::Store, body.into()) {
            debug!(slot = to, %error, "a message to another node's store was not sent");
        }
    }

    fn order(&self, order: DiskOrder) {
        // One write at a time is on its way, so there is room; without a thread the file is never said to be open.
        if let Err(error) = self.disk.try_send(order) {
            warn!(%error, "the store's disk thread does not listen");
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Serves { stamp } => {
                info!(%stamp, "dynamic information can be read and written here");
            }
            Event::Outranked { by } => {
                let epoch = by.epoch;
                warn!(
                    round = epoch.round(),
                    slot = epoch.slot(),
                    "another node leads the dynamic information"
                );
            }
            Event::Replaced { slot, difference } => warn!(
                slot,
                old = %difference.old,
                new = %difference.new,
                only_old = difference.only_old.count,
                changed = difference.changed.count,
                only_new = difference.only_new.count,
                "a node had dynamic information that nobody had acknowledged; it is kept there, in info-given-way"
            ),
            Event::GaveWay { old, difference } => {
                warn!(
                    old = %difference.old,
                    new = %difference.new,
                    only_old = ?difference.only_old.named,
                    changed = ?difference.changed.named,
                    only_new = ?difference.only_new.named,
                    "this node had dynamic information that nobody had acknowledged; it gave way to the master's, and is kept \
                     in info-given-way"
                );
                self.order(DiskOrder::Keep(Box::new(old)));
            }
            Event::SetBack { has, had } => {
                warn!(
                    %has,
                    %had,
                    "this node's store was set back to an older state; it is put aside as info-set-back.redb, and filled anew"
                );
                self.store = None;
                self.forget_writes();
                self.order(DiskOrder::PutAside);
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

fn told_outcome(outcome: Outcome) -> InfoAnswer {
    match outcome {
        Outcome::Done { revision, copies } => InfoAnswer::Written { revision, copies },
        Outcome::Conflict { revision } => InfoAnswer::Conflict { revision },
        Outcome::Refused(refusal) => InfoAnswer::Refused(refusal.to_string()),
        Outcome::Unknown => unknown(),
    }
}
