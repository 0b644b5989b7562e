//! What carries a packet to the responder: the driver's buffer at XDP, the network stack's at tcx ingress.

use core::mem::MaybeUninit;

use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::bpf_hdr_start_off::BPF_HDR_START_MAC;
use aya_ebpf::helpers::{bpf_skb_change_head, bpf_skb_load_bytes_relative, bpf_skb_store_bytes};
use aya_ebpf::programs::{TcContext, XdpContext};
use heartbeat_wire::frame::FRAME_LEN;

use crate::maps;
use crate::network::{
    self, DESTINATION_OPTIONS, FRAGMENT, Family, HOP_BY_HOP, IPV6_LEN, PROTOCOL_UDP, ROUTING,
};
use crate::packet::{ETHER_LEN, TAG_LEN, UDP_LEN, read};

/// The most of a frame that is looked at or written: Ethernet, a tag, IPv6, UDP, body.
const LONGEST: usize = ETHER_LEN + TAG_LEN + IPV6_LEN + UDP_LEN + FRAME_LEN;

/// A packet, wherever the program meets it.
pub(crate) trait PacketContext: EbpfContext {
    /// Where its first buffer begins.
    fn data(&self) -> usize;

    /// Where its first buffer ends.
    fn data_end(&self) -> usize;

    /// The index of the interface that it came in by.
    fn interface(&self) -> u32;

    /// Has all of a heartbeat lie in the first buffer, before anything is known of it. What is not ours stays as
    /// it is.
    fn gather(&self);

    /// The number at `offset`, which stands there in network byte order.
    #[inline(always)]
    fn number(&self, offset: usize) -> Option<u16> {
        read(self, offset).map(u16::from_be)
    }
}

impl PacketContext for XdpContext {
    #[inline(always)]
    fn data(&self) -> usize {
        Self::data(self)
    }

    #[inline(always)]
    fn data_end(&self) -> usize {
        Self::data_end(self)
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        self.ingress_ifindex() as u32
    }

    /// No driver splits what is so short.
    #[inline(always)]
    fn gather(&self) {}
}

impl PacketContext for TcContext {
    #[inline(always)]
    fn data(&self) -> usize {
        Self::data(self)
    }

    #[inline(always)]
    fn data_end(&self) -> usize {
        Self::data_end(self)
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        // SAFETY: the kernel hands a valid __sk_buff to the program for the whole of its run.
        unsafe { (*self.skb.skb).ifindex }
    }

    /// Here the first buffer may hold the Ethernet header alone.
    #[inline(always)]
    fn gather(&self) {
        let wanted = (self.len() as usize).min(LONGEST);
        if self.data() + wanted > self.data_end() && may_be_ours(self) == Some(true) {
            // If it fails, the buffer is found too short.
            let _ = self.pull_data(wanted as u32);
        }
    }

    #[inline(always)]
    fn number(&self, offset: usize) -> Option<u16> {
        read(self, offset)
            .or_else(|| self.load(offset).ok())
            .map(u16::from_be)
    }
}

/// Whether it is UDP to the responder's port; behind an extension header it counts as that.
#[inline(always)]
fn may_be_ours(ctx: &TcContext) -> Option<bool> {
    let (family, start) = network::place(ctx)?;
    let byte = |offset| ctx.number(offset).map(|number| (number >> 8) as u8);
    let transport = match family {
        Family::V4 if byte(start + 9)? == PROTOCOL_UDP => {
            start + usize::from(byte(start)? & 0x0f) * 4
        }
        Family::V4 => return None,
        Family::V6 => match byte(start + 6)? {
            PROTOCOL_UDP => start + IPV6_LEN,
            HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS => return Some(true),
            _ => return None,
        },
    };
    Some(ctx.number(transport + 2)? == maps::config()?.port)
}

/// Shows the Ethernet header of a packet that came in, where the kernel does not.
///
/// A packet that had to be copied for an XDP program in generic mode, ours or another's, has lost the length of that
/// header (`mac_len`, seen on Linux 6.18), and programs at tcx ingress see it from the network header on. So does
/// whatever is behind them, hence it is put back for good. The packet's length was noted without the header
/// (`wire_len`): where both are the same, there is none.
#[inline(always)]
pub(crate) fn show_ether(ctx: &TcContext) {
    let skb = ctx.skb.skb;
    // SAFETY: the kernel hands a valid __sk_buff to the program for the whole of its run.
    if unsafe { (*skb).len != (*skb).wire_len } {
        return;
    }
    let mut header = MaybeUninit::<[u16; ETHER_LEN / 2]>::uninit();
    let (place, length) = (header.as_mut_ptr(), ETHER_LEN as u32);
    // SAFETY: the first helper writes `length` bytes to `place`, the last one reads them if it did.
    unsafe {
        if bpf_skb_load_bytes_relative(skb.cast(), 0, place.cast(), length, BPF_HDR_START_MAC) == 0
            && bpf_skb_change_head(skb, length, 0) == 0
        {
            bpf_skb_store_bytes(skb, 0, place.cast(), length, 0);
        }
    }
}
