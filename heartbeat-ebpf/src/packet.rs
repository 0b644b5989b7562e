//! Headers in a packet's bytes, each looked at only after its bounds are checked.

use core::mem::MaybeUninit;

use aya_ebpf::helpers::bpf_xdp_load_bytes;
use aya_ebpf::programs::XdpContext;
use heartbeat_wire::Frame;
use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT, MAGIC};
use heartbeat_wire::maps::{Address, Config, mapped};

pub(crate) const ETHER_LEN: usize = 14;
pub(crate) const TAG_LEN: usize = 4;
pub(crate) const TYPE_IPV4: u16 = 0x0800;
pub(crate) const TYPE_ARP: u16 = 0x0806;
const TYPE_VLAN: u16 = 0x8100;
const TYPE_SERVICE_VLAN: u16 = 0x88a8;
pub(crate) const IPV4_LEN: usize = 20;
pub(crate) const UDP_LEN: usize = 8;
pub(crate) const PROTOCOL_UDP: u8 = 17;
/// Version 4, five words of header: no options.
pub(crate) const NO_OPTIONS: u8 = 0x45;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;
pub(crate) const DATAGRAM_LEN: u16 = (UDP_LEN + FRAME_LEN) as u16;
pub(crate) const PACKET_LEN: u16 = IPV4_LEN as u16 + DATAGRAM_LEN;

/// Whether an EtherType stands for an 802.1Q or 802.1ad tag.
#[inline(always)]
pub(crate) const fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, TYPE_VLAN | TYPE_SERVICE_VLAN)
}

/// IPv4 header without options.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Ipv4 {
    pub(crate) version_and_length: u8,
    pub(crate) class: u8,
    pub(crate) total_length: [u8; 2],
    pub(crate) id: [u8; 2],
    pub(crate) fragment: [u8; 2],
    pub(crate) hop_limit: u8,
    pub(crate) protocol: u8,
    pub(crate) checksum: [u8; 2],
    pub(crate) source: [u8; 4],
    pub(crate) destination: [u8; 4],
}

/// UDP header.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Udp {
    pub(crate) source: [u8; 2],
    pub(crate) destination: [u8; 2],
    pub(crate) length: [u8; 2],
    pub(crate) checksum: [u8; 2],
}

/// Ethernet header without a tag.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Ether {
    pub(crate) destination: [u8; 6],
    pub(crate) source: [u8; 6],
    pub(crate) ether_type: [u8; 2],
}

const _: () = {
    assert!(size_of::<Ether>() == ETHER_LEN);
    assert!(size_of::<Ipv4>() == IPV4_LEN);
    assert!(size_of::<Udp>() == UDP_LEN);
};

/// A `T` at `offset` of the packet, if all of it lies in the packet's first buffer.
#[inline(always)]
pub(crate) fn at<T>(ctx: &XdpContext, offset: usize) -> Option<*mut T> {
    let start = ctx.data() + offset;
    (start + size_of::<T>() <= ctx.data_end()).then_some(start as *mut T)
}

#[inline(always)]
fn read<T: Copy>(ctx: &XdpContext, offset: usize) -> Option<T> {
    // SAFETY: `at` checked the bounds, and every T here is made of bytes, so aligned anywhere.
    at::<T>(ctx, offset).map(|place| unsafe { *place })
}

/// A UDP datagram over IPv4 whose first bytes could be a heartbeat's.
pub(crate) struct Datagram {
    /// Where the IPv4 header begins: behind the Ethernet header and at most one tag.
    pub(crate) network: usize,
    header: Ipv4,
    /// Where the UDP header begins.
    transport: usize,
}

impl Datagram {
    /// Finds one in the packet, with as few loads as possible for everything else.
    #[inline(always)]
    pub(crate) fn find(ctx: &XdpContext) -> Option<Self> {
        let mut ether_type = u16::from_be_bytes(read(ctx, 12)?);
        let mut network = ETHER_LEN;
        if ether_type == TYPE_VLAN {
            ether_type = u16::from_be_bytes(read(ctx, 16)?);
            network += TAG_LEN;
        }
        if ether_type != TYPE_IPV4 {
            return None;
        }
        let header: Ipv4 = read(ctx, network)?;
        if header.protocol != PROTOCOL_UDP {
            return None;
        }
        // A fragment other than the first one has no port to know it by.
        if u16::from_be_bytes(header.fragment) & FRAGMENT_OFFSET != 0 {
            return None;
        }
        let transport = network + usize::from(header.version_and_length & 0x0f) * 4;
        Some(Self {
            network,
            header,
            transport,
        })
    }

    /// Whether it is addressed to the responder: group or own address, port, and our magic.
    #[inline(always)]
    pub(crate) fn is_ours(&self, ctx: &XdpContext, config: &Config) -> bool {
        let to = mapped(self.header.destination);
        if to != config.group && to != config.own_address {
            return false;
        }
        let Some(udp) = read::<Udp>(ctx, self.transport) else {
            return false;
        };
        u16::from_be_bytes(udp.destination) == config.port
            && read(ctx, self.transport + UDP_LEN).map(u32::from_le_bytes) == Some(MAGIC)
    }

    /// Copies the body to `frame`; `None` if anything about the packet is not as every heartbeat is
    /// sent.
    #[inline(always)]
    pub(crate) fn load_body<'a>(
        &self,
        ctx: &XdpContext,
        frame: &'a mut MaybeUninit<Frame>,
    ) -> Option<&'a mut Frame> {
        let header = &self.header;
        let udp: Udp = read(ctx, self.transport)?;
        let is_whole = u16::from_be_bytes(header.fragment) & MORE_FRAGMENTS == 0;
        if header.version_and_length != NO_OPTIONS
            || !is_whole
            || header.hop_limit != HOP_LIMIT
            || u16::from_be_bytes(header.total_length) != PACKET_LEN
            || u16::from_be_bytes(udp.length) != DATAGRAM_LEN
        {
            return None;
        }
        // SAFETY: the helper writes FRAME_LEN bytes into `frame`, which has as many, or fails.
        let result = unsafe {
            bpf_xdp_load_bytes(
                ctx.ctx,
                self.body_offset(),
                frame.as_mut_ptr().cast(),
                FRAME_LEN as u32,
            )
        };
        if result != 0 {
            return None;
        }
        // SAFETY: the helper succeeded, so all of it is written; any bytes are a valid frame.
        Some(unsafe { frame.assume_init_mut() })
    }

    /// The IP source.
    #[inline(always)]
    pub(crate) fn source(&self) -> Address {
        mapped(self.header.source)
    }

    /// Where the body of a packet without options begins.
    #[inline(always)]
    pub(crate) fn body_offset(&self) -> u32 {
        (self.network + IPV4_LEN + UDP_LEN) as u32
    }
}
