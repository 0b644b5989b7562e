//! Both nodes of a pair reload all the time, each time another file, while one thing after the other fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::edit_file;
use crate::hooks::{begin, does, file, notes, ran};
use crate::pair::guaranteed;
use crate::pair_boots::{boot, crash};
use crate::scene::{Scene, moved_once, scenario_with};
use crate::services::{is, may_be_master, signal, start};

/// All hooks, and a page that is brought back unless a file says that it is not.
const BUSY: Settings = Settings {
    more: Some(
        r#"
[hooks]
on_promote = ["{node}/hook"]
on_demote = ["{node}/hook"]
on_fault = ["{node}/hook"]
timeout = "1s"
retry_after = "1s"
[[service]]
name = "web"
http = { url = "http://127.0.0.1:8080/", contains = "ok" }
interval = "100ms"
rise = 1
[service.recovery.master]
command = ["/bin/sh", "-c", "test ! -e {node}/stuck || exit 1; {tool} web 8080 {node} >/dev/null 2>&1 &"]
attempts = 1
backoff = "800ms"
"#,
    ),
    ..Settings::PAIR
};

/// What a file says in turn: it needs not be equal on both nodes.
const RISES: [&str; 2] = ["rise = 1", "rise = 2"];
/// What the log says of a reload that changed something.
const IN_FORCE: &str = "in force: 1 changes";
/// Time between two reloads.
const EVERY: Duration = Duration::from_millis(100);
/// How long a fault lasts that must move nothing.
const FAULT: Duration = Duration::from_secs(1);

/// The daemons that reload: each one's process, and its file.
struct Reloading(Mutex<BTreeMap<u16, (Pid, PathBuf)>>);

impl Reloading {
    /// From now on the daemon in `slot`, which runs, reloads too.
    fn begins(&self, scene: &Scene, slot: u16) -> Result<()> {
        let pid = scene.cluster.daemon(slot).pid().context("it runs")?;
        let pid = Pid::from_raw(i32::try_from(pid)?);
        let one = (pid, file(scene, slot, "heartbeatd.toml"));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(slot, one);
        Ok(())
    }

    /// From now on it does not: its number will be nobody's.
    fn ends(&self, slot: u16) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&slot);
    }

    /// Has all reload, again and again, until nobody is at the other end any more.
    fn go_on(&self, ended: &Receiver<()>) -> Result<()> {
        while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (pid, file) in all.values() {
                edit_file(file, other)?;
                kill(*pid, Signal::SIGHUP)?;
            }
        }
        Ok(())
    }
}

/// The file with its other rise.
fn other(text: &str) -> String {
    let [one, two] = RISES;
    if text.contains(one) {
        text.replace(one, two)
    } else {
        text.replace(two, one)
    }
}

/// Plays while both reload.
fn while_reloading(
    scene: &mut Scene,
    play: impl FnOnce(&mut Scene, &Reloading) -> Result<()>,
) -> Result<()> {
    let reloading = Reloading(Mutex::default());
    for slot in [1, 2] {
        reloading.begins(scene, slot)?;
    }
    let (ends, ended) = channel();
    thread::scope(|scope| {
        let reloads = scope.spawn(|| {
            let ended = ended;
            reloading.go_on(&ended)
        });
        let played = play(scene, &reloading);
        drop(ends);
        let reloaded = reloads.join().expect("it does not panic");
        played.and(reloaded)
    })
}

/// Waits until mastership has moved to that slot, and each hook was run: with a token that grew.
fn moved_to(scene: &Scene, slot: u16) -> Result<()> {
    ensure!(scene.cluster.settle()? == slot);
    let token = ran(scene, slot, "on_promote")?;
    let before = ran(scene, 3 - slot, "on_demote")?;
    ensure!(token > before, "{token} after {before}");
    may_be_master(scene, 3 - slot)
}

/// Fails unless each mastership of a node had its two hooks, one after the other, and each a larger token.
fn in_order(scene: &Scene, slot: u16) -> Result<()> {
    let notes = notes(scene, slot);
    let mut given = 0;
    let mut serves = false;
    for note in &notes {
        let mut words = note.split(' ');
        let hook = words.next().context("a hook's name")?;
        let token: u64 = words.next().context("its token")?.parse()?;
        match hook {
            "on_promote" => ensure!(!serves && token > given, "{note:?} in {notes:?}"),
            "on_demote" => ensure!(serves && token == given, "{note:?} in {notes:?}"),
            _ => continue,
        }
        (given, serves) = (token, !serves);
    }
    ensure!(notes.len() > 4, "{notes:?}");
    Ok(())
}

#[test]
fn whatever_fails_while_both_of_a_pair_reload_goes_as_without_it() {
    scenario_with("reload_meanwhile", BUSY, |scene| {
        for slot in [1, 2] {
            start(scene, slot)?;
        }
        begin(scene, 2)?;
        for slot in [1, 2] {
            is(scene, slot, "healthy")?;
        }
        let before = [1, 2].map(|slot| scene.told(slot, IN_FORCE));
        while_reloading(scene, |scene, reloading| {
            services(scene)?;
            links(scene)?;
            daemons(scene)?;
            a_hook(scene)?;
            a_node(scene, reloading)
        })?;
        for slot in [1, 2] {
            in_order(scene, slot)?;
            let reloads = scene.told(slot, IN_FORCE) - before[usize::from(slot) - 1];
            println!("slot {slot} has put {reloads} other files in force");
            ensure!(reloads > 30, "slot {slot}: {reloads}");
            ensure!(scene.told(slot, "reload refused") == 0);
        }
        Ok(())
    });
}

/// As `pair_services` has it without reloads: slot 1 is master before and after.
fn services(scene: &mut Scene) -> Result<()> {
    let calm = scene.calm()?;
    signal(scene, 1, Signal::SIGKILL)?;
    is(scene, 1, "recovering")?;
    is(scene, 1, "healthy")?;
    scene.stayed(&calm)?;

    signal(scene, 1, Signal::SIGSTOP)?;
    ensure!(scene.next_master(1)? == 2);
    scene.steps_down(1, "its recovery did not help")?;
    guaranteed(scene, 2, "quorum")?;
    signal(scene, 1, Signal::SIGCONT)?;
    is(scene, 1, "healthy")?;
    moved_to(scene, 2)?;

    let stuck = file(scene, 2, "stuck");
    fs::write(&stuck, "")?;
    signal(scene, 2, Signal::SIGKILL)?;
    ensure!(scene.next_master(2)? == 1);
    scene.steps_down(2, "its recovery did not help")?;
    guaranteed(scene, 1, "quorum")?;
    fs::remove_file(stuck)?;
    start(scene, 2)?;
    is(scene, 2, "healthy")?;
    moved_to(scene, 1)
}

/// As `pair` has it: slot 1 is master before, and slot 2 after.
fn links(scene: &mut Scene) -> Result<()> {
    let calm = scene.calm()?;
    wire::cut(scene.cluster.lab().topology(), 2, Network::Management)?;
    scene.degraded(true)?;
    scene.diagnosed(1, 2, "management_fault")?;
    thread::sleep(FAULT);
    wire::heal(scene.cluster.lab().topology(), 2, Network::Management)?;
    scene.degraded(false)?;
    scene.stayed(&calm)?;

    let fault_ns = boot_ns();
    wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
    ensure!(scene.next_master(1)? == 2);
    guaranteed(scene, 2, "evidence")?;
    scene.steps_down(1, "")?;
    wire::heal_node(scene.cluster.lab().topology(), 1)?;
    moved_to(scene, 2)?;
    guaranteed(scene, 2, "quorum")?;
    only_move(scene, fault_ns, 1, 2)
}

/// As `pair` has it: slot 2 is master before, and slot 1 after.
fn daemons(scene: &mut Scene) -> Result<()> {
    let fault_ns = boot_ns();
    scene.cluster.daemon(2).signal(Signal::SIGSTOP)?;
    let shut_ns = scene.shut_from_ns()?;
    thread::sleep(FAULT);
    ensure!(scene.next_master(2)? == 1);
    scene.cluster.daemon(2).signal(Signal::SIGCONT)?;
    moved_to(scene, 1)?;
    ensure!(
        scene.answers_of(2, shut_ns)? == 0,
        "slot 2 answered after its lease"
    );
    only_move(scene, fault_ns, 2, 1)
}

/// As `pair_services` has it: slot 1 is master before and after.
fn a_hook(scene: &Scene) -> Result<()> {
    does(scene, 2, "on_promote", "sleep 20")?;
    scene.cluster.switchover(1, Some(2))?;
    ensure!(scene.next_master(1)? == 2);
    ensure!(scene.next_master(2)? == 1);
    scene.steps_down(2, "on_promote of this node did not succeed")?;
    does(scene, 2, "on_promote", "exit 0")?;
    moved_to(scene, 1)
}

/// As `pair_boots` has it: slot 1 is master before, and slot 2 after.
fn a_node(scene: &mut Scene, reloading: &Reloading) -> Result<()> {
    let fault_ns = boot_ns();
    reloading.ends(1);
    crash(scene, 1)?;
    ensure!(scene.next_master(1)? == 2);
    guaranteed(scene, 2, "evidence")?;
    boot(scene, 1)?;
    scene
        .cluster
        .wait_for("slot 1 answers", PATIENCE, |view| view.of(1).map(drop))?;
    reloading.begins(scene, 1)?;
    moved_to(scene, 2)?;
    guaranteed(scene, 2, "quorum")?;
    only_move(scene, fault_ns, 1, 2)
}

/// Fails unless the address moved once, as fast as a pair does it on a busy test machine.
fn only_move(scene: &mut Scene, fault_ns: u64, from: u16, to: u16) -> Result<()> {
    let at_most = scene.cluster.settings().lease() * 4;
    moved_once(&scene.sight(fault_ns)?, from, to, at_most)
}
