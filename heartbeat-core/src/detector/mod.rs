//! The master's judgement of the other members: from the kernel's arrival stamps and sequence numbers to
//! healthy or missing, and to a diagnosis.

mod beat;
mod diagnosis;
mod enrol;
mod information;
mod inquest;
mod judge;
mod presence;
mod reach;
mod stride;
#[cfg(test)]
mod tests;
mod watched;

use std::time::Duration;

use crate::aside::Aside;
use crate::command::Question;
use crate::config::Config;
use crate::order::OrderError;
use crate::snapshot::Diagnosis;
use crate::{Instant, Slot};

use beat::Beats;
use information::Newest;
use inquest::Inquest;
pub(crate) use presence::{Answering, Pace, Presence};
use reach::Questions;
use stride::stride_for;
pub(crate) use watched::Watched;

/// What the master knows of the other members.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Detector {
    /// Every other member, by slot.
    members: Vec<Watched>,
    /// The answers of each of them, in the same order.
    beats: Beats,
    pace: Pace,
    stride: u16,
    /// Sequence number of this mastership's first probe; answers to older ones say nothing.
    first_sequence: Option<u64>,
    ran_late: bool,
    /// The places of those that the last judgement did more about than count.
    review: Aside<Vec<usize>>,
    /// A member whose last successful service check is older has a fault; `None`: no services are watched.
    service_limit: Option<Duration>,
    /// Of the dynamic information of those that could follow.
    information: Newest,
    /// Questions over the business network that are open.
    questions: Questions,
    /// A fault of the business network keeps nobody from following: the master has it too.
    pub(crate) spares_business: bool,
}

impl Detector {
    pub(crate) fn new(config: &Config) -> Self {
        let mut detector = Self {
            members: Vec::new(),
            beats: Beats::default(),
            pace: Pace::new(&config.timing, config.timing.multiplier),
            stride: 1,
            first_sequence: None,
            ran_late: false,
            review: Aside(Vec::new()),
            service_limit: None,
            information: Newest::unknown(),
            questions: Questions::default(),
            spares_business: false,
        };
        detector.enrol(config);
        detector
    }

    /// Says who is asked how often, by who is an elector. What was judged stays.
    pub(crate) fn regroup(&mut self, config: &Config) {
        self.stride = stride_for(config);
        self.pace = self.pace.in_turns(self.stride);
    }

    /// The period or the multiplier is another one. What was judged stays.
    pub(crate) fn retime(&mut self, config: &Config) {
        self.pace = Pace::new(&config.timing, config.timing.multiplier);
        self.regroup(config);
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
        self.information = Newest::unknown();
        self.members.iter_mut().for_each(Watched::forget);
        self.beats.forget();
        self.close_questions();
        self.spares_business = false;
    }

    /// This probe is being sent.
    pub(crate) const fn probed(&mut self, question: &Question) {
        if self.first_sequence.is_none() {
            self.first_sequence = Some(question.sequence);
        }
    }

    /// Looks after the missing ones, once they were judged; `ask` sends a question over the business network.
    pub(crate) fn inquire(
        &mut self,
        config: &Config,
        now: Instant,
        most: usize,
        mut ask: impl FnMut(Slot),
    ) {
        let mut asked = 0;
        for place in self.review.iter() {
            let member = &mut self.members[*place];
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

    /// What the member at `place` suffered from when this was asked last, if anything about it changed since.
    pub(crate) fn take_change(&mut self, place: usize, now: Instant) -> Option<Diagnosis> {
        let member = &mut self.members[place];
        let seen = (member.answering(), member.diagnosis());
        let before = std::mem::replace(&mut member.seen, seen);
        if before.0 != seen.0 {
            *member.since = now;
        }
        (before != seen).then_some(before.1)
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
        self.beats.place(slot)
    }

    /// The lowest of `heirs` that could follow this master: of those whose dynamic information is current, if there is
    /// one, since it need not fetch that first.
    pub(crate) fn successor(&self, heirs: &[Slot], config: &Config, now: Instant) -> Option<Slot> {
        let fit = || {
            (heirs.iter())
                .filter_map(|slot| self.member(*slot))
                .filter(|member| self.is_fit(member, config, now))
        };
        let current = fit().find(|member| self.information.is_current(member.info_version()));
        current.or_else(|| fit().next()).map(|member| member.slot)
    }

    /// Notes how new the dynamic information of those that could follow is.
    pub(crate) fn note_information(&mut self, heirs: &[Slot], now: Instant) {
        for slot in heirs {
            let version = self.member(*slot).map_or(0, Watched::info_version);
            self.information.note(version, now);
        }
    }

    /// Whether its place on the business network was judged, if it has one.
    pub(crate) fn is_reach_known(&self, slot: Slot, config: &Config) -> bool {
        let can_be_asked = config.is_on_business(config.slot) && config.is_on_business(slot);
        !can_be_asked || self.member(slot).is_some_and(|it| it.reach.is_known())
    }

    /// Whether nothing is wrong with it that is not wrong with this master too.
    fn is_well(&self, member: &Watched) -> bool {
        match member.diagnosis() {
            Diagnosis::Healthy => true,
            Diagnosis::BusinessFault => self.spares_business,
            Diagnosis::Misconfigured
            | Diagnosis::DaemonStalled
            | Diagnosis::ManagementFault
            | Diagnosis::Down
            | Diagnosis::Unknown
            | Diagnosis::ServiceFault => false,
        }
    }

    /// Whether mastership could be handed to it, which may become master by its configuration.
    fn is_fit(&self, member: &Watched, config: &Config, now: Instant) -> bool {
        self.is_well(member) && member.is_ready(config, now)
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
            Some(member) if !self.is_well(member) => {
                Err(OrderError::Unwell(slot, member.diagnosis()))
            }
            Some(member) if !self.is_fit(member, config, now) => Err(OrderError::NotEligible(slot)),
            Some(_) => Ok(slot),
        }
    }
}
