//! Round trips and processor time of answers made in the kernel and of the yardstick's, in turn over the
//! same link, on an idle machine and beside hogs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use aya::sys::{Stats, enable_stats};
use heartbeat_user::datapath::AttachMode;
use heartbeat_user::sys::realtime::{self, PULSE, Priority};
use serde_json::{Value, json};

use super::asker::{Asked, Asker, PERIOD};
use super::ground::{ANSWERER, Ground};
use super::yardstick::{self, Answered};
use super::{Bound, Part, Target, on_a_thread};
use crate::fault::hog;
use crate::lab::Lab;
use crate::lab::topology::Plan;

/// How often each answerer has its turn under each load.
const TURNS: usize = 6;
/// Probes of one turn.
const PROBES: usize = 500;
/// Of those hogs that are real-time: below the daemon's threads.
const HOGS_FIFO: u8 = 30;
/// How many times better the kernel's answers should be than the yardstick's beside hogs.
const BETTER_MEDIAN: f64 = 3.0;
/// The same at 99.9 %.
const BETTER_P999: f64 = 10.0;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answerer {
    /// The product's XDP program.
    Kernel,
    /// The same at tcx ingress, as beside another XDP program.
    KernelTcx,
    /// A thread at ordinary priority.
    Yardstick,
    /// The same at the priority of the daemon's pulse.
    RealtimeYardstick,
}

const ANSWERERS: [Answerer; 4] = [
    Answerer::Kernel,
    Answerer::KernelTcx,
    Answerer::Yardstick,
    Answerer::RealtimeYardstick,
];

impl Answerer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::KernelTcx => "kernel, at tcx",
            Self::Yardstick => "yardstick",
            Self::RealtimeYardstick => "yardstick, SCHED_FIFO 52",
        }
    }

    const fn priority(self) -> Option<Priority> {
        match self {
            Self::Kernel | Self::KernelTcx | Self::Yardstick => None,
            Self::RealtimeYardstick => Some(PULSE),
        }
    }
}

/// What else the machine does: hogs on every processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Idle,
    Nice,
    Fifo,
}

const LOADS: [Load; 3] = [Load::Idle, Load::Nice, Load::Fifo];

impl Load {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Nice => "hogs at nice 0",
            Self::Fifo => "hogs at SCHED_FIFO 30",
        }
    }

    const fn fifo(self) -> Option<Option<u8>> {
        match self {
            Self::Idle => None,
            Self::Nice => Some(None),
            Self::Fifo => Some(Some(HOGS_FIFO)),
        }
    }
}

/// One answerer under one load, all turns.
struct Series {
    answerer: Answerer,
    load: Load,
    asked: Asked,
    /// By the answerer: its thread, or its program.
    answered: Answered,
}

/// Measures all.
pub(super) fn measure() -> Result<Part> {
    let lab = Lab::build(Plan {
        nodes: ANSWERER,
        ..crate::lab::settings::Settings::default().plan
    })?;
    // As the daemon's pulse asks.
    let all = on_a_thread(|| {
        let _priority = realtime::enter(PULSE)?;
        let mut asker = Asker::new(&lab)?;
        let mut all = Vec::new();
        for load in LOADS {
            let hogs = load
                .fifo()
                .map(|fifo| hog::start(&lab, lab.topology().node(ANSWERER), fifo));
            let _hogs = hogs.transpose()?;
            let mut series = ANSWERERS.map(|answerer| Series {
                answerer,
                load,
                asked: Asked::default(),
                answered: Answered::default(),
            });
            for _ in 0..TURNS {
                for one in &mut series {
                    turn(&lab, &mut asker, one)
                        .with_context(|| format!("{}, {}", one.answerer.as_str(), load.as_str()))?;
                }
            }
            all.extend(series);
        }
        Ok(all)
    })?;
    part(&all)
}

fn turn(lab: &Lab, asker: &mut Asker, series: &mut Series) -> Result<()> {
    let (asked, answered) = match series.answerer {
        Answerer::Kernel => by_kernel(lab, asker, AttachMode::Native)?,
        Answerer::KernelTcx => by_kernel(lab, asker, AttachMode::Tc)?,
        Answerer::Yardstick | Answerer::RealtimeYardstick => {
            by_yardstick(lab, asker, series.answerer.priority())?
        }
    };
    series.asked.round_trips.extend(asked.round_trips);
    series.asked.cpu_ns += asked.cpu_ns;
    series.answered.answers += answered.answers;
    series.answered.cpu_ns += answered.cpu_ns;
    Ok(())
}

fn by_kernel(lab: &Lab, asker: &mut Asker, wanted: AttachMode) -> Result<(Asked, Answered)> {
    let mut ground = Ground::load(ANSWERER)?;
    ground.attach_responder(lab, wanted)?;
    let _statistics = enable_stats(Stats::RunTime)?;
    let asked = asker.ask(PROBES)?;
    let (answers, cpu_ns) = ground.ran()?;
    Ok((asked, Answered { answers, cpu_ns }))
}

fn by_yardstick(
    lab: &Lab,
    asker: &mut Asker,
    priority: Option<Priority>,
) -> Result<(Asked, Answered)> {
    let socket = yardstick::socket(lab)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let answering = scope.spawn(|| yardstick::answer(&socket, priority, &stop));
        let asked = asker.ask(PROBES);
        stop.store(true, Ordering::Relaxed);
        let answered = answering
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((asked?, answered))
    })
}

/// Percentiles of round trips, in nanoseconds; `None`: longer than a period.
struct Spread {
    median: Option<u64>,
    p99: Option<u64>,
    p999: Option<u64>,
    within: usize,
    count: usize,
}

impl Spread {
    fn of(round_trips: &[Option<u64>]) -> Self {
        let mut sorted: Vec<u64> = round_trips.iter().flatten().copied().collect();
        sorted.sort_unstable();
        let count = round_trips.len();
        // Nearest rank among all, of which those that took longer are the last.
        let rank = |per_mille: usize| sorted.get((count * per_mille).div_ceil(1000).max(1) - 1);
        Self {
            median: rank(500).copied(),
            p99: rank(990).copied(),
            p999: rank(999).copied(),
            within: sorted.len(),
            count,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times of less than days in nanoseconds are exact in a double"
)]
fn microseconds(time: Option<u64>) -> String {
    match time {
        Some(time_ns) => format!("{:.1}", time_ns as f64 / 1e3),
        None => format!("> {}", PERIOD.as_micros()),
    }
}

/// How many times longer the yardstick takes: at least, where it took longer than a period.
#[expect(
    clippy::cast_precision_loss,
    reason = "times of less than days in nanoseconds are exact in a double"
)]
fn ratio(kernel: Option<u64>, yardstick: Option<u64>) -> f64 {
    let Some(kernel) = kernel else {
        return 0.0;
    };
    yardstick.unwrap_or(super::ns(PERIOD)) as f64 / kernel.max(1) as f64
}

/// Nanoseconds that stand for seconds a million.
#[expect(
    clippy::cast_precision_loss,
    reason = "times of less than days in nanoseconds are exact in a double"
)]
fn seconds_a_million(cpu_ns: u64, answers: u64) -> f64 {
    cpu_ns as f64 / answers.max(1) as f64 / 1e3
}

fn part(all: &[Series]) -> Result<Part> {
    let mut text = format!(
        "Round trips, us, as the asking kernel noted them, {} probes each, one every {PERIOD:?}; and seconds of \
         processor time for a million answers.\n\n\
         | machine | answers come from | median | 99 % | 99.9 % | within a period | answerer, s | answerer and asker, s |\n\
         |---|---|---|---|---|---|---|---|\n",
        TURNS * PROBES
    );
    let mut rows: Vec<Value> = Vec::new();
    for one in all {
        let spread = Spread::of(&one.asked.round_trips);
        ensure!(
            one.answered.answers > 0,
            "{} answered nothing, {}",
            one.answerer.as_str(),
            one.load.as_str()
        );
        let own = seconds_a_million(one.answered.cpu_ns, one.answered.answers);
        let both = whole(one);
        text += &format!(
            "| {} | {} | {} | {} | {} | {} of {} | {own:.2} | {both:.2} |\n",
            one.load.as_str(),
            one.answerer.as_str(),
            microseconds(spread.median),
            microseconds(spread.p99),
            microseconds(spread.p999),
            spread.within,
            spread.count,
        );
        rows.push(json!({
            "machine": one.load.as_str(),
            "answerer": one.answerer.as_str(),
            "median_ns": spread.median,
            "p99_ns": spread.p99,
            "p999_ns": spread.p999,
            "within_a_period": spread.within,
            "probes": spread.count,
            "answers": one.answered.answers,
            "answerer_cpu_s_a_million": own,
            "both_cpu_s_a_million": both,
        }));
    }
    Ok(Part {
        name: "round_trips",
        text,
        json: json!({"period_ns": super::ns(PERIOD), "series": rows}),
        targets: targets(all),
    })
}

/// Processor time of both ends: the asker's thread also carries the frames over the lab's wires, and in
/// the kernel's case runs both programs; the yardstick's carries its own answers.
fn whole(one: &Series) -> f64 {
    let cpu_ns = match one.answerer {
        Answerer::Kernel | Answerer::KernelTcx => one.asked.cpu_ns,
        Answerer::Yardstick | Answerer::RealtimeYardstick => one.asked.cpu_ns + one.answered.cpu_ns,
    };
    seconds_a_million(cpu_ns, one.asked.round_trips.len() as u64)
}

fn targets(all: &[Series]) -> Vec<Target> {
    let of = |answerer, load| {
        let mut found = all.iter();
        let found = found.find(|one| one.answerer == answerer && one.load == load);
        Spread::of(&found.expect("every pair is measured").asked.round_trips)
    };
    let mut targets = Vec::new();
    for load in [Load::Nice, Load::Fifo] {
        for answerer in [Answerer::Yardstick, Answerer::RealtimeYardstick] {
            let (kernel, other) = (of(Answerer::Kernel, load), of(answerer, load));
            let target = |what, measured, bound| Target {
                what: format!(
                    "round trip, {what}, {}: {} over kernel",
                    load.as_str(),
                    answerer.as_str()
                ),
                measured,
                bound: Bound::AtLeast(bound),
            };
            targets.push(target(
                "median",
                ratio(kernel.median, other.median),
                BETTER_MEDIAN,
            ));
            targets.push(target(
                "99.9 %",
                ratio(kernel.p999, other.p999),
                BETTER_P999,
            ));
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_longer_than_a_period_is_the_end_of_every_percentile() {
        let mut round_trips: Vec<Option<u64>> = (1..=990).map(Some).collect();
        round_trips.extend([None; 10]);
        let spread = Spread::of(&round_trips);
        assert_eq!((spread.median, spread.p99), (Some(500), Some(990)));
        assert_eq!(
            (spread.p999, spread.within, spread.count),
            (None, 990, 1000)
        );
    }
}
