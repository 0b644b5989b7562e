//! Random faults in their short form; `cargo xtask search "random"` takes longer.

use heartbeat_store_proof::{Campaign, Seen, campaigns};

fn run(campaign: Campaign) -> Seen {
    let mut seen = Seen::default();
    for seed in 1..=campaign.runs {
        let run = campaign.run(seed);
        if let Some((violation, told)) = run.violation {
            panic!(
                "{}, seed {seed}\n  {}\n=== {violation}",
                campaign.name,
                told.join("\n  ")
            );
        }
        seen += run.seen;
    }
    println!("{}: {seen:?}", campaign.name);
    let begun = campaign.runs * campaign.leaderships;
    assert!(seen.serves > begun / 4, "of {begun}: {seen:?}");
    assert!(seen.outranked > begun / 8, "of {begun}: {seen:?}");
    assert!(seen.acknowledged > begun / 2, "{seen:?}");
    assert!(seen.unknown > begun / 50, "{seen:?}");
    assert!(seen.gave_way > begun / 100, "{seen:?}");
    assert!(seen.failed > begun / 50, "{seen:?}");
    assert_eq!(seen.set_back, 0, "no disk was set back: {seen:?}");
    seen
}

#[test]
fn three_stores_lose_nothing_in_random_faults() {
    let seen = run(campaigns::THREE);
    assert!(seen.wiped > 50, "{seen:?}");
}

#[test]
fn five_stores_lose_nothing_in_random_faults() {
    let seen = run(campaigns::FIVE);
    assert!(seen.wiped > 20, "{seen:?}");
}

#[test]
fn electors_that_come_and_go_lose_nothing_in_random_faults() {
    run(campaigns::CHANGES);
}

#[test]
fn states_that_come_in_parts_lose_nothing_in_random_faults() {
    run(campaigns::LONG);
}
