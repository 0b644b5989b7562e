//! Another configuration takes the place of the one that the pulse goes by, between two turns and all at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use heartbeat_core::message::Network;
use heartbeat_core::{Config, Event, Instant, Slot};
use heartbeat_wire::tag::Key;

use super::Pulse;
use crate::config::duration::format;
use crate::hands::{Change, Order as HandsOrder, VirtualAddress};
use crate::net::envelope::Envelope;
use crate::sys::clock::boot_ns;

/// How long one who offers waits before the offer is taken back: a turn takes far less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the pulse goes by, as far as it can change while it runs.
#[derive(Debug)]
pub struct Reconfigure {
    /// The election's part.
    pub core: Box<Config>,
    /// Whether addresses are taken only once a hook has made this node fit to serve.
    pub addresses_wait: bool,
    /// The addresses that follow the master.
    pub addresses: Arc<[VirtualAddress]>,
    /// By slot, those that go by the slot's lease.
    pub leased: Arc<BTreeMap<Slot, Arc<[VirtualAddress]>>>,
    /// What signs frames.
    pub key: Key,
    /// How control datagrams are sealed and opened.
    pub envelope: Envelope,
    /// Where the other members are on each network.
    pub members: BTreeMap<Network, BTreeMap<Slot, IpAddr>>,
    /// What is to be done to the addresses, if they are others.
    pub change: Option<Box<Change>>,
}

/// A configuration on its way to the pulse. It is taken back or carried out, never both.
#[derive(Debug)]
pub struct Offer {
    wanted: Box<Reconfigure>,
    settled: Arc<AtomicBool>,
    answer: SyncSender<Result<(), String>>,
}

/// The other end of an [`Offer`].
#[derive(Debug)]
pub struct Offered {
    settled: Arc<AtomicBool>,
    answered: Receiver<Result<(), String>>,
}

/// Makes both ends.
#[must_use]
pub fn offer(wanted: Reconfigure) -> (Offer, Offered) {
    let settled = Arc::<AtomicBool>::default();
    let (answer, answered) = sync_channel(1);
    let offer = Offer {
        wanted: Box::new(wanted),
        settled: Arc::clone(&settled),
        answer,
    };
    (offer, Offered { settled, answered })
}

impl Offered {
    /// Waits until the pulse goes by it.
    ///
    /// # Errors
    /// A sentence for who asked; the pulse then goes by what it went by before, and will.
    pub fn wait(self) -> Result<(), String> {
        let late = match self.answered.recv_timeout(PATIENCE) {
            Ok(answer) => return answer,
            Err(late) => late,
        };
        if self.settled.swap(true, Ordering::AcqRel) {
            // It had begun by then, so the answer comes, or the thread's end.
            return self
                .answered
                .recv()
                .map_err(|_| "the pulse thread ended; the daemon is stopping".to_owned())?;
        }
        Err(format!(
            "the pulse thread did not take it within {} s: {late}",
            PATIENCE.as_secs()
        ))
    }
}

impl Pulse {
    pub(super) fn reconfigure(&mut self, offer: Offer) {
        if offer.settled.swap(true, Ordering::AcqRel) {
            return;
        }
        let answer = self.go_by(*offer.wanted);
        // Whoever offers waits for it.
        let _ = offer.answer.send(answer);
    }

    /// What can fail comes first, and then nothing has been changed.
    fn go_by(&mut self, wanted: Reconfigure) -> Result<(), String> {
        let digest = wanted.core.config_digest;
        let lease = wanted.core.timing.lease();
        let sets = &mut self.parts.sets;
        if lease > sets.max_lease() {
            // It was not when the file was checked: the electors agreed on another set since then.
            return Err(format!(
                "the lease of {} is longer than max_lease = {} of the electors' set in force",
                format(lease),
                format(sets.max_lease())
            ));
        }
        let (digest_before, lease_before) = sets.goes_by();
        (sets.go_by(digest, lease)).map_err(|error| error.to_string())?;
        if let Some(change) = wanted.change
            && let Err(error) = self.parts.hands.order(HandsOrder::Change(change))
        {
            // It could be written just now, and only a kernel at its end could refuse it back.
            return sets
                .go_by(digest_before, lease_before)
                .map_err(|also| also.to_string())
                .and(Err(error.to_string()));
        }
        self.parts.addresses = wanted.addresses;
        self.parts.leased = wanted.leased;
        self.parts.signer.config_digest = digest;
        self.parts.signer.key = wanted.key;
        self.parts.answers.enrol(&wanted.core);
        for channel in &mut self.parts.wiring.control {
            let members = wanted.members.get(&channel.network);
            let members = members.cloned().unwrap_or_default();
            if let Some(heartbeats) = &mut channel.heartbeats {
                heartbeats.enrol(members.iter().map(|(slot, address)| (*slot, *address)));
            }
            let envelope = wanted.envelope.clone();
            channel.datagrams.go_by(envelope, members);
        }
        let now = Instant(boot_ns());
        self.handle(Event::Reconfigured(wanted.core), now);
        // Faster turns begin at once; slower ones after the one that is due.
        self.next_turn = self.next_turn.min(now + self.parts.node.period());
        self.parts.addresses_wait = wanted.addresses_wait;
        if !wanted.addresses_wait
            && let Some(epoch) = self.waiting.take()
        {
            self.take_over(epoch);
        }
        Ok(())
    }
}
