//! The electors change under service: never two masters, no outage, whatever is missing.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::view::View;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Scene, scenario_with};

/// How long a daemon may take to start on a machine that compiles meanwhile: the kernel's check of the programs
/// is half a second of processor.
const STARTED: Duration = Duration::from_secs(30);

/// Five members, slots 1 to 3 electors, slot 1 master.
fn among_five(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        plan: Plan {
            nodes: 5,
            ..Plan::DEFAULT
        },
        period: Duration::from_millis(20),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        scene.propose(&[1, 2, 3])?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        scene.goes_by(&[1, 2, 3], &[1, 2, 3, 4, 5])?;
        sleep(Duration::from_millis(300));
        play(scene)
    });
}

impl Scene {
    /// Writes these electors into the configuration file, which all nodes share.
    pub(crate) fn propose(&self, electors: &[u16]) -> Result<()> {
        let text = self.cluster.settings().text();
        let proposed = format!("mode = \"quorum\"\nelectors = {electors:?}\n");
        let path = self.cluster.lab().folder().join("heartbeatd.toml");
        fs::write(&path, text.replacen("mode = \"quorum\"\n", &proposed, 1))?;
        Ok(())
    }

    /// Proposes these electors, and has them put in force by the daemon in `slot`.
    fn apply(&self, slot: u16, electors: &[u16]) -> Result<()> {
        self.propose(electors)?;
        let contact = self.cluster.daemon(slot).contact();
        let output = contact.control(&["members", "apply"])?;
        let why = String::from_utf8_lossy(&output.stderr);
        // The lab ends a command that takes long, which says nothing; the change goes on, and `goes_by` waits.
        if !output.status.success() && !why.is_empty() {
            bail!("{}", why.trim());
        }
        Ok(())
    }

    /// What `heartbeatctl members --json` says in `slot`.
    fn members(&self, slot: u16) -> Result<Value> {
        let contact = self.cluster.daemon(slot).contact();
        contact.json(&["members", "--json"])
    }

    /// Waits until these electors are in force on all of these nodes, for sure; returns the version.
    fn goes_by(&self, electors: &[u16], slots: &[u16]) -> Result<u64> {
        let begun = std::time::Instant::now();
        loop {
            let said: Vec<Value> = slots
                .iter()
                .map(|slot| self.members(*slot))
                .collect::<Result<_>>()?;
            let is_so = |said: &Value| {
                said["in_force"]["slots"] == serde_json::json!(electors)
                    && said["unconfirmed"] == false
                    && said["agreed_to"].is_null()
            };
            let version = said[0]["in_force"]["version"].as_u64();
            if said.iter().all(is_so)
                && said
                    .iter()
                    .all(|one| one["in_force"]["version"].as_u64() == version)
            {
                return version.context("a version is a number");
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "{electors:?} are not in force: {said:#?}"
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Fails if the address moved since `since_ns`, or a client waited as long as a lease.
    fn nothing_moved(&mut self, since_ns: u64) -> Result<Duration> {
        sleep(Duration::from_millis(300));
        let lease = self.cluster.settings().lease();
        let sight = self.sight(since_ns)?;
        ensure!(sight.moves.is_empty(), "{:?}", sight.moves);
        let longest = sight.outage.context("the client was answered")?.length_ns();
        let longest = Duration::from_nanos(longest);
        ensure!(longest < lease, "the client once waited {longest:?}");
        Ok(longest)
    }
}

#[test]
fn three_electors_become_four_five_and_three_again_and_no_client_notices() {
    among_five("electors_change", |scene| {
        let (all, since_ns) = ([1, 2, 3, 4, 5], boot_ns());
        let first = scene.goes_by(&[1, 2, 3], &all)?;
        for (electors, steps) in [
            (&[1, 2, 3, 4][..], 1),
            (&[1, 2, 3, 4, 5], 2),
            (&[1, 2, 3], 4),
        ] {
            scene.apply(1, electors)?;
            let version = scene.goes_by(electors, &all)?;
            ensure!(
                version == first + steps,
                "version {version} after {electors:?}"
            );
        }
        ensure!(scene.cluster.settle()? == 1);
        let longest = scene.nothing_moved(since_ns)?;
        println!("longest wait of a client over four steps: {longest:?}");
        Ok(())
    });
}

#[test]
fn a_majority_of_the_new_electors_is_what_counts_after_a_change() {
    among_five("electors_majority", |scene| {
        scene.apply(1, &[1, 2, 3, 4, 5])?;
        scene.goes_by(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5])?;
        // Two of the three first electors go: of five, three are left.
        for slot in [1, 2] {
            wire::kill_node(scene.cluster.lab().topology(), slot, Death::Silent)?;
        }
        scene
            .cluster
            .wait_for("slot 3 is master", PATIENCE, |view| {
                (view.role(3) == Some("master")).then_some(())
            })?;
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        wire::heal_node(scene.cluster.lab().topology(), 2)?;
        scene.cluster.settle().map(drop)
    });
}

#[test]
fn a_change_that_must_not_be_is_refused_and_changes_nothing() {
    among_five("electors_refused", |scene| {
        let (all, since_ns) = ([1, 2, 3, 4, 5], boot_ns());
        let version = scene.goes_by(&[1, 2, 3], &all)?;
        let refusal = |scene: &Scene, slot, electors: &[u16]| match scene.apply(slot, electors) {
            Ok(()) => bail!("{electors:?} were not refused at slot {slot}"),
            Err(error) => Ok(error.to_string()),
        };
        let why = refusal(scene, 2, &[1, 2, 3, 4])?;
        ensure!(why.contains("slot 1 is"), "it names the master: {why}");
        let why = refusal(scene, 1, &[2, 3, 4])?;
        ensure!(why.contains("hand over first"), "{why}");
        let why = refusal(scene, 1, &[1, 2])?;
        ensure!(why.contains("two electors"), "the file is checked: {why}");
        let why = refusal(scene, 1, &[1, 2, 3, 9])?;
        ensure!(why.contains("no member"), "{why}");
        scene.cluster.daemon_mut(4).end(Signal::SIGTERM)?;
        scene.diagnosed(1, 4, "down")?;
        let why = refusal(scene, 1, &[1, 2, 3, 4])?;
        ensure!(
            why.contains("slot 4 does not answer"),
            "it names the missing: {why}"
        );
        ensure!(scene.goes_by(&[1, 2, 3], &[1, 2, 3, 5])? == version);
        // The witness: with slot 4 back the same change goes through.
        scene.cluster.start_one(4)?;
        scene
            .cluster
            .wait_for("slot 4 is back", STARTED, View::settled)?;
        scene.apply(1, &[1, 2, 3, 4])?;
        ensure!(scene.goes_by(&[1, 2, 3, 4], &all)? == version + 1);
        scene.nothing_moved(since_ns).map(drop)
    });
}

#[test]
fn a_node_that_was_away_during_a_change_is_told_the_set_in_force_when_it_returns() {
    among_five("electors_away", |scene| {
        let since_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), 3, Death::Silent)?;
        scene.diagnosed(1, 3, "down")?;
        scene.apply(1, &[1, 2, 3, 4, 5])?;
        let version = scene.goes_by(&[1, 2, 3, 4, 5], &[1, 2, 4, 5])?;
        let old = scene.members(3)?["in_force"]["version"].as_u64();
        ensure!(
            old < Some(version),
            "slot 3 was away and goes by version {old:?}"
        );
        wire::heal_node(scene.cluster.lab().topology(), 3)?;
        ensure!(scene.goes_by(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5])? == version);
        ensure!(scene.cluster.settle()? == 1);
        scene.nothing_moved(since_ns).map(drop)
    });
}

#[test]
fn a_master_killed_in_the_middle_of_a_change_leaves_one_that_goes_on() {
    among_five("electors_killed", |scene| {
        scene.propose(&[1, 2, 3, 4, 5])?;
        let contact = scene.cluster.daemon(1).contact();
        let asked = contact.ask(&["members", "apply"])?;
        sleep(Duration::from_millis(60));
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        drop(asked.wait_with_output());
        let master = scene.next_master(1)?;
        scene.cluster.start_one(1)?;
        scene.cluster.wait_for("all are at one", STARTED, |view| {
            view.settled().filter(|slot| *slot == master)
        })?;
        // Whatever step it was in is brought to its end; the rest is applied at the new master.
        scene.apply(master, &[1, 2, 3, 4, 5])?;
        scene.goes_by(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5])?;
        Ok(())
    });
}
