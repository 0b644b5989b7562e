//! The node: what its parts share, and the way in and out.

use std::collections::VecDeque;

use crate::abstention::Abstention;
use crate::adoption::Electors;
use crate::alarms::Alarms;
use crate::aside::Aside;
use crate::ballot::{Answered, Asked};
use crate::clock::ClockWatch;
use crate::config::Config;
use crate::detector::Detector;
use crate::electors::ElectorRecord;
use crate::event::{Event, Restored};
use crate::grants::{Grants, Holder};
use crate::handover::Spent;
use crate::health::Health;
use crate::pair::Pair;
use crate::poll::Poll;
use crate::random::Random;
use crate::restart::Restart;
use crate::roster::Roster;
use crate::rounds::Rounds;
use crate::service::Watch;
use crate::side::Side;
use crate::slot_lease::Asking;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::succession::Succession;
use crate::{Command, Epoch, Instant};

/// Commands that one wake-up makes on a quiet day, and a failover among nine electors as well: past this
/// the queue grows, which is harmless and rare.
const COMMANDS_DEPTH: usize = 256;

/// One node of the cluster method: events go in, commands come out.
///
/// The driver carries out every command before it hands in the next event; only
/// [`Command::Promise`] is answered, by [`Event::Promised`], before the commands after it are taken.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Node {
    pub(crate) config: Config,
    pub(crate) roster: Roster,
    /// This node, as the holder of grants.
    pub(crate) me: Holder,
    pub(crate) grants: Grants,
    pub(crate) rounds: Rounds,
    /// The highest epoch that was handed out to be saved.
    pub(crate) floor: Epoch,
    pub(crate) sequence: u64,
    pub(crate) stage: Stage,
    pub(crate) reason: Aside<Reason>,
    pub(crate) since: Aside<Instant>,
    pub(crate) succession: Succession,
    pub(crate) abstention: Abstention,
    pub(crate) electors: Electors,
    pub(crate) maintenance: bool,
    pub(crate) services: Watch,
    pub(crate) side: Side,
    pub(crate) spent: Spent,
    /// The lease of the own slot.
    pub(crate) asking: Asking,
    pub(crate) stopping: bool,
    /// A planned restart that waits for its lease.
    pub(crate) restart: Option<Restart>,
    pub(crate) told_eligible: Option<bool>,
    pub(crate) answered: Option<Answered>,
    pub(crate) detector: Detector,
    pub(crate) poll: Poll,
    pub(crate) health: Aside<Health>,
    pub(crate) clock: ClockWatch,
    pub(crate) alarms: Aside<Alarms>,
    pub(crate) random: Random,
    /// What a node of a pair knows beyond any other.
    pub(crate) pair: Option<Pair>,
    /// The newest time that was handed in: a driver's clock does not go back, so it decides nothing.
    now: Aside<Instant>,
    pub(crate) pending: Option<Pending>,
    pub(crate) commands: VecDeque<Command>,
}

/// What a promise was made for.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Pending {
    /// A vote for another node.
    Vote(Asked),
    /// This node's own candidacy.
    Stand,
    /// A higher round for the lease that this node holds.
    HigherRound,
    /// A mastership by an operator's word.
    Forced,
    /// A mastership by evidence that counts from then.
    Evidence(Instant),
}

impl Node {
    /// The node as the daemon starts. The commands that make the machine safe are ready at once.
    ///
    /// # Panics
    /// When `config` was not validated: this node is no member, there is no elector, or a lease is
    /// longer than `max_lease`.
    #[must_use]
    pub fn new(config: Config, restored: Restored, now: Instant) -> Self {
        assert!(
            config.members.contains_key(&config.slot),
            "this node is a member"
        );
        assert!(config.electors().count() > 0, "a cluster has electors");
        let timing = &config.timing;
        assert!(
            timing.lease() <= timing.restart_lease && timing.restart_lease <= timing.max_lease,
            "no lease is longer than max_lease"
        );
        let record = restored.electors.unwrap_or_else(|| {
            let set = config.elector_set();
            ElectorRecord {
                is_proposed: false,
                ..ElectorRecord::proposed(set)
            }
        });
        assert!(
            record.in_force == config.elector_set(),
            "the election goes by the set in force"
        );
        let daemon = &restored.daemon;
        let mut rounds = Rounds::new(restored.saved_floor, daemon.epoch_floor);
        rounds.raise(daemon.promised);
        rounds.raise(restored.kernel.probed);
        let mut random = Random::new(restored.seed ^ u64::from(config.slot).rotate_left(48));
        // What no run before used: an answer to one of its questions proves nothing.
        let pair = Pair::new(&config, &restored, restored.seed.rotate_left(32), now);
        let mut node = Self {
            roster: Roster::new(&config),
            me: Holder {
                slot: config.slot,
                incarnation: restored.incarnation,
            },
            grants: Grants::new(restored.kernel, daemon),
            rounds,
            floor: rounds.seen(),
            sequence: daemon.sequence,
            stage: Stage::Init,
            reason: Aside(Reason::Started),
            since: Aside(now),
            succession: Succession::at_start(&restored, now + config.timing.lease()),
            abstention: Abstention::after_restart(
                daemon
                    .abstain_until
                    .max(restored.created + record.abstention()),
            ),
            electors: Electors::new(record),
            maintenance: false,
            services: Watch::default(),
            side: Side::new(),
            spent: Spent::default(),
            asking: Asking::restored(daemon.slot_lease),
            stopping: false,
            restart: None,
            told_eligible: None,
            answered: None,
            detector: Detector::new(&config),
            poll: Poll::new(&config, &mut random),
            health: Aside(Health::new(&config)),
            clock: ClockWatch::new(),
            alarms: Aside(Alarms::new(now)),
            random,
            pair,
            now: Aside(now),
            pending: None,
            commands: VecDeque::with_capacity(COMMANDS_DEPTH),
            config,
        };
        node.start(&restored, now);
        node.start_slots(now);
        node.tell_eligible(now);
        node
    }

    /// Something happened.
    ///
    /// # Panics
    /// When a promise was asked for and its answer did not come first.
    pub fn handle(&mut self, event: Event<'_>, now: Instant) {
        let now = self.advance(now);
        let has_read = matches!(event, Event::Turn { .. } | Event::Answers { .. });
        if let Event::Promised { epoch, kernel } = event {
            self.on_promised(epoch, kernel, now);
        } else {
            assert!(
                self.pending.is_none(),
                "a promise is carried out before anything else happens"
            );
            self.route(event, now);
        }
        self.settle(has_read, now);
    }

    /// The time of [`Self::poll_timeout`] has come; the kernel's words were handed in before.
    ///
    /// # Panics
    /// As [`Self::handle`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        assert!(
            self.pending.is_none(),
            "a promise is carried out before anything else happens"
        );
        self.settle(false, now);
    }

    /// When [`Self::handle_timeout`] is to be called at the latest, besides the turns.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let of_stage = match &self.stage {
            // Its own time says when it looks at its peer.
            Stage::Init | Stage::Slave if self.pair.is_some() => None,
            Stage::Init | Stage::Slave => self.stands_at(),
            Stage::Candidate(candidacy) => candidacy.timeout(),
            Stage::Master(mastership) => {
                let timeout = mastership.timeout();
                Some(self.restart_timeout().map_or(timeout, |at| at.min(timeout)))
            }
            Stage::Undecided(_) | Stage::Witness => None,
        };
        of_stage.into_iter().chain(self.pair_timeout()).min()
    }

    /// Has the numbers by chance, for ids and pauses, go on from another seed. A search does so between any two
    /// events, or each number that was ever drawn would make two states of one.
    pub const fn reseed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// The next thing to do.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Time does not go back, whichever event was read first.
    fn advance(&mut self, now: Instant) -> Instant {
        *self.now = self.now.max(now);
        *self.now
    }

    /// Raises the promise; what it was made for goes on when the driver has done so.
    pub(crate) fn promise(&mut self, epoch: Epoch, pending: Pending) {
        assert!(self.pending.is_none(), "one promise at a time");
        self.grants.promise(epoch);
        self.rounds.raise(epoch);
        self.pending = Some(pending);
        self.push(Command::Promise(epoch));
    }

    /// Does what time alone brings about, and tells the kernel what changed. `has_read`: the members' answers were
    /// read just now.
    fn settle(&mut self, has_read: bool, now: Instant) {
        if self.pending.is_some() {
            return;
        }
        self.expire(now);
        self.run_restart(now);
        self.run_pair(has_read, now);
        match self.stage {
            Stage::Init | Stage::Slave if self.pair.is_some() => {}
            Stage::Init | Stage::Slave => {
                if self.stands_at().is_some_and(|at| at <= now) {
                    self.stand(Reason::Orphaned, now);
                }
            }
            Stage::Candidate(_) => self.run_candidacy(now),
            Stage::Master(_) => self.run_attempt(now),
            Stage::Undecided(_) | Stage::Witness => {}
        }
        self.tell_eligible(now);
    }
}
