//! Nanoseconds of the responder by verdict, beside an empty program in the same run.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use heartbeat_user::sys::realtime;
use heartbeat_wire::Verdict;
use serde_json::{Value, json};

use super::case::{CASES, Case};
use super::object::{FRAMES, Object};
use super::{Bound, PRIORITY, Part, Target, ns, on_a_thread};
use crate::bench::statistics::Summary;
use crate::kernel::{Kernel, config, stay_on_first_cpu};

/// How often every case is measured, one after the other, so that whatever the machine does hits all. Each
/// measurement waits for the kernel to take the program into its dispatcher and out again.
const ROUNDS: usize = 20;
/// Age at which an answer is stale: none ever is while its frames are being made.
const DETECT_NS: u64 = 3_600_000_000_000;

/// Frames by verdict.
type Counts = BTreeMap<Verdict, u64>;

/// One case, all rounds.
struct Measured {
    case: Case,
    code: Summary,
}

/// Measures all.
pub(super) fn measure() -> Result<Part> {
    on_a_thread(|| {
        stay_on_first_cpu()?;
        let _priority = realtime::enter(PRIORITY)?;
        measure_here()
    })
}

fn measure_here() -> Result<Part> {
    let mut config = config();
    config.detect_ns = DETECT_NS;
    let mut kernel = Kernel::load_with(config)?;
    let mut object = Object::load(&kernel)?;
    let mut empty = Vec::new();
    let mut rows = CASES.map(|case| (case, Vec::new()));
    let mut sequence = 1;
    for _ in 0..ROUNDS {
        empty.push(ns(object.time_empty()?));
        let mut copies = Copies::default();
        for (case, _) in &rows {
            let frames = case.prepare(&kernel, sequence)?;
            sequence += u64::from(FRAMES);
            object.prepare(&frames, case.unlimited_slot())?;
            let mut run = Run::default();
            if case.repeats() {
                let before = kernel.verdicts()?;
                run.shipped = Some(ns(kernel.time_responder(&frames[0], FRAMES)?));
                check(*case, &before, &kernel.verdicts()?)?;
            }
            if case.yardstick().is_some() || is_yardstick(*case) {
                let before = kernel.verdicts()?;
                run.copied = Some(ns(object.time_act()?));
                check(*case, &before, &kernel.verdicts()?)?;
            }
            copies.note(*case, run);
        }
        for (case, code) in &mut rows {
            code.push(copies.code_of(*case).context("every case is measured")?);
        }
    }
    let empty = Summary::of(empty).expect("there are rounds");
    let measured = rows.map(|(case, code)| Measured {
        case,
        code: Summary::of(code).expect("there are rounds"),
    });
    Ok(part(empty, &measured))
}

/// What one frame took in one round, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// The shipped program, on one frame again and again.
    shipped: Option<u64>,
    /// The benchmark's entry: a new frame copied into the packet, then the same code.
    copied: Option<u64>,
}

/// One round's runs.
#[derive(Debug, Default)]
struct Copies(Vec<(Case, Run)>);

impl Copies {
    fn note(&mut self, case: Case, run: Run) {
        self.0.push((case, run));
    }

    fn of(&self, case: Case) -> Option<Run> {
        let mut runs = self.0.iter();
        runs.find(|(of, _)| *of == case).map(|(_, run)| *run)
    }

    /// What the code takes for a frame of this sort: the shipped program's time, or the entry's without the
    /// copy. The copy is what the entry takes longer for a frame that both can run.
    fn code_of(&self, case: Case) -> Option<u64> {
        let run = self.of(case)?;
        let Some(yardstick) = case.yardstick() else {
            return run.shipped;
        };
        let yardstick = self.of(yardstick)?;
        Some((run.copied? + yardstick.shipped?).saturating_sub(yardstick.copied?))
    }
}

/// Whether the copy's cost is told by this case.
fn is_yardstick(case: Case) -> bool {
    CASES.iter().any(|other| other.yardstick() == Some(case))
}

/// Fails unless every frame came to the verdict that its case is named for.
fn check(case: Case, before: &Counts, after: &Counts) -> Result<()> {
    let grown: Vec<_> = after
        .iter()
        .map(|(verdict, count)| (*verdict, count - before.get(verdict).unwrap_or(&0)))
        .filter(|(_, grown)| *grown > 0)
        .collect();
    let all = u64::from(FRAMES);
    let expected = case.verdict().map(|verdict| (verdict, all));
    // The limit lets the first few through: they are another case.
    let fits = match case {
        Case::RefusalLimited => grown.last().is_some_and(|(verdict, count)| {
            Some(*verdict) == case.verdict() && *count > all * 9 / 10
        }),
        _ => grown == Vec::from_iter(expected),
    };
    ensure!(
        fits,
        "{}: the frames were counted as {grown:?}",
        case.as_str()
    );
    Ok(())
}

fn part(empty: Summary, measured: &[Measured]) -> Part {
    let mut text = format!(
        "Responder, one frame, ns. {ROUNDS} rounds of {FRAMES} frames each. Empty program: {} / {} / {} (minimum, median, maximum).\n\n\
         | frame | min | median | max | times the empty program |\n\
         |---|---|---|---|---|\n",
        empty.min_ns, empty.median_ns, empty.max_ns
    );
    for one in measured {
        text += &format!(
            "| {} | {} | {} | {} | {:.1} |\n",
            one.case.as_str(),
            one.code.min_ns,
            one.code.median_ns,
            one.code.max_ns,
            times(one, &empty),
        );
    }
    let cases: Vec<Value> = measured
        .iter()
        .map(|one| {
            json!({
                "frame": one.case.as_str(),
                "verdict": one.case.verdict().map(Verdict::as_str),
                "by": if one.case.repeats() { "shipped program" } else { "copying entry" },
                "code": one.code.to_json(),
                "times_empty": times(one, &empty),
            })
        })
        .collect();
    Part {
        name: "frames",
        text,
        json: json!({"rounds": ROUNDS, "frames": FRAMES, "empty": empty.to_json(), "cases": cases}),
        targets: measured
            .iter()
            .filter_map(|one| Some(target(one, most_times(one.case)?, &empty)))
            .collect(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds of one frame are exact in a double"
)]
fn times(one: &Measured, empty: &Summary) -> f64 {
    one.code.median_ns as f64 / empty.median_ns as f64
}

/// How many times the empty program's time a frame may take, where there is a target.
const fn most_times(case: Case) -> Option<f64> {
    match case {
        Case::OtherTcp | Case::OtherGroup | Case::OtherPort | Case::OtherCluster => Some(1.5),
        Case::ReplyCounted => Some(6.0),
        Case::Granted => Some(12.0),
        Case::Malformed
        | Case::Unauthentic
        | Case::UnauthenticTwoKeys
        | Case::Impostor
        | Case::Replayed
        | Case::RefusalLimited
        | Case::Refused
        | Case::QueryAnswered
        | Case::Stale => None,
    }
}

fn target(one: &Measured, most: f64, empty: &Summary) -> Target {
    Target {
        what: format!("{}, times the empty program", one.case.as_str()),
        measured: times(one, empty),
        bound: Bound::AtMost(most),
    }
}
