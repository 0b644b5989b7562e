//! Where messages to the other nodes' takeover threads leave: over every network there is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heartbeat_core::message::Network;
use heartbeat_core::{Epoch, Slot};

use super::message::Message;
use crate::net::datagrams::Teller;
use crate::net::envelope::Envelope;

/// The sending ends of the control sockets, by network; cheap to clone. Shared with whoever replaces the
/// sockets when an interface vanished and came back.
#[derive(Debug, Clone, Default)]
pub struct Tellers(Arc<Mutex<Vec<(Network, Teller)>>>);

impl Tellers {
    /// This network's messages leave here from now on.
    pub fn set(&self, network: Network, teller: Teller) {
        let mut tellers = self.lock();
        tellers.retain(|(other, _)| *other != network);
        tellers.push((network, teller));
    }

    /// This network's interface is gone: its socket must close before another one can take its port.
    pub fn remove(&self, network: Network) {
        self.lock().retain(|(other, _)| *other != network);
    }

    /// What leaves from now on is sealed so, and members are there.
    pub fn go_by(&self, envelope: &Envelope, members: impl Fn(Network) -> BTreeMap<Slot, IpAddr>) {
        for (network, teller) in &mut *self.lock() {
            teller.go_by(envelope.clone(), members(*network));
        }
    }

    /// Sends one message over both networks: what matters here is rare and short, and one of the two may
    /// be the reason for it. A copy that cannot be sent is as good as lost on the way.
    pub(super) fn tell(&self, to: Slot, epoch: Epoch, nonce: u64, message: &Message) {
        for (_, teller) in &mut *self.lock() {
            let _ = teller.send(to, epoch, nonce, |body| message.encode(body));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Network, Teller)>> {
        // Each change leaves a whole list: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
