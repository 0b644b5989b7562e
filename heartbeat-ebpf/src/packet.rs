//! Headers in a packet's bytes, each looked at only after its bounds are checked.

use core::mem::MaybeUninit;

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::{bpf_csum_diff, bpf_xdp_load_bytes, bpf_xdp_store_bytes};
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
const IPV4_LEN: usize = 20;
const UDP_LEN: usize = 8;
const PROTOCOL_UDP: u8 = 17;
/// Version 4, five words of header: no options.
const NO_OPTIONS: u8 = 0x45;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;
const DONT_FRAGMENT: u16 = 0x4000;
/// DSCP CS6, network control (RFC 4594), as the byte in the header.
const CLASS: u8 = 48 << 2;
const DATAGRAM_LEN: u16 = (UDP_LEN + FRAME_LEN) as u16;
const PACKET_LEN: u16 = IPV4_LEN as u16 + DATAGRAM_LEN;

/// Whether an EtherType stands for an 802.1Q or 802.1ad tag.
#[inline(always)]
pub(crate) const fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, TYPE_VLAN | TYPE_SERVICE_VLAN)
}

/// IPv4 header without options.
#[repr(C)]
#[derive(Clone, Copy)]
struct Ipv4 {
    version_and_length: u8,
    class: u8,
    total_length: [u8; 2],
    id: [u8; 2],
    fragment: [u8; 2],
    hop_limit: u8,
    protocol: u8,
    checksum: [u8; 2],
    source: [u8; 4],
    destination: [u8; 4],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Udp {
    source: [u8; 2],
    destination: [u8; 2],
    length: [u8; 2],
    checksum: [u8; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Ether {
    destination: [u8; 6],
    source: [u8; 6],
    ether_type: [u8; 2],
}

const _: () = {
    assert!(size_of::<Ether>() == ETHER_LEN);
    assert!(size_of::<Ipv4>() == IPV4_LEN);
    assert!(size_of::<Udp>() == UDP_LEN);
};

/// A `T` at `offset` of the packet, if all of it lies in the packet's first buffer.
#[inline(always)]
fn at<T>(ctx: &XdpContext, offset: usize) -> Option<*mut T> {
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
    network: usize,
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
    fn body_offset(&self) -> u32 {
        (self.network + IPV4_LEN + UDP_LEN) as u32
    }

    /// Turns the packet into one that carries `frame` to `to`, an IPv4 address, from this node.
    ///
    /// Every header field that the answer depends on is written anew, so nothing but the sender's
    /// hardware address is taken from the question's unsigned part.
    #[inline(always)]
    pub(crate) fn turn_round(
        &self,
        ctx: &XdpContext,
        frame: &Frame,
        own_mac: [u8; 6],
        to: &Address,
        config: &Config,
    ) -> Option<()> {
        let (from, to) = (last_four(&config.own_address), last_four(to));
        let body_sum = store_body(ctx.ctx, self.body_offset(), frame)?;
        let ether = at::<Ether>(ctx, 0)?;
        // SAFETY: `at` checked the bounds; the header is made of bytes.
        let ether = unsafe { &mut *ether };
        ether.destination = ether.source;
        ether.source = own_mac;

        let mut header = Ipv4 {
            version_and_length: NO_OPTIONS,
            class: CLASS,
            total_length: PACKET_LEN.to_be_bytes(),
            id: [0; 2],
            fragment: DONT_FRAGMENT.to_be_bytes(),
            hop_limit: HOP_LIMIT,
            protocol: PROTOCOL_UDP,
            checksum: [0; 2],
            source: from,
            destination: to,
        };
        header.checksum = (!fold(header_sum(&header))).to_be_bytes();
        let port = config.port.to_be_bytes();
        let udp = Udp {
            source: port,
            destination: port,
            length: DATAGRAM_LEN.to_be_bytes(),
            checksum: udp_checksum(from, to, config.port, body_sum),
        };
        // SAFETY: `at` checked the bounds; both headers are made of bytes.
        unsafe {
            *at::<Ipv4>(ctx, self.network)? = header;
            *at::<Udp>(ctx, self.network + IPV4_LEN)? = udp;
        }
        Some(())
    }
}

#[inline(always)]
const fn last_four(address: &Address) -> [u8; 4] {
    [address[12], address[13], address[14], address[15]]
}

/// Writes the body into the packet; returns its unfolded Internet checksum in the packet's byte order.
#[inline(always)]
fn store_body(ctx: *mut xdp_md, offset: u32, frame: &Frame) -> Option<u64> {
    let bytes = core::ptr::from_ref(frame).cast_mut();
    // SAFETY: both helpers read FRAME_LEN initialised bytes from `frame`, which has no padding.
    let (stored, sum) = unsafe {
        (
            bpf_xdp_store_bytes(ctx, offset, bytes.cast(), FRAME_LEN as u32),
            bpf_csum_diff(core::ptr::null_mut(), 0, bytes.cast(), FRAME_LEN as u32, 0),
        )
    };
    (stored == 0 && sum >= 0).then_some(sum as u64)
}

/// Sum of the header's 16-bit words (RFC 791), in network byte order.
#[inline(always)]
fn header_sum(header: &Ipv4) -> u64 {
    u64::from(u16::from_be_bytes([
        header.version_and_length,
        header.class,
    ])) + u64::from(u16::from_be_bytes(header.total_length))
        + u64::from(u16::from_be_bytes(header.fragment))
        + u64::from(u16::from_be_bytes([header.hop_limit, header.protocol]))
        + address_sum(header.source)
        + address_sum(header.destination)
}

#[inline(always)]
fn address_sum(address: [u8; 4]) -> u64 {
    u64::from(u16::from_be_bytes([address[0], address[1]]))
        + u64::from(u16::from_be_bytes([address[2], address[3]]))
}

/// Whole UDP checksum (RFC 768): the question's may be only half made, so none is derived from it.
#[inline(always)]
fn udp_checksum(from: [u8; 4], to: [u8; 4], port: u16, body_sum: u64) -> [u8; 2] {
    // The helper sums words as this little-endian machine loads them (RFC 1071, 2(B)).
    let body = u64::from(fold(body_sum).swap_bytes());
    let sum = address_sum(from)
        + address_sum(to)
        + u64::from(PROTOCOL_UDP)
        + 2 * u64::from(DATAGRAM_LEN)
        + 2 * u64::from(port)
        + body;
    let checksum = !fold(sum);
    // Zero would say that there is none.
    if checksum == 0 { u16::MAX } else { checksum }.to_be_bytes()
}

#[inline(always)]
const fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}
