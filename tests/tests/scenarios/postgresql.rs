//! A pair of PostgreSQL servers by the product's profile: whatever is killed, no acknowledged write is lost.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::database::{Acknowledged, Writer};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::postgresql::{Servers, server};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::scene::{Scene, scenario_with};

/// A server that follows anew is rewound or copied first.
const REJOINING: Duration = Duration::from_secs(60);
/// How long the client writes before and after each fault.
const WRITING: Duration = Duration::from_secs(2);
const SYNCHRONOUS: &str = "select count(*) from pg_stat_replication where sync_state = 'sync'";

/// What is killed.
#[derive(Clone, Copy, Debug)]
enum Killed {
    Server,
    Daemon,
    Node,
}

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
    let writer = Writer::start(client, &server());
    let mut faults = Vec::new();
    for killed in [Killed::Server, Killed::Daemon, Killed::Node] {
        sleep(WRITING);
        faults.push((killed, boot_ns()));
        match killed {
            Killed::Server => kill(Pid::from_raw(servers.process(master)?), Signal::SIGKILL)?,
            Killed::Daemon => drop(scene.cluster.daemon_mut(master).end(Signal::SIGKILL)?),
            Killed::Node => {
                wire::kill_node(scene.cluster.lab().topology(), master, Death::Loud)?;
            }
        }
        let next = scene.next_master(master)?;
        sleep(WRITING);
        match killed {
            Killed::Server => {}
            Killed::Daemon => scene.cluster.start_one(master)?,
            Killed::Node => wire::heal_node(scene.cluster.lab().topology(), master)?,
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
    for (killed, fault_ns) in &faults {
        println!(
            "{killed:?} killed: {:?} without an acknowledgement",
            outage(&acknowledged, *fault_ns)?
        );
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

/// The longest time between two acknowledgements that begins soon after the fault, or before it.
fn outage(acknowledged: &[Acknowledged], fault_ns: u64) -> Result<Duration> {
    let until_ns = fault_ns + u64::try_from(WRITING.as_nanos())?;
    let gaps = acknowledged.windows(2).filter_map(|pair| {
        let ((_, before), (_, after)) = (pair[0], pair[1]);
        (after > fault_ns && before < until_ns).then(|| after - before)
    });
    let longest = gaps
        .max()
        .context("nothing was acknowledged after the fault")?;
    Ok(Duration::from_nanos(longest))
}
