//! Searches of two electors that have no end in time: they are over when nothing is new, so what they say holds for
//! ever, as long as no round above the bound is taken.

use crate::scope::{ANY, Budget, Rate, Scope};
use crate::scopes::{NOTHING, clocks, coarse};

/// Daemons do what is due before the tick is over; packets come as late and as often as they like, or never.
const PROMPT: Budget = Budget {
    lates: 0,
    copies: ANY,
    ..NOTHING
};

/// Rounds that are followed: each of the two may be elected in the first one, and stay for ever.
const ROUNDS: u64 = 1;
const APART: [Rate; 2] = [Rate::Slow, Rate::Fast];
const OTHER: [Rate; 2] = [Rate::Fast, Rate::Slow];
const SAME: [Rate; 2] = [Rate::True; 2];

/// The one of the ordinary tests.
pub(crate) fn short() -> Scope {
    closed("two electors for ever", APART, PROMPT)
}

/// Those of `cargo xtask search`.
pub(crate) fn long() -> Vec<Scope> {
    let handed_over = Budget {
        switchovers: 1,
        ..PROMPT
    };
    vec![
        short(),
        closed(
            "two electors for ever, the second one's clock slow",
            OTHER,
            PROMPT,
        ),
        closed("two electors for ever, true clocks", SAME, PROMPT),
        closed(
            "two electors for ever, mastership handed over",
            SAME,
            handed_over,
        ),
    ]
}

fn closed(name: &'static str, rates: [Rate; 2], budget: Budget) -> Scope {
    let mut scope = Scope {
        horizon: None,
        rounds: ROUNDS,
        budget,
        ..coarse(name, &[1, 2])
    };
    clocks(&mut scope, &rates);
    scope
}
