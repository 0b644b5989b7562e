//! Whether what the file says makes sense as a whole. Every check runs, whatever the others found.

mod address;
mod alarms;
mod cluster;
mod families;
mod hooks;
mod http;
mod management;
mod members;
mod metrics;
mod names;
mod pair;
mod path;
mod program;
mod recorder;
mod references;
mod server;
mod services;
mod virtual_addresses;

use std::path::Path;

use heartbeat_core::time::nanos;
use toml::Spanned;

use super::fault::Fault;
use super::file::{File, Value};
use super::keys::{self, ClusterKey};
use super::{Attach, Config, digest};

/// The configuration that the file describes. `None` only together with at least one fault; with faults
/// the result is of no use.
pub(super) fn check(file: File, folder: &Path, faults: &mut Vec<Fault>) -> Option<Config> {
    let members = members::check(&file.members, faults);
    let mode = file.cluster.as_ref().and_then(|c| c.mode.as_ref());
    let mode = mode.map(|mode| *mode.get_ref());
    let virtual_addresses =
        virtual_addresses::check(&file.virtual_addresses, &file.members, mode, faults);
    families::check(file.management.as_ref(), &file.members, faults);
    let count = file.members.len();
    let group = (file.management.as_ref()).and_then(|m| management::check(m, count, faults));
    let keys = (file.cluster.as_ref()).and_then(|c| key_file(&c.key_file, folder, faults));
    let name = (file.cluster.as_ref()).and_then(|c| cluster::name(c, faults));
    let electors =
        (file.cluster.as_ref()).and_then(|c| cluster::electors(c, &file.members, faults));
    let pair = pair::check(&file, faults);
    let recorder = (file.recorder.as_ref()).and_then(|r| recorder::check(r, faults));
    let services = services::check(&file, faults);
    let handovers = services::handovers(file.handovers.as_ref(), faults);
    let hooks = hooks::check(file.hooks.as_ref(), faults);
    let alarms = alarms::check(file.alarms.as_ref(), faults);
    let page = http::check(file.http.as_ref(), &file.members, folder, faults);
    let metrics = metrics::check(
        file.metrics.as_ref(),
        file.http.as_ref(),
        &file.members,
        faults,
    );
    if let (Some(services), Some(hooks)) = (&services, &hooks) {
        services::wait_for_hooks(&file.services, services, hooks.as_ref(), faults);
    }
    let (cluster, management) = (file.cluster?, file.management?);
    let timing = management::timing(&management, &cluster, faults);
    let (name, electors, timing) = (name?, electors?, timing?);
    let (group, ports) = group?;
    let mut config = Config {
        cluster_id: digest::cluster_id(&name),
        cluster: name,
        key_file: folder.join(cluster.key_file?.into_inner()),
        keys: keys?,
        elector_digest: heartbeat_wire::electors::digest(&electors, nanos(timing.max_lease)),
        electors,
        digest: 0,
        timing,
        preempt_after: cluster.preempt_after.map(Spanned::into_inner),
        group,
        port: ports.heartbeats,
        control_port: ports.control,
        replication_port: ports.replication,
        attach: management.attach.map_or(Attach::Auto, Spanned::into_inner),
        pair: pair?,
        members: members?,
        virtual_addresses: virtual_addresses?,
        recorder,
        services: services?,
        handovers: handovers?,
        hooks: hooks?,
        alarms: alarms?,
        page: page?,
        metrics: metrics?,
    };
    config.digest = digest::whole(&config);
    Some(config)
}

fn key_file(
    name: &Value<String>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Vec<ClusterKey>> {
    let name = name.as_ref()?;
    match keys::read(&folder.join(name.get_ref())) {
        Ok(keys) => Some(keys),
        Err(error) => {
            faults.push(Fault::new(name.span(), error.to_string(), error.cure()));
            None
        }
    }
}

/// Whether a name has 1 to `longest` characters, begins with a letter or digit, and has only those and `more`.
fn is_name(name: &str, longest: usize, more: &[char]) -> bool {
    name.len() <= longest
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
}
