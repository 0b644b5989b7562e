//! Headers in a packet's bytes, each looked at only after its bounds are checked.

use core::mem::MaybeUninit;

use heartbeat_wire::Frame;
use heartbeat_wire::frame::{FRAME_WORDS, Head, MAGIC};
use heartbeat_wire::maps::{Address, Config};

use crate::context::PacketContext;
use crate::network::{DATAGRAM_LEN, Network};

pub(crate) const ETHER_LEN: usize = 14;
pub(crate) const TAG_LEN: usize = 4;
pub(crate) const TYPE_IPV4: u16 = 0x0800;
pub(crate) const TYPE_ARP: u16 = 0x0806;
pub(crate) const TYPE_IPV6: u16 = 0x86dd;
pub(crate) const TYPE_VLAN: u16 = 0x8100;
const TYPE_SERVICE_VLAN: u16 = 0x88a8;
pub(crate) const UDP_LEN: usize = 8;

/// Whether an EtherType stands for an 802.1Q or 802.1ad tag.
#[inline(always)]
pub(crate) const fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, TYPE_VLAN | TYPE_SERVICE_VLAN)
}

/// UDP header; numbers in network byte order.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub(crate) struct Udp {
    pub(crate) source: u16,
    pub(crate) destination: u16,
    pub(crate) length: u16,
    pub(crate) checksum: u16,
}

/// Ethernet header without a tag.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub(crate) struct Ether {
    pub(crate) destination: [u8; 6],
    pub(crate) source: [u8; 6],
    pub(crate) ether_type: u16,
}

const _: () = {
    assert!(size_of::<Ether>() == ETHER_LEN);
    assert!(size_of::<Udp>() == UDP_LEN);
};

/// A `T` at `offset` of the packet, if all of it lies in the packet's first buffer.
#[inline(always)]
pub(crate) fn at<T>(ctx: &(impl PacketContext + ?Sized), offset: usize) -> Option<*mut T> {
    let start = ctx.data() + offset;
    (start + size_of::<T>() <= ctx.data_end()).then_some(start as *mut T)
}

/// A copy of it.
#[inline(always)]
pub(crate) fn read<T: Copy>(ctx: &(impl PacketContext + ?Sized), offset: usize) -> Option<T> {
    // SAFETY: `at` checked the bounds, and every T here is made of integers.
    at::<T>(ctx, offset).map(|place| unsafe { place.read_unaligned() })
}

/// A UDP datagram whose first bytes could be a heartbeat's.
pub(crate) struct Datagram {
    pub(crate) network: Network,
}

impl Datagram {
    /// Finds one in the packet, with as few loads as possible for everything else.
    #[inline(always)]
    pub(crate) fn find(ctx: &impl PacketContext) -> Option<Self> {
        let network = Network::find(ctx)?;
        Some(Self { network })
    }

    /// Whether it is addressed to the responder: port, our magic, and the group or one of our addresses.
    ///
    /// In this order, since one load of two bytes tells nearly everything that is not ours.
    #[inline(always)]
    pub(crate) fn is_ours(&self, ctx: &impl PacketContext, config: &Config) -> bool {
        let Network {
            destination: to,
            transport,
            ..
        } = self.network;
        let Some(udp) = read::<Udp>(ctx, transport) else {
            return false;
        };
        if u16::from_be(udp.destination) != config.port
            || read(ctx, transport + UDP_LEN) != Some(MAGIC)
        {
            return false;
        }
        to == config.group || to == config.own_address || to == config.business_address
    }

    /// How the body begins; `None` if anything about the packet is not as every heartbeat is sent.
    #[inline(always)]
    pub(crate) fn head(&self, ctx: &impl PacketContext) -> Option<Head> {
        let transport = self.network.transport;
        let udp: Udp = read(ctx, transport)?;
        if !self.network.is_as_sent || u16::from_be(udp.length) != DATAGRAM_LEN {
            return None;
        }
        // All of it must be there before anything is said about what it begins with.
        let place = at::<[u64; FRAME_WORDS]>(ctx, transport + UDP_LEN)?.cast::<Head>();
        // SAFETY: `at` checked the bounds of more than a head, which is made of integers.
        Some(unsafe { place.read_unaligned() })
    }

    /// Copies the body to `frame`; `None` if the packet is shorter.
    #[inline(always)]
    pub(crate) fn load_body<'a>(
        &self,
        ctx: &impl PacketContext,
        frame: &'a mut MaybeUninit<Frame>,
    ) -> Option<&'a mut Frame> {
        let place = at::<[u64; FRAME_WORDS]>(ctx, self.network.transport + UDP_LEN)?.cast::<u64>();
        let words = frame.as_mut_ptr().cast::<u64>();
        for number in 0..FRAME_WORDS {
            // Volatile, or the compiler makes a copy of bytes of it.
            // SAFETY: `at` checked the bounds of all words, and `frame` has as many, aligned.
            unsafe {
                words
                    .add(number)
                    .write_volatile(place.add(number).read_unaligned())
            };
        }
        // SAFETY: all of it is written; any words are a valid frame.
        Some(unsafe { frame.assume_init_mut() })
    }

    /// The IP source.
    #[inline(always)]
    pub(crate) fn source(&self) -> Address {
        self.network.source
    }
}
