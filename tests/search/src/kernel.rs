//! One node's kernel side: the maps, and the responder as steps that another CPU and the daemon interleave with.
//!
//! What is decided is decided by heartbeat-wire's own functions; the order of the steps is the responder's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::event::{DaemonWords, KernelWords, QueryAnswer, Refusal, Reply};
use heartbeat_core::message::Network;
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, Promises, View, after_grant, check_shape, decide,
};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, flag};
use heartbeat_wire::gate::gate_of;
use heartbeat_wire::maps::{
    self, Address, Config, Control, Grant, Member, Sent, control_flag, mapped, member_flag,
};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::verdict::Verdict;

use crate::hold::Hold;

/// Processors that run the program at once.
pub(crate) const CPUS: usize = 2;
/// Lost races after which the program drops a frame.
const TRIES: u8 = 8;

/// A slot's address on a network.
pub(crate) const fn address_of(slot: Slot, network: Network) -> Address {
    match network {
        Network::Management => mapped([198, 51, 100, slot as u8]),
        Network::Business => mapped([203, 0, 113, slot as u8]),
    }
}

/// What the program tells the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ring {
    Look,
    QueryAnswer(QueryAnswer),
    Refusal(Refusal),
}

/// A probe on its way through the program on one CPU.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Crossing {
    frame: Box<Frame>,
    network: Network,
    now_ns: u64,
    place: Place,
}

/// What of it is done.
#[derive(Clone, Copy, Debug, Hash)]
enum Place {
    /// The clock was read.
    Stamped,
    /// The accepted word was read.
    Read(Accepted),
    /// The promises were read, and it was decided.
    Decided(GrantStep),
    /// The probed epoch was raised.
    Raised(GrantStep),
    /// The accepted word was looked at, to be swapped.
    Looked(GrantStep, Accepted, u8),
    /// It was swapped.
    Swapped(GrantStep, Accepted),
    /// The grant's end was raised: the barrier.
    Ended(GrantStep, Accepted),
}

/// An answer: to whom, by which network.
pub(crate) type Answer = (Slot, Network, Box<Frame>);

/// The maps of one node in one life of them.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Kernel {
    pub(crate) config: Config,
    pub(crate) control: Control,
    pub(crate) grant: Grant,
    members: Arc<[Slot]>,
    period: Duration,
    sent: Vec<Sent>,
    replies: BTreeMap<Slot, maps::Reply>,
    pub(crate) ring: VecDeque<Ring>,
    pub(crate) cpus: [Option<Crossing>; CPUS],
    /// The probes of the newest epoch that were replied to.
    replied: Vec<(u64, u64)>,
    /// S5 is violated.
    pub(crate) has_replied_twice: bool,
}

impl Kernel {
    pub(crate) fn new(config: Config, members: Arc<[Slot]>, period: Duration) -> Self {
        Self {
            config,
            members,
            period,
            control: Control::default(),
            grant: Grant::default(),
            sent: Vec::new(),
            replies: BTreeMap::new(),
            ring: VecDeque::new(),
            cpus: [None, None],
            replied: Vec::new(),
            has_replied_twice: false,
        }
    }

    /// Every member's slot.
    pub(crate) fn members(&self) -> Arc<[Slot]> {
        Arc::clone(&self.members)
    }

    /// Time between two probes.
    pub(crate) const fn period(&self) -> Duration {
        self.period
    }

    /// A frame arrives. A probe goes on its way on a free CPU and as far as `hold` lets it.
    pub(crate) fn receive(
        &mut self,
        frame: &Frame,
        (from, network): (Slot, Network),
        now_ns: u64,
        hold: &mut Hold,
    ) -> Option<Answer> {
        let kind = check_shape(frame, &self.config).ok()?;
        if kind == Kind::Probe {
            let cpu = self.cpus.iter().position(Option::is_none)?;
            self.cpus[cpu] = Some(Crossing {
                frame: Box::new(*frame),
                network,
                now_ns,
                place: Place::Stamped,
            });
            return self.go_on(cpu, hold);
        }
        let accepted = Accepted(self.grant.accepted);
        match self.decide(frame, kind, address_of(from, network), accepted, now_ns) {
            Decision::AnswerQuery => {
                let verdict = Verdict::QueryAnswered;
                Some(self.answer(frame, network, Kind::Reply, verdict, now_ns))
            }
            Decision::MatchAnswer => {
                self.count(frame, kind, now_ns);
                None
            }
            Decision::Drop(_) => None,
            Decision::Duplicate { .. } | Decision::Refuse | Decision::Accept(_) => {
                unreachable!("only a probe is refused or accepted, and each slot is one machine")
            }
        }
    }

    /// Goes on with the probe on `cpu` until it is through or `hold` stops it.
    pub(crate) fn go_on(&mut self, cpu: usize, hold: &mut Hold) -> Option<Answer> {
        loop {
            let mut crossing = self.cpus[cpu].take()?;
            match self.step(&mut crossing) {
                Step::On => self.cpus[cpu] = Some(crossing),
                Step::Done => return None,
                Step::Answers(answer) => return Some(answer),
            }
            if hold.is_here() {
                return None;
            }
        }
    }

    fn step(&mut self, crossing: &mut Crossing) -> Step {
        let frame = &crossing.frame;
        let epoch = Epoch(frame.epoch);
        crossing.place = match crossing.place {
            // First: who sees a word accepted must see its epoch probed, which is raised before.
            Place::Stamped => Place::Read(Accepted(self.grant.accepted)),
            Place::Read(accepted) => {
                let source = address_of(frame.sender, crossing.network);
                match self.decide(frame, Kind::Probe, source, accepted, crossing.now_ns) {
                    Decision::Accept(step) => Place::Decided(step),
                    Decision::Refuse => return self.refuse(crossing),
                    Decision::Drop(_) => return Step::Done,
                    Decision::Duplicate { .. } | Decision::AnswerQuery | Decision::MatchAnswer => {
                        unreachable!("it is another node's probe")
                    }
                }
            }
            Place::Decided(step) => {
                self.grant.probed_epoch = self.grant.probed_epoch.max(frame.epoch);
                Place::Raised(step)
            }
            Place::Raised(step) => {
                let found = Accepted(self.grant.accepted);
                if self.must_stay(frame, &step, found) {
                    return Step::Done;
                }
                Place::Looked(step, found, 1)
            }
            Place::Looked(step, looked, tries) => {
                let found = Accepted(self.grant.accepted);
                if found == looked {
                    self.grant.accepted = step.accepted.0;
                    Place::Swapped(step, found)
                } else if tries == TRIES || self.must_stay(frame, &step, found) {
                    return Step::Done;
                } else {
                    Place::Looked(step, found, tries + 1)
                }
            }
            Place::Swapped(step, before) => {
                self.grant.end_ns = self.grant.end_ns.max(step.end_ns);
                Place::Ended(step, before)
            }
            Place::Ended(step, before) => {
                if !after_grant(frame, self.promises()) {
                    return self.refuse(crossing);
                }
                self.note_probe(frame, crossing.now_ns);
                self.note_reply(frame);
                if !before.is_of(epoch) {
                    self.ring.push_back(Ring::Look);
                }
                if step.verdict == Verdict::Recorded {
                    return Step::Done;
                }
                let (network, now_ns) = (crossing.network, crossing.now_ns);
                return Step::Answers(self.answer(
                    frame,
                    network,
                    Kind::Reply,
                    step.verdict,
                    now_ns,
                ));
            }
        };
        Step::On
    }

    /// Whether the accepted word as it was found keeps this probe from being accepted.
    fn must_stay(&self, frame: &Frame, step: &GrantStep, found: Accepted) -> bool {
        self.grant.probed_epoch > frame.epoch || step.is_late(frame, found)
    }

    fn note_probe(&mut self, frame: &Frame, now_ns: u64) {
        self.grant.arrival_ns = now_ns;
        self.grant.holder_incarnation = frame.incarnation;
        self.grant.successor = frame.successor.into();
        self.grant.lease_ns = u64::from(frame.lease_us) * 1_000;
    }

    fn note_reply(&mut self, frame: &Frame) {
        let probed = self.grant.probed_epoch;
        self.replied.retain(|(epoch, _)| *epoch == probed);
        let probe = (frame.epoch, frame.sequence);
        self.has_replied_twice |= self.replied.contains(&probe);
        self.replied.push(probe);
        self.replied.sort_unstable();
    }

    fn refuse(&self, crossing: &Crossing) -> Step {
        let (kind, verdict) = (Kind::Refusal, Verdict::Refused);
        let (frame, now_ns) = (&crossing.frame, crossing.now_ns);
        Step::Answers(self.answer(frame, crossing.network, kind, verdict, now_ns))
    }

    fn promises(&self) -> Promises {
        Promises {
            promised: Epoch(self.control.promised_epoch),
            probed: Epoch(self.grant.probed_epoch),
        }
    }

    fn decide(
        &self,
        frame: &Frame,
        kind: Kind,
        source: Address,
        accepted: Accepted,
        now_ns: u64,
    ) -> Decision {
        let sender = self.members.contains(&frame.sender).then(|| Member {
            address: address_of(frame.sender, Network::Management),
            business_address: address_of(frame.sender, Network::Business),
            flags: member_flag::PRESENT,
        });
        let view = View {
            config: &self.config,
            sender: sender.as_ref(),
            promises: self.promises(),
            accepted,
            epoch_floor: Epoch(self.control.epoch_floor),
            abstain_until_ns: self.control.abstain_until_ns,
            source,
            now_ns,
        };
        decide(frame, kind, &view)
    }

    /// The answer to `frame`, without what nobody reads in it: what is not there makes no state another one.
    fn answer(
        &self,
        frame: &Frame,
        network: Network,
        kind: Kind,
        verdict: Verdict,
        now_ns: u64,
    ) -> Answer {
        // Its daemon is alive: ages bear on no lease.
        let control = Control {
            beat_ns: now_ns,
            ..self.control
        };
        let own = Own {
            config: &self.config,
            control: &control,
            grant: &self.grant,
            now_ns,
        };
        let mut answer = Box::new(*frame);
        write_answer(&mut answer, kind, verdict, &own);
        (answer.role, answer.gate, answer.successor) = (0, 0, 0);
        if frame.kind == Kind::Probe as u8 {
            answer.lease_us = 0;
        }
        if verdict == Verdict::Granted {
            (answer.promised_epoch, answer.probed_epoch) = (0, 0);
        }
        (frame.sender, network, answer)
    }

    fn count(&mut self, frame: &Frame, kind: Kind, now_ns: u64) {
        let record = self
            .sent
            .iter()
            .find(|sent| sent.sequence == frame.sequence);
        let sent = record.copied().unwrap_or_default();
        let verdict = match_answer(frame, kind, &sent, &self.config, now_ns);
        if verdict == Verdict::Stale {
            return;
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
            return;
        }
        *newest = frame.sequence;
        note_answer(record, frame, &sent, verdict);
        match verdict {
            Verdict::QueryReplyCounted => {
                let answer = query_answer(frame, now_ns);
                self.ring.push_back(Ring::QueryAnswer(answer));
            }
            Verdict::RefusalPromised | Verdict::RefusalProbed => {
                self.ring.push_back(Ring::Refusal(refusal(frame)));
            }
            _ => {}
        }
        if verdict == Verdict::RefusalProbed {
            self.grant.probed_epoch = self.grant.probed_epoch.max(frame.probed_epoch);
        }
    }

    /// Whether an answer of `from` to this node's question, of which `frame` bears the number, could still count.
    pub(crate) fn awaits(&self, frame: &Frame, from: Slot, now_ns: u64) -> bool {
        let is_ours = |sent: &&Sent| {
            (sent.sequence, sent.sent_ns) == (frame.sequence, frame.sent_ns)
                && now_ns.saturating_sub(sent.sent_ns) <= self.config.detect_ns
        };
        let is_newer = |sent: &Sent| {
            let known = self.replies.get(&from);
            known.is_none_or(|known| {
                let is_query = sent.kind == Kind::Query as u64;
                let newest = if is_query {
                    known.query_sequence
                } else {
                    known.sequence
                };
                sent.sequence > newest || known.incarnation != frame.incarnation
            })
        };
        self.sent.iter().find(is_ours).is_some_and(is_newer)
    }

    /// Whether this probe could still be granted.
    pub(crate) fn could_accept(&self, frame: &Frame) -> bool {
        let (epoch, probed) = (Epoch(frame.epoch), Epoch(self.grant.probed_epoch));
        let is_repeated =
            epoch == probed && Accepted(self.grant.accepted).repeats(epoch, frame.sequence);
        epoch >= self.highest() && !is_repeated
    }

    /// The highest epoch promised or probed.
    pub(crate) fn highest(&self) -> Epoch {
        self.promises().highest()
    }

    /// Whether another frame could be taken on.
    pub(crate) fn has_free_cpu(&self) -> bool {
        self.cpus.iter().any(Option::is_none)
    }

    /// Writes the daemon's record of a question before it leaves. Those too old to match are forgotten.
    pub(crate) fn record(&mut self, sent: Sent, now_ns: u64) {
        assert!(
            sent.sequence > self.control.sequence,
            "sequence numbers only grow"
        );
        let detect_ns = self.config.detect_ns;
        self.sent
            .retain(|old| now_ns.saturating_sub(old.sent_ns) <= detect_ns);
        self.control.sequence = sent.sequence;
        self.sent.push(sent);
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
            forced: control.flags & control_flag::FORCED != 0,
            abstain_until: Instant(control.abstain_until_ns),
        }
    }

    pub(crate) fn replies(&self) -> Vec<Reply> {
        let all = self.replies.iter();
        all.map(|(slot, record)| reply(*slot, record)).collect()
    }
}

enum Step {
    On,
    Done,
    Answers(Answer),
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

/// Arrivals, ages and counts are left out: they are for people, and would make every state another one.
fn note_answer(record: &mut maps::Reply, frame: &Frame, sent: &Sent, verdict: Verdict) {
    if verdict == Verdict::ReplyCounted {
        record.granted_sent_ns = sent.sent_ns;
        record.granted_sequence = frame.sequence;
    }
    if verdict != Verdict::QueryReplyCounted {
        record.epoch = frame.epoch;
    }
    record.arrival_ns = sent.sent_ns;
    record.config_digest = frame.config_digest;
    record.daemon_age_us = frame.daemon_age_us;
    record.service_age_us = frame.service_age_us;
    record.elector_version = frame.elector_version;
    record.elector_digest = frame.elector_digest;
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
        incarnation: record.incarnation,
        clash_at: Instant(record.clash_ns),
        daemon_age: (record.daemon_age_us != AGE_UNKNOWN)
            .then(|| Duration::from_micros(record.daemon_age_us.into())),
        flags: record.flags,
        elector_version: record.elector_version,
        elector_digest: record.elector_digest,
        config_digest: record.config_digest,
        ..Reply::default()
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
        abstains: frame.flags & flag::ABSTAINS != 0,
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
