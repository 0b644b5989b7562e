//! What is on the way: it may arrive at any time, more than once, or never.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_core::message::{Message, Network};
use heartbeat_wire::frame::{Frame, Kind};

use crate::digest::Mix;

/// A frame or a control message to one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Packet {
    pub(crate) from: Slot,
    pub(crate) to: Slot,
    pub(crate) network: Network,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Body {
    Frame(Box<Frame>),
    Message { incarnation: u64, message: Message },
}

impl Packet {
    pub(crate) fn is_of(&self, kind: Kind) -> bool {
        matches!(&self.body, Body::Frame(frame) if frame.kind == kind as u8)
    }

    /// Whether it could matter to a lease. What goes by both networks is one packet here, since each may come twice.
    pub(crate) fn bears_on_a_lease(&self) -> bool {
        let is_chat = |message: &Message| {
            matches!(
                message,
                Message::Poll { .. } | Message::PollAnswer { .. } | Message::Health { .. }
            )
        };
        match &self.body {
            Body::Frame(_) => self.network == Network::Management,
            Body::Message { message, .. } => {
                self.network == Network::Management && !is_chat(message)
            }
        }
    }
}

/// All packets that were ever sent. To deliver one leaves it here: so each may be lost, doubled, overtaken and
/// delayed without a step of its own for that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Soup {
    packets: Vec<(u64, Arc<Packet>)>,
    digest: u64,
}

impl Soup {
    pub(crate) fn add(&mut self, packet: Packet) {
        let digest = Mix::of(&packet);
        if self.packets.iter().all(|(known, _)| *known != digest) {
            self.digest = self.digest.wrapping_add(digest);
            self.packets.push((digest, Arc::new(packet)));
        }
    }

    /// Takes one out for good; the walk forgets the oldest.
    pub(crate) fn remove(&mut self, place: usize) {
        let (digest, _) = self.packets.remove(place);
        self.digest = self.digest.wrapping_sub(digest);
    }

    /// Forgets what can have no effect any more.
    pub(crate) fn retain(&mut self, keeps: impl Fn(&Packet) -> bool) {
        let digest = &mut self.digest;
        self.packets.retain(|(own, packet)| {
            let kept = keeps(packet);
            if !kept {
                *digest = digest.wrapping_sub(*own);
            }
            kept
        });
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Packet>> {
        self.packets.iter().map(|(_, packet)| packet)
    }

    pub(crate) fn get(&self, place: usize) -> &Arc<Packet> {
        &self.packets[place].1
    }

    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }
}
