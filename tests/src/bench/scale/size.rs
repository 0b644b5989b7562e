//! One size of cluster: a real master, two real electors beside it, and a crowd.

use std::collections::BTreeSet;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aya::programs::loaded_programs;
use heartbeat_user::sys::clock::boot_ns;
use serde_json::{Value, json};

use crate::bench::statistics::Summary;
use crate::lab::addresses::Network;
use crate::lab::cluster::Cluster;
use crate::lab::command::run;
use crate::lab::crowd::Crowd;
use crate::lab::delivery;
use crate::lab::settings::{Place, Settings};
use crate::lab::view::View;

/// The master: the crowd answers nobody else.
const MASTER: u16 = 1;
/// Longer than the product's own: of 10,000 members half answer to one probe, and on two processors the lab takes some
/// 13 ms to make so many answers and bring them to the master's counters. What a turn has to do does not hang on it.
const PERIOD: Duration = Duration::from_millis(50);
/// How long the quiet cluster is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Longest time until all members are seen as healthy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks while waiting: a status of 10,000 members is megabytes.
const PAUSE: Duration = Duration::from_millis(500);
/// Turns whose duration is asked for: the master counts all of them, in buckets that are half an octave wide.
const TURNS: usize = 41;
/// Between two such questions: no multiple of the period.
const BETWEEN_TURNS: Duration = Duration::from_millis(233);
/// How often members fall silent.
const ROUNDS: u64 = 3;
/// Most of them at a time, each at a moment of its own.
const MOST_SILENT: usize = 20;
/// Between two of them: no multiple of the period, so that they fall on every part of it.
const APART: Duration = Duration::from_millis(37);

/// What one size showed.
pub(super) struct Size {
    pub(super) members: u16,
    /// `local` of the master's status: its turns since the start.
    pub(super) local: Value,
    /// Some turns of the quiet cluster.
    pub(super) turns: Summary,
    /// Of one processor, in per cent.
    pub(super) pulse: f64,
    pub(super) responder: f64,
    /// Answers of the crowd in a period, on average.
    pub(super) answers: f64,
    /// Probes that the crowd did not see, so that nobody answered them.
    pub(super) skipped: u64,
    /// Answers that came no further than the master's wire: for want of a buffer, or since the ring of its end was
    /// full.
    pub(super) lost: u64,
    /// What one answer took the crowd, its way to the master's counters included, in nanoseconds.
    pub(super) answer_ns: u64,
    /// From a member's silence until the master shows it as missing.
    pub(super) detection: Summary,
    /// Members that were shown as missing, or newly healthy, and never fell silent.
    pub(super) false_ones: usize,
}

impl Size {
    pub(super) fn median_turn_us(&self) -> u64 {
        self.turns.median_ns / 1_000
    }

    /// Of all turns since the start, by the master's own count.
    pub(super) fn counted_turn_us(&self, which: &str) -> u64 {
        turn_us(&self.local, which)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "members": self.members,
            "local": self.local,
            "turns": self.turns.to_json(),
            "pulse_per_cent": self.pulse,
            "responder_per_cent": self.responder,
            "answers_per_period": self.answers,
            "probes_skipped": self.skipped,
            "answers_lost": self.lost,
            "answer_ns": self.answer_ns,
            "detection": self.detection.to_json(),
            "false_ones": self.false_ones,
        })
    }
}

pub(super) fn measure(members: u16) -> Result<Size> {
    let settings = Settings {
        crowd: Some(members),
        period: PERIOD,
        // The crowd has no business network.
        place: Place::On(Network::Management),
        ..Settings::default()
    };
    let mut cluster = Cluster::build(settings)?;
    cluster.start_all()?;
    // The links have what is set below once programs are attached to them.
    cluster.wait_for("a master", PATIENCE, View::agreed)?;
    // What a turn takes is to be the daemon's own.
    delivery::by_kernel_threads(cluster.lab().topology())?;
    let crowd = Crowd::start(cluster.lab(), settings.crowd())?;
    let measured = look(&cluster, &crowd, members);
    measured.with_context(|| cluster.daemon(MASTER).log_tail())
}

fn look(cluster: &Cluster, crowd: &Crowd, members: u16) -> Result<Size> {
    wait_for_all(cluster).with_context(|| format!("{:?}", crowd.done()))?;
    let begun_ns = boot_ns();
    let before = Spent::so_far(cluster, crowd)?;
    sleep(LOOK);
    let after = Spent::so_far(cluster, crowd)?;
    let turns = some_turns(cluster)?;
    let mut silenced = BTreeSet::new();
    let mut detections = Vec::new();
    for round in 0..ROUNDS {
        detections.extend(fall_silent(cluster, crowd, round, &mut silenced)?);
        wait_for_all(cluster)?;
    }
    let lost = Spent::so_far(cluster, crowd)?.lost - before.lost;
    let status = status(cluster)?;
    let changed = |member: &Value| {
        let slot = slot_of(member);
        let since = since_ns(member).unwrap_or(0);
        slot != MASTER && !silenced.contains(&slot) && since > begun_ns
    };
    let periods = (after.at_ns - before.at_ns) as f64 / cluster.settings().period.as_nanos() as f64;
    let per_cent = |ns: u64| ns as f64 * 100.0 / (after.at_ns - before.at_ns) as f64;
    Ok(Size {
        members,
        turns,
        pulse: per_cent(after.pulse_ns - before.pulse_ns),
        responder: per_cent(after.responder_ns - before.responder_ns),
        answers: (after.answers - before.answers) as f64 / periods,
        skipped: after.skipped - before.skipped,
        lost,
        answer_ns: (after.busy_ns - before.busy_ns) / (after.answers - before.answers).max(1),
        detection: Summary::of(detections).context("somebody fell silent")?,
        false_ones: members_of(&status)?
            .iter()
            .filter(|one| changed(one))
            .count(),
        local: status.get("local").cloned().unwrap_or_default(),
    })
}

/// How long some turns of the quiet cluster took.
fn some_turns(cluster: &Cluster) -> Result<Summary> {
    let turn = |_| {
        sleep(BETWEEN_TURNS);
        let status = status(cluster)?;
        Ok(turn_us(&status["local"], "last") * 1_000)
    };
    let turns: Result<Vec<u64>> = (0..TURNS).map(turn).collect();
    Summary::of(turns?).context("turns were asked for")
}

fn turn_us(local: &Value, which: &str) -> u64 {
    let key = format!("{which}_turn_us");
    local.get(&key).and_then(Value::as_u64).unwrap_or(0)
}

/// Has some members fall silent and come back; how long each was silent before the master showed it as missing.
fn fall_silent(
    cluster: &Cluster,
    crowd: &Crowd,
    round: u64,
    silenced: &mut BTreeSet<u16>,
) -> Result<Vec<u64>> {
    let chosen = chosen(crowd, round);
    let mut fell = Vec::new();
    for slot in &chosen {
        sleep(APART);
        crowd.silence(*slot, true);
        fell.push(boot_ns());
        silenced.insert(*slot);
    }
    sleep(cluster.settings().lease() * 4);
    let status = status(cluster)?;
    let all = members_of(&status)?;
    let missing: BTreeSet<u16> = (all.iter().filter(|member| !is_healthy(member)))
        .map(slot_of)
        .collect();
    let expected: BTreeSet<u16> = chosen.iter().copied().collect();
    ensure!(
        missing == expected,
        "{expected:?} fell silent, and the master misses {missing:?}"
    );
    let found = chosen.iter().zip(fell).map(|(slot, fell_ns)| {
        let member = all.iter().find(|member| slot_of(member) == *slot);
        let since = member.and_then(since_ns).context("it is missing since")?;
        Ok(since.saturating_sub(fell_ns))
    });
    let found = found.collect();
    for slot in &chosen {
        crowd.silence(*slot, false);
    }
    found
}

/// Some slots of the crowd, the same in every run, on all its parts.
fn chosen(crowd: &Crowd, round: u64) -> Vec<u16> {
    let mut slots: Vec<u16> = crowd.slots().collect();
    slots
        .sort_by_key(|slot| (u64::from(*slot) + round * 7_919).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    slots.truncate(MOST_SILENT);
    slots
}

fn wait_for_all(cluster: &Cluster) -> Result<()> {
    let begun = Instant::now();
    loop {
        let counts = status(cluster).and_then(|status| {
            ensure!(
                status["master_slot"] == MASTER,
                "the master is slot {MASTER}"
            );
            let members = members_of(&status)?;
            let healthy = members.iter().filter(|member| is_healthy(member)).count();
            Ok((healthy, members.len()))
        });
        match counts {
            Ok((healthy, all)) if healthy == all => return Ok(()),
            found => ensure!(
                begun.elapsed() < PATIENCE,
                "not all members became healthy: {found:?}"
            ),
        }
        sleep(PAUSE);
    }
}

fn status(cluster: &Cluster) -> Result<Value> {
    let contact = cluster.daemon(MASTER).contact();
    let output = contact.control(&["status", "--json"])?;
    serde_json::from_slice(&output.stdout).context("the master does not say how things are")
}

fn members_of(status: &Value) -> Result<&Vec<Value>> {
    let members = status.get("members").and_then(Value::as_array);
    members.context("a status has members")
}

fn slot_of(member: &Value) -> u16 {
    let slot = member.get("slot").and_then(Value::as_u64).unwrap_or(0);
    u16::try_from(slot).unwrap_or(0)
}

fn is_healthy(member: &Value) -> bool {
    let word = |key| member.get(key).and_then(Value::as_str);
    word("answering") == Some("healthy") && word("diagnosis") == Some("healthy")
}

fn since_ns(member: &Value) -> Option<u64> {
    member.get("answering_since_ns").and_then(Value::as_u64)
}

/// What was spent until now.
struct Spent {
    at_ns: u64,
    pulse_ns: u64,
    responder_ns: u64,
    answers: u64,
    skipped: u64,
    lost: u64,
    busy_ns: u64,
}

impl Spent {
    fn so_far(cluster: &Cluster, crowd: &Crowd) -> Result<Self> {
        let done = crowd.done();
        Ok(Self {
            at_ns: boot_ns(),
            pulse_ns: pulse_ns(cluster)?,
            responder_ns: responder_ns(),
            answers: done.answers,
            skipped: done.skipped,
            lost: done.refused + overruns(cluster)?,
            busy_ns: done.busy_ns,
        })
    }
}

/// Frames that the bridge's end of the master's wire dropped, since the ring of the other end was full.
fn overruns(cluster: &Cluster) -> Result<u64> {
    let topology = cluster.lab().topology();
    let port = topology.port(MASTER, Network::Management).name();
    let bridge = topology.bridge(Network::Management).name();
    let text = run(
        "ip",
        &["-netns", bridge, "-s", "-j", "link", "show", "dev", port],
    )?;
    let links: Value = serde_json::from_str(&text)?;
    let dropped = links.pointer("/0/stats64/tx/dropped");
    (dropped.and_then(Value::as_u64))
        .with_context(|| format!("{port} counts what it dropped: {text}"))
}

/// Processor time of the master's pulse.
fn pulse_ns(cluster: &Cluster) -> Result<u64> {
    let pid = cluster.daemon(MASTER).pid().context("the master runs")?;
    let threads = fs::read_dir(format!("/proc/{pid}/task"))?;
    let is_pulse = |name: &str| name.trim() == "pulse";
    threads
        .flatten()
        .find(|thread| {
            fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| is_pulse(&name))
        })
        .and_then(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .and_then(|text| text.split_ascii_whitespace().next()?.parse().ok())
        .context("the master has a pulse")
}

/// Time in the master's responder: the one of the lab's that has run most, since it hears all that the others hear and
/// all answers. Needs the kernel's statistics.
fn responder_ns() -> u64 {
    loaded_programs()
        .filter_map(Result::ok)
        .filter(|program| program.name_as_str() == Some("heartbeat"))
        .max_by_key(aya::programs::ProgramInfo::run_count)
        .map_or(0, |program| {
            u64::try_from(program.run_time().as_nanos()).unwrap_or(u64::MAX)
        })
}
