//! The master's judgement of the other members: from the kernel's arrival stamps and sequence numbers to
//! healthy or missing, and to a diagnosis.

mod diagnosis;
mod enrol;
mod inquest;
mod presence;
#[cfg(test)]
mod tests;

use std::time::Duration;

use heartbeat_wire::frame::flag;

use crate::command::Question;
use crate::config::Config;
use crate::event::Reply;
use crate::mastership::has_clash;
use crate::message::Network;
use crate::order::OrderError;
use crate::roads::road_of;
use crate::snapshot::Diagnosis;
use crate::{Instant, Slot};

use diagnosis::{Settled, of_reply};
use inquest::Inquest;
use presence::RISE;
pub(crate) use presence::{Answering, Pace, Presence};

/// Most answers that one probe brings from members that are no electors.
const ANSWERS_PER_PERIOD: usize = 16;

/// What the master knows of the other members.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Detector {
    members: Vec<Watched>,
    stride: u16,
    /// Sequence number of this mastership's first probe; answers to older ones say nothing.
    first_sequence: Option<u64>,
    ran_late: bool,
    /// A member whose last successful service check is older has a fault; `None`: no services are watched.
    service_limit: Option<Duration>,
}

/// One member other than this node.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Watched {
    pub(crate) slot: Slot,
    /// Its newest answer.
    pub(crate) reply: Option<Reply>,
    /// When it last answered over the business network.
    pub(crate) reached_at: Instant,
    pace: Pace,
    /// Newest probe over the management network that it answered, and the newest that was judged.
    managed: u64,
    counted: u64,
    presence: Presence,
    settled: Settled,
    inquest: Option<Inquest>,
    /// What was looked at last.
    seen: (Answering, Diagnosis),
}

impl Watched {
    fn new(slot: Slot, pace: Pace) -> Self {
        Self {
            slot,
            reply: None,
            reached_at: Instant::ZERO,
            pace,
            managed: 0,
            counted: 0,
            presence: Presence::new(),
            settled: Settled::new(),
            inquest: None,
            seen: (Answering::Unknown, Diagnosis::Unknown),
        }
    }

    pub(crate) const fn answering(&self) -> Answering {
        self.presence.answering
    }

    pub(crate) fn diagnosis(&self) -> Diagnosis {
        match (self.presence.answering, &self.inquest) {
            (Answering::Unknown, _) | (Answering::Missing, None) => Diagnosis::Unknown,
            (Answering::Missing, Some(inquest)) => inquest.finding(),
            (Answering::Healthy, _) => self.settled.shown(),
        }
    }

    /// Whether mastership could be handed to it; `may_be_master` is the configuration's word.
    fn is_fit(&self, config: &Config, now: Instant) -> bool {
        self.diagnosis() == Diagnosis::Healthy
            && self
                .reply
                .as_ref()
                .is_some_and(|reply| is_ready(reply, config, now))
    }

    /// Its newest answer, by whichever road it came.
    fn note(&mut self, reply: &Reply) {
        let is_new = self
            .reply
            .is_none_or(|known| reply.sequence > known.sequence);
        match road_of(reply.sequence) {
            Network::Management => self.managed = reply.sequence,
            Network::Business if is_new => self.reached_at = reply.arrival,
            Network::Business => {}
        }
        self.reply = Some(*reply);
    }

    fn forget(&mut self) {
        *self = Self {
            reached_at: self.reached_at,
            reply: self.reply,
            ..Self::new(self.slot, self.pace)
        };
    }
}

/// Whether its own newest answer says that it may become master, and its grants count.
fn is_ready(reply: &Reply, config: &Config, now: Instant) -> bool {
    reply.flags & flag::ELIGIBLE != 0
        && reply.flags & flag::NO_GRANT == 0
        && !has_clash(reply, config.timing.max_lease, now)
}

impl Detector {
    pub(crate) fn new(config: &Config) -> Self {
        let mut detector = Self {
            members: Vec::new(),
            stride: 1,
            first_sequence: None,
            ran_late: false,
            service_limit: None,
        };
        detector.enrol(config);
        detector
    }

    /// Says who is asked how often, by who is an elector. What was judged stays.
    pub(crate) fn regroup(&mut self, config: &Config) {
        self.stride = stride_for(config);
        for watched in &mut self.members {
            let elector = config.is_elector(watched.slot);
            // Who is no elector is asked, and read, once in `stride` periods.
            let turns = if elector { 1 } else { u32::from(self.stride) };
            let slack = if elector { 0 } else { RISE };
            let fall = (config.timing.multiplier + slack) * turns;
            watched.pace = Pace::new(&config.timing, fall);
        }
    }

    /// Members that are no electors answer when `slot % stride` is the probe's offset.
    pub(crate) const fn stride(&self) -> u16 {
        self.stride
    }

    /// Services are watched: a check's success counts for so long.
    pub(crate) const fn watch_services(&mut self, limit: Duration) {
        self.service_limit = Some(limit);
    }

    /// A mastership begins: nobody was judged in it yet.
    pub(crate) fn forget(&mut self) {
        self.first_sequence = None;
        self.members.iter_mut().for_each(Watched::forget);
    }

    /// This probe is being sent.
    pub(crate) const fn probed(&mut self, question: &Question) {
        if self.first_sequence.is_none() {
            self.first_sequence = Some(question.sequence);
        }
    }

    /// The members' newest answers.
    pub(crate) fn note(&mut self, replies: &[Reply]) {
        // They come nearly in order, so the next one is mostly the next member.
        let mut next = 0;
        for reply in replies {
            let is_next = self
                .members
                .get(next)
                .is_some_and(|member| member.slot == reply.slot);
            let place = if is_next {
                Some(next)
            } else {
                self.place(reply.slot)
            };
            if let Some(place) = place {
                self.members[place].note(reply);
                next = place + 1;
            }
        }
    }

    /// Judges one period by the answers noted.
    ///
    /// A period that began or ended late counts against nobody: a late probe leaves less than half a
    /// period to answer it in, and a machine that held this thread up may have held its packets up too.
    /// Returns whether this one did.
    pub(crate) fn judge(&mut self, lateness: Duration, config: &Config) -> bool {
        let runs_late = lateness > config.timing.period / 2;
        let is_excused = std::mem::replace(&mut self.ran_late, runs_late) || runs_late;
        let Some(first) = self.first_sequence else {
            return is_excused;
        };
        for member in &mut self.members {
            if member.managed >= first && member.managed > member.counted {
                member.counted = member.managed;
                member.presence.answer(member.pace);
                member
                    .settled
                    .feed(member.reply.as_ref().map_or(Diagnosis::Unknown, |reply| {
                        of_reply(reply, config, self.service_limit)
                    }));
            } else if !is_excused {
                member.presence.miss(member.pace);
            }
        }
        is_excused
    }

    /// Looks after the missing ones; `ask` sends a question over the business network.
    pub(crate) fn inquire(
        &mut self,
        config: &Config,
        now: Instant,
        most: usize,
        mut ask: impl FnMut(Slot),
    ) {
        let mut asked = 0;
        for member in &mut self.members {
            match member.presence.answering {
                Answering::Unknown | Answering::Healthy => member.inquest = None,
                Answering::Missing if asked < most => {
                    let inquest = member.inquest.get_or_insert(Inquest::open(now));
                    if inquest.turn(member.reached_at, &config.timing, now) {
                        asked += 1;
                        ask(member.slot);
                    }
                }
                Answering::Missing => {}
            }
        }
    }

    /// What the member at `index` suffered from when this was asked last, if anything about it changed since.
    pub(crate) fn take_change(&mut self, index: usize) -> Option<Diagnosis> {
        let member = &mut self.members[index];
        let now = (member.answering(), member.diagnosis());
        let before = std::mem::replace(&mut member.seen, now);
        (before != now).then_some(before.1)
    }

    /// The member answered over the business network.
    pub(crate) fn reached(&mut self, slot: Slot, now: Instant) {
        if let Some(place) = self.place(slot) {
            self.members[place].reached_at = now;
        }
    }

    /// Every other member, by slot.
    pub(crate) fn members(&self) -> &[Watched] {
        &self.members
    }

    pub(crate) fn member(&self, slot: Slot) -> Option<&Watched> {
        self.place(slot).map(|place| &self.members[place])
    }

    fn place(&self, slot: Slot) -> Option<usize> {
        self.members
            .binary_search_by_key(&slot, |member| member.slot)
            .ok()
    }

    /// The lowest of `heirs` that could follow this master.
    pub(crate) fn successor(&self, heirs: &[Slot], config: &Config, now: Instant) -> Option<Slot> {
        let is_fit = |slot: &&Slot| {
            self.member(**slot)
                .is_some_and(|member| member.is_fit(config, now))
        };
        heirs.iter().find(is_fit).copied()
    }

    /// Whether mastership could be handed to `slot`, which may become master by its configuration.
    pub(crate) fn check_target(
        &self,
        slot: Slot,
        config: &Config,
        now: Instant,
    ) -> Result<Slot, OrderError> {
        match self.member(slot) {
            None => Err(OrderError::NotAMember(slot)),
            Some(member) if member.diagnosis() != Diagnosis::Healthy => {
                Err(OrderError::Unwell(slot, member.diagnosis()))
            }
            Some(member) if !member.is_fit(config, now) => Err(OrderError::NotEligible(slot)),
            Some(_) => Ok(slot),
        }
    }
}

/// The smallest stride by which no probe is answered by more than [`ANSWERS_PER_PERIOD`] members that are
/// no electors.
fn stride_for(config: &Config) -> u16 {
    let others = || {
        config
            .members
            .iter()
            .filter(|(_, member)| !member.elector)
            .map(|(slot, _)| *slot)
    };
    let least = others().count().div_ceil(ANSWERS_PER_PERIOD).max(1);
    let fits = |stride: &u16| {
        let mut answers = vec![0; usize::from(*stride)];
        others().for_each(|slot| answers[usize::from(slot % *stride)] += 1);
        answers.iter().all(|count| *count <= ANSWERS_PER_PERIOD)
    };
    let least = u16::try_from(least).unwrap_or(u16::MAX);
    (least..=u16::MAX).find(fits).unwrap_or(u16::MAX)
}
