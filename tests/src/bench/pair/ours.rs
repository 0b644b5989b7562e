//! This product's pair, whose service is watched by its process.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_user::sys::clock::boot_ns;

use super::fault::Fault;
use super::{Series, series};
use crate::lab::cluster::{Cluster, PATIENCE};
use crate::lab::settings::Settings;
use crate::lab::watch::Watch;
use crate::report::sight::{BEFORE_NS, Sight};
use crate::trial::Trial;

/// How long client and observer look on before the first fault, and after each.
const QUIET: Duration = Duration::from_millis(500);
/// How often a fault may hit a node that lost mastership by itself at the same time.
const MOST_MISSES: usize = 20;

/// The process that answers the clients; its end is told by the kernel, so the interval says nothing. It is ended
/// more often than anybody's service in earnest.
const SERVICE: &str = r#"
[handovers]
most = 100
[[service]]
name = "answers"
process = { pid_file = "{node}/service.pid" }
interval = "1s"
"#;

pub(super) fn measure(repetitions: usize) -> Result<Vec<Series>> {
    let settings = Settings {
        more: Some(SERVICE),
        ..Settings::PAIR
    };
    let mut cluster = Cluster::start(settings)?;
    let mut watch = cluster.lab().watch()?;
    sleep(QUIET);
    let measured = series(repetitions, |fault| {
        for _ in 0..MOST_MISSES {
            if let Some(sight) = suffer(&mut cluster, &mut watch, fault)? {
                return Ok(sight);
            }
        }
        anyhow::bail!("mastership is lost by itself more often than by the fault")
    });
    measured.with_context(|| cluster.story())
}

/// One fault; `None` if mastership was lost by itself at the same time.
fn suffer(cluster: &mut Cluster, watch: &mut Watch, fault: Fault) -> Result<Option<Sight>> {
    let trial = match fault {
        Fault::NodeDeath => Trial::NodeDeath,
        Fault::Switchover => Trial::Switchover,
        Fault::ServiceDeath => return service_death(cluster, watch).map(Some),
    };
    Ok(trial.run(cluster, watch)?.map(|outcome| outcome.sight))
}

fn service_death(cluster: &mut Cluster, watch: &mut Watch) -> Result<Sight> {
    let from = cluster.settle()?;
    sleep(Duration::from_nanos(BEFORE_NS));
    let fault_ns = boot_ns();
    cluster.kill_service(from)?;
    cluster.wait_for("the other node is master", PATIENCE, |view| {
        view.masters().into_iter().find(|slot| *slot != from)
    })?;
    sleep(QUIET);
    let sight = Sight::of(watch, fault_ns, boot_ns())?;
    cluster.start_service(from)?;
    cluster.wait_for("it could take over again", PATIENCE, |view| {
        (view.of(from)?.get("electable")? == true).then_some(())
    })?;
    ensure!(cluster.settle()? != from, "it went back by itself");
    Ok(sight)
}
