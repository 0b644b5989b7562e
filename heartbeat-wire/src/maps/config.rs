//! What the programs go by: written by the daemon.

use super::Address;
use crate::tag::{KEY_SLOTS, Key};

/// What the responder goes by; written by the daemon before the programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Config {
    /// Which cluster; 0 while not configured.
    pub cluster_id: u64,
    /// Random number of this life of the maps.
    pub incarnation: u64,
    /// When the maps were created, CLOCK_BOOTTIME in nanoseconds.
    pub created_ns: u64,
    /// Digest of the configuration that must be equal on all nodes.
    pub config_digest: u64,
    /// Longest lease that a grant is given for by either electors' set, in nanoseconds.
    pub max_lease_ns: u64,
    /// Age at which an answer to one of our questions is stale: period x detect multiplier, ns.
    pub detect_ns: u64,
    /// This node's management address.
    pub own_address: Address,
    /// This node's business address; all zero without one.
    pub business_address: Address,
    /// The multicast group of the heartbeats.
    pub group: Address,
    /// Version of the electors' set.
    pub elector_version: u32,
    /// Digest of the electors' set.
    pub elector_digest: u32,
    /// Version of the set that this node has saved as the next one; 0 for none. Probes of it are granted as well.
    pub next_version: u32,
    /// Digest of that set.
    pub next_digest: u32,
    /// This node's slot.
    pub slot: u16,
    /// UDP port of the heartbeats, in host byte order.
    pub port: u16,
    /// Key slot that answers are signed with.
    pub signing_slot: u16,
    /// 1 if this node is an elector of either set: its answers are always wanted.
    pub is_elector: u16,
}

impl Config {
    /// Whether a question by this electors' set may be granted: it is the set in force here, or the next one.
    #[must_use]
    #[inline(always)]
    pub const fn goes_by(&self, version: u32, digest: u32) -> bool {
        (version == self.elector_version && digest == self.elector_digest)
            || (version == self.next_version && digest == self.next_digest && version != 0)
    }
}

/// The keys, newest first; an empty one authenticates nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Keys {
    /// SipHash keys by key slot.
    pub slots: [Key; KEY_SLOTS],
}

/// One member, by its slot; all zero for a slot without a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Member {
    /// Management address: its frames come from here or from the business address, and answers go back there.
    pub address: Address,
    /// Business address; all zero without one.
    pub business_address: Address,
    /// Bits of [`member_flag`].
    pub flags: u64,
}

/// Bits of [`Member::flags`].
pub mod member_flag {
    /// The slot has a member.
    pub const PRESENT: u64 = 1;
    /// Its answers and votes count towards the majority.
    pub const ELECTOR: u64 = 2;
    /// It never becomes master.
    pub const WITNESS: u64 = 4;
}

/// One interface that the responder answers on; all zero for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Interface {
    /// Its index.
    pub index: u32,
    /// Its hardware address: the source of answers, since a multicast question does not bear it.
    pub mac: [u8; 6],
    /// Room to the next four bytes.
    pub reserved: u16,
}

/// What tells the gate at the least cost that a packet's address is none that it guards, and for a few that it
/// guards saves it the search. [`Vip`] has all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Guard {
    /// The [`mark`]s of all guarded addresses.
    pub marks: u64,
    /// Some of them.
    pub first: [Guarded; 4],
}

/// One of the addresses in [`Guard`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Guarded {
    /// The address.
    pub address: Address,
    /// As [`Vip::follows_slot`].
    pub follows_slot: u32,
    /// 1 if there is one in this place.
    pub is_used: u16,
    /// As [`Vip::is_leased`].
    pub is_leased: u16,
}

/// One bit of a word, the same for the same address, spread by a multiplication (Knuth's).
#[must_use]
#[inline(always)]
pub const fn mark(address: &Address) -> u64 {
    let mixed = (address[0] ^ address[1]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    1 << (mixed >> 58)
}

/// One virtual address that the gate guards, by its [`Address`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Vip {
    /// Index of the interface that carries it.
    pub ifindex: u32,
    /// The slot that it belongs to; 0: it follows the master.
    pub follows_slot: u32,
    /// 1 if the slot's node needs a lease for it, so that the master may take it over.
    pub is_leased: u32,
}
