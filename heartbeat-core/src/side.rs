//! This node's own side of the business network. A master that nobody answers there asks the others, over the management
//! network, whether anybody answers them: only so can it tell its own link from theirs, and from the whole network.

use std::fmt;
use std::time::Duration;

use heartbeat_wire::maps::MAX_ELECTORS;

use crate::config::Timing;
use crate::message::{BusinessSide, Message};
use crate::node::Node;
use crate::snapshot::{Alarm, Diagnosis, Reason};
use crate::stage::Stage;
use crate::{Instant, Slot};

/// Questions to the electors before a master judges its own side.
const QUESTIONS: u32 = Timing::BUSINESS_QUESTIONS;
/// What an elector said, or heard, counts for so long: it is asked every second.
const FRESH: Duration = Duration::from_secs(3);
/// A carrier that is there says so only after this time: a switch that loses its power takes everybody's, and the kernel
/// tells of it up to a second late.
const CARRIER_SETTLES: Duration = Duration::from_secs(2);
/// Members that are asked for an answer over the business network, the lowest ones that have a place there.
const MOST_ASKED: usize = 8;
/// A node looks no more often than that for others' sake.
const LEAST_GAP: Duration = Duration::from_millis(100);

/// What this node knows of its own place on the business network.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Side {
    /// Whether its interface has its carrier, as far as was told.
    pub(crate) has_carrier: bool,
    /// When any member last answered a question over that network.
    heard_at: Instant,
    /// When this node last asked the others for somebody else's sake.
    looked_at: Instant,
    /// A master doubts its own side.
    doubt: Option<Doubt>,
    /// What electors said in it.
    told: Vec<Told>,
    /// As a master judges of itself.
    is_at_fault: bool,
    /// As the master told of this node last.
    told_off: bool,
}

#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Doubt {
    /// Nobody answered since.
    since: Instant,
    /// How often the others were asked, by which id and when last.
    asked: u32,
    id: u64,
    asked_at: Instant,
    next_at: Instant,
}

/// What one elector said of its own side.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Told {
    slot: Slot,
    /// When it was asked, by this node's clock.
    asked_at: Instant,
    /// When somebody answered it, or later: reckoned from the question, so never too early for its answer.
    heard_at: Instant,
    has_carrier: bool,
}

impl Side {
    pub(crate) fn new() -> Self {
        Self {
            has_carrier: true,
            heard_at: Instant::ZERO,
            looked_at: Instant::ZERO,
            doubt: None,
            told: Vec::with_capacity(MAX_ELECTORS),
            is_at_fault: false,
            told_off: false,
        }
    }

    /// A mastership begins or ends: nothing was judged in it yet.
    pub(crate) fn forget(&mut self) {
        self.doubt = None;
        self.told.clear();
        self.is_at_fault = false;
        self.told_off = false;
    }

    /// A member answered over the business network.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// The master told how it finds this node.
    pub(crate) const fn told(&mut self, diagnosis: Diagnosis) {
        self.told_off = matches!(diagnosis, Diagnosis::BusinessFault);
    }

    /// Whether `slot`, which does not answer this node since then, is itself to blame; `None`: not known yet.
    pub(crate) fn blames(&mut self, slot: Slot, since: Instant, now: Instant) -> Option<bool> {
        if self.heard_at >= since {
            return Some(true);
        }
        if self.doubt.is_none() {
            self.begin_doubt(since, now);
        }
        if !self.has_asked_enough() {
            return None;
        }
        let told = self.fresh(now).find(|told| told.slot == slot);
        if told.is_some_and(|told| self.is_answered(told, now)) {
            Some(false)
        } else if self.is_anybody_answered(now) {
            Some(told.is_some())
        } else if !self.has_carrier {
            Some(told.is_some_and(|told| !told.has_carrier))
        } else {
            // Nobody hears anybody: the network itself is at fault, and so everybody's place on it.
            self.fresh(now).next().map(|_| true)
        }
    }

    fn begin_doubt(&mut self, since: Instant, now: Instant) {
        self.told.clear();
        self.doubt = Some(Doubt {
            since,
            asked: 0,
            id: 0,
            asked_at: Instant::ZERO,
            next_at: now,
        });
    }

    /// Whether as many questions as make a fault had their time.
    fn has_asked_enough(&self) -> bool {
        self.doubt.is_some_and(|doubt| doubt.asked > QUESTIONS)
    }

    /// What was said of late.
    fn fresh(&self, now: Instant) -> impl Iterator<Item = &Told> {
        let is_fresh = move |told: &&Told| now.since(told.asked_at) <= FRESH;
        self.told.iter().filter(is_fresh)
    }

    /// Whether somebody answered that elector of late, and since nobody answers this node.
    fn is_answered(&self, told: &Told, now: Instant) -> bool {
        let is_since = self.doubt.is_some_and(|doubt| told.heard_at > doubt.since);
        is_since && now.since(told.heard_at) <= FRESH
    }

    fn is_anybody_answered(&self, now: Instant) -> bool {
        self.fresh(now).any(|told| self.is_answered(told, now))
    }

    /// Whether `slot` is known not to have this master's fault: somebody answers it. Of two that have a place on the
    /// network alone, neither hears anybody; there a carrier tells that stayed while this node's was lost.
    pub(crate) fn is_well_at(&self, slot: Slot, is_one_of_two: bool, now: Instant) -> bool {
        let Some(told) = self.fresh(now).find(|told| told.slot == slot) else {
            return false;
        };
        let has_settled =
            (self.doubt).is_some_and(|doubt| told.asked_at >= doubt.since + CARRIER_SETTLES);
        let keeps_carrier = !self.has_carrier && told.has_carrier && has_settled;
        self.is_answered(told, now) || (is_one_of_two && keeps_carrier)
    }

    /// Whether to ask the others now.
    fn wants_to_ask(&mut self, now: Instant) -> bool {
        if !self.has_carrier && self.doubt.is_none() {
            self.begin_doubt(now, now);
        }
        let is_over = |doubt: &Doubt| self.has_carrier && self.heard_at >= doubt.since;
        if self.doubt.as_ref().is_some_and(is_over) {
            self.doubt = None;
        }
        self.doubt.is_some_and(|doubt| doubt.next_at <= now)
    }

    fn ask(&mut self, id: u64, now: Instant) {
        if let Some(doubt) = &mut self.doubt {
            doubt.asked = doubt.asked.saturating_add(1);
            let pause = if doubt.asked > QUESTIONS {
                Timing::BUSINESS_PAUSE
            } else {
                Timing::BUSINESS_ANSWER
            };
            (doubt.id, doubt.asked_at, doubt.next_at) = (id, now, now + pause);
        }
    }

    fn take(&mut self, slot: Slot, id: u64, side: BusinessSide) {
        let Some(doubt) = self.doubt.filter(|doubt| doubt.id == id && doubt.asked > 0) else {
            return;
        };
        let heard_at = side
            .heard_ago
            .map_or(Instant::ZERO, |ago| doubt.asked_at - ago);
        let told = Told {
            slot,
            asked_at: doubt.asked_at,
            heard_at,
            has_carrier: side.has_carrier,
        };
        // Of at most as many electors as there is room for.
        self.told.retain(|known| known.slot != slot);
        self.told.push(told);
    }

    /// What a master makes of it for itself.
    fn judge(&mut self, now: Instant) -> bool {
        if self.doubt.is_none() {
            self.is_at_fault = false;
        } else if self.has_asked_enough() {
            // Where all others lost their carrier, and this node did not, it is they that are cut off.
            self.is_at_fault = !self.has_carrier || self.fresh(now).any(|told| told.has_carrier);
        }
        self.is_at_fault
    }
}

impl Node {
    /// Whether this node counts as not reachable over the business network: as master by its own judgement, else by its
    /// master's.
    pub(crate) const fn is_off_business(&self) -> bool {
        match &self.stage {
            Stage::Master(_) => self.side.is_at_fault,
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => self.side.told_off || !self.side.has_carrier,
        }
    }

    /// Asks and judges, once a turn, whether this master's own side is at fault.
    pub(crate) fn watch_side(&mut self, now: Instant) {
        if !self.config.is_on_business(self.config.slot) {
            return;
        }
        if self.side.wants_to_ask(now) {
            let id = self.random.next();
            self.side.ask(id, now);
            for to in self.electors_on_business() {
                self.send(to, Message::SideAsk { id });
            }
            self.look();
        }
        let is_at_fault = self.side.judge(now);
        self.detector.spares_business = is_at_fault;
        self.set_alarm(Alarm::Business, is_at_fault);
    }

    fn electors_on_business(&self) -> Vec<Slot> {
        let mut electors: Vec<Slot> = self.other_electors().collect();
        electors.retain(|slot| self.config.is_on_business(*slot));
        electors
    }

    /// Asks a few members for an answer over the business network.
    fn look(&mut self) {
        let own = self.config.slot;
        let members = self.config.members.iter();
        let others = members.filter(|(slot, member)| member.business && **slot != own);
        let asked: Vec<Slot> = others.map(|(slot, _)| *slot).take(MOST_ASKED).collect();
        for slot in asked {
            self.poll_business(slot);
        }
    }

    pub(crate) fn on_side_ask(&mut self, from: Slot, id: u64, now: Instant) {
        let heard_at = self.side.heard_at;
        let side = BusinessSide {
            has_carrier: self.side.has_carrier,
            heard_ago: (heard_at > Instant::ZERO).then(|| now.since(heard_at)),
        };
        self.send(from, Message::SideTell { id, side });
        let has_rested = now.since(self.side.looked_at) >= LEAST_GAP;
        if has_rested && self.config.is_on_business(self.config.slot) {
            self.side.looked_at = now;
            self.look();
        }
    }

    pub(crate) fn on_side_tell(&mut self, from: Slot, id: u64, side: BusinessSide) {
        if self.roster.is_elector(from) {
            self.side.take(from, id, side);
        }
    }

    /// The reason that a master leaves for, if its own side is at fault.
    pub(crate) fn leaves_business(&self) -> Option<Reason> {
        self.side.is_at_fault.then_some(Reason::BusinessLost)
    }
}

impl fmt::Display for BusinessSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.has_carrier {
            "carrier"
        } else {
            "no carrier"
        })?;
        match self.heard_ago {
            Some(ago) => write!(f, ", answered {} ms ago", ago.as_millis()),
            None => f.write_str(", never answered"),
        }
    }
}
