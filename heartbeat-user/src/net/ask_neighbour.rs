//! Who answers for an address on a segment: asked so that nobody learns anything from the question.
//!
//! The question is an ARP probe (RFC 5227, section 2.1.1): its sender address is zero, so no station enters
//! it into its cache, and the gate of a slave, which stops what speaks *for* an address, lets it leave.

use std::io::{self, Read as _};
use std::net::Ipv4Addr;
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

/// Bytes of an ARP frame without the Ethernet padding.
const FRAME_LEN: usize = 42;
const ETHERTYPE_ARP: u16 = 0x0806;
/// Ethernet (1), IPv4 (0x0800), 6 and 4 bytes of address (RFC 826).
const ARP_HEADER: [u8; 6] = [0x00, 0x01, 0x08, 0x00, 6, 4];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// Asks for every one of `addresses` on an interface and gives, in their order, the hardware addresses that
/// answered, at most [`MOST_ANSWERS`] each. Takes [`LISTENING`], so never for a real-time thread.
///
/// # Errors
/// What the kernel answers, ENETDOWN when the interface is off: nobody was asked then.
pub fn ask(
    interface_index: u32,
    own: MacAddress,
    addresses: &[Ipv4Addr],
) -> io::Result<Vec<Vec<MacAddress>>> {
    let to = link_address(interface_index, ETHERTYPE_ARP);
    // Protocol 0 receives nothing before the bind, so no frame of another interface slips in.
    let mut socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
    socket.set_nonblocking(true)?;
    socket.bind(&to)?;
    let mut answered = vec![Vec::new(); addresses.len()];
    let begun = Instant::now();
    let mut questions = ASKED_AT.iter().peekable();
    loop {
        let passed = begun.elapsed();
        if questions.next_if(|at| **at <= passed).is_some() {
            for address in addresses {
                socket.send_to(&question(own, *address), &to)?;
            }
        }
        take_answers(&mut socket, own, addresses, &mut answered)?;
        let until = questions.peek().map_or(LISTENING, |at| **at);
        let left = until.saturating_sub(begun.elapsed());
        if left.is_zero() && questions.peek().is_none() {
            return Ok(answered);
        }
        wait(&socket, left)?;
    }
}

fn wait(socket: &Socket, left: Duration) -> io::Result<()> {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    // Rounded up, so that the last wait does not become a busy one.
    let ms = left.as_millis() + 1;
    let timeout = PollTimeout::try_from(ms).unwrap_or(PollTimeout::ZERO);
    match poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn take_answers(
    socket: &mut Socket,
    own: MacAddress,
    addresses: &[Ipv4Addr],
    answered: &mut [Vec<MacAddress>],
) -> io::Result<()> {
    let mut frame = [0; 64];
    loop {
        let length = match socket.read(&mut frame) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some((address, mac)) = answer(&frame[..length], own) else {
            continue;
        };
        for (asked, macs) in addresses.iter().zip(&mut *answered) {
            if *asked == address && !macs.contains(&mac) && macs.len() < MOST_ANSWERS {
                macs.push(mac);
            }
        }
    }
}

/// The question for `address`, to everybody, in nobody's name.
#[must_use]
pub fn question(own: MacAddress, address: Ipv4Addr) -> [u8; FRAME_LEN] {
    let mut frame = [0; FRAME_LEN];
    frame[..6].copy_from_slice(&MacAddress::BROADCAST.0);
    frame[6..12].copy_from_slice(&own.0);
    frame[12..14].copy_from_slice(&ETHERTYPE_ARP.to_be_bytes());
    frame[14..20].copy_from_slice(&ARP_HEADER);
    frame[20..22].copy_from_slice(&REQUEST.to_be_bytes());
    frame[22..28].copy_from_slice(&own.0);
    frame[38..42].copy_from_slice(&address.octets());
    frame
}

/// Which address a frame answers for, and by which hardware address, if it is an answer to `own`. An
/// announcement in reply form names its sender as target, so it is none.
fn answer(frame: &[u8], own: MacAddress) -> Option<(Ipv4Addr, MacAddress)> {
    let frame: &[u8; FRAME_LEN] = frame.first_chunk()?;
    let is_answer = frame[12..14] == ETHERTYPE_ARP.to_be_bytes()
        && frame[14..20] == ARP_HEADER
        && frame[20..22] == REPLY.to_be_bytes()
        && frame[32..38] == own.0;
    let (mac, address) = (frame[22..28].first_chunk()?, frame[28..32].first_chunk()?);
    is_answer.then_some((Ipv4Addr::from_octets(*address), MacAddress(*mac)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::announce::{Form, arp_frame};

    const OWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
    const HOLDER: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);

    /// What HOLDER answers to the question.
    fn answer_to(question: &[u8; FRAME_LEN]) -> [u8; FRAME_LEN] {
        let mut frame = *question;
        frame[..6].copy_from_slice(&OWN.0);
        frame[6..12].copy_from_slice(&HOLDER.0);
        frame[21] = 2;
        frame[22..28].copy_from_slice(&HOLDER.0);
        frame[28..32].copy_from_slice(&ADDRESS.octets());
        frame[32..38].copy_from_slice(&OWN.0);
        frame[38..42].fill(0);
        frame
    }

    #[test]
    fn the_question_is_asked_in_nobodys_name() {
        let question = question(OWN, ADDRESS);
        assert_eq!(question[28..32], [0; 4], "sender address");
        assert_eq!(question[32..38], [0; 6], "target hardware address");
        assert_eq!(question[38..42], ADDRESS.octets());
        assert_eq!(question[20..22], [0, 1]);
    }

    #[test]
    fn an_answer_to_us_is_taken_and_nothing_else_is() {
        let asked = question(OWN, ADDRESS);
        assert_eq!(answer(&answer_to(&asked), OWN), Some((ADDRESS, HOLDER)));
        assert_eq!(answer(&answer_to(&asked), HOLDER), None, "to another one");
        assert_eq!(answer(&asked, OWN), None, "a question");
        for form in Form::BOTH {
            assert_eq!(
                answer(&arp_frame(form, HOLDER, ADDRESS), OWN),
                None,
                "{form:?}"
            );
        }
        assert_eq!(answer(&answer_to(&asked)[..41], OWN), None, "cut off");
    }
}
