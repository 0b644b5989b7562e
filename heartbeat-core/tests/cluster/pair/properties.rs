//! Random faults of a pair in random order: two masters only in the named case, and one when the faults end.

use std::time::Duration;

use proptest::prelude::*;

use heartbeat_core::config::FenceRule;
use heartbeat_sim::clock::Clock;
use heartbeat_sim::setting::{TIMING, pair_config};
use heartbeat_sim::world::{MS, World};

use super::super::properties::{
    FAULTS, Fault, MOST_PAUSE_MS, a_fault, agrees, befall, config, heal,
};
use super::*;

/// What befalls a pair besides.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Any(Fault),
    Part(bool),
    CutOff(usize, bool),
    /// From now on this one alone reaches the reference.
    Side(usize),
}

fn a_trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        6 => a_fault().prop_map(Trouble::Any),
        2 => any::<bool>().prop_map(Trouble::Part),
        2 => (0..2_usize, any::<bool>()).prop_map(|(node, cut)| Trouble::CutOff(node, cut)),
        2 => (0..2_usize).prop_map(Trouble::Side),
    ]
}

fn meet(world: &mut World, trouble: Trouble, is_one_sided: bool) {
    let slot = |index: usize| [1, 2][index];
    match trouble {
        Trouble::Any(fault) => befall(world, fault),
        Trouble::Part(is_parted) => world.part(is_parted),
        Trouble::CutOff(node, is_cut) if !is_one_sided => world.cut_off(slot(node), is_cut),
        Trouble::CutOff(node, is_cut) => world.isolate(slot(node), is_cut),
        Trouble::Side(node) => {
            world.lose_reference(slot(node), false);
            world.lose_reference(slot(1 - node), true);
            // Faster than that both reach it, by turns.
            world.run_into_violation(40 * MS);
        }
    }
}

/// Runs a pair through its troubles, and mends it. `is_one_sided`: only one of the two ever reaches the reference.
fn run(
    rules: PairRules,
    is_one_sided: bool,
    seed: u64,
    troubles: &[(Trouble, u64)],
) -> Result<World, TestCaseError> {
    let rate = move |slot: Slot| 900_000 + ((seed >> slot) & 3) * 66_666;
    let clock = |slot| Clock::new(u64::from(slot) * 777 * MS, rate(slot), true);
    let configs = [1, 2].map(|slot| pair_config(slot, rules, TIMING));
    let mut world = World::with_configs(configs.into_iter(), seed, clock);
    if is_one_sided {
        world.lose_reference(2, true);
    }
    world.start_all();
    world.run(600 * MS);
    for (trouble, pause) in troubles {
        meet(&mut world, *trouble, is_one_sided);
        world.run_into_violation(*pause * MS);
        prop_assert!(
            world.watch.violations.is_empty(),
            "{:?}",
            world.watch.violations
        );
        world.start_the_next();
    }
    // A fence command that was given before may stop a machine yet, which is then switched on again.
    let is_one = |world: &World| {
        let runs = |slot: &Slot| world.machine(*slot).node.is_some();
        world.slots().iter().all(runs) && agrees(world)
    };
    let comes_to_one = (0..40).any(|_| {
        heal(&mut world);
        world.run_until(300 * MS, is_one).is_some()
    });
    prop_assert!(comes_to_one, "no master that both agree on");
    prop_assert!(world.watch.served > 0);
    Ok(world)
}

fn troubles() -> impl Strategy<Value = Vec<(Trouble, u64)>> {
    proptest::collection::vec((a_trouble(), 1..MOST_PAUSE_MS), FAULTS)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn two_are_master_at_one_time_only_by_evidence_of_both(seed in any::<u64>(), troubles in troubles()) {
        run(PairRules::DEFAULT, false, seed, &troubles)?;
    }

    #[test]
    fn where_one_alone_reaches_the_reference_two_are_never_master(seed in any::<u64>(), troubles in troubles()) {
        let world = run(PairRules::DEFAULT, true, seed, &troubles)?;
        prop_assert_eq!(world.watch.excepted_beside, 0);
    }

    #[test]
    fn with_a_fence_command_two_are_never_master(seed in any::<u64>(), troubles in troubles()) {
        let rules = PairRules {
            fence: Some(FenceRule { delay: Duration::from_millis(20) }),
            ..PairRules::DEFAULT
        };
        let world = run(rules, false, seed, &troubles)?;
        prop_assert_eq!(world.watch.excepted_beside, 0);
    }
}
