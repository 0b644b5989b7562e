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

/// Every time without an answer that touches the window. Empty if less than two answers came, or none
/// after the window's start: then the service never came back.
#[must_use]
pub fn gaps(answers: &[Answer], from_ns: u64, to_ns: u64) -> Vec<Outage> {
    answers
        .windows(2)
        .filter(|pair| pair[1].at_ns >= from_ns && pair[0].at_ns <= to_ns)
        .map(|pair| Outage {
            from_ns: pair[0].at_ns,
            to_ns: pair[1].at_ns,
            before: pair[0].node,
            after: pair[1].node,
        })
        .collect()
}

/// The first one in which the address moved; if it did not move, the longest.
#[must_use]
pub fn of_the_move(gaps: &[Outage]) -> Option<Outage> {
    let moved = gaps.iter().find(|gap| gap.before != gap.after);
    let longest = || gaps.iter().max_by_key(|gap| gap.length_ns());
    moved.or_else(longest).copied()
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
    fn the_gap_of_the_move_is_the_outage_also_beside_a_longer_one() {
        let seen = answers(&journal(&[
            (0, &[(1, 1)]),
            (90, &[(91, 1)]),
            (100, &[(101, 1)]),
            (150, &[(151, 2)]),
            (250, &[(251, 2)]),
        ]));
        let outage = of_the_move(&gaps(&seen, 95, 300)).expect("answers came on both sides");
        let expected = Outage {
            from_ns: 101,
            to_ns: 151,
            before: 1,
            after: 2,
        };
        assert_eq!((outage, outage.length_ns()), (expected, 50));
    }

    #[test]
    fn without_a_move_the_longest_gap_is_the_outage_and_with_two_the_first_ones() {
        let still = answers(&journal(&[
            (0, &[(1, 1)]),
            (30, &[(31, 1)]),
            (40, &[(41, 1)]),
        ]));
        assert_eq!(
            of_the_move(&gaps(&still, 0, 50)).map(|gap| gap.length_ns()),
            Some(30)
        );
        assert_eq!(
            of_the_move(&gaps(&still, 35, 50)).map(|gap| gap.length_ns()),
            Some(10)
        );
        let twice = answers(&journal(&[
            (0, &[(1, 1)]),
            (10, &[(11, 2)]),
            (40, &[(41, 1)]),
        ]));
        assert_eq!(
            of_the_move(&gaps(&twice, 0, 50)).map(|gap| gap.length_ns()),
            Some(10)
        );
    }

    #[test]
    fn a_service_that_never_came_back_has_no_outage_to_measure() {
        let seen = answers(&journal(&[(0, &[(1, 1)]), (10, &[(11, 1)]), (20, &[])]));
        assert_eq!(of_the_move(&gaps(&seen, 15, 100)), None);
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
