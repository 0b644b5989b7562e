//! A node on the bench: fed with events, its commands caught.

use std::collections::BTreeSet;
use std::time::Duration;

use heartbeat_core::config::{Config, Handovers, Member, Mode, Timing};
use heartbeat_core::electors::ElectorRecord;
use heartbeat_core::event::{KernelWords, QueryAnswer, Refusal, Reply, Restored};
use heartbeat_core::message::{Message, Network, VoteAnswer};
use heartbeat_core::{Command, Epoch, Event, Instant, Node, Slot};
use heartbeat_wire::frame::{flag, role};

use super::show::show;

/// When each story begins: long after the maps were created.
pub(crate) const START: Instant = Instant(10_000_000_000);

pub(crate) const TIMING: Timing = Timing {
    period: Duration::from_millis(10),
    multiplier: 5,
    max_lease: Duration::from_millis(200),
    restart_lease: Duration::from_millis(200),
};

/// So many milliseconds after the start.
pub(crate) fn ms(ms: u64) -> Instant {
    START + Duration::from_millis(ms)
}

/// A slot's incarnation.
pub(crate) fn life(slot: Slot) -> u64 {
    u64::from(slot) * 10
}

/// Slots 1 to 4: slot 3 is a witness, slot 4 no elector.
pub(crate) fn config(slot: Slot) -> Config {
    let member = |slot: Slot| {
        (
            slot,
            Member {
                elector: slot != 4,
                witness: slot == 3,
                business: false,
            },
        )
    };
    Config {
        slot,
        members: (1..=4).map(member).collect(),
        elector_version: 7,
        elector_digest: 77,
        config_digest: 99,
        timing: TIMING,
        preempt_after: None,
        handovers: Handovers {
            most: 1,
            window: Duration::from_secs(60),
        },
        mode: Mode::Quorum,
        takeover: BTreeSet::new(),
    }
}

/// Slots 1 to 5, electors all, none a witness.
pub(crate) fn five(slot: Slot) -> Config {
    let mut config = config(slot);
    config.members = (1..=5)
        .map(|slot| {
            (
                slot,
                Member {
                    elector: true,
                    witness: false,
                    business: false,
                },
            )
        })
        .collect();
    config
}

/// Maps that were kept, and hold nothing yet.
pub(crate) fn restored(slot: Slot) -> Restored {
    Restored {
        incarnation: life(slot),
        created: Instant(1),
        maps_kept: true,
        seed: 5,
        ..Restored::default()
    }
}

/// The words after a probe of `epoch` at `arrival`, which names `successor`.
pub(crate) fn probed(epoch: Epoch, arrival: Instant, successor: Slot) -> KernelWords {
    KernelWords {
        grant_end: arrival + TIMING.lease(),
        probed: epoch,
        arrival,
        holder_incarnation: life(epoch.slot()),
        successor,
        duplicate_at: Instant::ZERO,
    }
}

/// No command at all.
pub(crate) const NOTHING: [&str; 0] = [];

pub(crate) struct Bench {
    pub(crate) slot: Slot,
    pub(crate) node: Node,
    pub(crate) words: KernelWords,
    /// What slips into the words while the next promise is being made.
    pub(crate) slips_in: Option<KernelWords>,
    /// The newest question's number, and epoch.
    pub(crate) asked: (u64, Epoch),
    /// The newest vote request.
    pub(crate) request: (Epoch, u64),
    pub(crate) poll: u64,
    /// The newest question to the references, to the peer of a pair, and run of the fence command.
    pub(crate) reference: u64,
    pub(crate) pair_ask: u64,
    pub(crate) fence: u64,
    /// The record that was handed out last, to be saved.
    pub(crate) saving: Option<ElectorRecord>,
}

impl Bench {
    pub(crate) fn new(config: Config, restored: Restored) -> (Self, Vec<Command>) {
        let (slot, words) = (config.slot, restored.kernel);
        let node = Node::new(config, restored, START);
        let mut bench = Self {
            slot,
            node,
            words,
            slips_in: None,
            asked: (0, Epoch::NONE),
            request: (Epoch::NONE, 0),
            poll: 0,
            reference: 0,
            pair_ask: 0,
            fence: 0,
            saving: None,
        };
        let commands = bench.drain(START);
        (bench, commands)
    }

    pub(crate) fn handle(&mut self, event: Event<'_>, now: Instant) -> Vec<Command> {
        self.node.handle(event, now);
        self.drain(now)
    }

    /// What was handed out to be saved is on disk.
    pub(crate) fn saved(&mut self, now: Instant) -> Vec<Command> {
        match self.saving.take() {
            Some(record) => self.handle(Event::ElectorsSaved(record), now),
            None => Vec::new(),
        }
    }

    pub(crate) fn timeout(&mut self, now: Instant) -> Vec<Command> {
        self.node.handle_timeout(now);
        self.drain(now)
    }

    fn drain(&mut self, now: Instant) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Some(command) = self.node.poll_command() {
            self.note(&command);
            let promise = if let Command::Promise(epoch) = command {
                Some(epoch)
            } else {
                None
            };
            commands.push(command);
            if let Some(epoch) = promise {
                self.words = self.slips_in.take().unwrap_or(self.words);
                self.node.handle(
                    Event::Promised {
                        epoch,
                        kernel: self.words,
                    },
                    now,
                );
            }
        }
        commands
    }

    fn note(&mut self, command: &Command) {
        match command {
            Command::Probe(question)
            | Command::Query(question)
            | Command::QueryBusiness(question) => {
                self.asked = (question.sequence, question.epoch);
            }
            Command::Send {
                message: Message::VoteRequest { epoch, id, .. },
                ..
            } => self.request = (*epoch, *id),
            Command::SaveElectors(record) => self.saving = Some(*record),
            Command::AskReference { id } => self.reference = *id,
            Command::Fence { id, .. } => self.fence = *id,
            Command::Send {
                message: Message::PairAsk { id, .. },
                ..
            } => self.pair_ask = *id,
            Command::Send {
                message: Message::Poll { id },
                ..
            } => self.poll = *id,
            _ => {}
        }
    }

    pub(crate) fn kernel(&mut self, words: KernelWords, now: Instant) -> Vec<Command> {
        self.words = words;
        self.handle(Event::Kernel(words), now)
    }

    pub(crate) fn turn(&mut self, replies: &[Reply], now: Instant) -> Vec<Command> {
        self.late_turn(replies, Duration::ZERO, now)
    }

    pub(crate) fn late_turn(
        &mut self,
        replies: &[Reply],
        lateness: Duration,
        now: Instant,
    ) -> Vec<Command> {
        let raw_ns = now.0;
        self.handle(
            Event::Turn {
                kernel: self.words,
                replies,
                lateness,
                raw_ns,
            },
            now,
        )
    }

    pub(crate) fn message(&mut self, from: Slot, message: Message, now: Instant) -> Vec<Command> {
        let incarnation = life(from);
        self.handle(
            Event::Message {
                from,
                incarnation,
                network: Network::Management,
                message,
            },
            now,
        )
    }

    /// A kernel's answer to the newest query.
    pub(crate) fn answer(
        &mut self,
        from: Slot,
        grant_left: Duration,
        now: Instant,
    ) -> Vec<Command> {
        let answer = QueryAnswer {
            from,
            sequence: self.asked.0,
            arrival: now,
            incarnation: life(from),
            grant_left,
            elector_version: 7,
            elector_digest: 77,
            ..QueryAnswer::default()
        };
        self.handle(Event::QueryAnswer(answer), now)
    }

    pub(crate) fn refusal(
        &mut self,
        from: Slot,
        promised: Epoch,
        probed: Epoch,
        now: Instant,
    ) -> Vec<Command> {
        let refusal = Refusal {
            from,
            epoch: self.asked.1,
            promised,
            probed,
        };
        self.handle(Event::Refusal(refusal), now)
    }

    /// An elector's answer to the newest vote request.
    pub(crate) fn vote(&mut self, from: Slot, answer: VoteAnswer, now: Instant) -> Vec<Command> {
        let (epoch, id) = self.request;
        self.message(
            from,
            Message::Vote {
                epoch,
                id,
                answer,
                info_version: 0,
            },
            now,
        )
    }

    /// Slot `from` grants to the newest probe, in every way well.
    pub(crate) fn reply(&self, from: Slot, sent: Instant) -> Reply {
        let (sequence, epoch) = self.asked;
        Reply {
            slot: from,
            granted_sequence: sequence,
            granted_sent: sent,
            sequence,
            epoch,
            arrival: sent,
            rtt: Duration::from_micros(100),
            incarnation: life(from),
            daemon_age: Some(Duration::ZERO),
            flags: flag::ELIGIBLE,
            role: role::SLAVE,
            elector_version: 7,
            elector_digest: 77,
            config_digest: 99,
            ..Reply::default()
        }
    }
}

/// A request for a vote by `slot` for `epoch`, under `id`.
pub(crate) fn vote_request(epoch: Epoch, id: u64) -> Message {
    Message::VoteRequest {
        epoch,
        lease: TIMING.lease(),
        id,
        elector_version: 7,
        elector_digest: 77,
    }
}

pub(crate) fn lines(commands: &[Command]) -> Vec<String> {
    commands.iter().map(show).collect()
}
