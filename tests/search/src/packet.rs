//! What is on the way: it may arrive at any time, more than once, or never.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_core::message::{Message, Network};
use heartbeat_wire::frame::{Frame, Kind};

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

    /// The number of the question of `slot` that it is, or answers.
    pub(crate) fn number_of(&self, slot: Slot) -> Option<u64> {
        let Body::Frame(frame) = &self.body else {
            return None;
        };
        let is_question = self.is_of(Kind::Probe) || self.is_of(Kind::Query);
        let asker = if is_question { self.from } else { self.to };
        (asker == slot).then_some(frame.sequence)
    }

    pub(crate) const fn is_frame(&self) -> bool {
        matches!(self.body, Body::Frame(_))
    }

    /// Whether it could matter to a lease. What goes by both networks is one packet here, since each may come twice.
    pub(crate) fn bears_on_a_lease(&self) -> bool {
        let is_chat = |message: &Message| {
            matches!(
                message,
                Message::Poll { .. }
                    | Message::PollAnswer { .. }
                    | Message::SideAsk { .. }
                    | Message::SideTell { .. }
                    | Message::Health { .. }
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
pub(crate) struct Soup(Vec<Arc<Packet>>);

impl Soup {
    pub(crate) fn add(&mut self, packet: Packet) {
        if self.iter().all(|known| **known != packet) {
            self.0.push(Arc::new(packet));
        }
    }

    /// Takes one out for good; the walk forgets the oldest.
    pub(crate) fn remove(&mut self, place: usize) {
        self.0.remove(place);
    }

    /// Forgets what can have no effect any more.
    pub(crate) fn retain(&mut self, keeps: impl Fn(&Packet) -> bool) {
        self.0.retain(|packet| keeps(packet));
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Packet>> {
        self.0.iter()
    }

    pub(crate) fn get(&self, place: usize) -> &Arc<Packet> {
        &self.0[place]
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}
