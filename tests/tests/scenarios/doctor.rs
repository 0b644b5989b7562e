//! `heartbeatctl doctor` on a node: it finds what was done to the node, and nothing before.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::paths;
use heartbeat_tests::skip::{Need, lacks};
use serde_json::Value;

use crate::scene::{Scene, scenario};

#[test]
fn the_doctor_finds_what_was_done_to_a_node_and_no_fault_before() {
    if lacks("the_doctor_finds", &[Need::Nft]) {
        return;
    }
    scenario("doctor", |scene| {
        let found = examine(scene, 0)?;
        names(&found, "good", "votes", "3 of 3 electors answered")?;
        names(&found, "good", "lateness", "")
            .or_else(|_| names(&found, "note", "lateness", ""))
            .or_else(|_| {
                // A machine that withholds its processors: then this is what it has to say.
                names(&found, "warning", "lateness", "a master bears 30000 us")
            })?;
        names(&found, "good", "firewall", "no chain drops")?;
        names(&found, "good", "multicast", "is forwarded")?;
        // Veth has no interrupts to hold back.
        names(&found, "good", "management network", "not offered")?;

        let rules = "table inet doctor { chain input { type filter hook input priority 0; policy drop; \
                     udp dport 7406 accept; icmp type echo-request accept; }; }";
        inside(scene, "nft", &[rules])?;
        names(
            &examine(scene, 0)?,
            "good",
            "firewall",
            "a rule names port 7406",
        )?;
        inside(scene, "nft", &["flush ruleset"])?;

        let business = Network::Business.interface();
        inside(scene, "ip", &["link", "set", "dev", business, "down"])?;
        let found = examine(scene, 1)?;
        names(&found, "fault", "business network", "switched off")?;
        inside(scene, "ip", &["link", "set", "dev", business, "up"])
    });
}

/// Has slot 3 looked at, which must end with this exit code.
fn examine(scene: &Scene, exit: i32) -> Result<Vec<Value>> {
    let config = scene.cluster.lab().folder().join("heartbeatd.toml");
    let mut command = Command::new(paths::program("heartbeatctl")?);
    command
        .arg("--control")
        .arg(scene.cluster.daemon(3).socket())
        .args([
            "doctor",
            "--json",
            "--seconds",
            "1",
            "--slot",
            "3",
            "--config",
        ])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let node = scene.cluster.lab().topology().node(3);
    let output = node.spawn(&mut command)?.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(exit),
        "{}: {said}{error}",
        output.status
    );
    serde_json::from_str(&said).with_context(|| format!("no JSON: {said}"))
}

fn names(found: &[Value], weight: &str, subject: &str, words: &str) -> Result<()> {
    let is_it = |it: &Value| {
        it["weight"] == weight
            && it["subject"] == subject
            && it["text"].as_str().is_some_and(|text| text.contains(words))
    };
    if found.iter().any(is_it) {
        return Ok(());
    }
    bail!("no {weight} of {subject} that says {words:?} in {found:#?}");
}

/// Runs a program in slot 3's network namespace.
fn inside(scene: &Scene, program: &str, arguments: &[&str]) -> Result<()> {
    let node = scene.cluster.lab().topology().node(3);
    let status = node.spawn(Command::new(program).args(arguments))?.wait()?;
    ensure!(status.success(), "{program} {arguments:?}: {status}");
    Ok(())
}
