//! What an idle daemon takes of a processor, and how long a turn of its pulse takes, at default settings.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Bound, Part, Target, ns};
use crate::lab::cluster::Cluster;
use crate::lab::delivery;
use crate::lab::settings::Settings;

/// How long it is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Most of a core that an idle daemon may take, in per cent.
const MOST_PER_CENT: f64 = 1.0;

/// Measures a cluster that nothing happens to: once where each sender's processor time has the whole network's in it,
/// as in every lab, and once where it is the daemon's own.
pub(super) fn measure() -> Result<Part> {
    let cluster = Cluster::start(Settings::default())?;
    let master = cluster.settle()?;
    let period = cluster.settings().period;
    let mut text = format!(
        "Idle daemons, period {period:?}, {LOOK:?} each: processor time of all threads, and turns of the pulse in us \
         since the start. On virtual links the sender pays for the whole way of its frames and of the replies to them; \
         with the kernel's threads delivering, as a network card would, it pays for its own work.\n\n\
         | delivery | role | per cent of a core | turn, median | turn, 99.9 % | turn, worst | lateness, 99.9 % | lateness, worst |\n\
         |---|---|---|---|---|---|---|---|\n"
    );
    let mut runs = Vec::new();
    let sender = look(&cluster, master, "by the sender", &mut text)?;
    runs.push(json!({"delivery": "sender", "nodes": sender.nodes}));
    delivery::by_kernel_threads(cluster.lab().topology())?;
    let threads = look(&cluster, master, "by the kernel's threads", &mut text)?;
    runs.push(json!({"delivery": "threads", "nodes": threads.nodes}));
    Ok(Part {
        name: "daemons",
        text,
        json: json!({"period_ns": ns(period), "looked_ns": ns(LOOK), "runs": runs}),
        targets: threads.targets,
    })
}

/// What one look brought.
struct Look {
    nodes: Vec<Value>,
    targets: Vec<Target>,
}

fn look(cluster: &Cluster, master: u16, delivery: &str, text: &mut String) -> Result<Look> {
    let slots: Vec<u16> = cluster.lab().topology().slots().collect();
    sleep(Duration::from_secs(1));
    let ran_ns = |slot: &u16| cluster.daemon(*slot).ran_ns();
    let before: Vec<u64> = slots.iter().map(ran_ns).collect::<Result<_>>()?;
    let begun = Instant::now();
    sleep(LOOK);
    let after: Vec<u64> = slots.iter().map(ran_ns).collect::<Result<_>>()?;
    let took = begun.elapsed();
    let view = cluster.view();
    let (mut nodes, mut targets) = (Vec::new(), Vec::new());
    for ((slot, before), after) in slots.iter().zip(before).zip(after) {
        let role = if *slot == master { "master" } else { "slave" };
        let share = per_cent(after - before, took);
        let local = view
            .of(*slot)
            .and_then(|status| status.get("local"))
            .with_context(|| format!("slot {slot} says nothing of its turns"))?;
        let of = |name: &str| local.get(name).and_then(Value::as_u64).unwrap_or_default();
        *text += &format!(
            "| {delivery} | {role} | {share:.2} | {} | {} | {} | {} | {} |\n",
            of("median_turn_us"),
            of("p999_turn_us"),
            of("worst_turn_us"),
            of("p999_lateness_us"),
            of("worst_lateness_us")
        );
        nodes.push(json!({"slot": slot, "role": role, "per_cent": share, "local": local}));
        targets.push(Target {
            what: format!("idle {role} in slot {slot}, per cent of a core"),
            measured: share,
            bound: Bound::AtMost(MOST_PER_CENT),
        });
    }
    Ok(Look { nodes, targets })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some seconds in nanoseconds are exact in a double"
)]
fn per_cent(ran_ns: u64, took: Duration) -> f64 {
    ran_ns as f64 * 100.0 / ns(took) as f64
}
