//! Events as they are written: a list of answers by what changed in it.

use std::borrow::Cow;

use heartbeat_core::Event;
use heartbeat_core::event::{Heard, Reply};

use super::item::{Changes, Happened};

/// The list of answers as it was last written or read.
#[derive(Debug, Default)]
pub(super) struct Answers {
    replies: Vec<Reply>,
    changed: Vec<(u16, Reply)>,
    /// Who answered, as it was last read.
    heard: Vec<Heard>,
}

impl Answers {
    pub(super) fn at(replies: Vec<Reply>) -> Self {
        Self {
            replies,
            changed: Vec::new(),
            heard: Vec::new(),
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

    fn hear(&mut self, heard: Cow<'_, [Heard]>) -> &[Heard] {
        self.heard = heard.into_owned();
        &self.heard
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
            Event::ReferenceAnswer { id, reference } => Happened::ReferenceAnswer {
                id: *id,
                reference: *reference,
            },
            Event::Fenced { id, done } => Happened::Fenced {
                id: *id,
                done: *done,
            },
            Event::Services(services) => Happened::Services(*services),
            Event::Carrier(is_there) => Happened::Carrier(*is_there),
            Event::Reconfigured(config) => Happened::Reconfigured(Cow::Borrowed(config)),
            Event::Heard(heard) => Happened::Heard(Cow::Borrowed(heard)),
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
            Happened::ReferenceAnswer { id, reference } => Event::ReferenceAnswer { id, reference },
            Happened::Fenced { id, done } => Event::Fenced { id, done },
            Happened::Services(services) => Event::Services(services),
            Happened::Carrier(is_there) => Event::Carrier(is_there),
            Happened::Reconfigured(config) => Event::Reconfigured(Box::new(config.into_owned())),
            Happened::Heard(heard) => Event::Heard(self.hear(heard)),
        }
    }
}

#[cfg(test)]
mod tests {
    use heartbeat_core::Slot;

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
