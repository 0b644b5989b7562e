//! Stepping the election through a record: what happened goes in, and what comes out must be what was recorded.

use std::fmt;

use heartbeat_core::{Command, Event, Instant, Node};

use super::ReadError;
use super::answers::Answers;
use super::item::{Birth, Gap, Item};
use super::read::{Ended, Next, Record};

/// A record and the election that is stepped through it.
#[derive(Debug)]
pub struct Replay {
    record: Record,
    /// None before the record begins, and in a gap.
    node: Option<Node>,
    answers: Answers,
    number: u64,
    now: Instant,
    clocks: Option<(Instant, u64)>,
}

/// One entry, carried out.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its number in the record, from 1.
    pub number: u64,
    /// When it was, by the node's CLOCK_BOOTTIME.
    pub now: Instant,
    /// The same by CLOCK_REALTIME as it was then, in nanoseconds since 1970.
    pub wall_ns: u64,
    /// What it says.
    pub what: What<'a>,
}

/// What an entry says.
#[derive(Debug)]
pub enum What<'a> {
    /// A daemon started.
    Start(Box<Birth>),
    /// The election goes on from here: after a gap, or it is what was stepped to here already.
    Checkpoint,
    /// Some of what happened is not in the record.
    Gap(Gap),
    /// This happened.
    Event(Event<'a>),
    /// The time that the election waited for came.
    Timeout,
    /// The election commanded this, now as then.
    Command(Command),
    /// A file is over.
    Ended(Ended),
}

/// The election comes to something else than what was recorded.
#[derive(Debug, thiserror::Error)]
pub struct Differs {
    /// The record's entry.
    pub number: u64,
    /// When.
    pub now: Instant,
    recorded: String,
    replayed: String,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "entry {} ({} after the node's boot) differs: recorded is {}, and this heartbeatctl's election comes to \
             {}; the heartbeatd that recorded it was built from another version, or this is a fault of heartbeatd",
            self.number, self.now, self.recorded, self.replayed
        )
    }
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The record cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The election differs.
    #[error(transparent)]
    Differs(#[from] Differs),
}

impl Replay {
    /// Steps through this record.
    #[must_use]
    pub fn new(record: Record) -> Self {
        Self {
            record,
            node: None,
            answers: Answers::default(),
            number: 0,
            now: Instant::ZERO,
            clocks: None,
        }
    }

    /// Carries out the next entry; `None` behind the last one.
    ///
    /// # Errors
    /// When a file cannot be read any further, behind which the next one can be; or the election comes to something
    /// else.
    pub fn step(&mut self) -> Result<Option<Step<'_>>, ReplayError> {
        loop {
            let next = match self.record.next() {
                Ok(next) => next,
                Err(error) => {
                    self.node = None;
                    return Err(error.into());
                }
            };
            let item = match next {
                Next::Item(Item::Clocks { boot, wall_ns }) => {
                    self.clocks = Some((boot, wall_ns));
                    continue;
                }
                Next::Item(item) => item,
                Next::Ended(ended) => return Ok(Some(self.tell(What::Ended(ended)))),
                Next::End => return Ok(None),
            };
            self.number += 1;
            // In a gap nothing but its end can be stepped through.
            let begins = matches!(item, Item::Start(_) | Item::Checkpoint(_) | Item::Gap(_));
            if begins || self.node.is_some() {
                return self.carry_out(item).map(Some);
            }
        }
    }

    fn carry_out(&mut self, item: Item<'static>) -> Result<Step<'_>, ReplayError> {
        match item {
            Item::Start(birth) => {
                self.now = birth.now;
                (self.node, self.answers) = (Some(birth.node()), Answers::default());
                Ok(self.tell(What::Start(birth)))
            }
            Item::Checkpoint(checkpoint) => {
                self.now = checkpoint.now;
                if let Some(node) = &self.node {
                    self.is_same(node, &checkpoint.node)?;
                }
                self.node = Some(checkpoint.node);
                self.answers = Answers::at(checkpoint.replies);
                Ok(self.tell(What::Checkpoint))
            }
            Item::Gap(gap) => {
                self.node = None;
                Ok(self.tell(What::Gap(gap)))
            }
            Item::Event(now, happened) => {
                self.now = now;
                let (number, wall_ns) = (self.number, self.wall_ns());
                let event = self.answers.event(happened);
                if let Some(node) = &mut self.node {
                    if !matches!(event, Event::Promised { .. }) {
                        all_taken(node, number, now)?;
                    }
                    node.handle(event.clone(), now);
                }
                Ok(Step {
                    number,
                    now,
                    wall_ns,
                    what: What::Event(event),
                })
            }
            Item::Timeout(now) => {
                self.now = now;
                if let Some(node) = &mut self.node {
                    all_taken(node, self.number, now)?;
                    node.handle_timeout(now);
                }
                Ok(self.tell(What::Timeout))
            }
            Item::Command(recorded) => {
                let recorded = recorded.into_owned();
                let replayed = self.node.as_mut().and_then(Node::poll_command);
                if replayed.as_ref() != Some(&recorded) {
                    let replayed = replayed.map_or_else(|| "nothing".to_owned(), |it| words(&it));
                    return Err(self.differs(words(&recorded), replayed).into());
                }
                Ok(self.tell(What::Command(recorded)))
            }
            Item::Clocks { .. } => unreachable!("taken before"),
        }
    }

    /// The election that was stepped to here is the one that was recorded here.
    fn is_same(&self, replayed: &Node, recorded: &Node) -> Result<(), Differs> {
        let bytes = |node: &Node| postcard::to_allocvec(node).ok();
        if bytes(replayed) == bytes(recorded) {
            return Ok(());
        }
        Err(self.differs(format!("{recorded:?}"), format!("{replayed:?}")))
    }

    fn differs(&self, recorded: String, replayed: String) -> Differs {
        Differs {
            number: self.number,
            now: self.now,
            recorded,
            replayed,
        }
    }

    fn tell<'a>(&self, what: What<'a>) -> Step<'a> {
        Step {
            number: self.number,
            now: self.now,
            wall_ns: self.wall_ns(),
            what,
        }
    }

    fn wall_ns(&self) -> u64 {
        let (boot, wall_ns) = self.clocks.unwrap_or_default();
        (wall_ns + self.now.0).saturating_sub(boot.0)
    }
}

/// Nothing more came out of the election than was recorded.
fn all_taken(node: &mut Node, number: u64, now: Instant) -> Result<(), Differs> {
    match node.poll_command() {
        None => Ok(()),
        Some(command) => Err(Differs {
            number,
            now,
            recorded: "nothing more".to_owned(),
            replayed: words(&command),
        }),
    }
}

/// For people, and with every field.
fn words(command: &Command) -> String {
    format!("`{command}` ({command:?})")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use heartbeat_core::event::{KernelWords, Restored};

    use super::*;
    use crate::config::tests_support::three_nodes;
    use crate::recorder::file::Segment;
    use crate::recorder::item::Happened;

    /// How the replay of these entries ends, behind the start of a node.
    fn replayed(items: &[Item<'_>]) -> Result<u64, String> {
        let birth = Birth {
            config: three_nodes().for_core(1, 1),
            restored: Restored::default(),
            now: Instant(1_000_000_000),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("record");
        let mut segment = Segment::create(&path).expect("writable");
        let start = [Item::Start(Box::new(birth))];
        let encode = |item| postcard::to_allocvec(item).expect("memory");
        let bytes: Vec<u8> = start.iter().chain(items).flat_map(encode).collect();
        segment.write(true, &bytes).expect("writable");
        let mut replay = Replay::new(Record::open(&path).expect("a record"));
        loop {
            match replay.step() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(replay.number),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    fn command(command: Command) -> Item<'static> {
        Item::Command(Cow::Owned(command))
    }

    #[test]
    fn the_first_entry_that_the_election_does_not_come_to_is_named() {
        assert_eq!(replayed(&[command(Command::GateShut)]), Ok(2));
        let other = replayed(&[command(Command::Exit)]).expect_err("another command");
        assert!(
            other.starts_with("entry 2 ") && other.contains("`exit`"),
            "{other}"
        );
        assert!(other.contains("`shut the gate`"), "{other}");
        let early = Item::Event(
            Instant(2_000_000_000),
            Happened::Kernel(KernelWords::default()),
        );
        let missing =
            replayed(&[command(Command::GateShut), early]).expect_err("a command is left");
        assert!(missing.starts_with("entry 3 "), "{missing}");
        assert!(missing.contains("recorded is nothing more"), "{missing}");
    }

    #[test]
    fn a_copy_that_is_not_the_election_stepped_to_is_named() {
        let config = three_nodes().for_core(2, 1);
        let node = Node::new(config, Restored::default(), Instant(1_000_000_000));
        let checkpoint = Item::Checkpoint(Box::new(crate::recorder::item::Checkpoint {
            now: Instant(1_000_000_000),
            node,
            replies: Vec::new(),
        }));
        let error = replayed(&[checkpoint]).expect_err("another node");
        assert!(error.starts_with("entry 2 "), "{error}");
    }
}
