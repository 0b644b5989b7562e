//! One request and its answer, synchronously.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NetlinkMessage, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;

use super::decode::{RawMessage, messages};

/// Room for one answer. The kernel never makes a dump's part longer than 32 KiB (netlink_dump,
/// Linux 3.15), and a single link's facts stay below it on machines with many virtual functions too.
const ANSWER_BYTES: usize = 64 * 1024;

/// How often a dump is begun anew because the kernel's tables changed under it. On the third time the
/// list is used as it is: an event tells of what was missed.
const DUMP_TRIES: usize = 3;

/// Bytes of the error number and the request's header before the attributes of an error (struct nlmsgerr).
const ERROR_HEADER_BYTES: usize = 4 + 16;
/// The kernel's own words in an error (NLMSGERR_ATTR_MSG, Linux 4.12).
const ERROR_TEXT: u16 = 1;

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The kernel answered with an error.
    Refused {
        errno: Errno,
        detail: Option<String>,
    },
    /// The socket failed, or the answer made no sense.
    Broken(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

#[derive(Debug)]
pub(super) struct RequestSocket {
    socket: Socket,
    sequence: u32,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl RequestSocket {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        // Connected to the kernel (port 0): other processes' messages are refused by the kernel.
        socket.connect(&SocketAddr::new(0, 0))?;
        // The kernel's own words, without a copy of the request before them. Older kernels have
        // neither; the error number then stands alone.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        Ok(Self {
            socket,
            sequence: 0,
            request: Vec::new(),
            answer: Vec::with_capacity(ANSWER_BYTES),
        })
    }

    /// Asks for a change, and waits for the kernel's word that it is made.
    pub(super) fn change(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), Failure> {
        self.ask(message, flags | NLM_F_ACK, |_| ()).map(drop)
    }

    /// Asks for one thing; `take` gets what describes it.
    pub(super) fn get(
        &mut self,
        message: RouteNetlinkMessage,
        take: impl FnMut(&RawMessage<'_>),
    ) -> Result<(), Failure> {
        self.ask(message, NLM_F_ACK, take).map(drop)
    }

    /// Asks for all things of a kind; a list that changed while it was read is asked for anew.
    pub(super) fn list<T>(
        &mut self,
        message: &RouteNetlinkMessage,
        decode: impl Fn(&RawMessage<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Failure> {
        let mut found = Vec::new();
        for _ in 0..DUMP_TRIES {
            found.clear();
            let whole = self.ask(message.clone(), NLM_F_DUMP, |message| {
                found.extend(decode(message));
            })?;
            if whole {
                break;
            }
        }
        Ok(found)
    }

    /// False if the kernel's tables changed while it answered.
    fn ask(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        mut take: impl FnMut(&RawMessage<'_>),
    ) -> Result<bool, Failure> {
        self.send(message, flags)?;
        let mut whole = true;
        loop {
            self.receive()?;
            for message in messages(&self.answer) {
                // An answer to a request that was given up earlier.
                if message.sequence != self.sequence {
                    continue;
                }
                whole &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_ERROR => return acknowledged(&message).map(|()| whole),
                    NLMSG_DONE => return Ok(whole),
                    _ => take(&message),
                }
            }
        }
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(message);
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        self.request.clear();
        self.request.resize(message.buffer_len(), 0);
        message.serialize(&mut self.request);
        retry_interrupted(|| self.socket.send(&self.request, 0)).map(drop)
    }

    /// The kernel queues an answer before the request's send(2) returns, so this does not wait for
    /// anybody; a lost answer is reported by the kernel as ENOBUFS.
    fn receive(&mut self) -> io::Result<()> {
        self.answer.clear();
        let Self { socket, answer, .. } = self;
        let length = retry_interrupted(|| socket.recv(answer, libc::MSG_TRUNC))?;
        if length > self.answer.len() {
            return Err(io::Error::other(format!(
                "an answer of {length} bytes is longer than {ANSWER_BYTES}"
            )));
        }
        Ok(())
    }
}

fn retry_interrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn acknowledged(message: &RawMessage<'_>) -> Result<(), Failure> {
    let code = message
        .payload
        .first_chunk()
        .map(|bytes| i32::from_ne_bytes(*bytes));
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Refused {
            errno: Errno::from_raw(-code),
            detail: error_text(message),
        }),
        None => Err(Failure::Broken(io::Error::from(
            io::ErrorKind::UnexpectedEof,
        ))),
    }
}

fn error_text(message: &RawMessage<'_>) -> Option<String> {
    if message.flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    NlasIterator::new(message.payload.get(ERROR_HEADER_BYTES..)?)
        .flatten()
        .find(|attribute| attribute.kind() == ERROR_TEXT)
        .map(|attribute| {
            String::from_utf8_lossy(attribute.value())
                .trim_end_matches('\0')
                .to_owned()
        })
}
