//! What wakes the pulse between turns: the kernel's events, control messages, orders, reports.

use std::os::fd::AsFd as _;
use std::time::Duration;

use heartbeat_core::config::PairRules;
use heartbeat_core::event::{Order, QueryAnswer, Refusal};
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::snapshot::Diagnosis;
use heartbeat_core::{Epoch, Event, Instant, Message};
use heartbeat_wire::frame::{flag, gate_state};
use heartbeat_wire::maps::{Event as RingEvent, EventKind};

use super::convert::age;
use super::order::{Answer, Published, PulseOrder};
use super::ready::{Ready, Source};
use super::{Note, Pulse};
use crate::hands::{Order as HandsOrder, Report};
use crate::net::datagrams::{DATAGRAMS_A_TURN, Incoming};
use crate::sys::clock::boot_ns;
use crate::takeover::{Parcel, Task};

/// Ring events taken in one wake-up; the rest wakes the pulse again at once, after the next turn if
/// one is due. An election brings fewer than ten electors' answers.
const MOST_EVENTS: usize = 64;

/// Answers of references taken in one wake-up: each answers a question once.
const MOST_REFERENCES: u8 = PairRules::MOST_REFERENCES;

/// How often a dropped control datagram is worth a line: a flood must not fill the log.
const TELL_DROPS: Duration = Duration::from_secs(1);

impl Pulse {
    pub(super) fn take_kernel_events(&mut self) {
        for _ in 0..MOST_EVENTS {
            let now = Instant(boot_ns());
            let Some(event) = self.parts.ring.next_event() else {
                return;
            };
            self.take_kernel_event(&event, now);
        }
    }

    fn take_kernel_event(&mut self, event: &RingEvent, now: Instant) {
        match EventKind::from_u32(event.kind) {
            Some(EventKind::QueryAnswer) => {
                self.handle(Event::QueryAnswer(query_answer(event)), now);
            }
            Some(EventKind::Refusal) => self.handle(Event::Refusal(refusal(event)), now),
            // The mapped words say these already; the event only makes the pulse look at once.
            Some(EventKind::NewEpoch | EventKind::Duplicate | EventKind::Implausible) => {
                let kernel = self.kernel();
                self.handle(Event::Kernel(kernel), now);
            }
            // A newer kernel program under an older daemon; what it means is not known here.
            None => {}
        }
    }

    pub(super) fn take_messages(&mut self, ready: Ready) {
        for index in 0..self.parts.wiring.control.len() {
            if !ready.has(Source::control(self.parts.wiring.control[index].network)) {
                continue;
            }
            for _ in 0..DATAGRAMS_A_TURN {
                if !self.take_message(index) {
                    break;
                }
            }
        }
    }

    /// Whether there was one.
    fn take_message(&mut self, index: usize) -> bool {
        let now = Instant(boot_ns());
        let channel = &mut self.parts.wiring.control[index];
        let network = channel.network;
        // An error here is the interface's (gone, down), which the links' events tell.
        let Ok(incoming) = channel.datagrams.receive() else {
            return false;
        };
        match incoming {
            Incoming::Nothing => return false,
            Incoming::Message {
                from,
                incarnation,
                message,
            } => {
                let kernel = self.kernel();
                self.handle(Event::Kernel(kernel), now);
                // A slot's lease is granted and renewed by the time at which the message was here.
                let is_of_slot =
                    matches!(message, Message::SlotAsk { .. } | Message::SlotGrant { .. });
                let now = if is_of_slot { Instant(boot_ns()) } else { now };
                let message = Event::Message {
                    from,
                    incarnation,
                    network,
                    message,
                };
                self.handle(message, now);
            }
            Incoming::Takeover {
                from,
                epoch,
                nonce,
                length,
            } => {
                let parcel = Parcel::new(from, epoch, nonce, channel.datagrams.body(length));
                self.parts.takeover.give(Task::Parcel(parcel));
            }
            Incoming::Dropped { source, why } => {
                if now >= self.drop_told + TELL_DROPS {
                    self.drop_told = now;
                    self.note(Note::Dropped(network, source, why));
                }
            }
        }
        true
    }

    pub(super) fn take_reference_answers(&mut self) {
        for index in 0..self.parts.wiring.control.len() {
            for _ in 0..MOST_REFERENCES {
                let now = Instant(boot_ns());
                let references = &self.parts.wiring.control[index].references;
                let Some(answer) = references.as_ref().and_then(|it| it.next_answer()) else {
                    break;
                };
                let kernel = self.kernel();
                self.handle(Event::Kernel(kernel), now);
                let answer = Event::ReferenceAnswer {
                    id: answer.question,
                    reference: answer.reference,
                };
                self.handle(answer, now);
            }
        }
    }

    pub(super) fn take_orders(&mut self) {
        self.parts.orders.clear();
        while let Some(order) = self.parts.orders.take() {
            match order {
                PulseOrder::Election(order, asked) => {
                    self.pending_asks.push_back(asked);
                    self.handle(Event::Order(order), Instant(boot_ns()));
                }
                PulseOrder::ElectorsSaved(record) => {
                    self.handle(Event::ElectorsSaved(*record), Instant(boot_ns()));
                }
                PulseOrder::Promoted(epoch) => self.promoted(epoch),
                PulseOrder::Services(services) => {
                    self.handle(Event::Services(services), Instant(boot_ns()));
                }
                PulseOrder::Carrier(is_there) => {
                    self.handle(Event::Carrier(is_there), Instant(boot_ns()));
                }
                PulseOrder::Fenced(id, done) => {
                    self.handle(Event::Fenced { id, done }, Instant(boot_ns()));
                }
                PulseOrder::Gated(interface) => self.order_hands(HandsOrder::Gated { interface }),
                PulseOrder::Verified(epoch, at_ns) => self.note(Note::Verified(epoch, at_ns)),
                PulseOrder::Announce(whose) => self.order_hands(HandsOrder::Announce(whose)),
                PulseOrder::Rewire(rewire) => self.rewire(rewire),
                PulseOrder::Reload(asked) => self.note(Note::Reload(asked)),
                PulseOrder::Reconfigure(offer) => self.reconfigure(offer),
                PulseOrder::Publish(asked) => {
                    // Whoever asked may have gone away.
                    let _ = asked.send(self.published());
                }
            }
        }
    }

    /// Orders are answered in the order in which they came: the node decides each at once, or before the next.
    pub(super) fn answer(&mut self, answer: Result<OrderDone, OrderError>) {
        // A signal's order has nobody waiting for its answer.
        let Some(Some(asked)) = self.pending_asks.pop_front() else {
            return self.note(Note::Answered(answer));
        };
        let answer: Answer = answer
            .map(|done| done.to_string())
            .map_err(|error| error.to_string());
        let _ = asked.send(answer);
    }

    pub(super) fn take_reports(&mut self) {
        while let Some(report) = self.parts.hands.report() {
            match &report {
                Report::TookOver {
                    epoch,
                    added_at_ns,
                    announced_at_ns,
                } => {
                    self.stamps.added = Instant(*added_at_ns);
                    self.stamps.announced = Instant(*announced_at_ns);
                    let stamps = std::mem::take(&mut self.stamps);
                    self.note(Note::TookOver(*epoch, stamps));
                    self.parts.takeover.give(Task::TookOver {
                        epoch: *epoch,
                        // Own probes do not come back: it is the mastership before this one.
                        first_master: self.kernel().probed.slot(),
                        announced_ns: *announced_at_ns,
                    });
                }
                Report::Released { epoch, .. } => {
                    self.parts.takeover.give(Task::Released(*epoch));
                }
                Report::HeldSlot {
                    slot,
                    announced_at_ns,
                } => self.parts.takeover.give(Task::HoldsSlot {
                    slot: *slot,
                    // This node's own was borne by the master, if by anybody.
                    before: if *slot == self.parts.slot {
                        self.kernel().probed.slot()
                    } else {
                        *slot
                    },
                    announced_ns: *announced_at_ns,
                }),
                Report::DroppedSlot { slot } => self.parts.takeover.give(Task::LeftSlot(*slot)),
                Report::Restored { .. }
                | Report::Failed { .. }
                | Report::Broken { .. }
                | Report::Link { .. } => {}
            }
            self.note(Note::Hands(report));
        }
        if self.parts.hands.has_ended() && !self.without_hands {
            self.stop_without_hands();
        }
    }

    /// Addresses that cannot be removed must not be served: the lease goes, by an orderly stop.
    fn stop_without_hands(&mut self) {
        self.without_hands = true;
        self.note(Note::HandsEnded);
        // What has ended stays readable for ever, and would go on waking the pulse.
        let _ = self.epoll.delete(self.parts.hands.as_fd());
        self.pending_asks.push_back(None);
        self.handle(Event::Order(Order::Stop), Instant(boot_ns()));
    }

    fn published(&self) -> Published {
        let snapshot = self.parts.node.snapshot(Instant(boot_ns()));
        let unwell = (snapshot.members.iter()).filter(|it| it.diagnosis != Diagnosis::Healthy);
        Published {
            replies: unwell
                .filter_map(|it| self.parts.answers.newest_of(it.slot))
                .collect(),
            snapshot,
            lateness: self.lateness.clone(),
            taken: self.taken.clone(),
            notes_lost: self.notes_lost,
        }
    }
}

fn query_answer(event: &RingEvent) -> QueryAnswer {
    QueryAnswer {
        from: event.slot,
        sequence: event.sequence,
        arrival: Instant(event.at_ns),
        incarnation: event.incarnation,
        promised: Epoch(event.promised_epoch),
        probed: Epoch(event.probed_epoch),
        grant_left: Duration::from_micros(u64::from(event.lease_us)),
        abstains: event.flags & flag::ABSTAINS != 0,
        elector_version: event.elector_version,
        elector_digest: event.elector_digest,
        info_version: event.info_version,
        gate_open: event.gate == gate_state::OPEN,
        daemon_age: age(event.daemon_age_us),
    }
}

fn refusal(event: &RingEvent) -> Refusal {
    Refusal {
        from: event.slot,
        epoch: Epoch(event.epoch),
        promised: Epoch(event.promised_epoch),
        probed: Epoch(event.probed_epoch),
    }
}
