//! Keys and values of every BPF map: plain named integers, no padding, one writer each.
//!
//! What the kernel writes and what the daemon writes never share a map value, so that neither
//! overwrites the other.

mod config;
mod counted;
mod event;
mod names;
mod words;

use core::mem::size_of;

use crate::siphash::HEAD;
use crate::tag::{Beginning, KEY_SLOTS};

pub use config::{Config, Guard, Guarded, Interface, Keys, Member, Vip, mark, member_flag};
pub use counted::{GateCounts, HeardGroup, Histogram, Limits, Replies, Reply, Verdicts};
pub use event::{Event, EventKind};
pub use names::{MAPS, MapInfo, name};
pub use words::{Control, Grant, Sent, control_flag};

/// Version of the layouts in this file; it stands in the pin path, so that a daemon never re-opens
/// maps of another layout.
pub const LAYOUT: u32 = 7;
/// Most members of a cluster; slots run from 1 to this.
pub const MAX_SLOTS: usize = 10_000;
/// Most electors of a cluster.
pub const MAX_ELECTORS: usize = 9;
/// How many of the newest questions the daemon's own record holds; a power of two above twice the largest
/// detect multiplier (255): while the management network fails, a period has two questions.
pub const SENT_RECORDS: usize = 512;
/// Slots in one value of [`Replies`]. Userspace gets a value from every possible CPU at once, so the
/// chunk that the electors' answers stand in is kept small: 2 kB a CPU, far below the 32,768 bytes that
/// a per-CPU value may have.
pub const REPLIES_CHUNK: usize = 16;
/// Slots in one value of [`HeardGroup`], which userspace reads as one word.
pub const HEARD_GROUP: usize = 4;
/// Most interfaces that the responder answers on.
pub const MAX_INTERFACES: usize = 16;
/// Bytes of the event ring buffer: about 580 events, far more than one detect time can bring.
pub const EVENTS_BYTES: usize = 64 * 1024;
/// Most virtual addresses of a cluster.
pub const MAX_VIPS: usize = 256;
/// Most refusals that one CPU sends in [`LIMIT_WINDOW_NS`], over all senders.
pub const REFUSALS_PER_WINDOW: u64 = 64;
/// Most alarm events (duplicate, implausible) that one CPU submits in [`LIMIT_WINDOW_NS`].
pub const ALARMS_PER_WINDOW: u64 = 4;
/// Window of the two limits above, in nanoseconds.
pub const LIMIT_WINDOW_NS: u64 = 100_000_000;
/// Shortest time between two refusals to one sender from one CPU, in nanoseconds.
pub const REFUSAL_GAP_NS: u64 = 500_000;

/// An address of either family: IPv6, or IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). Its sixteen bytes as they
/// lie in memory, in two words: two comparisons, not sixteen.
pub type Address = [u64; 2];

/// Stands for an address that is not there.
pub const NO_ADDRESS: Address = [0; 2];

/// The second word of ::ffff:0.0.0.0.
const MAPPED: u64 = u64::from_le_bytes([0, 0, 0xff, 0xff, 0, 0, 0, 0]);

/// `a.b.c.d` as an [`Address`].
#[must_use]
#[inline(always)]
pub const fn mapped(v4: [u8; 4]) -> Address {
    [0, MAPPED | ((u32::from_le_bytes(v4) as u64) << 32)]
}

/// An IPv6 address as an [`Address`].
#[must_use]
pub const fn address(v6: [u8; 16]) -> Address {
    let whole = u128::from_le_bytes(v6);
    [whole as u64, (whole >> 64) as u64]
}

/// Whether it stands for an IPv4 address.
#[must_use]
#[inline(always)]
pub const fn is_mapped(address: &Address) -> bool {
    address[0] == 0 && address[1] as u32 == MAPPED as u32
}

// No padding anywhere: the fields' sizes add up to the whole. A value with padding would leak kernel
// stack bytes, and bpftool would show holes.
const _: () = {
    assert!(size_of::<Config>() == 8 * 6 + 16 * 3 + 4 * 4 + 2 * 4);
    assert!(size_of::<Keys>() == 16 * KEY_SLOTS);
    assert!(size_of::<Member>() == 40);
    assert!(size_of::<Control>() == 8 * 17);
    assert!(size_of::<Grant>() == 8 * 8);
    assert!(size_of::<Interface>() == 12);
    assert!(size_of::<Sent>() == 8 * 4);
    assert!(size_of::<Reply>() == 8 * 13 + 4 * 4 + 2 + 3 + 3);
    assert!(size_of::<Replies>() == size_of::<Reply>() * REPLIES_CHUNK);
    assert!(size_of::<Replies>() <= 32_768);
    assert!(size_of::<Limits>() == 8 * 5);
    assert!(size_of::<Vip>() == 12);
    assert!(size_of::<Beginning>() == 8 * (2 + HEAD + 4));
    assert!(size_of::<Guard>() == 8 + 4 * (16 + 4 + 2 + 2));
    assert!(size_of::<Event>() == 4 + 2 + 1 + 1 + 8 * 6 + 4 * 4 + 8);
    assert!(SENT_RECORDS.is_power_of_two() && SENT_RECORDS > 2 * 255);
};

macro_rules! from_bytes {
    ($($type:ident),*) => {
        $(impl $type {
            /// The value in these bytes, of any alignment, as the kernel hands it out.
            #[must_use]
            pub const fn from_bytes(bytes: &[u8; size_of::<Self>()]) -> Self {
                // SAFETY: integers only, so any bytes are a valid value; the source has as many bytes as
                // the type, and `read_unaligned` asks for no alignment.
                unsafe { core::ptr::read_unaligned(bytes.as_ptr().cast()) }
            }
        })*
    };
}
from_bytes!(Reply, Event);

#[cfg(feature = "user")]
mod pod {
    use super::{
        Beginning, Config, Control, Event, GateCounts, Grant, Guard, Histogram, Interface, Keys,
        Limits, Member, Replies, Sent, Verdicts, Vip,
    };

    macro_rules! pod {
        ($($type:ty),*) => {
            $(
                // SAFETY: `repr(C)`, `Copy`, 'static, integers only, no padding (asserted above): any
                // bytes are a valid value.
                unsafe impl aya::Pod for $type {}
            )*
        };
    }
    pod!(
        Beginning, Config, Guard, Keys, Member, Interface, Control, Grant, Sent, Replies, Verdicts,
        GateCounts, Histogram, Limits, Vip, Event
    );
}
