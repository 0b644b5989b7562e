//! Nanoseconds of the gate by packet, beside an empty classifier in the same run.

use anyhow::{Result, ensure};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_user::sys::realtime;
use heartbeat_wire::Epoch;
use heartbeat_wire::verdict::GateVerdict;
use serde_json::{Value, json};

use super::object::Object;
use super::{Bound, PRIORITY, Part, Target, ns, on_a_thread};
use crate::bench::statistics::Summary;
use crate::kernel::{Kernel, OWN_SLOT, VIP, config, stay_on_first_cpu};

/// How often every packet is measured, in turn.
const ROUNDS: usize = 100;
/// Runs of one measurement.
const TIMES: u32 = 10_000;
/// A lease that outlasts the measurement, and the longest that the gate then believes, in nanoseconds.
const LEASE_NS: u64 = 600_000_000_000;
/// Most nanoseconds that the gate may add to a packet.
const MOST_NS: f64 = 50.0;

/// A packet and how it comes to the gate.
struct Case {
    what: &'static str,
    side: &'static str,
    from: [u8; 4],
    to: [u8; 4],
    open: bool,
    verdict: Option<GateVerdict>,
}

const CLIENT: [u8; 4] = [203, 0, 113, 200];
const OWN: [u8; 4] = [203, 0, 113, 2];

const CASES: [Case; 6] = [
    case("other traffic, out", "gate_out", OWN, CLIENT, true, None),
    case("other traffic, in", "gate_in", CLIENT, OWN, true, None),
    case(
        "from the address, open",
        "gate_out",
        VIP,
        CLIENT,
        true,
        Some(GateVerdict::OpenOut),
    ),
    case(
        "to the address, open",
        "gate_in",
        CLIENT,
        VIP,
        true,
        Some(GateVerdict::OpenIn),
    ),
    case(
        "from the address, shut",
        "gate_out",
        VIP,
        CLIENT,
        false,
        Some(GateVerdict::ShutOut),
    ),
    case(
        "to the address, shut",
        "gate_in",
        CLIENT,
        VIP,
        false,
        Some(GateVerdict::ShutIn),
    ),
];

const fn case(
    what: &'static str,
    side: &'static str,
    from: [u8; 4],
    to: [u8; 4],
    open: bool,
    verdict: Option<GateVerdict>,
) -> Case {
    Case {
        what,
        side,
        from,
        to,
        open,
        verdict,
    }
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
    config.max_lease_ns = LEASE_NS;
    let mut kernel = Kernel::load_with(config)?;
    let object = Object::load(&kernel)?;
    let mut empty = Vec::new();
    let mut gate = CASES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (case, all) in CASES.iter().zip(&mut gate) {
            let packet = tcp(case.from, case.to);
            kernel.reset()?;
            if case.open {
                let words = &kernel.opened.words;
                words.set_lease(Epoch::new(1, OWN_SLOT), boot_ns() + LEASE_NS / 2);
            }
            empty.push(ns(object.time_empty_tc(&packet, TIMES)?));
            let before = kernel.gate_verdicts()?;
            all.push(ns(kernel.time_gate(case.side, &packet, TIMES)?));
            let after = kernel.gate_verdicts()?;
            for verdict in GateVerdict::ALL {
                let count = |counts: &std::collections::BTreeMap<_, u64>| {
                    counts.get(verdict).copied().unwrap_or_default()
                };
                let grown = count(&after) - count(&before);
                let expected = if case.verdict == Some(*verdict) {
                    TIMES
                } else {
                    0
                };
                ensure!(
                    grown == u64::from(expected),
                    "{}: {verdict:?} {grown}",
                    case.what
                );
            }
        }
    }
    let empty = Summary::of(empty).expect("there are rounds");
    let rows: Vec<(&Case, Summary)> = CASES
        .iter()
        .zip(gate)
        .map(|(case, all)| (case, Summary::of(all).expect("there are rounds")))
        .collect();
    Ok(part(empty, &rows))
}

/// A TCP segment of 64 bytes with nothing in it that the gate looks at but its addresses.
fn tcp(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0x02; 12];
    packet.extend([0x08, 0x00, 0x45, 0, 0, 50, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    packet.extend(from);
    packet.extend(to);
    packet.resize(64, 0);
    packet
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds of one packet are exact in a double"
)]
fn added(gate: &Summary, empty: &Summary) -> f64 {
    gate.median_ns as f64 - empty.median_ns as f64
}

fn part(empty: Summary, rows: &[(&Case, Summary)]) -> Part {
    let mut text = format!(
        "Gate, one packet, ns. {ROUNDS} rounds of {TIMES} runs each. Empty classifier: {} / {} / {} (minimum, median, maximum).\n\n\
         | packet | min | median | max | over the empty classifier |\n|---|---|---|---|---|\n",
        empty.min_ns, empty.median_ns, empty.max_ns
    );
    for (case, gate) in rows {
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            case.what,
            gate.min_ns,
            gate.median_ns,
            gate.max_ns,
            added(gate, &empty)
        );
    }
    let packets: Vec<Value> = rows
        .iter()
        .map(|(case, gate)| {
            json!({"packet": case.what, "gate": gate.to_json(), "over_empty_ns": added(gate, &empty)})
        })
        .collect();
    let target = |(case, gate): &(&Case, Summary)| Target {
        what: format!("gate, {}, ns over an empty classifier", case.what),
        measured: added(gate, &empty),
        bound: Bound::AtMost(MOST_NS),
    };
    Part {
        name: "packets",
        text,
        json: json!({"rounds": ROUNDS, "runs": TIMES, "empty": empty.to_json(), "packets": packets}),
        targets: rows.iter().map(target).collect(),
    }
}
