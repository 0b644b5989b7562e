//! Daemons in containers.

use std::thread::sleep;
use std::time::Duration;

use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::{Made, Plan};

use crate::kill;
use crate::not_a_card::answers_in_generic_mode;
use crate::scene::scenario_with;

#[test]
fn a_killed_containers_address_answers_no_more_from_there_and_the_next_one_follows() {
    let settings = Settings {
        plan: Plan {
            management: Made::Veth,
            ..Plan::default()
        },
        ..Settings::default()
    };
    scenario_with("contained", settings, |scene| {
        for slot in 1..=3 {
            scene.cluster.daemon_mut(slot).contain();
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(200));
        answers_in_generic_mode(scene)?;
        kill::killed(scene)
    });
}
