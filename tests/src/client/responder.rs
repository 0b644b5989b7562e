//! The business service of a node: answers every question from the address it was asked at, with
//! the node's slot. It knows nothing of mastership, as a service that lost its cluster would not.

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
};

use crate::client::datagram::{PORT, QUESTION_LEN, answer_to};
use crate::client::schedule::{ANSWERING, hurry};

/// Answers as the node in `slot` at `any` address of its family until the process ends.
///
/// # Errors
/// When the socket cannot be made.
pub fn run(slot: u16, any: IpAddr) -> Result<()> {
    let socket = UdpSocket::bind((any, PORT)).context("cannot bind the service's socket")?;
    match any {
        IpAddr::V4(_) => setsockopt(&socket, Ipv4PacketInfo, &true),
        IpAddr::V6(_) => setsockopt(&socket, Ipv6RecvPacketInfo, &true),
    }
    .context("cannot ask for the address of each question")?;
    println!("at work");
    let _hurry = hurry(ANSWERING);
    loop {
        // The gate refuses answers from an address that is not ours now: that is its work.
        let _ = answer_one(&socket, slot);
    }
}

/// Every address of the family that this one is of.
#[must_use]
pub const fn any_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// The address a question was sent to, as the source of its answer; any interface may carry it.
enum AskedAt {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

fn answer_one(socket: &UdpSocket, slot: u16) -> nix::Result<()> {
    let fd = socket.as_raw_fd();
    let mut bytes = [0; QUESTION_LEN];
    let mut space = cmsg_space!(in6_pktinfo);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut space), MsgFlags::empty())?;
    let (from, asked_at) = (received.address, received.cmsgs()?.find_map(asked_at));
    let (Some(from), Some(at), Some(answer)) = (from, asked_at, answer_to(&bytes, slot)) else {
        return Ok(());
    };
    let source = match &at {
        AskedAt::V4(at) => ControlMessage::Ipv4PacketInfo(at),
        AskedAt::V6(at) => ControlMessage::Ipv6PacketInfo(at),
    };
    sendmsg(
        fd,
        &[IoSlice::new(&answer)],
        &[source],
        MsgFlags::MSG_DONTWAIT,
        Some(&from),
    )
    .map(drop)
}

fn asked_at(message: ControlMessageOwned) -> Option<AskedAt> {
    match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(AskedAt::V4(in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: info.ipi_addr,
            ipi_addr: info.ipi_addr,
        })),
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(AskedAt::V6(in6_pktinfo {
            ipi6_ifindex: 0,
            ..info
        })),
        _ => None,
    }
}
