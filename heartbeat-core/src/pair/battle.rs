//! Two nodes of which neither is master: who was active as master later.

use std::cmp::Ordering;
use std::time::Duration;

use super::record::PairState;
use crate::snapshot::Role;

/// Which of the two stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Winner {
    Lower,
    Upper,
}

/// What one exchanged pair of states comes to: the question of the lower slot, and the answer of the upper one. Both
/// nodes decide by these two and nothing else, since ages move on and two looks at them would differ.
///
/// `None`: the question was not part of a battle, or the two cannot elect yet.
pub(super) fn winner(lower: &PairState, upper: &PairState) -> Option<Winner> {
    let is_asked = lower.role == Role::BattleMaster;
    let can_elect = !lower.abstains && !upper.abstains;
    if !is_asked || !can_elect || upper.role == Role::Init {
        return None;
    }
    match (lower.eligible, upper.eligible) {
        (false, false) => None,
        (true, false) => Some(Winner::Lower),
        (false, true) => Some(Winner::Upper),
        (true, true) => Some(later(lower, upper)),
    }
}

fn later(lower: &PairState, upper: &PairState) -> Winner {
    let unit = lower.lease;
    let by_age = rank(lower, unit).cmp(&rank(upper, unit));
    match by_age.then(upper.epoch.cmp(&lower.epoch)) {
        Ordering::Less | Ordering::Equal => Winner::Lower,
        Ordering::Greater => Winner::Upper,
    }
}

/// Smaller is later: an age by a node's own clock, then one that lies before its boot, then none; each in units.
fn rank(state: &PairState, unit: Duration) -> (u8, u128) {
    match state.active {
        Some(age) => (
            u8::from(age.is_marked),
            age.ago.as_nanos() / unit.as_nanos().max(1),
        ),
        None => (2, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Age;
    use super::*;
    use crate::Epoch;

    fn state(active_ms: Option<u64>, round: u64) -> PairState {
        PairState {
            role: Role::BattleMaster,
            eligible: true,
            abstains: false,
            active: active_ms.map(|ms| Age {
                ago: Duration::from_millis(ms),
                is_marked: false,
            }),
            epoch: Epoch::new(round, 1),
            lease: Duration::from_millis(50),
        }
    }

    fn marked(ms: u64) -> PairState {
        PairState {
            active: Some(Age {
                ago: Duration::from_millis(ms),
                is_marked: true,
            }),
            ..state(None, 1)
        }
    }

    #[test]
    fn who_was_active_later_wins_and_units_make_near_ages_the_same() {
        let rounds = |lower, upper| winner(&state(Some(lower), 1), &state(Some(upper), 2));
        assert_eq!(rounds(40, 60), Some(Winner::Lower));
        assert_eq!(rounds(60, 40), Some(Winner::Upper));
        assert_eq!(
            rounds(51, 99),
            Some(Winner::Upper),
            "the same unit: the higher epoch"
        );
    }

    #[test]
    fn the_lower_slot_wins_what_is_alike() {
        assert_eq!(
            winner(&state(Some(10), 1), &state(Some(20), 1)),
            Some(Winner::Lower)
        );
        assert_eq!(
            winner(&state(None, 1), &state(None, 1)),
            Some(Winner::Lower)
        );
    }

    #[test]
    fn a_marked_age_loses_to_an_unmarked_one_however_young_and_wins_over_none() {
        assert_eq!(
            winner(&marked(0), &state(Some(90_000), 1)),
            Some(Winner::Upper)
        );
        assert_eq!(
            winner(&marked(90_000), &state(None, 9)),
            Some(Winner::Lower)
        );
    }

    #[test]
    fn who_may_not_stand_loses_and_who_abstains_leaves_it_open() {
        let idle = PairState {
            eligible: false,
            ..state(Some(0), 9)
        };
        assert_eq!(winner(&idle, &state(None, 1)), Some(Winner::Upper));
        assert_eq!(winner(&idle, &idle), None);
        let abstains = PairState {
            abstains: true,
            ..state(None, 1)
        };
        assert_eq!(winner(&state(Some(0), 9), &abstains), None);
        assert_eq!(winner(&abstains, &state(Some(0), 9)), None);
    }

    #[test]
    fn a_question_from_outside_a_battle_decides_nothing() {
        for role in [Role::Slave, Role::IsMaster, Role::Master, Role::Candidate] {
            let lower = PairState {
                role,
                ..state(Some(0), 9)
            };
            assert_eq!(winner(&lower, &state(None, 1)), None);
        }
    }
}
