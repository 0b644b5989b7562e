//! What one node does with its cluster's configuration: the parts that the kernel, the election and the
//! network need, each in its own terms.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use heartbeat_core::message::Network;
use heartbeat_core::time::nanos;
use heartbeat_core::{ElectorRecord, Slot};
use heartbeat_wire::maps::{self, Address, Vip, mapped, member_flag};
use heartbeat_wire::tag::KEY_SLOTS;

use super::interfaces::Wanted;
use crate::config::{Attach, Config, Connection, Follows, Member, VirtualAddress, service};
use crate::datapath::{AttachMode, name_sets};
use crate::hands::Whose;
use crate::takeover::{Place, Surroundings};
use crate::web;

/// The loopback interface: a gate on it keeps a master without a lease from serving its own clients.
pub(super) const LOOPBACK: &str = "lo";

/// The configuration as seen from one slot.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The cluster.
    pub(super) config: Config,
    /// This node's slot.
    pub(super) slot: Slot,
    /// What the disk says of the electors' sets.
    pub(super) electors: ElectorRecord,
}

/// A virtual address and the interface that carries it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    /// The address.
    pub(super) address: IpAddr,
    /// The interface's name.
    pub(super) interface: String,
}

impl Plan {
    /// This node's own entry.
    #[must_use]
    pub(super) fn own(&self) -> &Member {
        &self.config.members[&self.slot]
    }

    /// Where this node is on the management network.
    #[must_use]
    pub(super) fn management(&self) -> &Connection {
        &self.own().management
    }

    /// The addresses that this node carries as master; none on a witness.
    #[must_use]
    pub(super) fn carried(&self) -> Vec<Carried> {
        if self.own().witness {
            return Vec::new();
        }
        self.carried_if(|address| address.follows == Follows::Master)
    }

    /// The addresses that this node carries whoever is master, and without a lease, since they belong to its slot.
    #[must_use]
    pub(super) fn own_addresses(&self) -> Vec<Carried> {
        self.carried_if(|address| address.follows == Follows::Slot(self.slot))
    }

    /// By slot, the addresses that this node carries by the slot's lease: its own, and those that it takes over as
    /// master; a witness takes none over.
    #[must_use]
    pub(super) fn leased(&self) -> BTreeMap<Slot, Vec<Carried>> {
        let slots = self.config.takeover();
        let own_or_heir = slots.filter(|slot| *slot == self.slot || !self.own().witness);
        own_or_heir
            .map(|slot| {
                let is_its = |it: &VirtualAddress| it.follows == Follows::SlotElseMaster(slot);
                (slot, self.carried_if(is_its))
            })
            .collect()
    }

    /// Every address that this node may come to carry.
    #[must_use]
    pub(super) fn every_carried(&self) -> Vec<Carried> {
        let always = self.carried().into_iter().chain(self.own_addresses());
        always
            .chain(self.leased().into_values().flatten())
            .collect()
    }

    fn carried_if(&self, which: impl Fn(&VirtualAddress) -> bool) -> Vec<Carried> {
        let carried = |address| {
            let interface = self.config.interface_of(address, self.slot)?;
            Some(Carried {
                address: address.address,
                interface: interface.to_owned(),
            })
        };
        let addresses = self.config.virtual_addresses.iter();
        addresses
            .filter(|address| which(address))
            .filter_map(carried)
            .collect()
    }

    /// Each address that moves with this node's interface on its network; a witness has one too.
    #[must_use]
    fn places(&self) -> Vec<Place> {
        let place = |(address, whose): (&VirtualAddress, Whose)| Place {
            address: address.address,
            whose,
            interface: self
                .config
                .interface_of(address, self.slot)
                .map(str::to_owned),
        };
        self.moving_addresses().map(place).collect()
    }

    /// The addresses that one node bears now and another one later.
    fn moving_addresses(&self) -> impl Iterator<Item = (&VirtualAddress, Whose)> {
        self.config.virtual_addresses.iter().filter_map(|address| {
            let whose = match address.follows {
                Follows::Master => Whose::Master,
                Follows::SlotElseMaster(slot) => Whose::Slot(slot),
                Follows::Slot(_) => return None,
            };
            Some((address, whose))
        })
    }

    /// What the takeover thread goes by.
    #[must_use]
    pub(super) fn surroundings(&self) -> Surroundings {
        Surroundings {
            places: self.places(),
            lookers: self.lookers(),
            heirs: self.other_heirs(),
        }
    }

    /// The other members that are on the network of some address that moves.
    #[must_use]
    fn lookers(&self) -> Vec<Slot> {
        let is_there = |slot: &Slot| {
            *slot != self.slot
                && self
                    .moving_addresses()
                    .any(|(address, _)| self.config.interface_of(address, *slot).is_some())
        };
        self.config
            .members
            .keys()
            .copied()
            .filter(is_there)
            .collect()
    }

    /// The other members that may become master once they are electors.
    #[must_use]
    fn other_heirs(&self) -> Vec<Slot> {
        let is_heir = |slot: &Slot| *slot != self.slot && !self.config.members[slot].witness;
        self.config
            .members
            .keys()
            .copied()
            .filter(is_heir)
            .collect()
    }

    /// Every interface that bears a gate: those of both networks and those that carry an address, since
    /// Linux answers for an address on all of them, and `lo`.
    #[must_use]
    pub(super) fn gated(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::from([LOOPBACK.to_owned(), self.management().interface.clone()]);
        names.extend(
            self.own()
                .business
                .iter()
                .map(|business| business.interface.clone()),
        );
        let carried = self.every_carried().into_iter();
        names.extend(carried.map(|carried| carried.interface));
        names
    }

    /// This node's place in each network that it is on.
    pub(super) fn connections(&self) -> impl Iterator<Item = (Network, &Connection)> {
        let business = self.own().business.iter();
        std::iter::once((Network::Management, self.management()))
            .chain(business.map(|business| (Network::Business, business)))
    }

    /// The interfaces without which this node cannot start, and its addresses on them.
    #[must_use]
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let places = self.connections().map(|(_, connection)| Wanted {
            interface: connection.interface.clone(),
            address: Some(connection.address),
        });
        let gated = self.gated().into_iter().map(|interface| Wanted {
            interface,
            address: None,
        });
        places.chain(gated).collect()
    }

    /// Where this node serves the status page, if it does: at its own address on the page's network, and at the
    /// virtual ones there.
    #[must_use]
    pub(super) fn page(&self) -> Option<web::Wanted> {
        let page = self.config.page.clone()?;
        let own = self.place_on(page.network)?;
        let carried = self.every_carried().into_iter();
        let there = carried.filter(|carried| carried.interface == own.interface);
        let addresses = std::iter::once(own.address).chain(there.map(|carried| carried.address));
        Some(web::Wanted {
            places: addresses.map(|it| SocketAddr::new(it, page.port)).collect(),
            page,
        })
    }

    /// How this node's metrics are to be had: at its own address only, since each node has its own.
    #[must_use]
    pub(super) fn exported(&self) -> web::Exported {
        let metrics = self.config.metrics.as_ref();
        web::Exported {
            place: metrics.and_then(|metrics| {
                let (network, port) = metrics.listen?;
                Some(SocketAddr::new(self.place_on(network)?.address, port))
            }),
            textfile: metrics.and_then(|metrics| metrics.textfile.clone()),
        }
    }

    /// Where this node is on that network, if it is.
    fn place_on(&self, network: service::Network) -> Option<&Connection> {
        match network {
            service::Network::Management => Some(self.management()),
            service::Network::Business => self.own().business.as_ref(),
        }
    }

    /// How the responder may be attached.
    #[must_use]
    pub(super) const fn attach_mode(&self, network: Network) -> AttachMode {
        match (self.config.attach, network) {
            (Attach::Generic, Network::Management | Network::Business) => AttachMode::Generic,
            (Attach::Tc, Network::Management | Network::Business) => AttachMode::Tc,
            (Attach::Native, Network::Management) => AttachMode::Native,
            // There it stands in only, so what the interface has will do.
            (Attach::Native, Network::Business) => AttachMode::NativeFirst,
            (Attach::Auto, Network::Management | Network::Business) => AttachMode::Auto,
        }
    }

    /// The responder's interfaces, and how it may be attached to each.
    pub(super) fn responders(&self) -> Vec<(String, AttachMode)> {
        self.connections()
            .map(|(network, connection)| (connection.interface.clone(), self.attach_mode(network)))
            .collect()
    }

    /// What the election goes by.
    #[must_use]
    pub(super) fn for_core(&self) -> heartbeat_core::Config {
        let set = &self.electors.in_force;
        let mut core = self.config.for_core(self.slot, set.version);
        core.elector_digest = set.digest();
        core.timing.max_lease = set.max_lease;
        // The file may propose a longer one than the set in force allows.
        core.timing.restart_lease = core.timing.restart_lease.min(core.timing.max_lease);
        for (slot, member) in &mut core.members {
            member.elector = set.slots.contains(*slot);
        }
        core
    }

    /// What the kernel's responder goes by; incarnation and time of creation are filled in later.
    #[must_use]
    pub(super) fn for_kernel(&self) -> maps::Config {
        let timing = &self.config.timing;
        let mut kernel = maps::Config {
            cluster_id: self.config.cluster_id,
            config_digest: self.config.digest,
            detect_ns: nanos(timing.lease()),
            own_address: wire_address(self.management().address),
            business_address: business_address(self.own()),
            group: self.config.group.map_or(maps::NO_ADDRESS, wire_address),
            slot: self.slot,
            port: self.config.port,
            signing_slot: 0,
            ..maps::Config::default()
        };
        name_sets(&mut kernel, &self.electors);
        kernel
    }

    /// The frame keys by key slot, newest first.
    #[must_use]
    pub(super) fn frame_keys(&self) -> maps::Keys {
        let mut keys = maps::Keys::default();
        for (place, key) in keys
            .slots
            .iter_mut()
            .zip(self.config.keys.iter().take(KEY_SLOTS))
        {
            *place = key.heartbeat();
        }
        keys
    }

    /// Every member by its slot, as the kernel knows them.
    #[must_use]
    pub(super) fn kernel_members(&self) -> Vec<(Slot, maps::Member)> {
        let entry = |(slot, member): (&Slot, &Member)| {
            let mut flags = member_flag::PRESENT;
            if self.electors.in_force.slots.contains(*slot) {
                flags |= member_flag::ELECTOR;
            }
            if member.witness {
                flags |= member_flag::WITNESS;
            }
            (
                *slot,
                maps::Member {
                    address: wire_address(member.management.address),
                    business_address: business_address(member),
                    flags,
                },
            )
        };
        self.config.members.iter().map(entry).collect()
    }

    /// The addresses that the gate guards. They are guarded on a witness too: it never carries one, and
    /// its gate never opens.
    #[must_use]
    pub(super) fn guarded(&self) -> Vec<(Address, Vip)> {
        let guarded = |address: &VirtualAddress| {
            let vip = Vip {
                follows_slot: address.follows.slot().map_or(0, u32::from),
                is_leased: matches!(address.follows, Follows::SlotElseMaster(_)).into(),
                ..Vip::default()
            };
            (wire_address(address.address), vip)
        };
        self.config.virtual_addresses.iter().map(guarded).collect()
    }
}

fn business_address(member: &Member) -> Address {
    let business = member.business.as_ref();
    business.map_or(maps::NO_ADDRESS, |business| wire_address(business.address))
}

fn wire_address(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(v4) => mapped(v4.octets()),
        IpAddr::V6(v6) => maps::address(v6.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heartbeat_core::{ElectorSet, Slots};
    use std::time::Duration;

    #[test]
    fn kernel_and_election_go_by_the_same_max_lease_and_electors_whatever_the_file_proposes() {
        let config = crate::config::tests_support::three_nodes();
        let electors = ElectorRecord::proposed(ElectorSet {
            version: 4,
            slots: Slots::new([1, 3]).unwrap(),
            max_lease: Duration::from_millis(777),
        });
        assert_ne!(nanos(config.timing.max_lease), 777_000_000, "the file's");
        let plan = Plan {
            config,
            slot: 1,
            electors,
        };
        let (core, kernel) = (plan.for_core(), plan.for_kernel());
        assert_eq!(kernel.max_lease_ns, 777_000_000);
        assert_eq!(nanos(core.timing.max_lease), kernel.max_lease_ns);
        assert_eq!(core.electors().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(
            (core.elector_version, core.elector_digest),
            (kernel.elector_version, kernel.elector_digest)
        );
    }
}
