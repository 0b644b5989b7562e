//! Traffic-control filters that run a program (tc-bpf(8)): listed, placed, replaced and removed.
//!
//! Filters hang on a clsact qdisc, which is no queue but a place for them on both sides of an interface.

mod decode;

use std::os::fd::{AsRawFd as _, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{
    TcAttribute, TcBpfFlags, TcFilterBpfOption, TcHandle, TcHeader, TcMessage, TcOption,
};
use nix::errno::Errno;

use super::Netlink;
use super::decode::Link;
use super::error::NetlinkError;
use super::socket::Failure;

pub use decode::Filter;

/// The one major number of a clsact qdisc (TC_H_CLSACT, linux/pkt_sched.h).
const CLSACT: u16 = 0xffff;
/// Where the qdisc itself hangs (TC_H_INGRESS).
const ROOT: u16 = 0xfff1;
/// Filters run from the lowest to the highest priority; 0 would leave the choice to the kernel.
const FIRST: u32 = 1;

/// A side of an interface, seen from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

impl Hook {
    /// TC_H_MIN_INGRESS, TC_H_MIN_EGRESS (linux/pkt_sched.h).
    const fn parent(self) -> TcHandle {
        let minor = match self {
            Self::Ingress => 0xfff2,
            Self::Egress => 0xfff3,
        };
        handle(CLSACT, minor)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl Netlink {
    /// Gives the interface a clsact qdisc, unless it has one.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn add_clsact(&mut self, link: &Link) -> Result<(), NetlinkError> {
        let mut message = message(link, handle(CLSACT, ROOT));
        message.header.handle = handle(CLSACT, 0);
        message.attributes = vec![TcAttribute::Kind("clsact".to_owned())];
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        let message = RouteNetlinkMessage::NewQueueDiscipline(message);
        match self.socket.change(message, flags) {
            Ok(())
            | Err(Failure::Refused {
                errno: Errno::EEXIST,
                ..
            }) => Ok(()),
            Err(failure) => Err(NetlinkError::new(
                format!("add a clsact qdisc to interface {}", link.name),
                failure,
            )),
        }
    }

    /// The filters with a program on one side of an interface; none without a clsact qdisc.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn filters(&mut self, link: &Link, hook: Hook) -> Result<Vec<Filter>, NetlinkError> {
        let message = RouteNetlinkMessage::GetTrafficFilter(message(link, hook.parent()));
        let listed = self
            .socket
            .list(&message, |message| decode::filter(message.payload));
        match listed {
            Ok(filters) => Ok(filters),
            Err(Failure::Refused {
                errno: Errno::EINVAL | Errno::ENOENT,
                ..
            }) => Ok(Vec::new()),
            Err(failure) => Err(failed("list the filters", link, hook, failure)),
        }
    }

    /// Places a filter before all that are there, under a name by which it can be found, at most 255 bytes
    /// long.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn add_filter(
        &mut self,
        link: &Link,
        hook: Hook,
        name: &str,
        program: BorrowedFd<'_>,
    ) -> Result<(), NetlinkError> {
        let message = with_program(filter(link, hook, 0), name, program);
        self.socket
            .change(message, NLM_F_CREATE | NLM_F_EXCL)
            .map_err(|failure| failed("add a filter", link, hook, failure))
    }

    /// Puts another program into a filter, without a packet that meets neither.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn replace_filter(
        &mut self,
        link: &Link,
        hook: Hook,
        old: &Filter,
        program: BorrowedFd<'_>,
    ) -> Result<(), NetlinkError> {
        let mut message = filter(link, hook, old.handle);
        message.header.info = old.info;
        self.socket
            .change(with_program(message, &old.name, program), 0)
            .map_err(|failure| failed("replace a filter", link, hook, failure))
    }

    /// Removes a filter; that it is gone already is no error. The qdisc stays: others may use it.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn remove_filter(
        &mut self,
        link: &Link,
        hook: Hook,
        old: &Filter,
    ) -> Result<(), NetlinkError> {
        let mut message = filter(link, hook, old.handle);
        message.header.info = old.info;
        let message = RouteNetlinkMessage::DelTrafficFilter(message);
        match self.socket.change(message, 0) {
            Ok(())
            | Err(Failure::Refused {
                errno: Errno::ENOENT | Errno::ENODEV,
                ..
            }) => Ok(()),
            Err(failure) => Err(failed("remove a filter", link, hook, failure)),
        }
    }
}

fn message(link: &Link, parent: TcHandle) -> TcMessage {
    let header = TcHeader {
        // The kernel's own type for it is signed.
        index: link.index.cast_signed(),
        parent,
        ..TcHeader::default()
    };
    TcMessage::from_parts(header, Vec::new())
}

fn filter(link: &Link, hook: Hook, own: u32) -> TcMessage {
    let mut message = message(link, hook.parent());
    message.header.handle = own.into();
    message.header.info = FIRST << 16 | every_protocol();
    message.attributes = vec![TcAttribute::Kind(decode::KIND.to_owned())];
    message
}

fn with_program(
    mut message: TcMessage,
    name: &str,
    program: BorrowedFd<'_>,
) -> RouteNetlinkMessage {
    let options = [
        TcFilterBpfOption::ProgFd(program.as_raw_fd().cast_unsigned()),
        TcFilterBpfOption::ProgName(name.to_owned()),
        // What the program returns is what becomes of the packet.
        TcFilterBpfOption::Flags(TcBpfFlags::DirectAction),
    ];
    let options = options.into_iter().map(TcOption::Bpf).collect();
    message.attributes.push(TcAttribute::Options(options));
    RouteNetlinkMessage::NewTrafficFilter(message)
}

const fn handle(major: u16, minor: u16) -> TcHandle {
    TcHandle { major, minor }
}

/// ETH_P_ALL, in the lower half of a filter's info, in network byte order.
fn every_protocol() -> u32 {
    const ETH_P_ALL: u16 = 3;
    ETH_P_ALL.to_be().into()
}

fn failed(what: &str, link: &Link, hook: Hook, failure: Failure) -> NetlinkError {
    let (name, side) = (&link.name, hook.as_str());
    NetlinkError::new(format!("{what} on the {side} of interface {name}"), failure)
}
