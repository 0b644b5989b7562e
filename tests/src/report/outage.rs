//! How long nobody answered, and who answered before and after.

use crate::report::Answer;

/// A time without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When the last answer before it came, in nanoseconds of CLOCK_BOOTTIME.
    pub from_ns: u64,
    /// When the first answer after it came, likewise.
    pub to_ns: u64,
    /// Slot of the node that answered last before it.
    pub before: u16,
    /// Slot of the node that answered first after it.
    pub after: u16,
}

impl Outage {
    /// Its length in nanoseconds.
    #[must_use]
    pub const fn length_ns(&self) -> u64 {
        self.to_ns - self.from_ns
    }
}

/// The longest time without an answer that touches the window. `None` if less than two answers
/// came, or none after the window's start: then the service never came back.
#[must_use]
pub fn longest(answers: &[Answer], from_ns: u64, to_ns: u64) -> Option<Outage> {
    answers
        .windows(2)
        .filter(|pair| pair[1].at_ns >= from_ns && pair[0].at_ns <= to_ns)
        .map(|pair| Outage {
            from_ns: pair[0].at_ns,
            to_ns: pair[1].at_ns,
            before: pair[0].node,
            after: pair[1].node,
        })
        .max_by_key(Outage::length_ns)
}

/// One move of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// When the first answer of the new node came, in nanoseconds of CLOCK_BOOTTIME.
    pub at_ns: u64,
    /// Slot of the node that answered before.
    pub from: u16,
    /// Slot of the node that answers now.
    pub to: u16,
}

/// Every move among `answers`.
#[must_use]
pub fn moves(answers: &[Answer]) -> Vec<Move> {
    answers
        .windows(2)
        .filter(|pair| pair[0].node != pair[1].node)
        .map(|pair| Move {
            at_ns: pair[1].at_ns,
            from: pair[0].node,
            to: pair[1].node,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::answers;
    use crate::report::testing::journal;

    #[test]
    fn the_longest_gap_that_touches_the_window_is_the_outage() {
        let events = journal(&[
            (0, &[(1, 1)]),
            (90, &[(91, 1)]),
            (100, &[(101, 1)]),
            (150, &[(151, 2)]),
            (160, &[(161, 2)]),
        ]);
        let seen = answers(&events);
        let outage = longest(&seen, 95, 155).expect("answers came on both sides");
        assert_eq!(
            outage,
            Outage {
                from_ns: 101,
                to_ns: 151,
                before: 1,
                after: 2
            }
        );
        assert_eq!(outage.length_ns(), 50);
        assert_eq!(
            longest(&seen, 0, 200).map(|outage| outage.length_ns()),
            Some(90)
        );
    }

    #[test]
    fn a_service_that_never_came_back_has_no_outage_to_measure() {
        let seen = answers(&journal(&[(0, &[(1, 1)]), (10, &[(11, 1)]), (20, &[])]));
        assert_eq!(longest(&seen, 15, 100), None);
    }

    #[test]
    fn a_move_is_an_answer_from_another_node() {
        let seen = answers(&journal(&[
            (0, &[(1, 1)]),
            (10, &[(11, 1)]),
            (20, &[(21, 3)]),
            (30, &[(31, 1)]),
        ]));
        assert_eq!(
            moves(&seen),
            [
                Move {
                    at_ns: 21,
                    from: 1,
                    to: 3
                },
                Move {
                    at_ns: 31,
                    from: 3,
                    to: 1
                }
            ]
        );
    }
}
