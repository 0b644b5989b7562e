//! Numbers that tell two configurations apart, made from what they mean and not from how they are written.

use std::net::IpAddr;
use std::time::Duration;

use blake3::Hasher;

use super::{Config, Connection, Follows, Pair, Place};

/// The cluster's number in every frame.
pub(super) fn cluster_id(name: &str) -> u64 {
    // Zero stands for "not configured" in the kernel's map.
    first_u64(&blake3::hash(name.as_bytes())).max(1)
}

/// Everything that must be equal on all nodes. What belongs to one node alone is not in it: interface names
/// of members, the key file's path, how the program is attached. Nor are the electors and `max_lease`, which the
/// file only proposes: what is in force has a digest of its own.
pub(super) fn whole(config: &Config) -> u64 {
    let mut content = Content::new("heartbeatd 1 configuration");
    content.text(&config.cluster);
    content.duration(config.timing.period);
    content.number(u64::from(config.timing.multiplier));
    content.duration(config.preempt_after.unwrap_or(Duration::ZERO));
    match config.group {
        Some(group) => content.address(group),
        None => content.text("unicast"),
    }
    content.number(u64::from(config.port));
    content.number(u64::from(config.control_port));
    content.number(u64::from(config.replication_port));
    content.number(config.members.len() as u64);
    for (slot, member) in &config.members {
        content.number(u64::from(*slot));
        content.text(&member.name);
        content.number(u64::from(member.witness));
        content.connection(Some(&member.management));
        content.connection(member.business.as_ref());
    }
    content.virtual_addresses(config);
    content.services(config);
    if let Some(pair) = &config.pair {
        content.pair(pair);
    }
    first_u64(&content.0.finalize())
}

fn first_u64(hash: &blake3::Hash) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// Values fed to the hash so that no two sequences of them look alike: numbers have a fixed length, texts
/// are preceded by theirs.
struct Content(Hasher);

impl Content {
    fn new(purpose: &str) -> Self {
        Self(Hasher::new_derive_key(purpose))
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn duration(&mut self, duration: Duration) {
        self.0.update(&duration.as_nanos().to_le_bytes());
    }

    fn address(&mut self, address: IpAddr) {
        self.text(&address.to_string());
    }

    fn connection(&mut self, connection: Option<&Connection>) {
        match connection {
            Some(connection) => self.address(connection.address),
            None => self.text(""),
        }
    }

    /// What a member's answer says of its services is judged by their pace; what is looked at, and what is tried,
    /// may differ from machine to machine.
    fn services(&mut self, config: &Config) {
        for service in &config.services {
            self.text(&service.name);
            self.text(service.on.as_str());
            self.duration(service.pace.interval);
            self.duration(service.pace.timeout);
            self.number(u64::from(service.pace.fall));
        }
    }

    /// Which evidence is required. By which command a node fences belongs to it alone.
    fn pair(&mut self, pair: &Pair) {
        self.text("pair");
        self.number(u64::from(pair.business));
        self.number(pair.references.len() as u64);
        pair.references
            .iter()
            .for_each(|reference| self.address(*reference));
        self.number(u64::from(pair.fence.is_some()));
    }

    /// In the order of the addresses: their order in the file means nothing.
    fn virtual_addresses(&mut self, config: &Config) {
        let mut addresses: Vec<_> = config.virtual_addresses.iter().collect();
        addresses.sort_by_key(|address| address.address);
        self.number(addresses.len() as u64);
        for address in addresses {
            self.address(address.address);
            self.number(u64::from(address.prefix));
            match &address.place {
                Place::Management => self.text("management"),
                Place::Business => self.text("business"),
                Place::Interface(name) => self.text(&format!("interface {name}")),
            }
            self.number(match address.follows {
                Follows::Master => 0,
                Follows::Slot(slot) => u64::from(slot),
                Follows::SlotElseMaster(slot) => u64::from(slot) | 1 << 16,
            });
        }
    }
}
