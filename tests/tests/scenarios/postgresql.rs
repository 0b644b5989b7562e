//! A pair of PostgreSQL servers by the product's profile: whatever is killed, no acknowledged write is lost.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::background::Background;
use heartbeat_tests::client::database;
use heartbeat_tests::lab::postgresql::{Servers, server};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::killed::{Killed, outage};
use crate::scene::{Scene, scenario_with};

/// A server that follows anew is rewound or copied first.
const REJOINING: Duration = Duration::from_secs(60);
/// How long the client writes before and after each fault.
const WRITING: Duration = Duration::from_secs(2);
const SYNCHRONOUS: &str = "select count(*) from pg_stat_replication where sync_state = 'sync'";

/// What is killed of a primary: its server, or what is beside it.
const KILLED: [Option<Killed>; 3] = [None, Some(Killed::Daemon), Some(Killed::Node)];

#[test]
fn whatever_of_a_primary_is_killed_no_acknowledged_write_is_lost() {
    if skip::lacks("postgresql", &[Need::Postgresql]) {
        return;
    }
    let servers = Servers::lay_out(1..=2).expect("PostgreSQL is installed");
    let more = servers.configuration().expect("the profile is there");
    let settings = Settings {
        more: Some(more.leak()),
        ..Settings::PAIR
    };
    scenario_with("postgresql", settings, |scene| {
        play(scene, &servers)
            .with_context(|| format!("{}---\n{}", servers.log_tail(1), servers.log_tail(2)))
    });
}

fn play(scene: &mut Scene, servers: &Servers) -> Result<()> {
    servers.begin(scene.cluster.lab(), 1)?;
    scene.cluster.start_all()?;
    let mut master = followed(scene, servers)?;
    ensure!(master == 1, "slot 1 has the data");
    let client = scene.cluster.lab().topology().client();
    let writer = Background::start(client, |stop| database::write(&server(), stop))?;
    let mut faults = Vec::new();
    for killed in KILLED {
        sleep(WRITING);
        faults.push((killed, boot_ns()));
        match killed {
            None => kill(Pid::from_raw(servers.process(master)?), Signal::SIGKILL)?,
            Some(killed) => killed.kill(scene, master)?,
        }
        let next = scene.next_master(master)?;
        sleep(WRITING);
        if let Some(killed) = killed {
            killed.heal(scene, master)?;
        }
        ensure!(followed(scene, servers)? == next, "it went back by itself");
        master = next;
    }
    sleep(WRITING);
    let acknowledged = writer.finish()?;
    let lab = scene.cluster.lab();
    let written = servers.ask(lab, master, "select number from written")?;
    let written: BTreeSet<u64> = written
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    let lost: Vec<u64> = (acknowledged.iter().map(|(number, _)| *number))
        .filter(|number| !written.contains(number))
        .collect();
    let times: Vec<u64> = acknowledged.iter().map(|(_, at_ns)| *at_ns).collect();
    for (killed, fault_ns) in faults {
        let what = killed.map_or_else(|| "Server".to_owned(), |killed| format!("{killed:?}"));
        let outage = outage(&times, fault_ns, WRITING)?;
        println!("{what} killed: {outage:?} without an acknowledgement");
    }
    println!(
        "{} writes acknowledged, {} there",
        acknowledged.len(),
        written.len()
    );
    ensure!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    ensure!(
        acknowledged.len() > 500,
        "only {} writes",
        acknowledged.len()
    );
    Ok(())
}

/// Waits until there is a master whose server is followed by the other one's, which has every commit; its slot.
fn followed(scene: &Scene, servers: &Servers) -> Result<u16> {
    let lab = scene.cluster.lab();
    scene
        .cluster
        .wait_for("the other server follows", REJOINING, |view| {
            let master = view.agreed()?;
            let standbys = servers.ask(lab, master, SYNCHRONOUS).ok()?;
            (standbys.trim() == "1" && view.settled().is_some()).then_some(master)
        })
}
