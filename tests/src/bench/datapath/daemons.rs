//! What an idle daemon takes of a processor, and how long a turn of its pulse takes, at default settings.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Bound, Part, Target, ns};
use crate::lab::cluster::Cluster;
use crate::lab::settings::Settings;

/// How long it is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Most of a core that an idle daemon may take, in per cent.
const MOST_PER_CENT: f64 = 1.0;

/// Measures a cluster that nothing happens to.
pub(super) fn measure() -> Result<Part> {
    let cluster = Cluster::start(Settings::default())?;
    let master = cluster.settle()?;
    let slots: Vec<u16> = cluster.lab().topology().slots().collect();
    sleep(Duration::from_secs(1));
    let before = slots.iter().map(|slot| cluster.daemon(*slot).ran_ns());
    let before: Vec<u64> = before.collect::<Result<_>>()?;
    let begun = Instant::now();
    sleep(LOOK);
    let after = slots.iter().map(|slot| cluster.daemon(*slot).ran_ns());
    let after: Vec<u64> = after.collect::<Result<_>>()?;
    let took = begun.elapsed();
    let view = cluster.view();
    let period = cluster.settings().period;
    let mut text = format!(
        "Idle daemons, period {period:?}, {LOOK:?}: processor time of all threads, and turns of the pulse in us.\n\n\
         | role | per cent of a core | turn, median | turn, 99.9 % | turn, worst | lateness, 99.9 % | lateness, worst |\n\
         |---|---|---|---|---|---|---|\n"
    );
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    for ((slot, before), after) in slots.iter().zip(before).zip(after) {
        let role = if *slot == master { "master" } else { "slave" };
        let share = per_cent(after - before, took);
        let local = view
            .of(*slot)
            .and_then(|status| status.get("local"))
            .with_context(|| format!("slot {slot} says nothing of its turns"))?;
        let of = |name: &str| local.get(name).and_then(Value::as_u64).unwrap_or_default();
        text += &format!(
            "| {role} | {share:.2} | {} | {} | {} | {} | {} |\n",
            of("median_turn_us"),
            of("p999_turn_us"),
            of("worst_turn_us"),
            of("p999_lateness_us"),
            of("worst_lateness_us")
        );
        rows.push(json!({"slot": slot, "role": role, "per_cent": share, "local": local}));
        targets.push(Target {
            what: format!("idle {role} in slot {slot}, per cent of a core"),
            measured: share,
            bound: Bound::AtMost(MOST_PER_CENT),
        });
    }
    Ok(Part {
        name: "daemons",
        text,
        json: json!({"period_ns": ns(period), "looked_ns": ns(took), "nodes": rows}),
        targets,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some seconds in nanoseconds are exact in a double"
)]
fn per_cent(ran_ns: u64, took: Duration) -> f64 {
    ran_ns as f64 * 100.0 / ns(took) as f64
}
