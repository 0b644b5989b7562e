//! Every time at which links and references come and go, on a grid: a pair that is parted on the management network,
//! then on the business network, and each node's reference lost and back again at any two times.
//!
//! Clocks are at both ends of the guard. What must never be is looked at after each step.

use heartbeat_core::message::Network;
use heartbeat_sim::clock::Clock;
use heartbeat_sim::setting::{TIMING, pair_config};
use heartbeat_sim::world::{MS, World};

use super::*;

/// Times on the grid, from the cut of the management network on: three leases, a period apart.
const PLACES: u64 = 16;
const STEP: u64 = 10 * MS;
/// An ordinary run looks at one in so many, of those with one end and of those with two; HEARTBEAT_EVERY_CUT=1 at all.
const EACH: (usize, usize) = (3, 13);
/// What passes before.
const SETTLED: u64 = 500 * MS;

/// When a node reaches the reference: not from `lost` to `back`.
#[derive(Clone, Copy, Debug)]
struct Reach {
    lost: u64,
    back: u64,
}

impl Reach {
    fn at(self, place: u64) -> bool {
        !(self.lost..self.back).contains(&place)
    }

    /// Never lost; lost for good; not there at first; lost and back. Some of them, or all if somebody asks for it.
    fn all() -> impl Iterator<Item = Self> {
        let is_all = std::env::var_os("HEARTBEAT_EVERY_CUT").is_some();
        let (each_end, each_gap) = if is_all { (1, 1) } else { EACH };
        let for_good = (0..=PLACES).map(|lost| (lost, PLACES + 1));
        let at_first = (1..=PLACES).map(|back| (0, back));
        let gaps = (1..PLACES).flat_map(|lost| (lost + 1..=PLACES).map(move |back| (lost, back)));
        let never = [(0, 0)].into_iter();
        never
            .chain(for_good.step_by(each_end))
            .chain(at_first.step_by(each_end))
            .chain(gaps.step_by(each_gap))
            .map(|(lost, back)| Self { lost, back })
    }
}

/// The first place at which a question to the reference could count. A fast clock finds the silence 3.2 periods after
/// it heard the other one last, which may have been a slow one's period before the cut.
const fn asked_from(business_cut: u64) -> u64 {
    business_cut + 2
}

/// Whether one reached the reference after the other did and before the other did again: what it takes for two
/// leases by evidence.
fn is_named_case(from: u64, one: Reach, other: Reach) -> bool {
    let reached = |reach: Reach| (from..=PLACES).filter(move |place| reach.at(*place));
    let is_between = |a: Reach, b: Reach| {
        let ends = reached(b).next().zip(reached(b).next_back());
        ends.is_some_and(|(first, last)| reached(a).any(|place| first <= place && place <= last))
    };
    is_between(one, other) || is_between(other, one)
}

fn live(rates: [u64; 2], business_cut: u64, reaches: [Reach; 2]) -> World {
    let configs = [1, 2].map(|slot| pair_config(slot, PairRules::DEFAULT, TIMING));
    let clock = |slot: Slot| Clock::new(1_000 * MS, rates[usize::from(slot) - 1], true);
    let mut world = World::with_configs(configs.into_iter(), 7, clock);
    world.start_all();
    world.run(SETTLED);
    assert_eq!(world.master(), Some(1));
    for place in 0..=PLACES {
        if place == 0 {
            world.switch(Network::Management, false);
        }
        if place == business_cut {
            world.switch(Network::Business, false);
        }
        for (slot, reach) in [1, 2].into_iter().zip(reaches) {
            world.lose_reference(slot, !reach.at(place));
        }
        world.run(STEP);
    }
    world
}

#[test]
fn two_leases_run_at_one_time_only_where_both_reach_the_reference_and_not_each_other() {
    let (mut lived, mut named, mut excepted) = (0, 0, 0);
    for rates in [[900_000, 1_100_000], [1_100_000, 900_000]] {
        for business_cut in [0, 1, 3] {
            for first in Reach::all() {
                for second in Reach::all() {
                    let world = live(rates, business_cut, [first, second]);
                    lived += 1;
                    let beside = world.watch.excepted_beside > 0;
                    excepted += u32::from(beside);
                    let is_named = is_named_case(asked_from(business_cut), first, second);
                    named += u32::from(is_named);
                    assert!(
                        is_named || !beside,
                        "{rates:?}, business network cut at {business_cut}, {first:?} {second:?}"
                    );
                }
            }
        }
    }
    assert!(lived > 2_000, "{lived}");
    assert!(excepted > 100 && named > excepted, "{excepted} of {named}");
    assert!(lived - named > 100, "{named} of {lived}");
}
