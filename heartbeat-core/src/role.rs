//! What a node is in its cluster.

use heartbeat_wire::frame::role;

/// What a node is in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// Not decided yet: it waits for a probe, or for its abstention to end.
    Init,
    /// It follows a master, or waits for one.
    Slave,
    /// It asks for votes.
    Candidate,
    /// It holds the lease.
    Master,
    /// It answers and votes, and never becomes master.
    Witness,
    /// In a pair, it was the last master as far as it knows, and finds out what its peer is.
    IsMaster,
    /// In a pair, neither is master and both could be: they compare when each was active last.
    BattleMaster,
}

impl Role {
    /// The word for it in status, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Slave => "slave",
            Self::Candidate => "candidate",
            Self::Master => "master",
            Self::Witness => "witness",
            Self::IsMaster => "is_master",
            Self::BattleMaster => "battle_master",
        }
    }

    /// The number for it in frames and messages ([`heartbeat_wire::frame::role`]).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Init => role::INIT,
            Self::Slave => role::SLAVE,
            Self::Candidate => role::CANDIDATE,
            Self::Master => role::MASTER,
            Self::Witness => role::WITNESS,
            Self::IsMaster => role::IS_MASTER,
            Self::BattleMaster => role::BATTLE_MASTER,
        }
    }

    /// The role with this number, if there is one.
    #[must_use]
    pub const fn of_number(number: u8) -> Option<Self> {
        match number {
            role::INIT => Some(Self::Init),
            role::SLAVE => Some(Self::Slave),
            role::CANDIDATE => Some(Self::Candidate),
            role::MASTER => Some(Self::Master),
            role::WITNESS => Some(Self::Witness),
            role::IS_MASTER => Some(Self::IsMaster),
            role::BATTLE_MASTER => Some(Self::BattleMaster),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_a_number_of_its_own_and_is_found_by_it() {
        let roles = [
            Role::Init,
            Role::Slave,
            Role::Candidate,
            Role::Master,
            Role::Witness,
            Role::IsMaster,
            Role::BattleMaster,
        ];
        for own in roles {
            assert_eq!(Role::of_number(own.number()), Some(own));
        }
        assert_eq!(Role::of_number(u8::MAX), None);
    }
}
