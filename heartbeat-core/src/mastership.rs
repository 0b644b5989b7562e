//! What a master does each period: renew the lease by what was granted, then probe.

use std::time::Duration;

use crate::aside::Aside;
use crate::change::Change;
use crate::command::Question;
use crate::config::Config;
use crate::event::Reply;
use crate::forced::Forced;
use crate::lease::{Lease, majority_sent};
use crate::message::Network;
use crate::node::Node;
use crate::request::Request;
use crate::roads::{Roads, road_of};
use crate::roster::Roster;
use crate::slot_lease::Granter;
use crate::snapshot::Guarantee;
use crate::stage::Stage;
use crate::{Command, Epoch, Instant, Slot};

/// One mastership.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Mastership {
    pub(crate) lease: Lease,
    /// The lease that probes name: L, and more only before a planned restart.
    pub(crate) length: Duration,
    /// The period that turns go by still, since no majority granted the longer lease yet that goes with a slower one.
    pub(crate) quick: Option<Duration>,
    /// The highest epoch this node promised to itself: the lease's, or that of a higher round.
    pub(crate) standing: Epoch,
    /// Only answers to probes from this one on count: they are this epoch's, and this run's, and each named
    /// at least `length`.
    pub(crate) first_sequence: u64,
    /// When the newest probe of this epoch was sent, until when this node granted to itself.
    pub(crate) own_sent: Option<Instant>,
    /// The newest send time that a majority granted.
    pub(crate) granted_sent: Instant,
    /// Whether a majority of replies ever renewed it.
    pub(crate) is_renewed: bool,
    /// The longest lateness of a turn since it was renewed.
    pub(crate) late: Aside<Duration>,
    /// When the next turn is due; zero until the first one.
    pub(crate) next_turn: Aside<Instant>,
    /// An operator forced it, and no majority stands behind it yet.
    pub(crate) forced: Option<Forced>,
    /// Whether the lease rests on what a majority of the electors' set in force granted to probes by it; not yet
    /// after an election, or after the set was changed.
    pub(crate) is_renewed_in_set: bool,
    /// The change of the electors under way.
    pub(crate) change: Option<Box<Change>>,
    /// The request for a higher round, if one is under way, and when the newest one began.
    pub(crate) attempt: Option<Request>,
    pub(crate) attempted_at: Instant,
    /// Whom the newest probe named to follow; 0 for nobody.
    pub(crate) successor: Slot,
    /// A lower slot that could take over, and since when.
    pub(crate) lower_since: Option<(Slot, Instant)>,
    pub(crate) roads: Roads,
    /// Whom it granted which slot's lease.
    pub(crate) slots: Granter,
    /// Room to work in.
    newest: Aside<Vec<(Slot, Instant)>>,
    sent_times: Aside<Vec<Instant>>,
}

impl Mastership {
    pub(crate) fn new(
        lease: Lease,
        standing: Epoch,
        first_sequence: u64,
        length: Duration,
        slots: Granter,
    ) -> Self {
        assert!(
            standing >= lease.epoch,
            "a master has promised its own epoch"
        );
        Self {
            lease,
            length,
            quick: None,
            standing,
            first_sequence,
            own_sent: None,
            granted_sent: Instant::ZERO,
            is_renewed: false,
            late: Aside(Duration::ZERO),
            next_turn: Aside(Instant::ZERO),
            forced: None,
            is_renewed_in_set: false,
            change: None,
            attempt: None,
            attempted_at: Instant::ZERO,
            successor: 0,
            lower_since: None,
            roads: Roads::new(),
            slots,
            newest: Aside(Vec::with_capacity(heartbeat_wire::maps::MAX_ELECTORS)),
            sent_times: Aside(Vec::with_capacity(heartbeat_wire::maps::MAX_ELECTORS)),
        }
    }

    /// Another electors' set is in force: only grants to probes that name it count from now on. The lease stays
    /// until those it rests on end.
    pub(crate) const fn enter_set(&mut self, first_sequence: u64) {
        self.first_sequence = first_sequence;
        self.own_sent = None;
        self.is_renewed_in_set = false;
    }

    /// When the lease ends, or the higher round has something to do.
    pub(crate) fn timeout(&self) -> Instant {
        match &self.attempt {
            Some(request) => self
                .lease
                .deadline
                .min(request.resend_at)
                .min(request.give_up_at),
            None => self.lease.deadline,
        }
    }

    /// The newest send time that a majority of the electors granted by one of these roads, this node's own
    /// grant included.
    fn majority_sent(
        &mut self,
        replies: &[Reply],
        roads: &[Network],
        config: &Config,
        roster: &Roster,
        now: Instant,
    ) -> Option<Instant> {
        self.newest.clear();
        if let Some(sent) = self.own_sent {
            self.newest.push((config.slot, sent));
        }
        for reply in replies {
            let counts = roads.contains(&road_of(reply.granted_sequence))
                && roster.is_elector(reply.slot)
                && reply.granted_sequence >= self.first_sequence
                && reply.granted_sent <= now
                && !has_clash(reply, config.timing.max_lease, now);
            let is_new = self.newest.iter().all(|(slot, _)| *slot != reply.slot);
            if counts && is_new {
                self.newest.push((reply.slot, reply.granted_sent));
            }
        }
        self.sent_times.clear();
        self.sent_times
            .extend(self.newest.iter().map(|(_, sent)| *sent));
        majority_sent(&mut self.sent_times, roster.majority)
    }
}

/// Whether two machines answered in this slot of late: then neither is counted.
pub(crate) fn has_clash(reply: &Reply, max_lease: Duration, now: Instant) -> bool {
    reply.clash_at > Instant::ZERO && now.since(reply.clash_at) <= max_lease
}

impl Node {
    /// One period of a master whose lease holds. `now` was read before that was checked, and is the
    /// probe's send time, so a pause after the check gains nothing from a late reply.
    pub(crate) fn master_turn(&mut self, replies: &[Reply], is_excused: bool, now: Instant) {
        self.renew_lease(replies, now);
        self.judge_roads(is_excused);
        self.watch_side(now);
        self.choose_successor(now);
        if !self.leave_for_fault(now) && !self.preempt(now) {
            self.probe(now);
            self.renew_by_force(now);
        }
    }

    /// Renews the lease by what a majority granted; nothing unless this node is master.
    pub(crate) fn renew_lease(&mut self, replies: &[Reply], now: Instant) {
        let Self {
            stage: Stage::Master(mastership),
            config,
            roster,
            ..
        } = self
        else {
            return;
        };
        let by_management = [Network::Management];
        if let Some(sent) = mastership.majority_sent(replies, &by_management, config, roster, now) {
            mastership.roads.managed(sent);
        }
        let by_either = [Network::Management, Network::Business];
        let Some(sent) = mastership.majority_sent(replies, &by_either, config, roster, now) else {
            return;
        };
        let timing = config.timing;
        mastership.granted_sent = mastership.granted_sent.max(sent);
        if mastership.forced.is_some() {
            return self.weigh_majority(sent, now);
        }
        let grew = mastership.lease.renew(sent, mastership.length, now);
        let lease = mastership.lease;
        if grew {
            mastership.is_renewed = true;
            *mastership.late = Duration::ZERO;
            mastership.quick = None;
            mastership.is_renewed_in_set = true;
            self.succession.futile = 0;
            assert!(
                lease.deadline.since(now) <= timing.max_lease,
                "no lease is longer than max_lease"
            );
            self.rest_on(Guarantee::Quorum);
            self.push(Command::Lease {
                epoch: lease.epoch,
                deadline: lease.deadline,
            });
        }
    }

    fn choose_successor(&mut self, now: Instant) {
        self.detector.note_information(&self.roster.heirs, now);
        let successor = self
            .detector
            .successor(&self.roster.heirs, &self.config, now)
            .unwrap_or(0);
        if let Stage::Master(mastership) = &mut self.stage {
            mastership.successor = successor;
        }
    }

    /// Sends one probe over the management network.
    pub(crate) fn probe(&mut self, now: Instant) {
        self.probe_by(Network::Management, now);
    }

    /// Sends one probe by this road; this node grants to itself first.
    pub(crate) fn probe_by(&mut self, network: Network, now: Instant) {
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        assert!(
            mastership.lease.holds(now),
            "who holds no lease sends no probe"
        );
        assert!(
            mastership.lease.epoch >= self.grants.kernel.probed,
            "a master whose epoch is over sends no probe"
        );
        let (epoch, standing) = (mastership.lease.epoch, mastership.standing);
        let length = mastership.length;
        self.grant_to_myself(standing, length, now);
        let sequence = self.next_sequence(network);
        let stride = self.detector.stride();
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        let offset = u16::try_from(mastership.roads.probes() % u64::from(stride)).unwrap_or(0);
        match network {
            Network::Management => mastership.roads.probed(now),
            Network::Business => mastership.roads.asked(),
        }
        mastership.own_sent = Some(now);
        let question = Question {
            epoch,
            sequence,
            sent: now,
            lease: length,
            successor: mastership.successor,
            stride,
            offset,
        };
        match network {
            Network::Management => {
                self.detector.probed(&question);
                self.push(Command::Probe(question));
            }
            Network::Business => self.push(Command::ProbeBusiness(question)),
        }
    }

    /// Notes how late this turn is, before anything is concluded from the time that passed.
    pub(crate) fn note_lateness(&mut self, lateness: Duration, now: Instant) {
        let period = self.period();
        if let Stage::Master(mastership) = &mut self.stage {
            *mastership.late = mastership.late.max(lateness);
            // Turns that were slept through are not made up for.
            *mastership.next_turn = now + period - lateness.min(period);
        }
    }

    /// Ends a lease whose time has come: an expired one is never renewed.
    pub(crate) fn expire(&mut self, now: Instant) {
        if let Stage::Master(mastership) = &self.stage
            && !mastership.lease.holds(now)
        {
            self.lose_majority(now);
        }
    }
}
