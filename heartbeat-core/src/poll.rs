//! The poll on a quiet day: does the control port of a majority answer, so that this node could be
//! elected when it matters? What answers over the business network counts for that while the lease rests
//! on it.

use std::time::Duration;

use crate::config::Config;
use crate::message::{Message, Network};
use crate::node::Node;
use crate::random::Random;
use crate::snapshot::{Alarm, NotElectable};
use crate::stage::Stage;
use crate::{Command, Instant, Slot};

/// Time between two polls while all is well.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
/// Time between two polls until a majority answered.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
const BOTH: [Network; 2] = [Network::Management, Network::Business];
/// An answer counts for this many polls.
const ROUNDS: u32 = 2;
/// Most members that one turn polls over the business network, so that a turn's length does not grow with
/// the cluster.
const MEMBERS_PER_TURN: usize = 16;

/// The poll's state.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Poll {
    /// The id of this poll, and of the one before it.
    ids: [u64; ROUNDS as usize],
    round: u32,
    next_at: Instant,
    electors: Vec<Polled>,
    majority: usize,
    /// The next member to be polled over the business network in this round.
    tour: Option<Slot>,
}

/// An elector other than this node.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Polled {
    slot: Slot,
    management: Heard,
    business: Heard,
}

/// What one elector answered over one network.
#[derive(Clone, Copy, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Heard {
    /// The newest round that it answered; 0 for none.
    answered: u32,
    /// The newest one in which it said that it votes.
    would_vote: u32,
}

impl Polled {
    const fn by(&self, network: Network) -> &Heard {
        match network {
            Network::Management => &self.management,
            Network::Business => &self.business,
        }
    }

    const fn by_mut(&mut self, network: Network) -> &mut Heard {
        match network {
            Network::Management => &mut self.management,
            Network::Business => &mut self.business,
        }
    }
}

impl Poll {
    pub(crate) fn new(config: &Config, random: &mut Random) -> Self {
        let mut poll = Self {
            ids: [random.next(), random.next()],
            round: 0,
            next_at: Instant::ZERO,
            electors: Vec::new(),
            majority: 0,
            tour: None,
        };
        poll.regroup(config);
        poll
    }

    /// Says who is an elector. Who was one before keeps its answers; a new one is asked at once.
    pub(crate) fn regroup(&mut self, config: &Config) {
        let others = config.electors().filter(|slot| *slot != config.slot);
        let polled = others.map(|slot| {
            let known = self.electors.iter().find(|elector| elector.slot == slot);
            known.copied().unwrap_or(Polled {
                slot,
                management: Heard::default(),
                business: Heard::default(),
            })
        });
        self.electors = polled.collect();
        self.majority = config.majority();
        self.next_at = Instant::ZERO;
    }

    /// Electors that answered of late by this network, this node (if it is one) included.
    pub(crate) fn answering(&self, network: Network, is_elector: bool) -> usize {
        self.count(|elector| elector.by(network).answered) + usize::from(is_elector)
    }

    /// Whether a majority answers on the control port by one of the networks, as far as was found out. An
    /// elector asks.
    pub(crate) fn reaches_majority(&self) -> bool {
        BOTH.into_iter()
            .any(|network| self.answering(network, true) >= self.majority)
    }

    /// Whether it is known that no majority would vote over this network.
    fn is_cut_off(&self, network: Network) -> bool {
        self.round > ROUNDS && !self.would_be_elected(network)
    }

    fn would_be_elected(&self, network: Network) -> bool {
        self.count(|elector| elector.by(network).would_vote) + 1 >= self.majority
    }

    fn count(&self, round: impl Fn(&Polled) -> u32) -> usize {
        let oldest = self.round.saturating_sub(ROUNDS - 1).max(1);
        self.electors
            .iter()
            .filter(|elector| round(elector) >= oldest)
            .count()
    }

    /// The id that a poll out of turn bears: its answers count like the newest poll's.
    pub(crate) const fn id(&self) -> u64 {
        self.ids[0]
    }

    fn begin(&mut self, id: u64, now: Instant) {
        self.ids = [id, self.ids[0]];
        self.round += 1;
        let interval = if self.would_be_elected(Network::Management) {
            INTERVAL
        } else {
            FIRST_INTERVAL
        };
        self.next_at = now + interval;
        self.tour = Some(0);
    }
}

impl Node {
    /// Polls when the time has come: every elector over both networks, and as master every other member
    /// over the business network.
    pub(crate) fn poll_members(&mut self, now: Instant) {
        if self.poll.next_at <= now && self.roster.is_elector(self.config.slot) {
            let id = self.random.next();
            self.poll.begin(id, now);
            for index in 0..self.poll.electors.len() {
                let to = self.poll.electors[index].slot;
                self.send(to, Message::Poll { id });
                self.look_for(to, now);
            }
        }
        self.poll_others(now);
        let may_be_master = self.roster.is_heir(self.config.slot);
        self.set_alarm(Alarm::NotElectable, may_be_master && self.is_cut_off(now));
    }

    /// Whether no majority would vote for this node, over the management network or, while the lease rests on
    /// that one, over the business network.
    fn is_cut_off(&self, now: Instant) -> bool {
        if self.is_peer_silent() {
            // It is not the control port that is at fault, and evidence takes the place of votes.
            return false;
        }
        let stands_in = self.is_degraded(self.known_master(now), now);
        self.poll.is_cut_off(Network::Management)
            && (!stands_in || self.poll.is_cut_off(Network::Business))
    }

    fn poll_others(&mut self, now: Instant) {
        let (Stage::Master(_), Some(from)) = (&self.stage, self.poll.tour) else {
            return;
        };
        let mut last = None;
        for _ in 0..MEMBERS_PER_TURN {
            let after = last.map_or(from, |slot: Slot| slot + 1);
            let next = self
                .config
                .members
                .range(after..)
                .find(|(_, member)| !member.elector);
            let Some((slot, _)) = next else {
                self.poll.tour = None;
                return;
            };
            let to = *slot;
            last = Some(to);
            self.look_for(to, now);
        }
        self.poll.tour = last.and_then(|slot| slot.checked_add(1));
    }

    /// Asks over the business network, where the answer shows that the member is reachable.
    pub(crate) fn poll_business(&mut self, to: Slot) {
        self.push(question_by_business(to, self.poll.id()));
    }

    /// The same in a round: a master looks for the answer.
    fn look_for(&mut self, to: Slot, now: Instant) {
        self.poll_business(to);
        if let Stage::Master(_) = self.stage {
            self.detector.asked(to, &self.config, now);
        }
    }

    pub(crate) fn on_poll(&mut self, from: Slot, network: Network, id: u64, now: Instant) {
        let votes = self.roster.is_elector(self.config.slot) && self.abstention.is_over(now);
        let message = Message::PollAnswer { id, votes };
        self.push(Command::Send {
            to: from,
            network,
            message,
        });
    }

    pub(crate) fn on_poll_answer(
        &mut self,
        from: Slot,
        network: Network,
        id: u64,
        votes: bool,
        now: Instant,
    ) {
        let Some(age) = self.poll.ids.iter().position(|known| *known == id) else {
            return;
        };
        if network == Network::Business {
            self.detector.reached(from, now);
            if self.config.is_on_business(self.config.slot) {
                self.side.heard(now);
            }
        }
        let round = self
            .poll
            .round
            .saturating_sub(u32::try_from(age).unwrap_or(ROUNDS));
        if let Some(elector) = self
            .poll
            .electors
            .iter_mut()
            .find(|elector| elector.slot == from)
        {
            let heard = elector.by_mut(network);
            heard.answered = heard.answered.max(round);
            if votes {
                heard.would_vote = heard.would_vote.max(round);
            }
        }
    }

    /// Why this node could not become master now, were the master lost.
    pub(crate) fn not_electable(&self, now: Instant) -> Option<NotElectable> {
        let member = self.config.members[&self.config.slot];
        if member.witness {
            Some(NotElectable::Witness)
        } else if !member.elector {
            Some(NotElectable::NotElector)
        } else if self.stopping {
            Some(NotElectable::Stopping)
        } else if self.maintenance {
            Some(NotElectable::Maintenance)
        } else if let Some(why) = self.services.not_electable() {
            Some(why)
        } else if !self.abstention.is_over(now) {
            Some(self.abstention.not_electable())
        } else {
            self.is_cut_off(now).then_some(NotElectable::ControlPort)
        }
    }
}

/// Poll `id` over the business network.
pub(crate) const fn question_by_business(to: Slot, id: u64) -> Command {
    Command::Send {
        to,
        network: Network::Business,
        message: Message::Poll { id },
    }
}
