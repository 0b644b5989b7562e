//! What this node is at the moment, with what only that role needs.

use crate::candidacy::Candidacy;
use crate::mastership::Mastership;
use crate::node::Node;
use crate::snapshot::{Reason, Role};
use crate::{Command, Epoch, Instant};

#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(
    clippy::large_enum_variant,
    reason = "a node has one of it, and it changes a few times a day"
)]
pub(crate) enum Stage {
    /// It waits for a probe, or for its abstention to end.
    Init,
    /// It follows a master, or waits for one.
    Slave,
    /// It asks whether it would be voted for, or asks for votes.
    Candidate(Candidacy),
    /// It holds the lease.
    Master(Mastership),
    /// It answers and votes.
    Witness,
    /// In a pair, it finds out what its peer is.
    Undecided(Undecided),
}

/// A node of a pair that may be master and is not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Undecided {
    /// It was the last master as far as it knows.
    IsMaster,
    /// Neither is master: they compare who was active last.
    BattleMaster,
}

impl Stage {
    pub(crate) const fn role(&self) -> Role {
        match self {
            Self::Init => Role::Init,
            Self::Slave => Role::Slave,
            Self::Candidate(_) => Role::Candidate,
            Self::Master(_) => Role::Master,
            Self::Witness => Role::Witness,
            Self::Undecided(Undecided::IsMaster) => Role::IsMaster,
            Self::Undecided(Undecided::BattleMaster) => Role::BattleMaster,
        }
    }
}

impl Node {
    /// Takes another role and tells the kernel. What it returns is to be pushed when the change is
    /// complete.
    #[must_use]
    pub(crate) fn take_stage(
        &mut self,
        stage: Stage,
        reason: Reason,
        epoch: Epoch,
        now: Instant,
    ) -> Command {
        let (from, to) = (self.stage.role(), stage.role());
        assert!(
            from != to,
            "a role change changes the role ({})",
            to.as_str()
        );
        let lasted = now.since(*self.since);
        (self.stage, *self.reason, *self.since) = (stage, reason, now);
        self.push(Command::Role(to));
        Command::RoleChanged {
            from,
            to,
            reason,
            epoch,
            lasted,
        }
    }
}
