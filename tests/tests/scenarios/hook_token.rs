//! The token of a promotion hook waits for a majority's disks, and outlives a loss of power of all nodes.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::mounted::Mounted;
use heartbeat_tests::lab::settings::{CLUSTER, Settings};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::forced::promote;
use crate::hooks::{begin, notes, ran, scenario_by, with_hooks};
use crate::info_disk::fill;
use crate::pair_boots::{boot, crash};
use crate::scene::{Scene, scenario_with};

/// The token has all the time it needs.
const PATIENT: Settings = Settings {
    more: Some("[hooks]\non_promote = [\"{node}/hook\"]\ntimeout = \"60s\"\n"),
    ..Settings::DEFAULT
};

/// It has a second.
const HASTY: Settings = Settings {
    more: Some("[hooks]\non_promote = [\"{node}/hook\"]\ntimeout = \"1s\"\nretry_after = \"2s\"\n"),
    ..Settings::DEFAULT
};

/// It has all the time, and slot 3 only votes.
const WITNESSED: Settings = Settings {
    witness: Some(3),
    ..PATIENT
};

/// A disk that has room for what a node keeps, and little more.
const SMALL: &str = "size=8m";

/// Runs a scenario in a cluster of three with slot 1 for a master, where slots 1 and 3 have a full disk each: taking
/// away its filler makes room.
fn scenario(name: &str, settings: Settings, play: impl Fn(&mut Scene, [PathBuf; 2]) -> Result<()>) {
    scenario_with(name, settings, |scene| {
        let folders = [1, 3].map(|slot| scene.cluster.daemon(slot).state());
        let disks = folders.iter().map(|folder| Mounted::tmpfs(folder, SMALL));
        let _disks = disks.collect::<Result<Vec<_>>>()?;
        begin(scene, 3)?;
        let fillers = folders.map(|folder| folder.join("filler"));
        fillers.iter().try_for_each(|filler| fill(filler))?;
        play(scene, fillers)
    });
}

/// Every token that was given to a promotion hook of a node, in their order.
fn tokens(scene: &Scene, slot: u16) -> Vec<u64> {
    let notes = notes(scene, slot);
    let promoted = notes
        .iter()
        .filter_map(|note| note.strip_prefix("on_promote "));
    promoted
        .filter_map(|note| note.split(' ').next()?.parse().ok())
        .collect()
}

/// Waits until the daemon in `slot` says that its promotion hook waits, and that these slots' disks lack its token.
fn waits_for(scene: &Scene, slot: u16, lacking: &[u16]) -> Result<()> {
    let names = |fault: &str| {
        let mut all = lacking.iter();
        all.all(|lacks| fault.contains(&format!("slot {lacks}: ")))
    };
    let waits = |hook: &Value| {
        hook["state"] == "waiting" && names(hook["fault"].as_str().unwrap_or_default())
    };
    let what = format!("slot {slot} says that the disks of slots {lacking:?} lack its token");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        let hooks = view.of(slot)?["hooks"].as_array()?;
        hooks.iter().any(waits).then_some(())
    })
}

/// The round of the epoch on a node's disk.
fn saved_round(scene: &Scene, slot: u16) -> Result<u64> {
    let file = scene.cluster.daemon(slot).state().join("epoch.json");
    let saved: Value = serde_json::from_slice(&fs::read(file)?)?;
    saved["round"].as_u64().context("it has a round")
}

#[test]
fn it_waits_for_a_majority_s_disks_the_address_does_not_and_no_loss_of_power_repeats_it() {
    scenario("hook_token_waits", PATIENT, |scene, [of_1, of_3]| {
        let before = ran(scene, 1, "on_promote")?;
        let fault_ns = boot_ns();
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        waits_for(scene, 2, &[1, 3])?;
        sleep(Duration::from_millis(500));
        ensure!(scene.cluster.view().holders() == [2]);
        ensure!(scene.answers_of(2, fault_ns)? > 10, "the address moved");
        ensure!(
            tokens(scene, 2).is_empty(),
            "only its own disk has the token"
        );
        fs::remove_file(of_1)?;
        let token = ran(scene, 2, "on_promote")?;
        ensure!(token > before, "{token} after {before}");
        // The power fails: what is on no disk is gone, and slot 2 does not come back.
        for slot in 1..=3 {
            scene.cluster.daemon_mut(slot).end(Signal::SIGKILL)?;
        }
        for slot in [1, 3] {
            fs::remove_dir_all(scene.cluster.daemon(slot).pins())?;
        }
        let round = token >> 16;
        let (on_1, on_3) = (saved_round(scene, 1)?, saved_round(scene, 3)?);
        ensure!(
            on_1 == round,
            "round {on_1} is on the disk of slot 1, not {round}"
        );
        ensure!(on_3 < round, "slot 3 forgot: {on_3}");
        fs::remove_file(of_3)?;
        scene.cluster.start_one(1)?;
        scene.cluster.start_one(3)?;
        let next = scene.cluster.wait_for("the next token", PATIENCE, |_| {
            let all = [1, 3].map(|slot| tokens(scene, slot)).concat();
            all.into_iter().find(|next| *next != before)
        })?;
        ensure!(next > token, "{next} after {token}");
        Ok(())
    });
}

#[test]
fn what_no_majority_takes_in_time_is_not_handed_out_and_the_hook_has_failed() {
    scenario("hook_token_in_vain", HASTY, |scene, fillers| {
        let before = ran(scene, 1, "on_promote")?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        scene.steps_down(2, "on_promote of this node did not succeed")?;
        let events = scene.events(2)?;
        let run = events.iter().find(|event| event["hook"] == "on_promote");
        let fault = run.context("it is in the history")?["fault"].to_string();
        ensure!(fault.contains("was not run: after 1000 ms"), "{fault}");
        let all = |scene: &Scene| [1, 2, 3].map(|slot| tokens(scene, slot)).concat();
        ensure!(all(scene) == [before], "{:?}", all(scene));
        for filler in fillers {
            fs::remove_file(filler)?;
        }
        let what = "a hook gets its token when the disks take it";
        let newest = scene.cluster.wait_for(what, PATIENCE * 2, |_| {
            all(scene).into_iter().find(|token| *token != before)
        })?;
        ensure!(newest > before, "{newest} after {before}");
        Ok(())
    });
}

/// The kernel of a node whose daemon is dead may go on granting, so that no evidence against it is needed any more.
#[test]
fn in_a_pair_the_disk_of_a_dead_daemon_is_not_waited_for() {
    with_hooks("hook_token_pair", Settings::PAIR, |scene| {
        let before = ran(scene, 1, "on_promote")?;
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        ensure!(scene.next_master(1)? == 2);
        let token = ran(scene, 2, "on_promote")?;
        ensure!(token > before, "{token} after {before}");
        let log = scene.cluster.daemon(2).log_tail();
        ensure!(log.contains("on this node's disk alone"), "{log}");
        ensure!(!log.contains("was not run"), "{log}");
        scene.cluster.start_one(1)?;
        ensure!(scene.cluster.settle()? == 2);
        Ok(())
    });
}

/// A frozen one keeps its links: that nothing comes back over them shows after more time than this hook has.
#[test]
fn in_a_pair_the_disk_of_a_frozen_daemon_is_not_waited_for() {
    let settings = Settings {
        more: HASTY.more,
        ..Settings::PAIR
    };
    scenario_by("hook_token_frozen", settings, |scene| {
        let before = ran(scene, 1, "on_promote")?;
        scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
        ensure!(scene.next_master(1)? == 2);
        let token = ran(scene, 2, "on_promote")?;
        ensure!(token > before, "{token} after {before}");
        let log = scene.cluster.daemon(2).log_tail();
        ensure!(log.contains("on this node's disk alone"), "{log}");
        ensure!(!log.contains("was not run"), "{log}");
        scene.cluster.daemon(1).signal(Signal::SIGCONT)?;
        ensure!(scene.cluster.settle()? == 2);
        Ok(())
    });
}

#[test]
fn a_witness_s_disk_counts_and_its_dead_daemon_counts_for_nothing_and_holds_nothing_up() {
    scenario("hook_token_witness", WITNESSED, |scene, [of_1, of_3]| {
        let first = ran(scene, 1, "on_promote")?;
        scene.cluster.daemon_mut(3).end(Signal::SIGKILL)?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        // Two that may be master and one that votes are no pair: one disk is not enough.
        waits_for(scene, 2, &[1, 3])?;
        sleep(Duration::from_millis(500));
        ensure!(
            tokens(scene, 2).is_empty(),
            "only its own disk has the token"
        );
        fs::remove_file(of_3)?;
        scene.cluster.start_one(3)?;
        let second = ran(scene, 2, "on_promote")?;
        ensure!(second > first, "{second} after {first}");
        let (on_1, on_3) = (saved_round(scene, 1)?, saved_round(scene, 3)?);
        ensure!(on_3 == second >> 16, "the witness has round {on_3}");
        ensure!(on_1 < second >> 16, "slot 1 was not needed: {on_1}");

        fs::remove_file(of_1)?;
        let what = "slot 1 may be master again";
        scene.cluster.wait_for(what, PATIENCE, |view| {
            (view.of(1)?["electable"] == true).then_some(())
        })?;
        scene.cluster.daemon_mut(3).end(Signal::SIGKILL)?;
        scene.cluster.switchover(2, Some(1))?;
        ensure!(scene.next_master(2)? == 1);
        let third = ran(scene, 1, "on_promote")?;
        ensure!(third > second, "{third} after {second}");
        let (on_2, on_3) = (saved_round(scene, 2)?, saved_round(scene, 3)?);
        ensure!(on_2 == third >> 16, "slot 2 has round {on_2}");
        ensure!(on_3 < third >> 16, "a dead daemon wrote {on_3}");
        Ok(())
    });
}

#[test]
fn a_forced_master_s_token_waits_for_its_own_disk_and_the_others_have_it_when_they_are_back() {
    scenario("hook_token_forced", PATIENT, |scene, [_, of_3]| {
        let before = ran(scene, 1, "on_promote")?;
        ensure!(saved_round(scene, 3)? == before >> 16);
        // The master last: nobody else is elected meanwhile.
        for slot in [3, 2, 1] {
            crash(scene, slot)?;
        }
        fs::remove_file(&of_3)?;
        boot(scene, 3)?;
        fill(&of_3)?;
        let what = "an operator may force slot 3";
        scene.cluster.wait_for(what, PATIENCE, |_| {
            (promote(scene, CLUSTER).ok()? == Some(0)).then_some(())
        })?;
        scene.expect(3, "master", "an operator forced it")?;
        waits_for(scene, 3, &[3])?;
        sleep(Duration::from_millis(300));
        ensure!(tokens(scene, 3).is_empty(), "no disk has the token");
        fs::remove_file(&of_3)?;
        let token = ran(scene, 3, "on_promote")?;
        ensure!(token > before, "{token} after {before}");
        let round = token >> 16;
        ensure!(saved_round(scene, 3)? == round);
        ensure!(scene.told(3, "on this node's disk alone") == 1);
        ensure!(saved_round(scene, 2)? < round, "slot 2 is off");
        boot(scene, 2)?;
        let what = "slot 2 has the token on its disk";
        scene.cluster.wait_for(what, PATIENCE, |_| {
            (saved_round(scene, 2).ok()? == round).then_some(())
        })?;
        ensure!(
            tokens(scene, 3) == [token],
            "one mastership, one promotion: {:?}",
            tokens(scene, 3)
        );
        Ok(())
    });
}
