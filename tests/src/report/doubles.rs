//! Whether two nodes ever answered.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::journal::{Event, What};
use crate::report::{Answer, answers, arp_answers};

/// Copies of one question that left further apart prove nothing: the address may have moved
/// between two of them. Far above the few microseconds they take, far below any move.
pub const APART_NS: u64 = 100_000;

/// The verdict over a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubles {
    /// Questions to all nodes that could be judged: somebody answered, and all copies left at once.
    pub judged: usize,
    /// Questions that could not, because the observer itself was held up between two copies.
    pub held_up: usize,
    /// ARP requests that somebody answered.
    pub arp_judged: usize,
    /// Questions and ARP requests that two nodes answered: when, and by whom.
    pub found: Vec<(u64, BTreeSet<u16>)>,
    /// Two-answer time in nanoseconds.
    pub time_ns: u64,
}

impl Doubles {
    /// Whether two nodes answered one question at any time.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.found.is_empty()
    }
}

/// Judges everything the observer noted in `events`.
#[must_use]
pub fn judge(events: &[Event]) -> Doubles {
    let mut verdict = Doubles::default();
    let late = held_up(events);
    let by_question = nodes_by_question(&answers(events));
    let (late_ones, good): (Vec<_>, Vec<_>) = by_question
        .iter()
        .partition(|((number, _), _)| late.contains(number));
    verdict.held_up = late_ones.len();
    verdict.judged = good.len();
    // Who has none of the nodes' hardware addresses is none of the cluster: a stranger with the address.
    let mut by_nodes = arp_answers(events);
    by_nodes.retain(|answer| answer.node != 0);
    let by_arp = nodes_by_question(&by_nodes);
    verdict.arp_judged = by_arp.len();
    for (times, questions) in [
        (times(events, What::Asked), good),
        (times(events, What::ArpAsked), by_arp.iter().collect()),
    ] {
        for ((_, asked_ns), nodes) in questions.into_iter().filter(|(_, nodes)| nodes.len() > 1) {
            verdict.found.push((*asked_ns, nodes.clone()));
            let next = times.partition_point(|at| at <= asked_ns);
            verdict.time_ns += times.get(next).map_or(0, |next_ns| next_ns - asked_ns);
        }
    }
    verdict.found.sort();
    verdict
}

/// How long, in a window in which the address moved at most once, the node that answered first
/// went on answering after another one had begun; see the module's words. Zero if only one node answered.
#[must_use]
pub fn overlap_ns(answers: &[Answer]) -> u64 {
    let Some(old) = answers.first().map(|first| first.node) else {
        return 0;
    };
    let Some(new) = answers.iter().find(|answer| answer.node != old) else {
        return 0;
    };
    answers
        .iter()
        .filter(|answer| answer.node == old)
        .map(|answer| answer.asked_ns.saturating_sub(new.at_ns))
        .max()
        .unwrap_or(0)
}

/// Numbers of the questions whose copies left too far apart.
fn held_up(events: &[Event]) -> BTreeSet<u64> {
    let mut begun = BTreeMap::new();
    let mut late = BTreeSet::new();
    for event in events {
        match event.what {
            What::Asked => drop(begun.insert(event.number, event.at_ns)),
            What::AskedAll => {
                if begun
                    .get(&event.number)
                    .is_some_and(|from| event.at_ns - from > APART_NS)
                {
                    late.insert(event.number);
                }
            }
            What::Answered | What::ArpAsked | What::ArpAnswered | What::Announced => {}
        }
    }
    late
}

fn nodes_by_question(answers: &[Answer]) -> BTreeMap<(u64, u64), BTreeSet<u16>> {
    let mut nodes: BTreeMap<_, BTreeSet<u16>> = BTreeMap::new();
    for answer in answers {
        nodes
            .entry((answer.number, answer.asked_ns))
            .or_default()
            .insert(answer.node);
    }
    nodes
}

fn times(events: &[Event], what: What) -> Vec<u64> {
    events
        .iter()
        .filter(|event| event.what == what)
        .map(|event| event.at_ns)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::journal;

    #[test]
    fn one_node_after_another_is_no_double() {
        let verdict = judge(&journal(&[
            (0, &[(5, 1)]),
            (10, &[(15, 1)]),
            (20, &[(25, 2)]),
            (30, &[(35, 2)]),
        ]));
        assert_eq!(
            (verdict.judged, verdict.any(), verdict.time_ns),
            (4, false, 0)
        );
    }

    #[test]
    fn two_nodes_that_answer_one_question_are_found_with_the_time_it_lasted() {
        let verdict = judge(&journal(&[
            (0, &[(5, 1)]),
            (10, &[(15, 1), (16, 2)]),
            (20, &[(25, 2), (26, 1)]),
            (35, &[(36, 2)]),
        ]));
        assert_eq!(
            verdict.found,
            [(10, BTreeSet::from([1, 2])), (20, BTreeSet::from([1, 2]))]
        );
        assert_eq!(verdict.time_ns, 10 + 15);
    }

    #[test]
    fn one_node_that_answers_twice_is_no_double() {
        assert!(!judge(&journal(&[(0, &[(5, 1), (6, 1)])])).any());
    }

    #[test]
    fn a_question_whose_copies_left_too_far_apart_is_not_judged() {
        let mut events = journal(&[(0, &[(5, 1), (6, 2)])]);
        for event in &mut events {
            if event.what == What::AskedAll {
                event.at_ns = APART_NS + 1;
            }
        }
        let verdict = judge(&events);
        assert_eq!(
            (verdict.judged, verdict.held_up, verdict.any()),
            (0, 1, false)
        );
    }

    #[test]
    fn two_hardware_addresses_for_one_arp_request_are_a_double() {
        let event = |at_ns, what, node| Event {
            at_ns,
            number: 5,
            node,
            what,
        };
        let events = [
            event(0, What::ArpAsked, 0),
            event(1, What::ArpAnswered, 1),
            event(2, What::ArpAnswered, 3),
        ];
        let verdict = judge(&events);
        assert_eq!((verdict.arp_judged, verdict.any()), (1, true));
    }

    #[test]
    fn overlap_is_what_the_old_node_answered_of_questions_asked_after_the_new_ones_first_answer() {
        let moved = journal(&[(0, &[(5, 1)]), (10, &[(15, 2)]), (20, &[(25, 2)])]);
        assert_eq!(overlap_ns(&answers(&moved)), 0);
        let late_answer = journal(&[(0, &[(18, 1)]), (10, &[(15, 1)]), (12, &[(16, 2)])]);
        assert_eq!(
            overlap_ns(&answers(&late_answer)),
            0,
            "asked before the new one answered: no proof"
        );
        let both = journal(&[
            (0, &[(5, 1)]),
            (10, &[(15, 2)]),
            (20, &[(25, 1)]),
            (30, &[(35, 2)]),
        ]);
        assert_eq!(overlap_ns(&answers(&both)), 5);
    }
}
