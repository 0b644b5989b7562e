//! The electors' sets in a machine's configuration and kernel.

use std::sync::Arc;

use heartbeat_core::message::Network;
use heartbeat_core::{Config, ElectorRecord, ElectorSet};
use heartbeat_wire::maps;

use crate::kernel::{Kernel, Members, address_of};

/// The configuration with the set in force on the disk.
pub(super) fn goes_by(config: &Config, record: &ElectorRecord) -> Config {
    let (mut config, set) = (config.clone(), record.in_force);
    for (slot, member) in &mut config.members {
        member.elector = set.slots.contains(*slot);
    }
    config.elector_version = set.version;
    config.elector_digest = set.digest();
    config.timing.max_lease = set.max_lease;
    config.timing.restart_lease = config.timing.restart_lease.min(set.max_lease);
    config
}

/// Tells the kernel which sets it grants by.
pub(super) fn set_electors(config: &mut maps::Config, record: &ElectorRecord) {
    let sets = || {
        [Some(&record.in_force), record.next()]
            .into_iter()
            .flatten()
    };
    let longest = sets().map(|set| set.max_lease).max().unwrap_or_default();
    let is_elector = sets().any(|set| set.slots.contains(config.slot));
    config.elector_version = record.in_force.version;
    config.elector_digest = record.in_force.digest();
    config.next_version = record.next().map_or(0, |next| next.version);
    config.next_digest = record.next().map_or(0, ElectorSet::digest);
    config.max_lease_ns = heartbeat_core::time::nanos(longest);
    config.is_elector = u16::from(is_elector);
}

pub(super) fn fresh_kernel(
    config: &Config,
    record: &ElectorRecord,
    members: &Arc<Members>,
    incarnation: u64,
    created_ns: u64,
) -> Kernel {
    let mut words = maps::Config {
        cluster_id: 1,
        incarnation,
        created_ns,
        config_digest: config.config_digest,
        detect_ns: heartbeat_core::time::nanos(config.timing.lease()),
        own_address: address_of(config.slot, Network::Management),
        business_address: address_of(config.slot, Network::Business),
        slot: config.slot,
        ..maps::Config::default()
    };
    set_electors(&mut words, record);
    Kernel::new(words, Arc::clone(members))
}
