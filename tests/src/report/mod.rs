//! What the client and the observer saw, in numbers with exact meanings.
//!
//! - An **answer** is one question with the node that answered it, the time the question left and
//!   the time the answer came. The node answered at some moment between the two.
//! - An **outage** is the time between two answers that follow one another, as they came: those between
//!   which the address first moved; where it did not, those furthest apart.
//! - A **move** is an answer that comes from another node than the one before.
//! - A question put to all nodes is **double** if two nodes answered it. **Two-answer time** is the
//!   sum, over the double questions, of the time until the next question was put.
//! - The **overlap** of a window in which the address may move once at most is the time from the
//!   first answer of the new node to the last question that the old one answered: above zero, the
//!   old node answered something that was asked after the new one had answered already.

pub mod doubles;
pub mod outage;
pub mod sight;

use crate::client::journal::{Event, What};

/// A question that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The question's number.
    pub number: u64,
    /// When the question left, in nanoseconds of CLOCK_BOOTTIME.
    pub asked_ns: u64,
    /// When the answer came, likewise.
    pub at_ns: u64,
    /// Slot of the node that answered.
    pub node: u16,
}

/// All answers among `events`, as they came. An answer to a question that is not in `events` is
/// left out: nothing can be said about when its node answered.
#[must_use]
pub fn answers(events: &[Event]) -> Vec<Answer> {
    pairs(events, What::Asked, What::Answered)
}

/// All ARP replies among `events`, likewise.
#[must_use]
pub fn arp_answers(events: &[Event]) -> Vec<Answer> {
    pairs(events, What::ArpAsked, What::ArpAnswered)
}

fn pairs(events: &[Event], asked: What, answered: What) -> Vec<Answer> {
    // Numbers only grow, so the questions are in order and can be searched.
    let questions: Vec<(u64, u64)> = events
        .iter()
        .filter(|event| event.what == asked)
        .map(|event| (event.number, event.at_ns))
        .collect();
    let mut answers: Vec<Answer> = events
        .iter()
        .filter(|event| event.what == answered)
        .filter_map(|event| {
            let place = questions
                .binary_search_by_key(&event.number, |(number, _)| *number)
                .ok()?;
            Some(Answer {
                number: event.number,
                asked_ns: questions[place].1,
                at_ns: event.at_ns,
                node: event.node,
            })
        })
        .collect();
    answers.sort_by_key(|answer| answer.at_ns);
    answers
}

/// Events of a window, both ends included, in nanoseconds of CLOCK_BOOTTIME.
#[must_use]
pub fn within(events: &[Event], from_ns: u64, to_ns: u64) -> Vec<Event> {
    events
        .iter()
        .filter(|event| (from_ns..=to_ns).contains(&event.at_ns))
        .copied()
        .collect()
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A journal in which each (asked, answered, node) is one question, numbered from 0.
    pub(crate) fn journal(questions: &[(u64, &[(u64, u16)])]) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, (asked, replies)) in (0u64..).zip(questions) {
            events.push(Event {
                at_ns: *asked,
                number,
                node: 0,
                what: What::Asked,
            });
            events.push(Event {
                at_ns: *asked + 1,
                number,
                node: 0,
                what: What::AskedAll,
            });
            for (at_ns, node) in *replies {
                events.push(Event {
                    at_ns: *at_ns,
                    number,
                    node: *node,
                    what: What::Answered,
                });
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::testing::journal;
    use super::*;

    #[test]
    fn answers_find_their_questions_and_come_in_the_order_they_came() {
        let events = journal(&[(100, &[(190, 1)]), (110, &[(120, 1)]), (130, &[])]);
        let found = answers(&events);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            Answer {
                number: 1,
                asked_ns: 110,
                at_ns: 120,
                node: 1
            }
        );
        assert_eq!(
            found[1],
            Answer {
                number: 0,
                asked_ns: 100,
                at_ns: 190,
                node: 1
            }
        );
    }

    #[test]
    fn an_answer_whose_question_was_not_noted_is_left_out() {
        let events = [Event {
            at_ns: 5,
            number: 9,
            node: 1,
            what: What::Answered,
        }];
        assert_eq!(answers(&events), []);
    }
}
