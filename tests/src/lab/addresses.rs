//! Who has which address in the lab: a pure function of slot and network.

use std::net::Ipv4Addr;

/// A hardware address.
pub type Mac = [u8; 6];

/// One of the two networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// Heartbeats, votes and commands: 198.51.100.0/24 (RFC 5737).
    Management,
    /// The users' traffic and the virtual address: 203.0.113.0/24 (RFC 5737).
    Business,
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
/// Length of both networks' prefixes.
pub const PREFIX: u8 = 24;

/// Last byte of the bridge's own address on each network: the gateway, or the switch itself.
pub const BRIDGE: u8 = 254;
/// Last byte of the client's address.
pub const CLIENT: u8 = 200;
/// Last byte of the observer's address.
pub const OBSERVER: u8 = 210;
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

    /// Address of the machine with this last byte; nodes have their slot there.
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
        (mac == self.mac(last) && (1..CLIENT).contains(&last)).then_some(u16::from(last))
    }
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
