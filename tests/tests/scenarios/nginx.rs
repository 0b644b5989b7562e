//! A pair of nginx gateways by the product's profile: brought back in place, or handed on.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::background::Background;
use heartbeat_tests::client::requester;
use heartbeat_tests::lab::nginx::Gateways;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::report::Answer;
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::killed::{Killed, outage};
use crate::scene::{Scene, scenario_with};

/// How long the client asks after each fault: longer than a check needs to see that nginx hangs.
const ASKING: Duration = Duration::from_millis(1_500);
/// And before each.
const BEFORE: Duration = Duration::from_millis(500);
/// Longest outage that a busy test machine may make of two checks that hang, half a second each, and a restart.
const RESTARTED: Duration = Duration::from_millis(2_500);

/// What happens to the master's gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// nginx is killed; it is started anew.
    Killed,
    /// nginx hangs and listens on; it is started anew.
    Hangs,
    /// nginx is killed and does not start any more.
    Lost,
    /// All else.
    Beside(Killed),
}

const FAULTS: [Fault; 5] = [
    Fault::Killed,
    Fault::Hangs,
    Fault::Lost,
    Fault::Beside(Killed::Daemon),
    Fault::Beside(Killed::Node),
];

#[test]
fn whatever_fails_of_a_gateway_no_request_is_answered_twice_and_only_a_lost_one_moves() {
    if skip::lacks("nginx", &[Need::Tool("nginx", "nginx-light")]) {
        return;
    }
    let gateways = Gateways::lay_out(1..=2).expect("the profile is there");
    let more = gateways.configuration().expect("the profile is there");
    let settings = Settings {
        more: Some(more.leak()),
        ..Settings::PAIR
    };
    scenario_with("nginx", settings, |scene| {
        play(scene, &gateways)
            .with_context(|| [1, 2].map(|slot| gateways.complaints(slot)).join("---\n"))
    });
}

fn play(scene: &mut Scene, gateways: &Gateways) -> Result<()> {
    for slot in [1, 2] {
        gateways.configure(slot, true)?;
        gateways.start(scene.cluster.lab(), slot)?;
    }
    scene.cluster.start_all()?;
    scene.settle_on_1()?;
    let mut master = 1;
    let client = scene.cluster.lab().topology().client();
    let address = scene.cluster.settings().virtual_address();
    let client = Background::start(client, move |stop| Ok(requester::ask(address, stop)))?;
    let mut begun = Vec::new();
    for fault in FAULTS {
        sleep(BEFORE);
        begun.push((fault, boot_ns()));
        master = fail(scene, gateways, master, fault)?;
    }
    sleep(ASKING);
    let answers = client.finish()?;
    let times: Vec<u64> = answers.iter().map(|answer| answer.at_ns).collect();
    for (fault, fault_ns) in begun {
        let outage = outage(&times, fault_ns, ASKING)?;
        println!("{fault:?}: {outage:?} without an answer");
        ensure!(outage < RESTARTED, "{fault:?}: {outage:?}");
    }
    answered_once(gateways, &answers)
}

/// Makes the fault on the master and waits for what follows; the slot of the master that there is then.
fn fail(scene: &mut Scene, gateways: &Gateways, master: u16, fault: Fault) -> Result<u16> {
    match fault {
        Fault::Killed | Fault::Hangs => {
            let calm = scene.calm()?;
            let before = gateways.process(master)?;
            let signal = if fault == Fault::Killed {
                Signal::SIGKILL
            } else {
                Signal::SIGSTOP
            };
            gateways.signal(master, signal)?;
            sleep(ASKING);
            scene.stayed(&calm)?;
            ensure!(gateways.process(master)? != before, "it was not restarted");
            Ok(master)
        }
        Fault::Lost => {
            gateways.configure(master, false)?;
            gateways.signal(master, Signal::SIGKILL)?;
            let next = scene.next_master(master)?;
            scene.steps_down(master, "its recovery did not help")?;
            gateways.configure(master, true)?;
            settles_on(scene, next)
        }
        Fault::Beside(killed) => {
            killed.kill(scene, master)?;
            let next = scene.next_master(master)?;
            sleep(ASKING);
            killed.heal(scene, master)?;
            settles_on(scene, next)
        }
    }
}

fn settles_on(scene: &Scene, master: u16) -> Result<u16> {
    ensure!(scene.cluster.settle()? == master, "it went back by itself");
    Ok(master)
}

/// What a node says that it answered was answered by no other one, and the client was answered by that node.
fn answered_once(gateways: &Gateways, answers: &[Answer]) -> Result<()> {
    let logs = [gateways.answered(1)?, gateways.answered(2)?];
    let by_both: Vec<_> = logs[0].intersection(&logs[1]).collect();
    ensure!(by_both.is_empty(), "answered by both: {by_both:?}");
    for answer in answers {
        let other = &logs[usize::from(2 - answer.node)];
        ensure!(!other.contains(&answer.number), "{answer:?} is another's");
    }
    println!(
        "{} requests answered; slot 1 tells of {}, slot 2 of {}",
        answers.len(),
        logs[0].len(),
        logs[1].len()
    );
    for slot in [1, 2] {
        let seen = answers.iter().filter(|answer| answer.node == slot).count();
        ensure!(seen > 200, "only {seen} answers of slot {slot}");
    }
    Ok(())
}
