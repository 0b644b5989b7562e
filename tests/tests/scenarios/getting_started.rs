//! The manual on three nodes: what docs/getting-started.md and docs/maps.md say is typed, and what they show is seen; and
//! then the commands of docs/operations.md.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::installed::Installed;
use heartbeat_tests::lab::settings::{NATIVE, Settings};
use heartbeat_tests::manual::{Step, blocks, commands, is_typed};
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario_with};

const GETTING_STARTED: &str = include_str!("../../../docs/getting-started.md");
const MAPS: &str = include_str!("../../../docs/maps.md");
const OPERATIONS: &str = include_str!("../../../docs/operations.md");
/// How what only looks begins: a reader looks again until he sees it.
const LOOKS: [&str; 8] = [
    "heartbeatctl status",
    "heartbeatctl history",
    "heartbeatctl explain",
    "heartbeatctl alarms",
    "heartbeatctl members",
    "bpftool map ",
    "ip ",
    "ls ",
];
/// Who is master when the first page has ended: there the commands of operations are typed.
const LAST_MASTER: &str = "n2";
/// Before the next look.
const PAUSE: Duration = Duration::from_millis(50);
/// Fewest steps that the two pages have, and commands that the third one has.
const STEPS: usize = 30;
const COMMANDS: usize = 10;

#[test]
fn what_the_manual_says_is_typed_on_three_nodes_and_what_it_shows_is_seen() {
    if skip::lacks("getting_started", &[Need::Bpftool]) {
        return;
    }
    scenario_with("getting_started", Settings::default(), |scene| {
        let begun_ns = boot_ns();
        play(scene)?;
        // The client was served under the page's hands.
        let answered = [1, 2].map(|slot| scene.answers_of(slot, begun_ns));
        for answers in answered {
            ensure!(answers? > 50, "a master of the page did not answer");
        }
        Ok(())
    });
}

fn play(scene: &Scene) -> Result<()> {
    let lab = scene.cluster.lab();
    let folder = lab.folder();
    let names = lab
        .topology()
        .slots()
        .map(|slot| (slot, format!("n{slot}")));
    let nodes: BTreeMap<String, Installed<'_>> = names
        .map(|(slot, name)| {
            let node = Installed::lay_out(lab.topology().node(slot), folder, &name)?;
            Ok((name, node))
        })
        .collect::<Result<_>>()?;
    let mut played = 0;
    for block in [GETTING_STARTED, MAPS].into_iter().flat_map(blocks) {
        match block.language.as_str() {
            // The page's machines have cards; these have veths, whose other ends have a program.
            "toml" => {
                let (head, native) = ("[management]\n", format!("[management]\n{NATIVE}"));
                let text = block.text().replace(head, &native);
                fs::write(folder.join("n1/etc/heartbeatd.toml"), text)?;
            }
            "console" => {
                for step in block.steps() {
                    take(&step, &nodes)?;
                    played += 1;
                }
            }
            // What the machine that builds is told.
            _ => {}
        }
    }
    ensure!(
        played >= STEPS,
        "{played} steps: the pages' prompts are not found"
    );
    let mut typed = commands(OPERATIONS);
    typed.retain(|command| is_typed(command));
    ensure!(
        typed.len() >= COMMANDS,
        "{typed:?}: operations' commands are not found"
    );
    for command in typed {
        let step = Step {
            machine: LAST_MASTER.to_owned(),
            command,
            seen: Vec::new(),
        };
        take(&step, &nodes)?;
    }
    Ok(())
}

fn take(step: &Step, nodes: &BTreeMap<String, Installed<'_>>) -> Result<()> {
    let is_meant = |name: &str| step.machine == "all" || step.machine == name;
    let meant: Vec<_> = nodes.iter().filter(|(name, _)| is_meant(name)).collect();
    ensure!(!meant.is_empty(), "no machine {}", step.machine);
    for (name, node) in meant {
        one(step, node).with_context(|| format!("{name}# {}", step.command))?;
    }
    Ok(())
}

fn one(step: &Step, node: &Installed<'_>) -> Result<()> {
    let begun = Instant::now();
    let only_looks = LOOKS.iter().any(|look| step.command.starts_with(look));
    loop {
        let output = node.run(&step.command)?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && step.is_seen_in(&said) {
            return Ok(());
        }
        if !only_looks || begun.elapsed() > PATIENCE {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{}: the page shows {:#?}, and this was seen:\n{said}{error}",
                output.status,
                step.seen
            );
        }
        sleep(PAUSE);
    }
}
