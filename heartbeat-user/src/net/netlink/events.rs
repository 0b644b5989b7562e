//! What happens to links and addresses, as the kernel tells it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

use super::decode::{self, Address, Link, RawMessage};
use super::error::NetlinkError;

/// Room for one event; a link's facts with all its virtual functions are the longest.
const EVENT_BYTES: usize = 64 * 1024;

/// Room in the kernel for events that were not read yet: thousands of them, a burst of somebody's
/// container start. More are lost, which [`Event::Overrun`] tells.
const QUEUE_BYTES: libc::c_int = 512 * 1024;

/// Something that happened to a link or an address of the network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A link appeared or changed; these are all its facts now.
    Link(Link),
    /// A link was deleted or moved to another network namespace.
    LinkGone {
        /// Its number.
        index: u32,
    },
    /// An address was added, or changed.
    AddressAdded(Address),
    /// An address was deleted, by whomever.
    AddressRemoved(Address),
    /// Events were lost, so everything has to be looked at anew.
    Overrun,
}

/// Follows links and addresses. Non-blocking; its descriptor is readable when there is an event.
#[derive(Debug)]
pub struct Events {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Events {
    /// From now on every event of this thread's network namespace is kept for reading.
    ///
    /// # Errors
    /// [`NetlinkError::Open`].
    pub fn open() -> Result<Self, NetlinkError> {
        let socket = open_socket().map_err(|source| NetlinkError::Open { source })?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(EVENT_BYTES),
        })
    }

    /// Gives the events of one datagram to `handle`. False if there was none to read.
    ///
    /// # Errors
    /// [`NetlinkError::Broken`] when the socket fails.
    pub fn read(&mut self, mut handle: impl FnMut(Event)) -> Result<bool, NetlinkError> {
        self.buffer.clear();
        match self.socket.recv(&mut self.buffer, libc::MSG_TRUNC) {
            // Too long for the buffer: what it told is lost.
            Ok(length) if length > self.buffer.len() => handle(Event::Overrun),
            Ok(_) => decode::messages(&self.buffer)
                .filter_map(|m| event(&m))
                .for_each(handle),
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN) => return Ok(false),
                Some(Errno::EINTR) => {}
                Some(Errno::ENOBUFS) => handle(Event::Overrun),
                _ => {
                    return Err(NetlinkError::Broken {
                        action: "follow links and addresses".into(),
                        source: error,
                    });
                }
            },
        }
        Ok(true)
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open_socket() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.set_non_blocking(true)?;
    socket.set_rx_buf_sz(QUEUE_BYTES)?;
    socket.bind_auto()?;
    for group in [
        libc::RTNLGRP_LINK,
        libc::RTNLGRP_IPV4_IFADDR,
        libc::RTNLGRP_IPV6_IFADDR,
    ] {
        socket.add_membership(group)?;
    }
    Ok(socket)
}

fn event(message: &RawMessage<'_>) -> Option<Event> {
    match message.kind {
        libc::RTM_NEWLINK => decode::link(message.payload).map(Event::Link),
        libc::RTM_DELLINK => {
            decode::link(message.payload).map(|link| Event::LinkGone { index: link.index })
        }
        libc::RTM_NEWADDR => decode::address(message.payload).map(Event::AddressAdded),
        libc::RTM_DELADDR => decode::address(message.payload).map(Event::AddressRemoved),
        _ => None,
    }
}
