//! Who answers for an address on a segment: asked so that nobody's traffic is led astray by the question.

mod probe;
mod solicitation;

use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::mac::MacAddress;
use crate::sys::link_address::link_address;

/// When the question is put, counted from the first: a frame may be lost.
const ASKED_AT: [Duration; 2] = [Duration::ZERO, Duration::from_millis(40)];
/// How long answers are collected. A station answers within a millisecond unless it is starved; a stranger
/// that holds the address too may be a slow one.
const LISTENING: Duration = Duration::from_millis(120);
/// Most stations that are remembered for one address: two are a fault already, more are the same fault.
pub const MOST_ANSWERS: usize = 4;
/// Longer than any answer; what is cut off is none.
const LONGEST: usize = 128;

/// The asking station on its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The interface's number.
    pub interface_index: u32,
    /// Its hardware address.
    pub mac: MacAddress,
    /// An IPv6 address of its own on it, to ask for IPv6 addresses with.
    pub ipv6: Option<Ipv6Addr>,
}

/// Who answered for an address, at most [`MOST_ANSWERS`]; none if it could not be asked for.
pub type Answered = Option<Vec<MacAddress>>;

impl Asker {
    /// Asks for every one of `addresses` and gives, in their order, who answered. Takes a tenth of a second,
    /// so never for a real-time thread.
    ///
    /// # Errors
    /// What the kernel answers, ENETDOWN when the interface is off: nobody was asked then.
    pub fn ask(&self, addresses: &[IpAddr]) -> io::Result<Vec<Answered>> {
        let mut asking = Asking::default();
        for address in addresses {
            asking.prepare(self, *address)?;
        }
        let begun = Instant::now();
        let mut questions = ASKED_AT.iter().peekable();
        loop {
            let passed = begun.elapsed();
            if questions.next_if(|at| **at <= passed).is_some() {
                asking.put(self.interface_index)?;
            }
            asking.take_answers(self)?;
            let until = questions.peek().map_or(LISTENING, |at| **at);
            let left = until.saturating_sub(begun.elapsed());
            if left.is_zero() && questions.peek().is_none() {
                return Ok(asking
                    .asked
                    .into_iter()
                    .map(|asked| asked.answered)
                    .collect());
            }
            asking.wait(left)?;
        }
    }

    /// The question for an address, if this station can ask it, and the EtherType it goes by.
    fn question(&self, address: IpAddr) -> Option<(u16, Vec<u8>)> {
        match address {
            IpAddr::V4(v4) => Some((probe::ETHERTYPE, probe::question(self.mac, v4).to_vec())),
            IpAddr::V6(v6) => {
                let question = solicitation::question(self.mac, self.ipv6?, v6);
                Some((solicitation::ETHERTYPE, question.to_vec()))
            }
        }
    }

    /// What a frame answers to this station: for which address, and by which hardware address.
    fn answer(&self, frame: &[u8]) -> Option<(IpAddr, MacAddress)> {
        let by_arp = probe::answer(frame, self.mac).map(|(v4, mac)| (v4.into(), mac));
        let by_advertisement = || {
            let (v6, mac) = solicitation::answer(frame, self.ipv6?)?;
            Some((v6.into(), mac))
        };
        by_arp.or_else(by_advertisement)
    }
}

/// One round of asking.
#[derive(Debug, Default)]
struct Asking {
    /// By EtherType.
    sockets: Vec<(u16, Socket)>,
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    address: IpAddr,
    ether_type: u16,
    /// Empty if it cannot be asked.
    question: Vec<u8>,
    answered: Answered,
}

impl Asking {
    fn prepare(&mut self, asker: &Asker, address: IpAddr) -> io::Result<()> {
        let question = asker.question(address);
        let answered = question.as_ref().map(|_| Vec::new());
        let (ether_type, question) = question.unwrap_or_default();
        let is_there = |(of, _): &(u16, Socket)| *of == ether_type;
        if answered.is_some() && !self.sockets.iter().any(is_there) {
            let socket = open(asker.interface_index, ether_type)?;
            self.sockets.push((ether_type, socket));
        }
        self.asked.push(Asked {
            address,
            ether_type,
            question,
            answered,
        });
        Ok(())
    }

    fn put(&self, interface_index: u32) -> io::Result<()> {
        for asked in self.asked.iter().filter(|asked| asked.answered.is_some()) {
            let to = link_address(interface_index, asked.ether_type);
            for (_, socket) in self
                .sockets
                .iter()
                .filter(|(of, _)| *of == asked.ether_type)
            {
                socket.send_to(&asked.question, &to)?;
            }
        }
        Ok(())
    }

    fn take_answers(&mut self, asker: &Asker) -> io::Result<()> {
        let mut frame = [0; LONGEST];
        for (_, socket) in &mut self.sockets {
            loop {
                let length = match socket.read(&mut frame) {
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                if let Some((address, mac)) = asker.answer(&frame[..length]) {
                    note(&mut self.asked, address, mac);
                }
            }
        }
        Ok(())
    }

    fn wait(&self, left: Duration) -> io::Result<()> {
        let mut fds: Vec<PollFd<'_>> = self
            .sockets
            .iter()
            .map(|(_, socket)| PollFd::new(socket.as_fd(), PollFlags::POLLIN))
            .collect();
        // Rounded up, so that the last wait does not become a busy one.
        let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn note(all: &mut [Asked], address: IpAddr, mac: MacAddress) {
    for asked in all.iter_mut().filter(|asked| asked.address == address) {
        if let Some(macs) = &mut asked.answered
            && !macs.contains(&mac)
            && macs.len() < MOST_ANSWERS
        {
            macs.push(mac);
        }
    }
}

fn open(interface_index: u32, ether_type: u16) -> io::Result<Socket> {
    // Protocol 0 receives nothing before the bind, so no frame of another interface slips in.
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
    socket.set_nonblocking(true)?;
    if ether_type == solicitation::ETHERTYPE {
        // Before the bind: all of the interface's IPv6 traffic would come in else.
        socket.attach_filter(&solicitation::ADVERTISEMENTS_ONLY)?;
    }
    socket.bind(&link_address(interface_index, ether_type))?;
    Ok(socket)
}
