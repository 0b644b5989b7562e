//! The node and the cluster that the programs under test are configured for.

use heartbeat_wire::maps::{Config, Member, mapped, member_flag};
use heartbeat_wire::tag::Key;

/// The node that the programs under test answer for.
pub const OWN_SLOT: u16 = 2;
/// Its electors, members and slots in the tests.
pub const SLOTS: std::ops::RangeInclusive<u16> = 1..=5;
/// Hardware address that answers come from.
pub const OWN_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
/// The heartbeats' group.
pub const GROUP: [u8; 4] = [239, 192, 7, 1];
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
/// TCX_NEXT, -1.
pub const TCX_NEXT: u32 = u32::MAX;

/// Management address of a slot in the tests.
#[must_use]
pub const fn address(slot: u16) -> [u8; 4] {
    [10, 77, 0, slot as u8]
}

/// The configuration that the tests load the programs with.
#[must_use]
pub fn config() -> Config {
    Config {
        cluster_id: 0x6865_6172_7462_6561,
        incarnation: 0,
        created_ns: 0,
        config_digest: 0xd16e,
        max_lease_ns: MAX_LEASE_NS,
        detect_ns: 50_000_000,
        own_address: mapped(address(OWN_SLOT)),
        group: mapped(GROUP),
        elector_version: 7,
        elector_digest: 0xe1ec,
        slot: OWN_SLOT,
        port: PORT,
        signing_slot: 0,
        is_elector: 1,
    }
}

/// Every member of the tests' cluster.
#[must_use]
pub fn members() -> Vec<(u16, Member)> {
    SLOTS
        .map(|slot| {
            let member = Member {
                address: mapped(address(slot)),
                flags: member_flag::PRESENT | member_flag::ELECTOR,
            };
            (slot, member)
        })
        .collect()
}
