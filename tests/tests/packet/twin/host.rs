//! The host's side of a packet: headers read from a slice and the tag checked, then the twin, then the way back.

use heartbeat_kernel_twin::Kernel as Twin;
use heartbeat_wire::decide::{check_shape, is_authentic, road};
use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT, MAGIC};
use heartbeat_wire::maps::{Address, Keys, address, mapped};
use heartbeat_wire::tag::{Beginning, sign};
use heartbeat_wire::{Frame, Verdict};

/// What became of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// `None`: it is no heartbeat for this node.
    pub(super) verdict: Option<Verdict>,
    pub(super) answer: Option<Answered>,
}

/// An answer, and its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) frame: Frame,
    pub(super) from: Address,
    pub(super) to: Address,
}

/// What the maps hold, as this side has it.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) twin: Twin,
    pub(super) keys: Keys,
}

/// A datagram whose headers were read.
struct Datagram<'a> {
    source: Address,
    destination: Address,
    port: u16,
    /// Hop limit, lengths, no fragment, no options.
    is_as_sent: bool,
    payload: &'a [u8],
}

impl Host {
    /// What becomes of `packet` at `now_ns`. Whether a refusal is held back is a matter of the time since the
    /// last ones, and is told.
    pub(super) fn respond(&mut self, packet: &[u8], now_ns: u64, is_limited: bool) -> Outcome {
        let silent = |verdict| Outcome {
            verdict,
            answer: None,
        };
        let Some(datagram) = datagram(packet).filter(|datagram| self.is_ours(datagram)) else {
            return silent(None);
        };
        match self.judge(&datagram, now_ns, is_limited) {
            Ok((verdict, answer)) => Outcome {
                verdict: Some(verdict),
                answer: Some(answer),
            },
            Err(verdict) => silent(Some(verdict)),
        }
    }

    fn is_ours(&self, datagram: &Datagram<'_>) -> bool {
        let to = datagram.destination;
        let config = &self.twin.config;
        datagram.port == config.port
            && datagram.payload.starts_with(&MAGIC.to_le_bytes())
            && [config.group, config.own_address, config.business_address].contains(&to)
    }

    /// `Err`: nothing is sent.
    fn judge(
        &mut self,
        datagram: &Datagram<'_>,
        now_ns: u64,
        is_limited: bool,
    ) -> Result<(Verdict, Answered), Verdict> {
        let body = datagram.payload.first_chunk::<FRAME_LEN>();
        let body = body.filter(|_| datagram.is_as_sent);
        let frame = Frame::from_bytes(body.ok_or(Verdict::Malformed)?);
        check_shape(&frame, &self.twin.config)?;
        if !is_authentic(&frame, &self.keys, &mut Beginning::default()) {
            return Err(Verdict::Unauthentic);
        }
        let mut passage = self.twin.admit(&frame, datagram.source, now_ns)?;
        let (verdict, network) = self.twin.pass(&mut passage);
        if network.is_none() {
            return Err(verdict);
        }
        if verdict == Verdict::Refused && is_limited {
            return Err(Verdict::RefusalLimited);
        }
        let members = self.twin.members();
        let sender = members.get(frame.sender).ok_or(Verdict::Impostor)?;
        let road = road(sender, &self.twin.config, &datagram.source).ok_or(Verdict::Impostor)?;
        let mut answer = Answered {
            frame: passage.frame,
            from: *road.own,
            to: *road.other,
        };
        self.sign(&mut answer.frame);
        Ok((verdict, answer))
    }

    /// Signs as the configuration says.
    pub(super) fn sign(&self, frame: &mut Frame) {
        let slot = self.twin.config.signing_slot;
        let number = u8::try_from(slot).expect("0 or 1");
        sign(frame, number, &self.keys.slots[usize::from(slot)]);
    }
}

fn number(packet: &[u8], at: usize) -> Option<u16> {
    let bytes: [u8; 2] = packet.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(bytes))
}

/// The UDP datagram in a packet behind at most one 802.1Q tag, if it is no later fragment.
fn datagram(packet: &[u8]) -> Option<Datagram<'_>> {
    let (ether_type, start) = match number(packet, 12)? {
        0x8100 => (number(packet, 16)?, 18),
        ether_type => (ether_type, 14),
    };
    let ip = packet.get(start..)?;
    match ether_type {
        0x0800 => ipv4(ip),
        0x86dd => ipv6(ip),
        _ => None,
    }
}

fn ipv4(ip: &[u8]) -> Option<Datagram<'_>> {
    let header: &[u8; 20] = ip.first_chunk()?;
    let fragment = number(header, 6)?;
    if header[9] != 17 || fragment & 0x1fff != 0 {
        return None;
    }
    let end = |at: usize| Some(mapped(header.get(at..at + 4)?.try_into().ok()?));
    let is_as_sent = header[0] == 0x45
        && fragment & 0x2000 == 0
        && header[8] == HOP_LIMIT
        && usize::from(number(header, 2)?) == 20 + 8 + FRAME_LEN;
    let udp = ip.get(usize::from(header[0] & 0x0f) * 4..)?;
    udp_in(udp, end(12)?, end(16)?, is_as_sent)
}

fn ipv6(ip: &[u8]) -> Option<Datagram<'_>> {
    let header: &[u8; 40] = ip.first_chunk()?;
    let end =
        |at: usize| -> Option<Address> { header.get(at..at + 16)?.try_into().ok().map(address) };
    let is_plain = header[6] == 17;
    let skipped = if is_plain {
        0
    } else {
        let extension: &[u8; 4] = ip.get(40..)?.first_chunk()?;
        let is_first = number(extension, 2)? & 0xfff8 == 0;
        match (header[6], extension[0]) {
            (0 | 43 | 60, 17) => 8 + usize::from(extension[1]) * 8,
            (44, 17) if is_first => 8,
            _ => return None,
        }
    };
    // ::ffff:0:0/96 is on no wire.
    if header[24..36] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] {
        return None;
    }
    let is_as_sent =
        is_plain && header[7] == HOP_LIMIT && usize::from(number(header, 4)?) == 8 + FRAME_LEN;
    udp_in(ip.get(40 + skipped..)?, end(8)?, end(24)?, is_as_sent)
}

fn udp_in(
    udp: &[u8],
    source: Address,
    destination: Address,
    is_as_sent: bool,
) -> Option<Datagram<'_>> {
    let length = usize::from(number(udp, 4)?);
    Some(Datagram {
        source,
        destination,
        port: number(udp, 2)?,
        is_as_sent: is_as_sent && length == 8 + FRAME_LEN,
        payload: udp.get(8..)?,
    })
}
