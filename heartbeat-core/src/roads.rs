//! The two roads to the electors: probes go by the management network, and while no majority answers there
//! the same questions go by the business network.
//!
//! A question over either road has a number, a send time and a record of its own, and a grant is the same word
//! in the elector's kernel whichever way its question came. So the lease is renewed by both alike; which road
//! it was matters for what is shown and asked next only.

use heartbeat_wire::matching::by_management;

use crate::aside::Aside;
use crate::config::Timing;
use crate::detector::{Answering, Pace, Presence};
use crate::message::Network;
use crate::node::Node;
use crate::snapshot::Alarm;
use crate::stage::Stage;
use crate::{Instant, Slot};

/// While the management network fails, one period in so many has no question over the business network: one
/// that overtakes a slow probe makes it look like a copy, and that the network is back would never be seen.
const LOOK_EVERY: u64 = 16;

/// The road that a question of this number takes.
pub(crate) const fn road_of(sequence: u64) -> Network {
    if by_management(sequence) {
        Network::Management
    } else {
        Network::Business
    }
}

/// The road that is tried when this one brings nothing.
pub(crate) const fn other_road(network: Network) -> Network {
    match network {
        Network::Management => Network::Business,
        Network::Business => Network::Management,
    }
}

/// The first number above `last` for a question by that road.
pub(crate) const fn next_on(network: Network, last: u64) -> u64 {
    match (network, road_of(last)) {
        (Network::Management, Network::Management) | (Network::Business, Network::Business) => {
            last + 2
        }
        (Network::Management, Network::Business) | (Network::Business, Network::Management) => {
            last + 1
        }
    }
}

/// What a master knows of its roads.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Roads {
    /// The newest send time of a probe that a majority granted over the management network; at first, that
    /// of the first probe.
    managed_sent: Instant,
    /// As it stood at the last turn.
    judged: Instant,
    management: Presence,
    /// A question went over the business network since the newest probe.
    has_asked: bool,
    probes: Aside<u64>,
}

impl Roads {
    pub(crate) const fn new() -> Self {
        Self {
            managed_sent: Instant::ZERO,
            judged: Instant::ZERO,
            management: Presence::new(),
            has_asked: false,
            probes: Aside(0),
        }
    }

    /// Probes that left by the management network.
    pub(crate) const fn probes(&self) -> u64 {
        self.probes.0
    }

    /// A probe leaves by the management network.
    pub(crate) fn probed(&mut self, now: Instant) {
        self.has_asked = false;
        *self.probes += 1;
        if self.managed_sent == Instant::ZERO {
            (self.managed_sent, self.judged) = (now, now);
        }
    }

    /// A question leaves by the business network.
    pub(crate) const fn asked(&mut self) {
        self.has_asked = true;
    }

    /// A majority granted a probe sent at `sent` over the management network.
    pub(crate) fn managed(&mut self, sent: Instant) {
        self.managed_sent = self.managed_sent.max(sent);
    }

    /// Judges one period; `is_excused` if it ran late. Whether it is said now that the management network fails.
    fn judge(&mut self, is_excused: bool, pace: Pace) -> bool {
        if self.managed_sent > self.judged {
            self.judged = self.managed_sent;
            self.management.answer(pace);
        } else if !is_excused {
            self.management.miss(pace);
        }
        self.is_degraded()
    }

    pub(crate) fn is_degraded(&self) -> bool {
        self.management.answering == Answering::Missing
    }

    /// The road that the lease rests on.
    pub(crate) fn preferred(&self) -> Network {
        if self.is_degraded() {
            Network::Business
        } else {
            Network::Management
        }
    }

    /// Whether to ask over the business network now, a part of a period after the newest probe: two probes in
    /// a row brought no majority by the management network, or another period of waiting could cost a lease
    /// that ends at `deadline`. One probe may be lost, and a slow network may need longer than this.
    fn wants_business(&self, deadline: Instant, timing: &Timing, now: Instant) -> bool {
        if self.has_asked {
            return false;
        }
        let is_tight = deadline.since(now) <= timing.period * 5 / 4;
        let fails = now.since(self.managed_sent) > timing.period * 3 / 2;
        let looks = self.probes.is_multiple_of(LOOK_EVERY);
        is_tight || (fails && !looks)
    }
}

impl Node {
    /// The answers to the newest probe were read: asks over the business network if they do not suffice.
    pub(crate) fn ask_by_business(&mut self, now: Instant) {
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let deadline = mastership.lease.deadline;
        if mastership
            .roads
            .wants_business(deadline, &self.config.timing, now)
        {
            self.probe_by(Network::Business, now);
        }
    }

    /// Says, once it lasted, that the management network fails, and that it works again.
    pub(crate) fn judge_roads(&mut self, is_excused: bool) {
        let pace = Pace::new(&self.config.timing, self.config.timing.multiplier);
        // A peer that answers nowhere says nothing of the network.
        let is_excused = is_excused || self.is_peer_silent();
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        let before = mastership.roads.is_degraded();
        let is_degraded = mastership.roads.judge(is_excused, pace);
        if before != is_degraded {
            self.health.news.announce();
        }
        self.set_alarm(Alarm::Degraded, is_degraded);
    }

    /// The road that a candidate asks by first: the one that the lost master's lease rested on.
    pub(crate) fn first_road(&self, now: Instant) -> Network {
        if self.health.is_degraded(self.succession.mastered, now) {
            Network::Business
        } else {
            Network::Management
        }
    }

    /// Whether the lease rests on the business network, as this master judges or as the master says.
    pub(crate) fn is_degraded(&self, master: Option<Slot>, now: Instant) -> bool {
        match &self.stage {
            Stage::Master(mastership) => mastership.roads.is_degraded(),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => {
                master.is_some() && self.health.is_degraded(self.succession.mastered, now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TIMING: Timing = Timing {
        period: Duration::from_millis(10),
        multiplier: 5,
        max_lease: Duration::from_millis(200),
        restart_lease: Duration::from_millis(200),
    };

    const fn us(us: u64) -> Instant {
        Instant(us * 1_000)
    }

    /// A probe left at 100 ms, and a majority granted the one at `managed_ms`.
    fn roads(managed_ms: u64) -> Roads {
        let mut roads = Roads::new();
        roads.probed(us(10_000));
        roads.managed(us(managed_ms * 1_000));
        roads.probed(us(100_000));
        roads
    }

    #[test]
    fn numbers_tell_the_road_and_only_grow() {
        let mut last = 0;
        for network in [
            Network::Management,
            Network::Business,
            Network::Business,
            Network::Management,
            Network::Management,
        ] {
            let next = next_on(network, last);
            assert!(next > last && road_of(next) == network);
            last = next;
        }
    }

    #[test]
    fn one_lost_probe_and_a_slow_network_bring_no_question_over_the_business_network() {
        let deadline = us(140_000);
        assert!(!roads(90).wants_business(deadline, &TIMING, us(103_000)));
        assert!(roads(80).wants_business(deadline, &TIMING, us(102_500)));
    }

    #[test]
    fn a_lease_too_short_to_wait_for_another_probe_is_not_risked() {
        assert!(roads(90).wants_business(us(115_000), &TIMING, us(102_500)));
        assert!(!roads(90).wants_business(us(116_000), &TIMING, us(102_500)));
    }

    #[test]
    fn a_period_has_one_question_over_the_business_network_and_some_have_none() {
        let mut roads = roads(50);
        assert!(roads.wants_business(us(140_000), &TIMING, us(102_500)));
        roads.asked();
        assert!(!roads.wants_business(us(140_000), &TIMING, us(105_000)));
        let asks = (0..2 * LOOK_EVERY).filter(|_| {
            roads.probed(us(110_000));
            roads.wants_business(us(150_000), &TIMING, us(112_500))
        });
        assert_eq!(asks.count() as u64, 2 * (LOOK_EVERY - 1));
    }
}
