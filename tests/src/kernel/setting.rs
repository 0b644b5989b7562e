//! The node and the cluster that the programs under test are configured for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use heartbeat_wire::maps::{Address, Config, Member, mapped, member_flag};
use heartbeat_wire::tag::Key;

/// The node that the programs under test answer for.
pub const OWN_SLOT: u16 = 2;
/// Its electors, members and slots in the tests.
pub const SLOTS: std::ops::RangeInclusive<u16> = 1..=5;
/// Hardware address that answers come from.
pub const OWN_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
/// The heartbeats' port.
pub const PORT: u16 = 7405;
/// Longest lease that is granted, in nanoseconds.
pub const MAX_LEASE_NS: u64 = 200_000_000;
/// The virtual address that follows the master.
pub const VIP: [u8; 4] = [203, 0, 113, 100];
/// A virtual address that belongs to another slot.
pub const SLOT_VIP: [u8; 4] = [203, 0, 113, 103];
/// A virtual address that belongs to [`OWN_SLOT`].
pub const OWN_VIP: [u8; 4] = [203, 0, 113, 102];
/// One that belongs to [`OWN_SLOT`] by a lease.
pub const OWN_LEASED_VIP: [u8; 4] = [203, 0, 113, 112];
/// Another slot with such an address.
pub const LEASED_SLOT: u16 = 3;
/// A virtual address that belongs to [`LEASED_SLOT`] by a lease, so that a master takes it over.
pub const LEASED_VIP: [u8; 4] = [203, 0, 113, 113];
/// An IPv6 virtual address that follows the master.
pub const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 0x100);
/// The keys; the first one signs.
pub const KEYS: [Key; 2] = [
    Key::from_bytes(*b"the newest key!!"),
    Key::from_bytes(*b"the older key!!!"),
];

/// XDP and tc answers (linux/bpf.h, linux/pkt_cls.h).
pub const XDP_DROP: u32 = 1;
/// See [`XDP_DROP`].
pub const XDP_PASS: u32 = 2;
/// See [`XDP_DROP`].
pub const XDP_TX: u32 = 3;
/// See [`XDP_DROP`].
pub const TC_ACT_SHOT: u32 = 2;
/// See [`XDP_DROP`].
pub const TC_ACT_REDIRECT: u32 = 7;
/// TCX_NEXT, -1.
pub const TCX_NEXT: u32 = u32::MAX;

/// Which family the tests' management network speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4, as every test that does not say otherwise.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// Management address of a slot.
    #[must_use]
    pub const fn address(self, slot: u16) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::new(10, 77, 0, slot as u8)),
            Self::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, 0, 0, 0, slot)),
        }
    }

    /// The heartbeats' group.
    #[must_use]
    pub const fn group(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::new(239, 192, 7, 1)),
            Self::V6 => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x7405)),
        }
    }

    /// The configuration that the programs are loaded with.
    #[must_use]
    pub fn config(self) -> Config {
        Config {
            cluster_id: 0x6865_6172_7462_6561,
            incarnation: 0,
            created_ns: 0,
            config_digest: 0xd16e,
            max_lease_ns: MAX_LEASE_NS,
            detect_ns: 50_000_000,
            own_address: wire(self.address(OWN_SLOT)),
            business_address: wire(business_address(OWN_SLOT)),
            group: wire(self.group()),
            elector_version: 7,
            elector_digest: 0xe1ec,
            next_version: 0,
            next_digest: 0,
            slot: OWN_SLOT,
            port: PORT,
            signing_slot: 0,
            is_elector: 1,
        }
    }

    /// Every member of the cluster.
    #[must_use]
    pub fn members(self) -> Vec<(u16, Member)> {
        SLOTS
            .map(|slot| {
                let member = Member {
                    address: wire(self.address(slot)),
                    business_address: wire(business_address(slot)),
                    flags: member_flag::PRESENT | member_flag::ELECTOR,
                };
                (slot, member)
            })
            .collect()
    }
}

/// An address as the maps have it.
#[must_use]
pub fn wire(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(v4) => mapped(v4.octets()),
        IpAddr::V6(v6) => heartbeat_wire::maps::address(v6.octets()),
    }
}

/// Management address of a slot over IPv4.
#[must_use]
pub const fn address(slot: u16) -> IpAddr {
    Family::V4.address(slot)
}

/// Business address of a slot, whichever family the management network speaks.
#[must_use]
pub const fn business_address(slot: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 88, 0, slot as u8))
}

/// The configuration over IPv4.
#[must_use]
pub fn config() -> Config {
    Family::V4.config()
}

/// Every member of the tests' cluster, over IPv4.
#[must_use]
pub fn members() -> Vec<(u16, Member)> {
    Family::V4.members()
}
