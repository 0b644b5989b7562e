//! One wake-up of a daemon, from its reading of the clock to its last command, stopped anywhere in between.

use heartbeat_core::time::nanos;
use heartbeat_core::{Command, Event, Instant};
use heartbeat_kernel_twin::Ring;

use super::carry::is_visible;
use super::daemon::Todo;
use super::{Machine, Outcome, Wake};
use crate::hold::Hold;
use crate::packet::Body;

impl Machine {
    /// The daemon read its clock at tick `read_at` and acts at tick `at`.
    pub(crate) fn wake(
        &mut self,
        wake: Wake,
        (read_at, at): (u32, u32),
        hold: &mut Hold,
        outcome: &mut Outcome,
    ) {
        let now = self.now(read_at);
        match wake {
            Wake::Turn => self.turn(now),
            Wake::Answers => self.take_answers(now),
            Wake::Ring
            | Wake::Message(_)
            | Wake::Timeout
            | Wake::Order(_)
            | Wake::Retime(_)
            | Wake::Saved
            | Wake::Reference(_)
            | Wake::Fenced(..) => {
                self.handle(Event::Kernel(self.kernel.words()), now);
                self.put(Todo::Take(wake, now));
                if self.carry_out(at, hold, outcome) || hold.is_here() {
                    return;
                }
            }
        }
        self.go_on(at, hold, outcome);
    }

    /// Goes on until the daemon is through or `hold` stops it.
    pub(crate) fn go_on(&mut self, at: u32, hold: &mut Hold, outcome: &mut Outcome) {
        loop {
            let stops = match self.daemon.as_mut().and_then(|daemon| daemon.todo.pop()) {
                Some(todo) => self.advance(todo, at, hold, outcome),
                None => false,
            };
            if stops || self.carry_out(at, hold, outcome) {
                return;
            }
            if !self.is_held() {
                break;
            }
        }
        if let Some(daemon) = &mut self.daemon {
            daemon.rest(at);
        }
    }

    fn turn(&mut self, now: Instant) {
        if self.is_pair {
            // Its sign of life: a pair goes by it.
            self.kernel.control.beat_ns = now.0;
        }
        let (kernel, replies) = (self.kernel.words(), self.kernel.replies());
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let event = Event::Turn {
            kernel,
            replies: &replies,
            lateness: now.since(daemon.next_turn),
            raw_ns: now.0,
        };
        daemon.handle(event, now);
        let period = self.period;
        daemon.next_turn = daemon.next_turn + period;
        if daemon.next_turn <= now {
            daemon.next_turn = now + period;
        }
    }

    fn take_answers(&mut self, now: Instant) {
        let (kernel, replies) = (self.kernel.words(), self.kernel.replies());
        let replies = &replies;
        if let Some(daemon) = &mut self.daemon {
            daemon.answers_at = None;
            daemon.handle(Event::Answers { kernel, replies }, now);
        }
    }

    /// Takes one step. Whether `hold` stops it after that.
    fn advance(&mut self, todo: Todo, at: u32, hold: &mut Hold, outcome: &mut Outcome) -> bool {
        match todo {
            Todo::Take(wake, now) => self.take(wake, now),
            Todo::Carry(Command::Promise(epoch)) => {
                let now = self.now(at);
                self.put(Todo::Raise(epoch, now));
                return hold.is_here();
            }
            Todo::Raise(epoch, now) => {
                self.kernel.promise(epoch);
                self.put(Todo::Read(epoch, now));
                return hold.is_here();
            }
            Todo::Read(epoch, now) => {
                let kernel = self.kernel.words();
                self.handle(Event::Promised { epoch, kernel }, now);
            }
            Todo::Carry(command) => self.carry(command, at, outcome),
        }
        false
    }

    /// Carries out commands up to the next one that others can see. Whether `hold` stops it there.
    fn carry_out(&mut self, at: u32, hold: &mut Hold, outcome: &mut Outcome) -> bool {
        if matches!(
            self.daemon.as_ref().and_then(|daemon| daemon.todo.last()),
            Some(Todo::Raise(..) | Todo::Read(..))
        ) {
            return false;
        }
        while let Some(command) = self
            .daemon
            .as_mut()
            .and_then(|daemon| daemon.node.poll_command())
        {
            if is_visible(&command) {
                self.put(Todo::Carry(command));
                return hold.is_here();
            }
            self.carry(command, at, outcome);
        }
        false
    }

    fn put(&mut self, todo: Todo) {
        if let Some(daemon) = &mut self.daemon {
            daemon.todo.push(todo);
        }
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) {
        if let Some(daemon) = &mut self.daemon {
            daemon.handle(event, now);
        }
    }

    fn take(&mut self, wake: Wake, now: Instant) {
        match wake {
            Wake::Ring => match self.kernel.ring.pop_front() {
                Some(Ring::QueryAnswer(answer)) => self.handle(Event::QueryAnswer(answer), now),
                Some(Ring::Refusal(refusal)) => self.handle(Event::Refusal(refusal), now),
                Some(Ring::Look) | None => {}
            },
            Wake::Message(packet) => {
                if let Body::Message {
                    incarnation,
                    message,
                } = &packet.body
                {
                    let event = Event::Message {
                        from: packet.from,
                        incarnation: *incarnation,
                        network: packet.network,
                        message: message.clone(),
                    };
                    self.handle(event, now);
                }
            }
            Wake::Timeout => {
                if let Some(daemon) = &mut self.daemon {
                    daemon.handle_timeout(now);
                }
            }
            Wake::Order(order) => self.handle(Event::Order(order), now),
            Wake::Retime(config) => {
                // Before anything is asked by it.
                self.kernel.config.detect_ns = nanos(config.timing.lease());
                if let Some(daemon) = &mut self.daemon {
                    daemon.is_long = !daemon.is_long;
                }
                self.handle(Event::Reconfigured(config), now);
            }
            Wake::Reference(id) => {
                let reference = 0;
                self.handle(Event::ReferenceAnswer { id, reference }, now);
            }
            Wake::Fenced(id, done) => self.handle(Event::Fenced { id, done }, now),
            Wake::Saved => {
                let saved = self
                    .daemon
                    .as_mut()
                    .and_then(|daemon| daemon.writes.pop_front());
                if let Some(record) = saved {
                    self.record = record;
                    self.handle(Event::ElectorsSaved(record), now);
                }
            }
            Wake::Turn | Wake::Answers => unreachable!("these come with their words"),
        }
    }
}
