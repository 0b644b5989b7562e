//! The node: routes events to the parts, and holds what they share.

use std::collections::VecDeque;

use crate::abstention::Abstention;
use crate::alarms::Alarms;
use crate::ballot::{Answered, Asked};
use crate::clock::ClockWatch;
use crate::config::Config;
use crate::detector::Detector;
use crate::event::{Event, KernelWords, Order, Reply, Restored};
use crate::grants::{Grants, Holder};
use crate::health::Health;
use crate::message::{Message, Network};
use crate::poll::Poll;
use crate::random::Random;
use crate::roster::Roster;
use crate::rounds::Rounds;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::succession::Succession;
use crate::{Command, Epoch, Instant, Slot};

/// Commands that one wake-up makes on a quiet day, and a failover among nine electors as well: past this
/// the queue grows, which is harmless and rare.
const COMMANDS_DEPTH: usize = 256;

/// One node of the cluster method: events go in, commands come out.
///
/// The driver carries out every command before it hands in the next event; only
/// [`Command::Promise`] is answered, by [`Event::Promised`], before the commands after it are taken.
#[derive(Debug)]
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
    pub(crate) reason: Reason,
    pub(crate) since: Instant,
    pub(crate) succession: Succession,
    pub(crate) abstention: Abstention,
    pub(crate) maintenance: bool,
    pub(crate) stopping: bool,
    pub(crate) told_eligible: Option<bool>,
    pub(crate) answered: Option<Answered>,
    pub(crate) detector: Detector,
    pub(crate) poll: Poll,
    pub(crate) health: Health,
    pub(crate) clock: ClockWatch,
    pub(crate) alarms: Alarms,
    pub(crate) random: Random,
    /// The newest time that was handed in.
    now: Instant,
    pending: Option<Pending>,
    commands: VecDeque<Command>,
}

/// What a promise was made for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    /// A vote for another node.
    Vote(Asked),
    /// This node's own candidacy.
    Stand,
    /// A higher round for the lease that this node holds.
    HigherRound,
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
        assert!(
            config.timing.lease() <= config.timing.max_lease,
            "no lease is longer than max_lease"
        );
        let daemon = &restored.daemon;
        let mut rounds = Rounds::new(restored.saved_floor, daemon.epoch_floor);
        rounds.raise(daemon.promised);
        rounds.raise(restored.kernel.probed);
        let mut random = Random::new(restored.seed ^ u64::from(config.slot).rotate_left(48));
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
            reason: Reason::Started,
            since: now,
            succession: Succession::at_start(&restored, now + config.timing.lease()),
            abstention: Abstention::after_restart(
                daemon
                    .abstain_until
                    .max(restored.created + config.timing.abstention()),
            ),
            maintenance: false,
            stopping: false,
            told_eligible: None,
            answered: None,
            detector: Detector::new(&config),
            poll: Poll::new(&config, &mut random),
            health: Health::new(),
            clock: ClockWatch::new(),
            alarms: Alarms::new(now),
            random,
            now,
            pending: None,
            commands: VecDeque::with_capacity(COMMANDS_DEPTH),
            config,
        };
        node.start(&restored, now);
        node.tell_eligible(now);
        node
    }

    /// Something happened.
    ///
    /// # Panics
    /// When a promise was asked for and its answer did not come first.
    pub fn handle(&mut self, event: Event<'_>, now: Instant) {
        let now = self.advance(now);
        if let Event::Promised { epoch, kernel } = event {
            self.on_promised(epoch, kernel, now);
        } else {
            assert!(
                self.pending.is_none(),
                "a promise is carried out before anything else happens"
            );
            self.route(event, now);
        }
        self.settle(now);
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
        self.settle(now);
    }

    /// When [`Self::handle_timeout`] is to be called at the latest, besides the turns.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Init | Stage::Slave => self.stands_at(),
            Stage::Candidate(candidacy) => candidacy.timeout(),
            Stage::Master(mastership) => Some(mastership.timeout()),
            Stage::Witness => None,
        }
    }

    /// The next thing to do.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Time does not go back, whichever event was read first.
    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn route(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Turn {
                kernel,
                replies,
                lateness,
                raw_ns,
            } => {
                self.on_words(kernel, now);
                self.expire(now);
                self.watch_clock(raw_ns, now);
                self.on_turn(replies, lateness, now);
            }
            Event::Kernel(kernel) => self.on_words(kernel, now),
            Event::Answers { kernel, replies } => {
                self.on_words(kernel, now);
                self.expire(now);
                self.renew_lease(replies, now);
            }
            Event::QueryAnswer(answer) => self.on_query_answer(&answer, now),
            Event::Refusal(refusal) => self.on_refusal(&refusal, now),
            Event::Message {
                from,
                incarnation,
                network,
                message,
            } => {
                self.expire(now);
                self.on_message(
                    Holder {
                        slot: from,
                        incarnation,
                    },
                    network,
                    message,
                    now,
                );
            }
            Event::Order(order) => self.on_order(order, now),
            Event::Promised { .. } => {}
        }
    }

    fn on_turn(&mut self, replies: &[Reply], lateness: std::time::Duration, now: Instant) {
        self.detector.note(replies);
        if let Stage::Master(_) = self.stage {
            self.judge_members(lateness, now);
            self.master_turn(replies, now);
            self.tell_health(now);
        }
        self.poll_members(now);
        self.clear_fault(now);
        self.watch_for_master(now);
    }

    fn on_message(&mut self, from: Holder, network: Network, message: Message, now: Instant) {
        if from.slot == self.config.slot || !self.config.members.contains_key(&from.slot) {
            return;
        }
        match message {
            Message::VoteRequest {
                epoch,
                lease,
                id,
                elector_version,
                elector_digest,
            } => {
                let asked = Asked {
                    from,
                    epoch,
                    lease,
                    id,
                };
                let same_electors = elector_version == self.config.elector_version
                    && elector_digest == self.config.elector_digest;
                self.on_vote_request(asked, same_electors, now);
            }
            Message::Vote {
                epoch,
                id,
                answer,
                info_version: _,
            } => self.on_vote(from, epoch, id, answer, now),
            Message::Poll { id } => self.on_poll(from.slot, network, id, now),
            Message::PollAnswer { id, votes } => {
                self.on_poll_answer(from.slot, network, id, votes, now);
            }
            Message::Promote { epoch } => self.on_promote(from, epoch, now),
            Message::Release { epoch, target } => self.on_release(from, epoch, target, now),
            Message::Health { epoch, members } => self.on_health(from.slot, epoch, &members, now),
        }
    }

    fn on_order(&mut self, order: Order, now: Instant) {
        self.expire(now);
        let answer = match order {
            Order::Switchover(target) => self.switch_over(target, now),
            Order::Maintenance(true) => self.enter_maintenance(now),
            Order::Maintenance(false) => Ok(self.leave_maintenance()),
            Order::Stop => Ok(self.stop(now)),
        };
        self.tell_eligible(now);
        self.push(Command::OrderAnswer(answer));
        if self.stopping {
            self.push(Command::Exit);
        }
    }

    /// Raises the promise; what it was made for goes on when the driver has done so.
    pub(crate) fn promise(&mut self, epoch: Epoch, pending: Pending) {
        assert!(self.pending.is_none(), "one promise at a time");
        self.grants.promise(epoch);
        self.rounds.raise(epoch);
        self.pending = Some(pending);
        self.push(Command::Promise(epoch));
    }

    fn on_promised(&mut self, epoch: Epoch, kernel: KernelWords, now: Instant) {
        assert!(
            epoch == self.grants.promised,
            "the promise that was asked for is the one that was made"
        );
        let pending = self.pending.take();
        self.grants.settle(&kernel);
        self.on_words(kernel, now);
        self.expire(now);
        match pending {
            Some(Pending::Vote(asked)) => self.on_vote_promised(asked, now),
            Some(Pending::Stand) => self.on_round_promised(epoch, now),
            Some(Pending::HigherRound) => self.on_higher_round_promised(epoch, now),
            None => {}
        }
    }

    /// Does what time alone brings about, and tells the kernel what changed.
    fn settle(&mut self, now: Instant) {
        if self.pending.is_some() {
            return;
        }
        self.expire(now);
        match self.stage {
            Stage::Init | Stage::Slave => {
                if self.stands_at().is_some_and(|at| at <= now) {
                    self.stand(Reason::Orphaned, now);
                }
            }
            Stage::Candidate(_) => self.run_candidacy(now),
            Stage::Master(_) => self.run_attempt(now),
            Stage::Witness => {}
        }
        self.tell_eligible(now);
    }

    pub(crate) fn push(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    pub(crate) fn send(&mut self, to: Slot, message: Message) {
        self.push(Command::Send {
            to,
            network: Network::Management,
            message,
        });
    }

    pub(crate) fn other_electors(&self) -> impl Iterator<Item = Slot> + '_ {
        let own = self.config.slot;
        self.roster
            .electors
            .iter()
            .copied()
            .filter(move |slot| *slot != own)
    }

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        assert!(
            self.sequence < heartbeat_wire::frame::SEQUENCE_LIMIT,
            "sequence numbers never restart"
        );
        self.sequence
    }

    /// Has an epoch saved as a floor for this node's own rounds.
    pub(crate) fn raise_floor(&mut self, epoch: Epoch) {
        self.rounds.raise(epoch);
        if epoch > self.floor {
            self.floor = epoch;
            self.push(Command::Floor(epoch));
        }
    }

    /// Grants to this node itself for one lease from now on, as every question of a master does.
    pub(crate) fn grant_to_myself(&mut self, epoch: Epoch, now: Instant) {
        assert!(
            epoch.slot() == self.me.slot,
            "a node takes its own rounds only"
        );
        assert!(
            self.grants.held_against(self.me, now).is_zero(),
            "no vote while somebody else holds a grant"
        );
        let incarnation = self.me.incarnation;
        let end = self
            .grants
            .vote(epoch, incarnation, now + self.config.timing.lease());
        self.push(Command::VoteGrant {
            epoch,
            incarnation,
            end,
        });
    }

    /// Ends the grant that the vote for exactly `epoch` gave.
    pub(crate) fn end_vote(&mut self, epoch: Epoch, now: Instant) {
        if self.grants.vote_epoch == epoch {
            let incarnation = self.grants.end_vote(now);
            self.push(Command::VoteGrant {
                epoch,
                incarnation,
                end: now,
            });
        }
    }

    /// Tells the kernel whether this node may become master, for its answers.
    fn tell_eligible(&mut self, now: Instant) {
        let eligible = self.not_electable(now).is_none();
        if self.told_eligible != Some(eligible) {
            self.told_eligible = Some(eligible);
            self.push(Command::Eligible(eligible));
        }
    }
}
