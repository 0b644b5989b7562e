//! What several parts do alike: give commands, grant to oneself, keep floors and numbers.

use std::time::Duration;

use crate::message::{Message, Network};
use crate::node::Node;
use crate::roads::next_on;
use crate::{Command, Epoch, Instant, Slot};

impl Node {
    pub(crate) fn push(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    pub(crate) fn send(&mut self, to: Slot, message: Message) {
        self.send_by(Network::Management, to, message);
    }

    pub(crate) fn send_by(&mut self, network: Network, to: Slot, message: Message) {
        self.push(Command::Send {
            to,
            network,
            message,
        });
    }

    /// Sends what must arrive although one of the networks fails; a copy changes nothing.
    pub(crate) fn send_by_both(&mut self, to: Slot, message: &Message) {
        for network in [Network::Management, Network::Business] {
            self.send_by(network, to, message.clone());
        }
    }

    pub(crate) fn other_electors(&self) -> impl Iterator<Item = Slot> + '_ {
        let own = self.config.slot;
        self.roster
            .electors
            .iter()
            .copied()
            .filter(move |slot| *slot != own)
    }

    /// The next number of a question by this road.
    pub(crate) fn next_sequence(&mut self, network: Network) -> u64 {
        self.sequence = next_on(network, self.sequence);
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

    /// Grants to this node itself for a lease of `length` from now on, as every question of a master does.
    pub(crate) fn grant_to_myself(&mut self, epoch: Epoch, length: Duration, now: Instant) {
        assert!(
            epoch.slot() == self.me.slot,
            "a node takes its own rounds only"
        );
        // Not so the kernel's grant, which was over or given up when this epoch was promised: a refusal that
        // tells of this node's own newer epoch moves the probed word on, and a given-up grant looks held again.
        assert!(
            !self.grants.is_voted_away_from(self.me, now),
            "no vote for oneself while the vote for somebody else stands"
        );
        let incarnation = self.me.incarnation;
        let end = self.grants.vote(epoch, incarnation, now + length);
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
    pub(crate) fn tell_eligible(&mut self, now: Instant) {
        let eligible = self.not_electable(now).is_none();
        if self.told_eligible != Some(eligible) {
            self.told_eligible = Some(eligible);
            self.push(Command::Eligible(eligible));
        }
    }
}
