//! TCP clients of who bore an address before: they hear at once that their connection is dead, and nobody else does.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heartbeat_tests::client::tcp::{self, Client, End};
use heartbeat_tests::fault::filter::{self, Way};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::{HEARTBEAT_PORT, Network};
use heartbeat_tests::lab::netns::Netns;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::view::View;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario, scenario_with};
use crate::takeover::{self, OWNER, at_home, moved, taken_over};

/// A client that is told hears it within this; the kernel's own first retransmission takes 200 ms, and an
/// idle client would never hear.
const AT_ONCE: Duration = Duration::from_millis(150);
/// How long a client sits still when nobody tells it, to show that nobody does.
const UNTOLD: Duration = Duration::from_secs(3);
/// How long a daemon may take to start on a machine that compiles meanwhile: the kernel's check of the
/// programs is half a second of processor.
const STARTED: Duration = Duration::from_secs(30);

/// Clients of slot 1: of the address, from the client's machine and from a slave; and of the node's own.
struct Clients {
    idle: Client,
    on_slave: Client,
    of_own_address: Client,
}

fn machine(scene: &Scene, slot: u16) -> &Netns {
    scene.cluster.lab().topology().node(slot)
}

fn serve(scene: &Scene) -> Result<()> {
    let topology = scene.cluster.lab().topology();
    topology
        .slots()
        .try_for_each(|slot| tcp::serve(topology.node(slot)))
}

fn clients(scene: &Scene) -> Result<Clients> {
    serve(scene)?;
    let client = scene.cluster.lab().topology().client();
    let families = scene.cluster.settings().plan.families;
    let own_address = Network::Business.address_of(families.business, 1);
    Ok(Clients {
        idle: Client::connect(client, scene.cluster.settings().virtual_address())?,
        on_slave: Client::connect(
            machine(scene, 3),
            scene.cluster.settings().virtual_address(),
        )?,
        of_own_address: Client::connect(client, own_address)?,
    })
}

impl Clients {
    /// Both clients of the address sit in read(2) while `fault` happens; how long after the move of the
    /// address each was reset. The third connection must live on.
    fn through(
        mut self,
        scene: &mut Scene,
        fault: impl FnOnce(&mut Scene) -> Result<()>,
    ) -> Result<()> {
        let begun = Instant::now();
        let waiting = |mut client: Client| {
            thread::spawn(move || client.wait(UNTOLD).map(|(end, _)| (end, Instant::now())))
        };
        let (idle, on_slave) = (waiting(self.idle), waiting(self.on_slave));
        let from_ns = boot_ns();
        fault(scene)?;
        let next = scene.next_master(1)?;
        for (name, waiting) in [("the client", idle), ("the slave", on_slave)] {
            let (end, at) = waiting.join().expect("it only waits")?;
            ensure!(end == End::Reset, "{name}: {end:?}");
            let moved = scene.sight(from_ns)?.outage.context("it was answered")?;
            let moved_after = Duration::from_nanos(moved.to_ns - from_ns);
            let after = at.duration_since(begun).saturating_sub(moved_after);
            println!("{name} was reset {after:?} after the address was answered by slot {next}");
            ensure!(after < AT_ONCE, "{name} was reset {after:?} after the move");
        }
        // The observer is to see enough of it.
        thread::sleep(Duration::from_millis(300));
        self.of_own_address
            .echo()
            .context("the connection to the node's own address")
    }
}

#[test]
fn at_a_switchover_idle_clients_of_the_address_are_reset_at_once_and_others_are_not() {
    scenario("connections_switchover", reset_by_a_switchover);
}

pub(crate) fn reset_by_a_switchover(scene: &mut Scene) -> Result<()> {
    clients(scene)?.through(scene, |scene| scene.cluster.switchover(1, Some(2)))
}

#[test]
fn when_the_lease_is_lost_with_a_living_daemon_idle_clients_are_reset_at_once() {
    if lacks("connections_lease_lost", &[Need::Nft]) {
        return;
    }
    scenario("connections_lease_lost", |scene| {
        let clients = clients(scene)?;
        // The list goes by the business network, where only heartbeats do not pass.
        clients.through(scene, |scene| {
            let topology = scene.cluster.lab().topology();
            filter::drop_port(topology.node(1), HEARTBEAT_PORT, Way::Out)?;
            wire::unplug(topology, 1, Network::Management)
        })
    });
}

#[test]
fn a_master_that_is_told_to_stop_resets_its_clients_and_no_others() {
    scenario("connections_stop", |scene| {
        clients(scene)?.through(scene, |scene| {
            let code = scene.cluster.daemon_mut(1).end(Signal::SIGTERM)?;
            ensure!(code == Some(0), "it ended with {code:?}");
            Ok(())
        })
    });
}

#[test]
fn a_master_that_was_frozen_resets_its_clients_when_it_resumes() {
    scenario("connections_freeze", |scene| {
        serve(scene)?;
        let client = scene.cluster.lab().topology().client();
        let mut idle = Client::connect(client, scene.cluster.settings().virtual_address())?;
        scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
        scene.next_master(1)?;
        ensure!(idle.wait(Duration::from_secs(1))?.0 == End::Nothing);
        scene.cluster.daemon(1).signal(Signal::SIGCONT)?;
        let (end, after) = idle.wait(UNTOLD)?;
        println!("reset {after:?} after the daemon resumed");
        ensure!(
            end == End::Reset && after < AT_ONCE,
            "{end:?} after {after:?}"
        );
        Ok(())
    });
}

#[test]
fn clients_of_a_killed_master_are_reset_when_they_send_or_when_its_daemon_starts_again() {
    scenario("connections_kill", |scene| {
        serve(scene)?;
        let client = scene.cluster.lab().topology().client();
        let mut idle = Client::connect(client, scene.cluster.settings().virtual_address())?;
        let mut sending = Client::connect(client, scene.cluster.settings().virtual_address())?;
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        scene.next_master(1)?;
        // Nobody is left who knows of the idle one: that is how it is without being told.
        ensure!(idle.wait(UNTOLD)?.0 == End::Nothing);
        let sent = Instant::now();
        sending.send()?;
        let (end, _) = sending.wait(UNTOLD)?;
        println!("who sends is reset after {:?}", sent.elapsed());
        ensure!(end == End::Reset, "{end:?}");
        let started = Instant::now();
        scene.cluster.start_one(1)?;
        let (end, _) = idle.wait(STARTED)?;
        println!(
            "the idle one was reset {:?} after the start",
            started.elapsed()
        );
        ensure!(end == End::Reset, "{end:?}");
        scene.expect(1, "slave", "slot 2 probes as master")
    });
}

#[test]
fn a_slaves_own_connection_to_the_address_outlives_the_restart_of_its_daemon() {
    // A long lease: starting a daemon takes a processor of two, and the master must not move meanwhile.
    let settings = Settings {
        detect_multiplier: 40,
        ..Settings::default()
    };
    scenario_with("connections_of_slave", settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        serve(scene)?;
        let mut own = Client::connect(
            machine(scene, 3),
            scene.cluster.settings().virtual_address(),
        )?;
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            scene.cluster.daemon_mut(3).end(signal)?;
            scene.cluster.start_one(3)?;
            let settled = |view: &View| view.settled().filter(|master| *master == 1);
            scene.cluster.wait_for("it is back", STARTED, settled)?;
            own.echo().with_context(|| format!("after {signal}"))?;
        }
        Ok(())
    });
}

/// A client that waits to be reset: when it was, in nanoseconds of CLOCK_BOOTTIME.
type Waiting = JoinHandle<Result<(End, u64)>>;

/// Idle clients of the slot's address, and of the own address of the node that bears it.
fn of_slot(scene: &Scene, bearer: u16) -> Result<(Waiting, Client)> {
    let machine = scene.cluster.lab().topology().client();
    let families = scene.cluster.settings().plan.families;
    let own_address = Network::Business.address_of(families.business, u8::try_from(bearer)?);
    let mut idle = Client::connect(machine, scene.cluster.settings().virtual_address())?;
    let waiting = thread::spawn(move || idle.wait(UNTOLD).map(|(end, _)| (end, boot_ns())));
    Ok((waiting, Client::connect(machine, own_address)?))
}

/// Fails unless it was reset since `fault_ns`, and soon after `since_ns`.
fn reset_at_once(waiting: Waiting, when: &str, (fault_ns, since_ns): (u64, u64)) -> Result<()> {
    let (end, at_ns) = waiting.join().expect("it only waits")?;
    let after = Duration::from_nanos(at_ns.saturating_sub(since_ns));
    println!("the client of the slot's address was reset {after:?} after {when}");
    ensure!(end == End::Reset && at_ns > fault_ns, "{end:?}, {when}");
    ensure!(after < AT_ONCE, "{after:?} after {when}");
    Ok(())
}

#[test]
fn idle_clients_of_a_slots_address_are_reset_whenever_it_moves_and_others_are_not() {
    takeover::scenario("connections_slot", |scene| {
        serve(scene)?;
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), OWNER, Death::Loud)?;
        taken_over(scene, 1)?;
        moved(scene, fault_ns, OWNER, 1)?;
        let (idle, mut other) = of_slot(scene, 1)?;
        let fault_ns = boot_ns();
        wire::heal_node(scene.cluster.lab().topology(), OWNER)?;
        at_home(scene)?;
        let home_ns = fault_ns + nanos(moved(scene, fault_ns, 1, OWNER)?);
        reset_at_once(idle, "it was given back", (fault_ns, home_ns))?;
        other.echo().context("the master's own address")?;

        let (idle, mut other) = of_slot(scene, OWNER)?;
        scene.cluster.daemon(OWNER).signal(Signal::SIGSTOP)?;
        taken_over(scene, 1)?;
        let resumed_ns = boot_ns();
        scene.cluster.daemon(OWNER).signal(Signal::SIGCONT)?;
        at_home(scene)?;
        moved(scene, resumed_ns, 1, OWNER)?;
        reset_at_once(idle, "its node's daemon resumed", (resumed_ns, resumed_ns))?;
        other.echo().context("the node's own address")?;

        let (idle, mut other) = of_slot(scene, OWNER)?;
        let fault_ns = boot_ns();
        let code = scene.cluster.daemon_mut(OWNER).end(Signal::SIGTERM)?;
        ensure!(code == Some(0), "it ended with {code:?}");
        taken_over(scene, 1)?;
        let taken_ns = fault_ns + nanos(moved(scene, fault_ns, OWNER, 1)?);
        reset_at_once(
            idle,
            "the master took it over from a node that stopped",
            (fault_ns, taken_ns),
        )?;
        other
            .echo()
            .context("the own address of a node that stopped")
    });
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a scenario is short")
}
