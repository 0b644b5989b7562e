//! Two systems from the first installation to the purge. They are booted once, so the steps follow each other.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::booted::{Machine, Packages};
use heartbeat_tests::lab::Lab;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::report::sight::Sight;
use heartbeat_tests::skip::LONG_VARIABLE;
use heartbeat_user::cli::Exit;
use heartbeat_user::sys::clock::boot_ns;

use crate::node::Node;
use crate::packages;

const CONFIG: &str = "/etc/heartbeatd/heartbeatd.toml";
/// The second has the maps of the first, the third has not.
const VERSIONS: [&str; 3] = ["0.1.0", "0.1.1", "0.1.2"];
/// Machines that tests run on may not let anybody raise limits: so the systems have the drop-in for such ones.
const CONTAINERS: &str = "install -D -m 0644 /usr/share/heartbeatd/systemd/containers.conf \
                          /etc/systemd/system/heartbeatd.service.d/containers.conf && systemctl daemon-reload";
/// Upgrades of each node there and back: so many by default, and when somebody has the time.
const ROUNDS: usize = 1;
const LONG_ROUNDS: usize = 5;
/// Within this the next process has to be master again. By default that is half a second, which two processors that
/// others use as well do not always have left for systemd and a program that was built without optimisation.
const RESTART: Duration = Duration::from_secs(2);
/// Twice the default: those processors are taken from a daemon for 29 ms now and then, of which a lease of 50 ms is lost.
const PERIOD: Duration = Duration::from_millis(20);
/// The unit's.
const WATCHDOG: Duration = Duration::from_secs(5);
/// What may be left after a purge: the user, whom files elsewhere may belong to, and how its making shows.
const LEFT_BY_POLICY: [&str; 5] = [
    "/etc/.pwd.lock",
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/passwd-",
    "/etc/shadow-",
];

#[test]
fn a_pair_is_installed_upgraded_without_a_failover_removed_and_purged_without_a_trace() {
    let Some(packages) = packages("a_pair_is_installed") else {
        return;
    };
    if let Err(error) = play(&packages) {
        panic!("{error:#}");
    }
}

/// Straight to the descriptor: what a passing test prints is never seen.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "packages: {line}");
}

fn play(packages: &Packages) -> Result<()> {
    let settings = Settings {
        period: PERIOD,
        max_lease: Some(RESTART),
        ..Settings::PAIR
    };
    let lab = Lab::build(settings.plan)?;
    let versions = shared(&lab, packages)?;
    let services = [lab.serve(1)?, lab.serve(2)?];
    let nodes = [1, 2].map(|slot| {
        let machine = Machine::boot(&lab, slot, &packages.tree());
        machine.map(|machine| Node { slot, machine })
    });
    let [first, second] = nodes;
    let nodes = [first?, second?];
    let played = lived(&lab, &settings, &nodes, &versions);
    drop(services);
    played.with_context(|| {
        let told = |node: &Node| {
            let history = node.machine.run("heartbeatctl history");
            let history = history.unwrap_or_else(|error| format!("{error:#}"));
            format!("--- slot {}\n{}\n{history}", node.slot, node.machine.told())
        };
        nodes.each_ref().map(told).join("\n")
    })
}

/// Puts all versions where the systems see them.
fn shared(lab: &Lab, packages: &Packages) -> Result<[PathBuf; 3]> {
    let [now, later] = packages.versions()?;
    let versions = [now, later, packages.relaid()?];
    for package in &versions {
        let name = package.file_name().context("a file")?;
        fs::copy(package, lab.folder().join(name))?;
    }
    Ok(versions)
}

fn lived(lab: &Lab, settings: &Settings, nodes: &[Node; 2], versions: &[PathBuf; 3]) -> Result<()> {
    let before = nodes[1].files()?;
    for node in nodes {
        node.install(&versions[0])?;
        not_configured(node)?;
    }
    configure(lab, settings, nodes)?;
    upgrades(lab, nodes, versions)?;
    relaid(lab, nodes, &versions[2])?;
    relaid_alone(nodes, &versions[0])?;
    frozen(&nodes[1])?;
    removed(nodes)?;
    purged(&nodes[1], &before)
}

/// Nothing runs by an installation, nor by the example that it brings.
fn not_configured(node: &Node) -> Result<()> {
    ensure!(
        node.property("UnitFileState")? == "disabled",
        "it is enabled"
    );
    ensure!(
        node.property("ActiveState")? == "inactive",
        "it was started"
    );
    let started = node.machine.ask("systemctl start heartbeatd")?;
    ensure!(!started.status.success(), "it runs by an example");
    let (code, expected) = (node.property("ExecMainStatus")?, Exit::Config as u8);
    ensure!(code == expected.to_string(), "it ended with {code}");
    ensure!(
        node.property("ActiveState")? == "failed",
        "it is tried again"
    );
    node.machine
        .run("systemctl reset-failed heartbeatd && id heartbeatd")
        .map(drop)
}

/// The operator's part, as the example says it.
fn configure(lab: &Lab, settings: &Settings, nodes: &[Node; 2]) -> Result<()> {
    settings.write(lab.folder())?;
    for node in nodes {
        node.machine.run(CONTAINERS)?;
        node.machine.run(&format!(
            "cp /mnt/heartbeatd.toml {CONFIG} && install -m 0600 /mnt/cluster.key /etc/heartbeatd/ && heartbeatd --check && \
             systemctl enable --now heartbeatd"
        ))?;
    }
    nodes[0].wait_for_role("master")?;
    nodes[1].wait_for_role("slave")?;
    for node in nodes {
        let (pins, programs) = node.at_work()?;
        ensure!(pins.contains("heartbeatd"), "slot {}: {pins}", node.slot);
        ensure!(programs.contains("xdp"), "slot {}: {programs}", node.slot);
    }
    Ok(())
}

/// The slave first, the master last, there and back.
fn upgrades(lab: &Lab, nodes: &[Node; 2], versions: &[PathBuf; 3]) -> Result<()> {
    let mut watch = lab.watch()?;
    let epoch = nodes[0].status()?["epoch"].clone();
    ensure!(!epoch.is_null(), "a master has an epoch");
    let start_ns = boot_ns();
    let mut seen = Vec::new();
    let rounds = match std::env::var_os(LONG_VARIABLE) {
        Some(_) => LONG_ROUNDS,
        None => ROUNDS,
    };
    for round in 0..rounds {
        for which in [1, 0] {
            for node in nodes.iter().rev() {
                node.upgrade(&versions[which], VERSIONS[which])
                    .with_context(|| format!("round {round}, slot {}", node.slot))?;
                seen.push(format!("slot {} {}", node.slot, VERSIONS[which]));
            }
            nodes[1].wait_for_role("slave")?;
            let now = nodes[0].wait_for_role("master")?["epoch"].clone();
            ensure!(now == epoch, "mastership {now} follows {epoch}");
        }
    }
    let kept = nodes[0].machine.run(&format!("cat {CONFIG}"))?;
    ensure!(kept.contains("[cluster]"), "the operator's file: {kept}");
    let sight = Sight::of(&mut watch, start_ns, boot_ns())?;
    ensure!(
        sight.moves.is_empty(),
        "the address moved: {:?}",
        sight.moves
    );
    tell(&format!(
        "{} upgrades ({}), one mastership; the client's longest time without an answer {:.1} ms",
        seen.len(),
        seen.join(", "),
        sight.outage_ms().unwrap_or(f64::NAN)
    ));
    Ok(())
}

/// Maps of another layout keep no lease: so the slave is upgraded, and then the master after it has handed over.
fn relaid(lab: &Lab, nodes: &[Node; 2], package: &Path) -> Result<()> {
    let [first, second] = nodes;
    let before = second.layouts()?;
    let mut watch = lab.watch()?;
    let start_ns = boot_ns();
    let of_slave = second.upgrade(package, VERSIONS[2])?;
    ensure!(!of_slave.contains("layout"), "a slave: {of_slave}");
    second.wait_for_role("slave")?;
    first.wait_for_role("master")?;
    let said = first.upgrade(package, VERSIONS[2])?;
    second.wait_for_role("master")?;
    first.wait_for_role("slave")?;
    let handed = (said.lines()).find(|line| line.contains("layout") && line.contains("was handed"));
    let handed = handed.with_context(|| format!("nothing of a switchover: {said}"))?;
    let after = second.layouts()?;
    ensure!(
        before != after,
        "{before} is no other layout: this shows nothing"
    );
    let sight = Sight::of(&mut watch, start_ns, boot_ns())?;
    let moves: Vec<_> = sight.moves.iter().map(|it| (it.from, it.to)).collect();
    ensure!(moves == [(1, 2)], "one move: {moves:?}");
    ensure!(!sight.two_answered(), "two answered: {sight:?}");
    let history = second.machine.run("heartbeatctl history")?;
    ensure!(history.contains("handed over"), "no switchover: {history}");
    tell(&format!(
        "{handed}; the client's time without an answer {:.1} ms",
        sight.outage_ms().unwrap_or(f64::NAN)
    ));
    Ok(())
}

/// A master alone, whom no majority grants a restart, goes on with the old programs: its address stays. Once the other node is
/// back, what was said brings the new ones in, and the first node is master again.
fn relaid_alone(nodes: &[Node; 2], package: &Path) -> Result<()> {
    let [first, second] = nodes;
    first.machine.run("systemctl stop heartbeatd")?;
    let before = second.property("MainPID")?;
    let said = second.install(package)?;
    ensure!(second.property("MainPID")? == before, "restarted: {said}");
    let told = said.lines().rfind(|line| line.contains("heartbeatctl"));
    ensure!(
        told.is_some_and(|line| line.contains("`heartbeatctl switchover`")),
        "{said}"
    );
    second.wait_for_role("master")?;
    first.machine.run("systemctl start heartbeatd")?;
    first.wait_for_role("slave")?;
    second.hand_over()?;
    first.wait_for_role("master")?;
    second.wait_for_role("slave")?;
    second.machine.run("heartbeatctl restart")?;
    second.wait_for_role("slave").map(drop)
}

/// A daemon whose pulse stands still is killed by systemd, and another one started.
fn frozen(node: &Node) -> Result<()> {
    let before = node.property("NRestarts")?;
    let pid = node.property("MainPID")?;
    node.machine.run(&format!("kill -STOP {pid}"))?;
    let begun = Instant::now();
    while node.property("NRestarts")? == before {
        ensure!(
            begun.elapsed() < WATCHDOG * 4,
            "process {pid} is left frozen"
        );
        sleep(Duration::from_millis(200));
    }
    tell(&format!(
        "a frozen daemon was replaced after {:.1?}",
        begun.elapsed()
    ));
    node.wait_for_role("slave").map(drop)
}

/// The slave's package goes, and what it had at work; its settings stay. The master serves on.
fn removed(nodes: &[Node; 2]) -> Result<()> {
    let node = &nodes[1];
    node.machine.run("dpkg --remove heartbeatd 2>&1")?;
    let (pins, programs) = node.at_work()?;
    ensure!(!pins.contains("heartbeatd"), "pinned still: {pins}");
    ensure!(
        !programs.contains("mgmt0") && !programs.contains("biz0"),
        "{programs}"
    );
    node.machine.run(&format!(
        "test -s {CONFIG} && test -s /var/lib/heartbeatd/epoch.json"
    ))?;
    nodes[0].wait_for_role("master").map(drop)
}

fn purged(node: &Node, before: &[String]) -> Result<()> {
    node.machine
        .run("dpkg --purge heartbeatd 2>&1 && rm -r /etc/systemd/system/heartbeatd.service.d")?;
    let after = node.files()?;
    let left: Vec<_> = (after.iter())
        .filter(|file| !before.contains(file) && !LEFT_BY_POLICY.contains(&file.as_str()))
        .collect();
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}
