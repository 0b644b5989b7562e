//! What stands in a record: where the election began, what happened to it, what it commanded.

use std::borrow::Cow;
use std::time::Duration;

use heartbeat_core::event::{KernelWords, Order, QueryAnswer, Refusal, Reply, Restored};
use heartbeat_core::message::{Message, Network};
use heartbeat_core::{Command, Config, ElectorRecord, Epoch, Event, Instant, Node, Slot};
use serde::{Deserialize, Serialize};

/// One entry of a record. New ones are added at the end: their places are their numbers in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Item<'a> {
    /// The two clocks at one time, so that people can be told when.
    Clocks {
        /// CLOCK_BOOTTIME.
        boot: Instant,
        /// CLOCK_REALTIME in nanoseconds since 1970.
        wall_ns: u64,
    },
    /// A daemon started.
    Start(Box<Birth>),
    /// The election as it stands: after what was lost, and where a file begins.
    Checkpoint(Box<Checkpoint>),
    /// Some of what happened is not here.
    Gap(Gap),
    /// [`Node::handle`] was called.
    Event(Instant, Happened<'a>),
    /// [`Node::handle_timeout`] was called.
    Timeout(Instant),
    /// [`Node::poll_command`] gave this.
    Command(Cow<'a, Command>),
}

/// All that [`Node::new`] is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// The cluster as this node sees it.
    pub config: Config,
    /// What its last life left.
    pub restored: Restored,
    /// When it began.
    pub now: Instant,
}

impl Birth {
    /// The node that begins so.
    #[must_use]
    pub fn node(&self) -> Node {
        Node::new(self.config.clone(), self.restored, self.now)
    }
}

/// The election between two events, with the answers that the next one's are told apart from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When.
    pub now: Instant,
    /// The election.
    pub node: Node,
    /// The members' newest answers.
    pub replies: Vec<Reply>,
}

/// Entries that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How many.
    pub lost: u64,
    /// Why.
    pub cause: Cause,
}

/// Why entries are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The recorder did not keep up: a disk that hangs, a machine that is too busy, an entry that is too long.
    Behind,
    /// The file could not be written: a disk that is full.
    Unwritable,
}

/// An [`Event`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Happened<'a> {
    /// [`Event::Turn`]
    Turn {
        /// The kernel's words.
        kernel: KernelWords,
        /// The members' answers.
        replies: Changes<'a>,
        /// How late it ran.
        lateness: Duration,
        /// CLOCK_MONOTONIC_RAW in nanoseconds.
        raw_ns: u64,
    },
    /// [`Event::Kernel`]
    Kernel(KernelWords),
    /// [`Event::Answers`]
    Answers {
        /// The kernel's words.
        kernel: KernelWords,
        /// The members' answers.
        replies: Changes<'a>,
    },
    /// [`Event::Promised`]
    Promised {
        /// The epoch.
        epoch: Epoch,
        /// The kernel's words.
        kernel: KernelWords,
    },
    /// [`Event::QueryAnswer`]
    QueryAnswer(QueryAnswer),
    /// [`Event::Refusal`]
    Refusal(Refusal),
    /// [`Event::Message`]
    Message {
        /// Its sender.
        from: Slot,
        /// Its sender's incarnation.
        incarnation: u64,
        /// The network that it came by.
        network: Network,
        /// What it says.
        message: Cow<'a, Message>,
    },
    /// [`Event::Order`]
    Order(Order),
    /// [`Event::ElectorsSaved`]
    ElectorsSaved(ElectorRecord),
}

/// The list of answers by what changed in it since the event before.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Changes<'a> {
    /// How long the list is.
    pub length: u16,
    /// The places that changed, and what stands there.
    pub changed: Cow<'a, [(u16, Reply)]>,
}

/// The list of answers as it was last written or read.
#[derive(Debug, Default)]
pub(super) struct Answers {
    replies: Vec<Reply>,
    changed: Vec<(u16, Reply)>,
}

impl Answers {
    pub(super) fn at(replies: Vec<Reply>) -> Self {
        Self {
            replies,
            changed: Vec::new(),
        }
    }

    pub(super) fn replies(&self) -> &[Reply] {
        &self.replies
    }

    /// Takes this list, and says what changed. Allocates only while the list grows.
    fn changes(&mut self, replies: &[Reply]) -> Changes<'_> {
        self.changed.clear();
        let former = &self.replies;
        let places = (0..).zip(replies);
        let is_new =
            |(place, reply): &(u16, &Reply)| former.get(usize::from(*place)) != Some(reply);
        let changed = places.filter(is_new).map(|(place, reply)| (place, *reply));
        self.changed.extend(changed);
        self.replies.truncate(replies.len());
        for (place, reply) in &self.changed {
            match self.replies.get_mut(usize::from(*place)) {
                Some(former) => *former = *reply,
                None => self.replies.push(*reply),
            }
        }
        Changes {
            // A cluster has at most 10,000 members.
            length: replies.len() as u16,
            changed: Cow::Borrowed(&self.changed),
        }
    }

    /// The list once this has changed in it.
    fn change(&mut self, changes: &Changes<'_>) -> &[Reply] {
        self.replies
            .resize(usize::from(changes.length), Reply::default());
        for (place, reply) in changes.changed.iter() {
            if let Some(former) = self.replies.get_mut(usize::from(*place)) {
                *former = *reply;
            }
        }
        &self.replies
    }

    /// The event as it is written after those before it.
    pub(super) fn written<'a>(&'a mut self, event: &'a Event<'_>) -> Happened<'a> {
        match event {
            Event::Turn {
                kernel,
                replies,
                lateness,
                raw_ns,
            } => Happened::Turn {
                kernel: *kernel,
                replies: self.changes(replies),
                lateness: *lateness,
                raw_ns: *raw_ns,
            },
            Event::Kernel(kernel) => Happened::Kernel(*kernel),
            Event::Answers { kernel, replies } => Happened::Answers {
                kernel: *kernel,
                replies: self.changes(replies),
            },
            Event::Promised { epoch, kernel } => Happened::Promised {
                epoch: *epoch,
                kernel: *kernel,
            },
            Event::QueryAnswer(answer) => Happened::QueryAnswer(*answer),
            Event::Refusal(refusal) => Happened::Refusal(*refusal),
            Event::Message {
                from,
                incarnation,
                network,
                message,
            } => Happened::Message {
                from: *from,
                incarnation: *incarnation,
                network: *network,
                message: Cow::Borrowed(message),
            },
            Event::Order(order) => Happened::Order(*order),
            Event::ElectorsSaved(record) => Happened::ElectorsSaved(*record),
        }
    }

    /// The event that was written so.
    pub(super) fn event<'a>(&'a mut self, happened: Happened<'_>) -> Event<'a> {
        match happened {
            Happened::Turn {
                kernel,
                replies,
                lateness,
                raw_ns,
            } => Event::Turn {
                kernel,
                replies: self.change(&replies),
                lateness,
                raw_ns,
            },
            Happened::Kernel(kernel) => Event::Kernel(kernel),
            Happened::Answers { kernel, replies } => Event::Answers {
                kernel,
                replies: self.change(&replies),
            },
            Happened::Promised { epoch, kernel } => Event::Promised { epoch, kernel },
            Happened::QueryAnswer(answer) => Event::QueryAnswer(answer),
            Happened::Refusal(refusal) => Event::Refusal(refusal),
            Happened::Message {
                from,
                incarnation,
                network,
                message,
            } => Event::Message {
                from,
                incarnation,
                network,
                message: message.into_owned(),
            },
            Happened::Order(order) => Event::Order(order),
            Happened::ElectorsSaved(record) => Event::ElectorsSaved(record),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(slot: Slot, sequence: u64) -> Reply {
        Reply {
            slot,
            sequence,
            ..Reply::default()
        }
    }

    #[test]
    fn a_list_of_answers_is_told_by_its_changes_and_read_back_as_it_was() {
        let lists = [
            vec![],
            vec![reply(2, 1)],
            vec![reply(2, 1), reply(3, 1)],
            vec![reply(2, 1), reply(3, 2)],
            vec![reply(2, 1), reply(3, 2)],
            vec![reply(3, 2)],
            vec![reply(2, 9), reply(3, 9), reply(4, 9)],
        ];
        let changed = [0, 1, 1, 1, 0, 1, 3];
        let (mut writing, mut reading) = (Answers::default(), Answers::default());
        for (list, expected) in lists.iter().zip(changed) {
            let changes = writing.changes(list);
            assert_eq!(changes.changed.len(), expected, "{list:?}");
            assert_eq!(reading.change(&changes), list);
            assert_eq!(writing.replies(), list);
        }
    }
}
