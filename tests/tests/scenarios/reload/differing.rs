//! Two files that differ: the master says in what.

use anyhow::{Context as _, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;

use super::{SERVICE, edit, reloads, scenario, without_services};

#[test]
fn the_master_says_which_keys_of_another_configuration_differ() {
    scenario("reload_differing", |scene| {
        let calm = scene.calm()?;
        edit(scene, 2, |text| text.to_owned() + SERVICE)?;
        reloads(scene, 2)?;
        scene.diagnosed(1, 2, "misconfigured")?;
        let said = "[[service]] program: name is missing here and program there";
        scene
            .cluster
            .wait_for("the alarm says it", PATIENCE, |view| {
                let alarms = view.of(1)?["alarms"].as_array()?;
                let alarm = alarms.iter().find(|it| it["name"] == "misconfigured")?;
                alarm["text"].as_str()?.contains(said).then_some(())
            })?;
        let contact = scene.cluster.daemon(1).contact();
        let explained = contact.control(&["explain"])?;
        ensure!(String::from_utf8_lossy(&explained.stdout).contains(said));
        let log = scene.cluster.daemon(1).log();
        let line = log.lines().find(|line| line.contains(said));
        let line = line.context("the log says it too")?;
        ensure!(line.contains("slot=2"), "{line}");
        edit(scene, 2, without_services)?;
        reloads(scene, 2)?;
        scene.quiet()?;
        scene.stayed(&calm)
    });
}
