//! Nanoseconds of the responder by verdict, beside an empty program in the same run.

use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_user::sys::realtime;
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

/// One case, all rounds.
struct Measured {
    case: Case,
    /// The product's code, as if it were a program of its own.
    code: Summary,
    /// The product's own program on one frame again and again, where that changes nothing.
    itself: Option<Summary>,
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
    let mut rows: Vec<(Case, Vec<u64>, Vec<u64>)> =
        CASES.map(|case| (case, Vec::new(), Vec::new())).into();
    let mut sequence = 1;
    for _ in 0..ROUNDS {
        let nothing = object.time("bench_empty")?;
        empty.push(ns(nothing));
        for (case, code, itself) in &mut rows {
            let frames = case.prepare(&kernel, sequence)?;
            sequence += u64::from(FRAMES);
            object.prepare(&frames, case.unlimited_slot())?;
            let copy = object.time("bench_copy")?;
            let both = counted(&mut kernel, *case, || object.time("bench_act"))?;
            // What a program of the code alone takes: what any program takes, and the code.
            code.push((ns(both) + ns(nothing)).saturating_sub(ns(copy)));
            if case.repeats() {
                itself.push(ns(kernel.time_responder(&frames[0], FRAMES)?));
            }
        }
    }
    let empty = Summary::of(empty).expect("there are rounds");
    let measured: Vec<Measured> = rows
        .into_iter()
        .map(|(case, code, itself)| Measured {
            case,
            code: Summary::of(code).expect("there are rounds"),
            itself: Summary::of(itself),
        })
        .collect();
    Ok(part(empty, &measured))
}

/// Runs `run` and fails unless every frame of it came to the verdict that its case is named for.
fn counted(
    kernel: &mut Kernel,
    case: Case,
    run: impl FnOnce() -> Result<Duration>,
) -> Result<Duration> {
    let before = kernel.verdicts()?;
    let took = run()?;
    let after = kernel.verdicts()?;
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
    Ok(took)
}

fn part(empty: Summary, measured: &[Measured]) -> Part {
    let mut text = format!(
        "Responder, one frame, ns. {ROUNDS} rounds of {FRAMES} frames each. Empty program: {} / {} / {} (minimum, median, maximum).\n\n\
         | frame | min | median | max | times the empty program | the shipped program itself |\n\
         |---|---|---|---|---|---|\n",
        empty.min_ns, empty.median_ns, empty.max_ns
    );
    for one in measured {
        let itself = one
            .itself
            .map_or("-".to_owned(), |itself| itself.median_ns.to_string());
        text += &format!(
            "| {} | {} | {} | {} | {:.1} | {itself} |\n",
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
                "verdict": one.case.verdict().map(heartbeat_wire::Verdict::as_str),
                "code": one.code.to_json(),
                "times_empty": times(one, &empty),
                "shipped_program": one.itself.map(|itself| itself.to_json()),
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
