//! One wake-up of a daemon, with the driver's habits: the clock is read, then what came in is handed in, and each
//! command is carried out before the next event.

use heartbeat_core::service::ServiceState;
use heartbeat_core::{Event, Instant, Node};
use heartbeat_kernel_twin::Ring;

use super::{Datagram, Machine, Outside, Step};
use crate::clock::Reading;
use crate::trace::Trace;

impl Machine {
    /// One wake-up begins: the clocks were read.
    pub(crate) fn wake_up(&mut self, read: Reading) {
        let now = read.boot;
        self.raw_ns = read.raw_ns;
        let first = if now >= self.next_turn {
            Step::Turn
        } else if self.answers_at.is_some_and(|due| due <= now) {
            Step::Answers
        } else {
            Step::Words
        };
        self.steps.push_back((first, Some(now)));
        self.steps.push_back((Step::Timeout, None));
    }

    /// Goes on with the wake-up, for at most `most` instructions: a clock that is read, an event that is
    /// handed in, a command that is carried out. Whether it is through.
    pub(crate) fn go_on(&mut self, at: u64, most: u64, trace: &mut Trace) -> bool {
        assert!(at >= self.frozen_until);
        for _ in 0..most {
            if self.node.is_none() {
                self.steps.clear();
            }
            let must_tell = matches!(self.steps.front(), Some((Step::Promised(..), _)));
            if !must_tell && let Some(command) = self.node.as_mut().and_then(Node::poll_command) {
                trace.command(at, self.slot, &command);
                self.carry_out_one(command, at);
                continue;
            }
            self.take_in(at);
            let now = Instant(self.clock.boot(at));
            match self.steps.front_mut() {
                Some((_, read @ None)) => *read = Some(now),
                Some((_, Some(_))) => self.act(),
                None => return true,
            }
        }
        false
    }

    /// What came in meanwhile is done before the node's own time is looked at.
    fn take_in(&mut self, at: u64) {
        if !matches!(self.steps.front(), Some((Step::Timeout, None))) {
            return;
        }
        while let Some((_, record)) = self.writes.pop_front_if(|(done, _)| *done <= at) {
            self.record = record;
            self.steps.push_front((Step::Saved(Box::new(record)), None));
        }
        let ring = self
            .kernel
            .ring
            .drain(..)
            .map(|ring| Step::Ring(Box::new(ring)));
        let inbox = self
            .inbox
            .drain(..)
            .map(|datagram| Step::Message(Box::new(datagram)));
        let orders = self
            .orders
            .drain(..)
            .map(|order| Step::Order(Box::new(order)));
        let outside = self.outside.drain(..).map(Step::Outside);
        let came = ring.chain(inbox).chain(orders).chain(outside);
        for step in came.collect::<Vec<_>>().into_iter().rev() {
            self.steps.push_front((step, None));
        }
    }

    fn act(&mut self) {
        let Some((step, Some(now))) = self.steps.pop_front() else {
            return;
        };
        match step {
            Step::Turn => self.turn(now),
            Step::Answers => self.take_answers(now),
            Step::Words => self.handle(Event::Kernel(self.kernel.words()), now),
            Step::Ring(ring) => self.take_ring(&ring, now),
            Step::Message(datagram) => self.hand_in(*datagram, now),
            Step::Order(order) => self.handle(Event::Order(*order), now),
            Step::Saved(record) => self.handle(Event::ElectorsSaved(*record), now),
            Step::Outside(Outside::Reference { id, reference }) => {
                self.handle(Event::ReferenceAnswer { id, reference }, now);
            }
            Step::Outside(Outside::Fenced { id, done }) => {
                self.handle(Event::Fenced { id, done }, now);
            }
            Step::Outside(Outside::Services(services)) => {
                self.known_services = Some(services.state);
                self.handle(Event::Services(services), now);
            }
            Step::Timeout => {
                let timeout = self.node.as_ref().and_then(Node::poll_timeout);
                if timeout.is_some_and(|timeout| timeout <= now) {
                    self.steps.push_front((Step::HandleTimeout, Some(now)));
                    self.steps.push_front((Step::Words, Some(now)));
                }
            }
            Step::HandleTimeout => self.handle_timeout(now),
            Step::Promised(epoch, kernel) => {
                let kernel = *kernel;
                self.handle(Event::Promised { epoch, kernel }, now);
            }
        }
    }

    fn take_ring(&mut self, ring: &Ring, now: Instant) {
        match ring {
            Ring::Look => self.handle(Event::Kernel(self.kernel.words()), now),
            Ring::QueryAnswer(answer) => self.handle(Event::QueryAnswer(*answer), now),
            Ring::Refusal(refusal) => self.handle(Event::Refusal(*refusal), now),
        }
    }

    fn hand_in(&mut self, datagram: Datagram, now: Instant) {
        let Datagram {
            from,
            incarnation,
            network,
            message,
        } = datagram;
        let event = Event::Message {
            from,
            incarnation,
            network,
            message,
        };
        self.handle(event, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Some(node) = &mut self.node else { return };
        node.handle_timeout(now);
        let next = node.poll_timeout();
        assert!(
            next.is_none_or(|next| next > now),
            "a timeout that was handled is over"
        );
    }

    fn take_answers(&mut self, now: Instant) {
        self.answers_at = None;
        let replies = self.kernel.replies();
        let kernel = self.kernel.words();
        let event = Event::Answers {
            kernel,
            replies: &replies,
        };
        self.handle(event, now);
    }

    fn turn(&mut self, now: Instant) {
        let lateness = now.since(self.next_turn);
        let replies = self.kernel.replies();
        self.kernel.control.beat_ns = now.0;
        if self.known_services == Some(ServiceState::Healthy) {
            self.kernel.control.service_ns = now.0;
        }
        let raw_ns = self.raw_ns;
        let event = Event::Turn {
            kernel: self.kernel.words(),
            replies: &replies,
            lateness,
            raw_ns,
        };
        self.handle(event, now);
        let period = self.config.timing.period;
        self.next_turn = self.next_turn + period;
        if self.next_turn <= now {
            self.next_turn = now + period;
        }
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) {
        if let Some(node) = &mut self.node {
            node.handle(event, now);
        }
    }
}
