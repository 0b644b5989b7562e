//! The host's side: headers read from a slice, the decision by the functions that the kernel program is built
//! from, on words of its own.

use std::collections::BTreeMap;

use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, Promises, View, after_grant, check_shape, decide, is_authentic,
    road,
};
use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT, MAGIC};
use heartbeat_wire::maps::{
    Address, Config, Control, Grant, Keys, Member, Reply, SENT_RECORDS, Sent, address, mapped,
};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::tag::Beginning;
use heartbeat_wire::tag::sign;
use heartbeat_wire::{Epoch, Frame, Kind, Verdict};

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
    pub(super) config: Config,
    pub(super) keys: Keys,
    pub(super) members: BTreeMap<u16, Member>,
    pub(super) control: Control,
    pub(super) grant: Grant,
    pub(super) sent: BTreeMap<usize, Sent>,
    pub(super) replies: BTreeMap<u16, Reply>,
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
        let config = &self.config;
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
        let kind = check_shape(&frame, &self.config)?;
        if !is_authentic(&frame, &self.keys, &mut Beginning::default()) {
            return Err(Verdict::Unauthentic);
        }
        let members = self.members.clone();
        let sender = members.get(&frame.sender);
        let view = View {
            config: &self.config,
            sender,
            promises: self.promises(),
            accepted: Accepted(self.grant.accepted),
            epoch_floor: Epoch(self.control.epoch_floor),
            abstain_until_ns: self.control.abstain_until_ns,
            source: datagram.source,
            now_ns,
        };
        let (kind, verdict) = match decide(&frame, kind, &view) {
            Decision::Drop(verdict) => return Err(verdict),
            Decision::Duplicate { shut } => {
                if shut {
                    self.grant.duplicate_ns = now_ns;
                }
                return Err(Verdict::Duplicate);
            }
            Decision::MatchAnswer => return Err(self.count(&frame, kind, now_ns)),
            Decision::Refuse if is_limited => return Err(Verdict::RefusalLimited),
            Decision::Refuse => (Kind::Refusal, Verdict::Refused),
            Decision::AnswerQuery => (Kind::Reply, Verdict::QueryAnswered),
            Decision::Accept(step) => (Kind::Reply, self.accept(&frame, &step, now_ns)?),
        };
        let sender = sender.ok_or(Verdict::Impostor)?;
        let road = road(sender, &self.config, &datagram.source).ok_or(Verdict::Impostor)?;
        let mut answer = Answered {
            frame,
            from: *road.own,
            to: *road.other,
        };
        let own = Own {
            config: &self.config,
            control: &self.control,
            grant: &self.grant,
            now_ns,
        };
        write_answer(&mut answer.frame, kind, verdict, &own);
        self.sign(&mut answer.frame);
        Ok((verdict, answer))
    }

    /// Signs as the configuration says.
    pub(super) fn sign(&self, frame: &mut Frame) {
        let slot = self.config.signing_slot;
        let number = u8::try_from(slot).expect("0 or 1");
        sign(frame, number, &self.keys.slots[usize::from(slot)]);
    }

    const fn promises(&self) -> Promises {
        Promises {
            promised: Epoch(self.control.promised_epoch),
            probed: Epoch(self.grant.probed_epoch),
        }
    }

    /// `Err`: the probe is not answered.
    fn accept(&mut self, frame: &Frame, step: &GrantStep, now_ns: u64) -> Result<Verdict, Verdict> {
        if step.is_late(frame, Accepted(self.grant.accepted)) {
            return Err(Verdict::Replayed);
        }
        let grant = &mut self.grant;
        grant.probed_epoch = grant.probed_epoch.max(frame.epoch);
        grant.accepted = step.accepted.0;
        grant.end_ns = grant.end_ns.max(step.end_ns);
        assert!(
            after_grant(frame, self.promises()),
            "nobody promises meanwhile"
        );
        let grant = &mut self.grant;
        grant.arrival_ns = now_ns;
        grant.holder_incarnation = frame.incarnation;
        grant.successor = frame.successor.into();
        grant.lease_ns = u64::from(frame.lease_us) * 1_000;
        match step.verdict {
            Verdict::Recorded => Err(Verdict::Recorded),
            verdict => Ok(verdict),
        }
    }

    fn count(&mut self, frame: &Frame, kind: Kind, now_ns: u64) -> Verdict {
        let place = usize::try_from(frame.sequence).expect("64 bits") % SENT_RECORDS;
        let sent = self.sent.get(&place).copied().unwrap_or_default();
        let verdict = match_answer(frame, kind, &sent, &self.config, now_ns);
        if verdict == Verdict::Stale {
            return verdict;
        }
        let reply = self.replies.entry(frame.sender).or_default();
        if frame.incarnation != reply.incarnation {
            if frame.incarnation == reply.former_incarnation {
                reply.clash_ns = now_ns;
            }
            reply.former_incarnation = reply.incarnation;
            reply.incarnation = frame.incarnation;
        }
        let is_query = verdict == Verdict::QueryReplyCounted;
        let newest = if is_query {
            &mut reply.query_sequence
        } else {
            &mut reply.sequence
        };
        if frame.sequence <= *newest {
            return Verdict::Repeated;
        }
        *newest = frame.sequence;
        if verdict == Verdict::ReplyCounted {
            reply.granted_sequence = frame.sequence;
            reply.granted_sent_ns = sent.sent_ns;
        }
        if !is_query {
            reply.epoch = frame.epoch;
        }
        *reply = Reply {
            arrival_ns: now_ns,
            count: reply.count + 1,
            rtt_ns: now_ns.saturating_sub(sent.sent_ns),
            config_digest: frame.config_digest,
            info_version: frame.info_version,
            daemon_age_us: frame.daemon_age_us,
            service_age_us: frame.service_age_us,
            elector_version: frame.elector_version,
            elector_digest: frame.elector_digest,
            diagnosis: frame.diagnosis,
            role: frame.role,
            gate: frame.gate,
            flags: frame.flags,
            ..*reply
        };
        if verdict == Verdict::RefusalProbed {
            self.grant.probed_epoch = self.grant.probed_epoch.max(frame.probed_epoch);
        }
        verdict
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
