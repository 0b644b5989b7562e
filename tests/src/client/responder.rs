//! The business service of a node: answers every question from the address it was asked at, with
//! the node's slot. It knows nothing of mastership, as a service that lost its cluster would not.

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::libc::in_pktinfo;
use nix::sys::socket::sockopt::Ipv4PacketInfo;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt,
};

use crate::client::datagram::{PORT, QUESTION_LEN, answer_to};
use crate::client::schedule::{ANSWERING, hurry};

/// Answers as the node in `slot` until the process ends.
///
/// # Errors
/// When the socket cannot be made.
pub fn run(slot: u16) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))
        .context("cannot bind the service's socket")?;
    setsockopt(&socket, Ipv4PacketInfo, &true)
        .context("cannot ask for the address of each question")?;
    println!("at work");
    let _hurry = hurry(ANSWERING);
    loop {
        // The gate refuses answers from an address that is not ours now: that is its work.
        let _ = answer_one(&socket, slot);
    }
}

fn answer_one(socket: &UdpSocket, slot: u16) -> nix::Result<()> {
    let fd = socket.as_raw_fd();
    let mut bytes = [0; QUESTION_LEN];
    let mut space = cmsg_space!(in_pktinfo);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg::<SockaddrIn>(fd, &mut parts, Some(&mut space), MsgFlags::empty())?;
    let (from, asked_at) = (received.address, asked_address(received.cmsgs()?));
    let (Some(from), Some(at), Some(answer)) = (from, asked_at, answer_to(&bytes, slot)) else {
        return Ok(());
    };
    let source = [ControlMessage::Ipv4PacketInfo(&at)];
    sendmsg(
        fd,
        &[IoSlice::new(&answer)],
        &source,
        MsgFlags::MSG_DONTWAIT,
        Some(&from),
    )
    .map(drop)
}

/// The address the question was sent to, as the source of the answer; any interface may carry it.
fn asked_address(messages: impl Iterator<Item = ControlMessageOwned>) -> Option<in_pktinfo> {
    messages
        .filter_map(|message| {
            if let ControlMessageOwned::Ipv4PacketInfo(info) = message {
                Some(info)
            } else {
                None
            }
        })
        .next()
        .map(|info| in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: info.ipi_addr,
            ipi_addr: info.ipi_addr,
        })
}
