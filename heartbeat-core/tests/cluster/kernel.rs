//! A twin of the kernel program: the same decisions, with plain words instead of atomics. A probe can be
//! held up between the steps that the program takes with it.

use heartbeat_core::event::{DaemonWords, KernelWords, QueryAnswer, Refusal, Reply};
use heartbeat_core::message::Network;
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, Promises, View, after_grant, check_shape, decide, road,
};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind};
use heartbeat_wire::gate::gate_of;
use heartbeat_wire::maps::{
    self, Address, Config, Control, Grant, Member, SENT_RECORDS, Sent, mapped, member_flag,
};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::verdict::Verdict;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where a slot's frames come from.
pub(crate) const fn address_of(slot: Slot, network: Network) -> Address {
    match network {
        Network::Management => mapped([198, 51, 100, slot as u8]),
        Network::Business => mapped([203, 0, 113, slot as u8]),
    }
}

/// Which network an answer to this address takes.
fn network_of(address: Address) -> Network {
    if address[12] == 203 {
        Network::Business
    } else {
        Network::Management
    }
}

/// What the daemon is woken for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ring {
    QueryAnswer(QueryAnswer),
    Refusal(Refusal),
    Look,
}

/// A probe on its way through the program, which another CPU's frame and the daemon can cross.
#[derive(Clone, Debug)]
pub(crate) struct Crossing {
    frame: Frame,
    step: GrantStep,
    at: Place,
    network: Network,
    now_ns: u64,
}

/// What of a probe is done.
#[derive(Clone, Copy, Debug)]
enum Place {
    Decided,
    EpochRaised,
    GrantWritten,
}

/// What became of a frame.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It is done with; the answer, if one leaves, to whom and by which network.
    Done(Option<(Slot, Network, Frame)>),
    /// There is more to do.
    Under(Crossing),
}

/// The maps of one machine, and the program that works on them.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    pub(crate) config: Config,
    pub(crate) control: Control,
    pub(crate) grant: Grant,
    members: BTreeMap<Slot, Member>,
    sent: Vec<Sent>,
    replies: BTreeMap<Slot, maps::Reply>,
    pub(crate) ring: Vec<Ring>,
    pub(crate) verdicts: BTreeMap<&'static str, u64>,
}

impl Kernel {
    pub(crate) fn new(config: Config, members: impl Iterator<Item = Slot>) -> Self {
        let entry = |slot| Member {
            address: address_of(slot, Network::Management),
            business_address: address_of(slot, Network::Business),
            flags: member_flag::PRESENT,
        };
        Self {
            config,
            control: Control::default(),
            grant: Grant::default(),
            members: members.map(|slot| (slot, entry(slot))).collect(),
            sent: vec![Sent::default(); SENT_RECORDS],
            replies: BTreeMap::new(),
            ring: Vec::new(),
            verdicts: BTreeMap::new(),
        }
    }

    /// One frame arrives.
    pub(crate) fn receive(&mut self, mut frame: Frame, source: Address, now_ns: u64) -> Outcome {
        let asker = frame.sender;
        let road = self
            .members
            .get(&asker)
            .and_then(|sender| road(sender, &self.config, &source))
            .map(|road| network_of(*road.other));
        let (verdict, answers) = match check_shape(&frame, &self.config) {
            Ok(kind) => match self.decide(&frame, kind, source, now_ns) {
                Decision::Accept(step) => {
                    return Outcome::Under(Crossing {
                        frame,
                        step,
                        at: Place::Decided,
                        network: road.expect("who is accepted came by a road"),
                        now_ns,
                    });
                }
                decision => self.carry_out(&mut frame, kind, decision, now_ns),
            },
            Err(verdict) => (verdict, false),
        };
        let answer = answers.then(|| {
            let network = road.expect("who is answered came by a road");
            (asker, network, frame)
        });
        self.done(verdict, answer)
    }

    /// The next thing that is done about a probe.
    pub(crate) fn go_on(&mut self, mut crossing: Crossing) -> Outcome {
        let frame = crossing.frame;
        match crossing.at {
            Place::Decided => {
                self.grant.probed_epoch = self.grant.probed_epoch.max(frame.epoch);
                crossing.at = Place::EpochRaised;
            }
            Place::EpochRaised => {
                let found = Accepted(self.grant.accepted);
                if self.grant.probed_epoch > frame.epoch {
                    return self.done(Verdict::Contended, None);
                }
                if crossing.step.is_late(&frame, found) {
                    return self.done(Verdict::Replayed, None);
                }
                let is_new = !found.is_of(Epoch(frame.epoch));
                self.grant.accepted = crossing.step.accepted.0;
                self.grant.end_ns = self.grant.end_ns.max(crossing.step.end_ns);
                if is_new {
                    self.ring.push(Ring::Look);
                }
                crossing.at = Place::GrantWritten;
            }
            Place::GrantWritten => return self.answer_probe(frame, &crossing),
        }
        Outcome::Under(crossing)
    }

    fn done(&mut self, verdict: Verdict, answer: Option<(Slot, Network, Frame)>) -> Outcome {
        *self.verdicts.entry(verdict.as_str()).or_default() += 1;
        Outcome::Done(answer)
    }

    fn decide(&self, frame: &Frame, kind: Kind, source: Address, now_ns: u64) -> Decision {
        let view = View {
            config: &self.config,
            sender: self.members.get(&frame.sender),
            promises: self.promises(),
            accepted: Accepted(self.grant.accepted),
            epoch_floor: Epoch(self.control.epoch_floor),
            abstain_until_ns: self.control.abstain_until_ns,
            source,
            now_ns,
        };
        decide(frame, kind, &view)
    }

    fn carry_out(
        &mut self,
        frame: &mut Frame,
        kind: Kind,
        decision: Decision,
        now_ns: u64,
    ) -> (Verdict, bool) {
        match decision {
            Decision::Drop(verdict) => (verdict, false),
            Decision::Duplicate { shut } => {
                if shut {
                    self.grant.duplicate_ns = now_ns;
                }
                self.ring.push(Ring::Look);
                (Verdict::Duplicate, false)
            }
            Decision::Refuse => (
                self.answer(frame, Kind::Refusal, Verdict::Refused, now_ns),
                true,
            ),
            Decision::Accept(_) => unreachable!("a probe is accepted step by step"),
            Decision::AnswerQuery => (
                self.answer(frame, Kind::Reply, Verdict::QueryAnswered, now_ns),
                true,
            ),
            Decision::MatchAnswer => (self.count(frame, kind, now_ns), false),
        }
    }

    fn promises(&self) -> Promises {
        Promises {
            promised: Epoch(self.control.promised_epoch),
            probed: Epoch(self.grant.probed_epoch),
        }
    }

    fn answer_probe(&mut self, mut frame: Frame, crossing: &Crossing) -> Outcome {
        let (asker, now_ns, verdict) = (frame.sender, crossing.now_ns, crossing.step.verdict);
        let network = crossing.network;
        if !after_grant(&frame, self.promises()) {
            let verdict = self.answer(&mut frame, Kind::Refusal, Verdict::Refused, now_ns);
            return self.done(verdict, Some((asker, network, frame)));
        }
        self.grant.arrival_ns = now_ns;
        self.grant.holder_incarnation = frame.incarnation;
        self.grant.successor = frame.successor.into();
        self.grant.lease_ns = u64::from(frame.lease_us) * 1_000;
        if verdict == Verdict::Recorded {
            return self.done(verdict, None);
        }
        self.answer(&mut frame, Kind::Reply, verdict, now_ns);
        self.done(verdict, Some((asker, network, frame)))
    }

    fn answer(&self, frame: &mut Frame, kind: Kind, verdict: Verdict, now_ns: u64) -> Verdict {
        let own = Own {
            config: &self.config,
            control: &self.control,
            grant: &self.grant,
            now_ns,
        };
        write_answer(frame, kind, verdict, &own);
        verdict
    }

    fn count(&mut self, frame: &Frame, kind: Kind, now_ns: u64) -> Verdict {
        let sent = self.sent[usize::try_from(frame.sequence).unwrap_or(0) % SENT_RECORDS];
        let verdict = match_answer(frame, kind, &sent, &self.config, now_ns);
        if verdict == Verdict::Stale {
            return verdict;
        }
        let record = self.replies.entry(frame.sender).or_default();
        note_incarnation(record, frame.incarnation, now_ns);
        let is_query = verdict == Verdict::QueryReplyCounted;
        let newest = if is_query {
            &mut record.query_sequence
        } else {
            &mut record.sequence
        };
        if frame.sequence <= *newest {
            return Verdict::Repeated;
        }
        *newest = frame.sequence;
        note_answer(record, frame, &sent, verdict, now_ns);
        if is_query {
            self.ring
                .push(Ring::QueryAnswer(query_answer(frame, now_ns)));
        }
        if matches!(verdict, Verdict::RefusalPromised | Verdict::RefusalProbed) {
            self.ring.push(Ring::Refusal(refusal(frame)));
        }
        if verdict == Verdict::RefusalProbed {
            self.grant.probed_epoch = self.grant.probed_epoch.max(frame.probed_epoch);
        }
        verdict
    }

    /// Writes the daemon's record of a question before it leaves.
    pub(crate) fn record(&mut self, sent: Sent) {
        assert!(
            sent.sequence > self.control.sequence,
            "sequence numbers only grow"
        );
        self.control.sequence = sent.sequence;
        let place = usize::try_from(sent.sequence).expect("a test is short") % SENT_RECORDS;
        self.sent[place] = sent;
    }

    pub(crate) fn gate_is_open(&self, now_ns: u64) -> bool {
        gate_of(&self.control, &self.grant, &self.config, now_ns)
    }

    pub(crate) fn words(&self) -> KernelWords {
        KernelWords {
            grant_end: Instant(self.grant.end_ns),
            probed: Epoch(self.grant.probed_epoch),
            arrival: Instant(self.grant.arrival_ns),
            holder_incarnation: self.grant.holder_incarnation,
            successor: u16::try_from(self.grant.successor).expect("a slot"),
            duplicate_at: Instant(self.grant.duplicate_ns),
        }
    }

    pub(crate) fn daemon_words(&self) -> DaemonWords {
        let control = &self.control;
        DaemonWords {
            promised: Epoch(control.promised_epoch),
            vote_grant_end: Instant(control.vote_grant_end_ns),
            vote_epoch: Epoch(control.vote_epoch),
            vote_incarnation: control.vote_incarnation,
            lease_epoch: Epoch(control.lease_epoch),
            lease_deadline: Instant(control.lease_deadline_ns),
            sequence: control.sequence,
            epoch_floor: Epoch(control.epoch_floor),
            released: Epoch(control.released_epoch),
            forced: control.flags & maps::control_flag::FORCED != 0,
            abstain_until: Instant(control.abstain_until_ns),
        }
    }

    pub(crate) fn replies(&self) -> Vec<Reply> {
        self.replies
            .iter()
            .map(|(slot, record)| reply(*slot, record))
            .collect()
    }
}

fn note_incarnation(record: &mut maps::Reply, incarnation: u64, now_ns: u64) {
    if incarnation == record.incarnation {
        return;
    }
    if incarnation == record.former_incarnation {
        record.clash_ns = now_ns;
    }
    record.former_incarnation = record.incarnation;
    record.incarnation = incarnation;
}

fn note_answer(
    record: &mut maps::Reply,
    frame: &Frame,
    sent: &Sent,
    verdict: Verdict,
    now_ns: u64,
) {
    if verdict == Verdict::ReplyCounted {
        record.granted_sent_ns = sent.sent_ns;
        record.granted_sequence = frame.sequence;
    }
    if verdict != Verdict::QueryReplyCounted {
        record.epoch = frame.epoch;
    }
    record.arrival_ns = now_ns;
    record.count += 1;
    record.rtt_ns = now_ns.saturating_sub(sent.sent_ns);
    record.config_digest = frame.config_digest;
    record.daemon_age_us = frame.daemon_age_us;
    record.service_age_us = frame.service_age_us;
    record.elector_version = frame.elector_version;
    record.elector_digest = frame.elector_digest;
    record.role = frame.role;
    record.flags = frame.flags;
}

fn reply(slot: Slot, record: &maps::Reply) -> Reply {
    Reply {
        slot,
        granted_sequence: record.granted_sequence,
        granted_sent: Instant(record.granted_sent_ns),
        sequence: record.sequence,
        epoch: Epoch(record.epoch),
        arrival: Instant(record.arrival_ns),
        rtt: Duration::from_nanos(record.rtt_ns),
        incarnation: record.incarnation,
        clash_at: Instant(record.clash_ns),
        daemon_age: (record.daemon_age_us != AGE_UNKNOWN)
            .then(|| Duration::from_micros(record.daemon_age_us.into())),
        service_age: None,
        flags: record.flags,
        role: record.role,
        diagnosis: 0,
        elector_version: record.elector_version,
        elector_digest: record.elector_digest,
        config_digest: record.config_digest,
        info_version: 0,
    }
}

fn query_answer(frame: &Frame, now_ns: u64) -> QueryAnswer {
    QueryAnswer {
        from: frame.sender,
        sequence: frame.sequence,
        arrival: Instant(now_ns),
        incarnation: frame.incarnation,
        promised: Epoch(frame.promised_epoch),
        probed: Epoch(frame.probed_epoch),
        grant_left: Duration::from_micros(frame.lease_us.into()),
        abstains: frame.flags & heartbeat_wire::frame::flag::ABSTAINS != 0,
        elector_version: frame.elector_version,
        elector_digest: frame.elector_digest,
        info_version: 0,
    }
}

fn refusal(frame: &Frame) -> Refusal {
    Refusal {
        from: frame.sender,
        epoch: Epoch(frame.epoch),
        promised: Epoch(frame.promised_epoch),
        probed: Epoch(frame.probed_epoch),
    }
}
