//! Who has which address in the lab: a pure function of slot and network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A hardware address.
pub type Mac = [u8; 6];

/// One of the two networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// Heartbeats, votes and commands: 198.51.100.0/24 (RFC 5737), or 2001:db8:51::/64 (RFC 3849).
    Management,
    /// The users' traffic and the virtual address: 203.0.113.0/24 (RFC 5737), or 2001:db8:113::/64.
    Business,
}

/// Which addresses machines have on a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6, with addresses that could be routed.
    V6,
    /// IPv6, with addresses that mean nothing without their link: fe80::/64.
    LinkLocal,
}

/// Who speaks which family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// Management addresses and the group of the heartbeats.
    pub management: Family,
    /// The nodes' business addresses.
    pub business: Family,
    /// The virtual address, and whoever asks it.
    pub virtual_address: Family,
}

impl Families {
    /// Everybody the same.
    #[must_use]
    pub const fn all(family: Family) -> Self {
        Self {
            management: family,
            business: family,
            virtual_address: family,
        }
    }

    /// The families of which the machines on a network have addresses, the virtual address being there.
    pub fn on(self, network: Network) -> impl Iterator<Item = Family> {
        let nodes = match network {
            Network::Management => self.management,
            Network::Business => self.business,
        };
        let asked = self.virtual_address;
        [Some(nodes), (asked != nodes).then_some(asked)]
            .into_iter()
            .flatten()
    }
}

impl Family {
    /// Group of the heartbeats.
    #[must_use]
    pub const fn group(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(GROUP),
            Self::V6 | Self::LinkLocal => {
                IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x7405))
            }
        }
    }

    /// Length of a network's prefix.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        match self {
            Self::V4 => PREFIX,
            Self::V6 | Self::LinkLocal => 64,
        }
    }
}

/// Both networks.
pub const NETWORKS: [Network; 2] = [Network::Management, Network::Business];

/// The virtual address that the lab's clusters move.
pub const VIRTUAL_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);
/// Group of the heartbeats.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(239, 192, 7, 1);
/// UDP port of the heartbeats.
pub const HEARTBEAT_PORT: u16 = 7405;
/// UDP port of votes and commands.
pub const CONTROL_PORT: u16 = 7406;
/// Length of both networks' IPv4 prefixes.
pub const PREFIX: u8 = 24;

/// Last byte of the bridge's own address on each network: the gateway, or the switch itself.
pub const BRIDGE: u8 = 254;
/// Last byte of the client's address.
pub const CLIENT: u8 = 200;
/// Last byte of the observer's address.
pub const OBSERVER: u8 = 210;
/// Last byte of the virtual address.
pub const VIRTUAL: u8 = 100;
/// Last byte of the rogue's address on the management network.
pub const ROGUE: u8 = 220;

impl Network {
    /// Name of a node's interface in it.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Management => "mgmt0",
            Self::Business => "biz0",
        }
    }

    /// Address of a family of the machine with this last byte. Over IPv6 it is read like the IPv4 one: its
    /// last digits are the byte in decimal.
    #[must_use]
    pub fn address_of(self, family: Family, last: u8) -> IpAddr {
        let digits = format!("{last}");
        let last_6 = u16::from_str_radix(&digits, 16).expect("three decimal digits");
        let (a, b, c) = match (family, self) {
            (Family::V4, _) => return self.address(last).into(),
            (Family::V6, Self::Management) => (0x2001, 0xdb8, 0x51),
            (Family::V6, Self::Business) => (0x2001, 0xdb8, 0x113),
            (Family::LinkLocal, _) => (0xfe80, 0, 0),
        };
        Ipv6Addr::new(a, b, c, 0, 0, 0, 0, last_6).into()
    }

    /// IPv4 address of the machine with this last byte; nodes have their slot there.
    #[must_use]
    pub const fn address(self, last: u8) -> Ipv4Addr {
        match self {
            Self::Management => Ipv4Addr::new(198, 51, 100, last),
            Self::Business => Ipv4Addr::new(203, 0, 113, last),
        }
    }

    /// Hardware address of the machine with this last byte: locally administered, and readable.
    #[must_use]
    pub const fn mac(self, last: u8) -> Mac {
        let network = match self {
            Self::Management => 1,
            Self::Business => 2,
        };
        [0x02, b'h', b'b', network, 0, last]
    }

    /// Slot of the node with this hardware address on this network; `None` for anybody else.
    #[must_use]
    pub fn slot_of(self, mac: Mac) -> Option<u16> {
        let last = mac[5];
        let is_there = mac == self.mac(last) || (self == Self::Business && mac == third_mac(last));
        (is_there && (1..CLIENT).contains(&last)).then_some(u16::from(last))
    }
}

/// The management addresses of members that are nothing but their answers (RFC 2544's, for benchmarks).
pub const CROWD: &str = "198.18.0.0/15";

/// Management address of such a member.
#[must_use]
pub const fn crowd_address(slot: u16) -> Ipv4Addr {
    let [high, low] = slot.to_be_bytes();
    Ipv4Addr::new(198, 18, high, low)
}

/// Hardware address of the interface beside the business one, of a node that has such a third one.
#[must_use]
pub const fn third_mac(last: u8) -> Mac {
    [0x02, b'h', b'b', 3, 0, last]
}

/// A hardware address in iproute2's form.
#[must_use]
pub fn mac_text(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_hardware_address_tells_its_slot_on_its_own_network_only() {
        let mac = Network::Business.mac(3);
        assert_eq!(Network::Business.slot_of(mac), Some(3));
        assert_eq!(Network::Management.slot_of(mac), None);
        assert_eq!(
            Network::Business.slot_of(Network::Business.mac(CLIENT)),
            None
        );
        assert_eq!(mac_text(mac), "02:68:62:02:00:03");
    }
}
