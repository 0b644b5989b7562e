//! The master's view of the members: told to all, so that every node's status agrees.

use std::time::Duration;

use crate::config::Config;
use crate::detector::{Answering, Watched};
use crate::mastership::has_clash;
use crate::message::{MemberHealth, Message};
use crate::news::{MEMBERS_PER_MESSAGE, News};
use crate::node::Node;
use crate::poll::question_by_business;
use crate::snapshot::{Alarm, Diagnosis};
use crate::stage::Stage;
use crate::time::nanos;
use crate::tour::{INTERVAL, quiet_pace, stale_after, tells_electors_only};
use crate::{Epoch, Instant, Slot};

/// Most messages of one turn when there is news or all are told anew, and most questions over the business network.
const MESSAGES_PER_TURN: usize = 16;
/// What was told, and what is to be told.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Health {
    /// The mastership whose view this is.
    epoch: Epoch,
    heard_at: Instant,
    /// By slot.
    told: Vec<MemberHealth>,
    /// Whether its lease rests on the business network, as it said last.
    pub(crate) degraded: bool,
    next_at: Instant,
    /// All are to be told all anew, soon.
    is_due: bool,
    /// The next message: to which member, from which of this node's own entries on.
    tour: Option<(Slot, usize)>,
    /// The tour is told as fast as may be.
    is_urgent: bool,
    pub(crate) news: News,
    /// Messages of one turn when nothing changed.
    quiet_pace: usize,
    /// After so long without a telling, what was told is not shown any more.
    stale_after: Duration,
}

impl Health {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            epoch: Epoch::NONE,
            heard_at: Instant::ZERO,
            told: Vec::new(),
            degraded: false,
            next_at: Instant::ZERO,
            is_due: false,
            tour: None,
            is_urgent: false,
            news: News::default(),
            quiet_pace: quiet_pace(config),
            stale_after: stale_after(config),
        }
    }

    /// A mastership begins: all are told all, however little of it is known yet.
    pub(crate) fn begin(&mut self) {
        (self.tour, self.is_due, self.news) = (None, true, News::default());
    }

    /// Says who is a member: of others nothing is shown, and all are told anew.
    pub(crate) fn enrol(&mut self, config: &Config) {
        let is_member = |member: &MemberHealth| config.members.contains_key(&member.slot);
        self.told.retain(is_member);
        (self.tour, self.is_due) = (None, true);
        self.retime(config);
    }

    /// Says how many are told: of so many nobody is told more often than all can be.
    pub(crate) fn retime(&mut self, config: &Config) {
        self.quiet_pace = quiet_pace(config);
        self.stale_after = stale_after(config);
    }

    /// Whether the master of `epoch` said of late that its lease rests on the business network.
    pub(crate) fn is_degraded(&self, epoch: Epoch, now: Instant) -> bool {
        self.degraded && self.is_fresh(epoch, now)
    }

    fn is_fresh(&self, epoch: Epoch, now: Instant) -> bool {
        self.epoch == epoch && now.since(self.heard_at) <= self.stale_after
    }

    /// What the master of `epoch` said of `slot` of late.
    pub(crate) fn of(&self, epoch: Epoch, slot: Slot, now: Instant) -> Option<&MemberHealth> {
        if !self.is_fresh(epoch, now) {
            return None;
        }
        let place = self
            .told
            .binary_search_by_key(&slot, |member| member.slot)
            .ok()?;
        self.told.get(place)
    }
}

impl Node {
    /// Judges one period, raises and clears alarms, and looks after the missing ones. Whether the period ran
    /// too late to be held against anybody.
    pub(crate) fn judge_members(&mut self, lateness: Duration, now: Instant) -> bool {
        let is_excused = self.detector.judge(lateness, &self.config);
        let mut asked = [0; MESSAGES_PER_TURN];
        let mut count = 0;
        self.detector
            .inquire(&self.config, now, MESSAGES_PER_TURN, |slot| {
                asked[count] = slot;
                count += 1;
            });
        for slot in &asked[..count] {
            self.poll_business(*slot);
        }
        self.judge_reach(is_excused, now);
        for next in 0..self.detector.to_review().len() {
            let place = self.detector.to_review()[next];
            self.review(place, now);
        }
        is_excused
    }

    /// Looks who answered over the business network, and asks on.
    fn judge_reach(&mut self, is_excused: bool, now: Instant) {
        let Self {
            detector,
            side,
            poll,
            commands,
            ..
        } = self;
        let id = poll.id();
        detector.judge_reach(side, is_excused, now, |to| {
            commands.push_back(question_by_business(to, id));
        });
    }

    fn review(&mut self, place: usize, now: Instant) {
        let member = &self.detector.members()[place];
        let (slot, diagnosis) = (member.slot, member.diagnosis());
        let clashed = member
            .reply
            .as_ref()
            .is_some_and(|reply| reply.clash_at > Instant::ZERO);
        if clashed {
            let clashes = self.clashes(slot, now);
            self.set_alarm(Alarm::DuplicateSlot(slot), clashes);
        }
        if let Some(before) = self.detector.take_change(place, now) {
            self.note_news(slot);
            self.set_alarm(Alarm::Member(slot, before), false);
            self.set_alarm(Alarm::Member(slot, diagnosis), is_fault(diagnosis));
            self.detector.doubt(slot, &self.config, now);
        }
    }

    /// Whether two machines were seen in this slot of late.
    pub(crate) fn clashes(&self, slot: Slot, now: Instant) -> bool {
        let reply = self
            .detector
            .member(slot)
            .and_then(|member| member.reply.as_ref());
        reply.is_some_and(|reply| has_clash(reply, self.config.timing.max_lease, now))
    }

    /// To be told to all, soon: what became of that member; where that is too much for one message, all of them anew.
    fn note_news(&mut self, slot: Slot) {
        if !self.health.is_due {
            self.health.is_due = !self.health.news.note(slot);
        }
    }

    /// Tells every member, in a large cluster every elector, what this master knows of the others: what changed at once,
    /// and all of it once a second.
    pub(crate) fn tell_health(&mut self, now: Instant) {
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let degraded = mastership.roads.is_degraded();
        if self.health.tour.is_none() && (self.health.is_due || self.health.next_at <= now) {
            self.health.tour = Some((0, 0));
            self.health.is_urgent = self.health.is_due;
            self.health.next_at = now + INTERVAL;
            if std::mem::take(&mut self.health.is_due) {
                // It tells that too.
                self.health.news = News::default();
            }
        }
        let left = self.tell_news(degraded);
        let is_urgent = self.health.is_urgent || self.health.is_due;
        let most = if is_urgent {
            left
        } else {
            left.min(self.health.quiet_pace)
        };
        for _ in 0..most {
            let Some((from, first)) = self.health.tour else {
                return;
            };
            self.tell_next(from, first, degraded);
        }
    }

    /// Tells what changed. Returns how many more messages this turn may send.
    fn tell_news(&mut self, degraded: bool) -> usize {
        for sent in 0..MESSAGES_PER_TURN {
            let Some(from) = self.health.news.next() else {
                return MESSAGES_PER_TURN - sent;
            };
            let Some(to) = self.next_told(from) else {
                self.health.news.told_to_all();
                return MESSAGES_PER_TURN - sent;
            };
            let of = |slot: &Slot| self.detector.member(*slot).map(told);
            let members = self.health.news.members().iter().filter_map(of).collect();
            self.tell(to, members, degraded);
            self.health.news.told_to(to);
        }
        0
    }

    /// Tells one member a part.
    fn tell_next(&mut self, from: Slot, first: usize, degraded: bool) {
        let Some(to) = self.next_told(from) else {
            self.health.tour = None;
            return;
        };
        let entries = &self.detector.members()[first..];
        let members = entries.iter().take(MEMBERS_PER_MESSAGE).map(told).collect();
        let is_last = entries.len() <= MEMBERS_PER_MESSAGE;
        self.health.tour = match (is_last, to.checked_add(1)) {
            (false, _) => Some((to, first + MEMBERS_PER_MESSAGE)),
            (true, Some(next)) => Some((next, 0)),
            (true, None) => None,
        };
        self.tell(to, members, degraded);
    }

    /// Sends it; while the management network fails, over both.
    fn tell(&mut self, to: Slot, members: Vec<MemberHealth>, degraded: bool) {
        let message = Message::Health {
            epoch: self.succession.mastered,
            degraded,
            members,
        };
        if degraded {
            self.send_by_both(to, &message);
        } else {
            self.send(to, message);
        }
    }

    /// The next one to be told, from this slot on.
    fn next_told(&self, from: Slot) -> Option<Slot> {
        let own = self.config.slot;
        if tells_electors_only(&self.config) {
            let mut electors = self.roster.electors.iter().copied();
            return electors.find(|slot| *slot >= from && *slot != own);
        }
        let mut members = self.config.members.range(from..).map(|(slot, _)| *slot);
        members.find(|slot| *slot != own)
    }

    /// The master tells what it knows. Whether it is believed.
    pub(crate) fn on_health(
        &mut self,
        from: Slot,
        epoch: Epoch,
        members: &[MemberHealth],
        now: Instant,
    ) -> bool {
        if epoch.slot() != from || epoch < self.grants.kernel.probed || !self.rounds.learn(epoch) {
            return false;
        }
        if epoch != self.health.epoch {
            self.health.told.clear();
        }
        (self.health.epoch, self.health.heard_at) = (epoch, now);
        for member in members
            .iter()
            .filter(|member| self.config.members.contains_key(&member.slot))
        {
            if member.slot == self.config.slot {
                self.side.told(member.diagnosis);
            }
            match self
                .health
                .told
                .binary_search_by_key(&member.slot, |known| known.slot)
            {
                Ok(place) => self.health.told[place] = *member,
                Err(place) => self.health.told.insert(place, *member),
            }
        }
        true
    }
}

/// Whether an operator should hear of it: not of what is not known yet.
const fn is_fault(diagnosis: Diagnosis) -> bool {
    match diagnosis {
        Diagnosis::Healthy | Diagnosis::Unknown => false,
        Diagnosis::Misconfigured
        | Diagnosis::DaemonStalled
        | Diagnosis::ManagementFault
        | Diagnosis::Down
        | Diagnosis::ServiceFault
        | Diagnosis::BusinessFault => true,
    }
}

fn told(member: &Watched) -> MemberHealth {
    let reply = member.reply.as_ref();
    let rtt_us = reply.map_or(u64::MAX, |reply| nanos(reply.rtt) / 1_000);
    MemberHealth {
        slot: member.slot,
        healthy: member.answering() == Answering::Healthy,
        diagnosis: member.diagnosis(),
        role: reply.map_or(heartbeat_wire::frame::role::INIT, |reply| reply.role),
        rtt_us: u32::try_from(rtt_us).unwrap_or(u32::MAX),
    }
}
