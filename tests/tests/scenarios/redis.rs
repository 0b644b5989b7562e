//! A pair of Redis servers by the product's profile: what a replica has told that it has is never lost.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::background::Background;
use heartbeat_tests::client::redis::{self, Story};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::redis::Servers;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::killed::{Killed, outage};
use crate::scene::{Scene, scenario_with};

const REDIS: Need = Need::Tool("redis-server", "redis-server");
/// A server that follows anew is copied first.
const REJOINING: Duration = Duration::from_secs(30);
/// How long the client writes before and after each fault.
const WRITING: Duration = Duration::from_millis(800);
/// A primary notices within the lag that it is allowed, 2 s, and one more that its replica is gone.
const NOTICING: Duration = Duration::from_secs(4);

/// What happens to the primary.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Its server gets this signal.
    Server(Signal),
    /// All else.
    Beside(Killed),
}

const FAULTS: [Fault; 4] = [
    Fault::Server(Signal::SIGKILL),
    Fault::Server(Signal::SIGSTOP),
    Fault::Beside(Killed::Daemon),
    Fault::Beside(Killed::Node),
];

/// Plays with servers whose primary needs so many replicas, the first one having the data, until it is followed.
fn scenario(name: &str, min_replicas: u8, play: impl Fn(&mut Scene, &Servers) -> Result<()>) {
    if skip::lacks(name, &[REDIS]) {
        return;
    }
    let servers = Servers::lay_out(1..=2, min_replicas).expect("Redis is installed");
    let more = servers.configuration().expect("the profile is there");
    let settings = Settings {
        more: Some(more.leak()),
        ..Settings::PAIR
    };
    scenario_with(name, settings, |scene| {
        let mut begin_and_play = || {
            servers.begin(scene.cluster.lab(), 1)?;
            scene.cluster.start_all()?;
            ensure!(followed(scene, &servers)? == 1, "slot 1 has the data");
            play(scene, &servers)
        };
        begin_and_play()
            .with_context(|| format!("{}\n---\n{}", servers.log_tail(1), servers.log_tail(2)))
    });
}

fn client(scene: &Scene) -> Result<Background<Story>> {
    let machine = scene.cluster.lab().topology().client();
    let address = scene.cluster.settings().virtual_address();
    Background::start(machine, move |stop| Ok(redis::write(address, stop)))
}

#[test]
fn whatever_of_a_primary_fails_no_write_is_lost_that_its_replica_had() {
    scenario("redis", 0, |scene, servers| {
        let client = client(scene)?;
        let mut master = 1;
        let mut begun = Vec::new();
        for fault in FAULTS {
            sleep(WRITING);
            begun.push((fault, boot_ns()));
            master = fail(scene, servers, master, fault)?;
        }
        sleep(WRITING);
        let story = client.finish()?;
        let times: Vec<u64> = story.written.iter().map(|write| write.at_ns).collect();
        for (fault, fault_ns) in begun {
            let outage = outage(&times, fault_ns, WRITING)?;
            println!("{fault:?}: {outage:?} without an acknowledgement");
        }
        nothing_is_lost(scene, servers, master, &story)
    });
}

/// Makes the fault on the master and waits until another one is followed by it; that one's slot.
fn fail(scene: &mut Scene, servers: &Servers, master: u16, fault: Fault) -> Result<u16> {
    match fault {
        Fault::Server(signal) => servers.signal(master, signal)?,
        Fault::Beside(killed) => killed.kill(scene, master)?,
    }
    let next = scene.next_master(master)?;
    sleep(WRITING);
    if let Fault::Beside(killed) = fault {
        killed.heal(scene, master)?;
    }
    ensure!(followed(scene, servers)? == next, "it went back by itself");
    Ok(next)
}

/// Waits until there is a master whose server is followed by the other one's; its slot.
fn followed(scene: &Scene, servers: &Servers) -> Result<u16> {
    let lab = scene.cluster.lab();
    scene
        .cluster
        .wait_for("the other server follows", REJOINING, |view| {
            let master = view.settled()?;
            servers.is_followed(lab, master).then_some(master)
        })
}

/// What a replica had is there. What a primary alone had may be missing, and is counted.
fn nothing_is_lost(scene: &Scene, servers: &Servers, master: u16, story: &Story) -> Result<()> {
    let there = servers.numbers(scene.cluster.lab(), master)?;
    let (replicated, alone): (Vec<_>, Vec<_>) =
        (story.written.iter()).partition(|write| write.replicas > 0);
    let lost = |writes: &[&redis::Written]| -> Vec<u64> {
        let numbers = writes.iter().map(|write| write.number);
        numbers.filter(|number| !there.contains(number)).collect()
    };
    println!(
        "{} writes acknowledged with a replica, {} lost; {} by a primary alone, {} lost; {} there",
        replicated.len(),
        lost(&replicated).len(),
        alone.len(),
        lost(&alone).len(),
        there.len()
    );
    ensure!(
        lost(&replicated).is_empty(),
        "lost: {:?}",
        lost(&replicated)
    );
    ensure!(replicated.len() > 500, "only {} writes", replicated.len());
    Ok(())
}

#[test]
fn a_primary_that_needs_a_replica_refuses_writes_while_it_is_alone() {
    scenario("redis_alone", 1, |scene, servers| {
        let calm = scene.calm()?;
        let before = client(scene)?;
        sleep(WRITING);
        let before = before.finish()?;
        ensure!(
            before.refused == 0 && before.written.len() > 50,
            "{before:?}"
        );
        wire::kill_node(scene.cluster.lab().topology(), 2, Death::Silent)?;
        sleep(NOTICING);
        let during = client(scene)?;
        sleep(WRITING);
        let during = during.finish()?;
        ensure!(
            during.refused > 2 && during.written.is_empty(),
            "{during:?}"
        );
        wire::heal_node(scene.cluster.lab().topology(), 2)?;
        ensure!(followed(scene, servers)? == 1);
        scene.stayed(&calm)?;
        println!("alone: {} writes refused, none taken", during.refused);
        Ok(())
    });
}
