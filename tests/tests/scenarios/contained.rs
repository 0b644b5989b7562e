//! Daemons in containers.

use std::thread::sleep;
use std::time::Duration;

use heartbeat_tests::lab::settings::Settings;

use crate::kill;
use crate::scene::scenario_with;

#[test]
fn a_killed_containers_address_answers_no_more_from_there_and_the_next_one_follows() {
    scenario_with("contained", Settings::default(), |scene| {
        for slot in 1..=3 {
            scene.cluster.daemon_mut(slot).contain();
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(200));
        kill::killed(scene)
    });
}
