//! One hook that is owed, and what it is told.

use std::collections::BTreeMap;
use std::fmt;

use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Slot};
use serde::{Deserialize, Serialize};

use crate::config::hooks::Arguments;
use crate::config::{Hooks, Program};

/// keepalived's highest priority, which its owner of an address has; the lowest slot comes next.
const HIGHEST_PRIORITY: u16 = 255;

/// A role change, as the scribe tells it.
#[derive(Clone, Debug)]
pub struct RoleChange {
    /// The role left.
    pub from: Role,
    /// The role taken.
    pub to: Role,
    /// Why.
    pub reason: String,
    /// The epoch concerned.
    pub epoch: Epoch,
}

/// What the hooks' thread hears.
#[derive(Debug)]
pub(super) enum Told {
    Role(RoleChange),
    Fault(String),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(change) => {
                write!(f, "{} -> {}", change.from.as_str(), change.to.as_str())
            }
            Self::Fault(reason) => write!(f, "fault: {reason}"),
        }
    }
}

/// Which hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    Promote,
    Demote,
    Fault,
}

impl Which {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "on_promote",
            Self::Demote => "on_demote",
            Self::Fault => "on_fault",
        }
    }

    /// The state that keepalived calls it by.
    const fn keepalived(self) -> &'static str {
        match self {
            Self::Promote => "MASTER",
            Self::Demote => "BACKUP",
            Self::Fault => "FAULT",
        }
    }

    pub(super) const fn program(self, hooks: &Hooks) -> Option<&Program> {
        match self {
            Self::Promote => hooks.on_promote.as_ref(),
            Self::Demote => hooks.on_demote.as_ref(),
            Self::Fault => hooks.on_fault.as_ref(),
        }
    }
}

/// One hook that is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) which: Which,
    /// The mastership's epoch as one number, which only grows from mastership to mastership.
    pub(super) epoch: u64,
    pub(super) old_role: String,
    pub(super) new_role: String,
    pub(super) reason: String,
}

impl Job {
    pub(super) const fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// What it finds in its environment.
    pub(super) fn environment(&self, cluster: &str, slot: Slot) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("HEARTBEATD_HOOK", self.which.as_str().to_owned()),
            ("HEARTBEATD_CLUSTER", cluster.to_owned()),
            ("HEARTBEATD_SLOT", slot.to_string()),
            ("HEARTBEATD_OLD_ROLE", self.old_role.clone()),
            ("HEARTBEATD_NEW_ROLE", self.new_role.clone()),
            ("HEARTBEATD_REASON", self.reason.clone()),
            ("HEARTBEATD_EPOCH", self.epoch.to_string()),
        ])
    }

    /// What is run, with what it is given.
    pub(super) fn program(&self, hooks: &Hooks, cluster: &str, slot: Slot) -> Option<Program> {
        let mut program = self.which.program(hooks)?.clone();
        if hooks.arguments == Arguments::Keepalived {
            let priority = HIGHEST_PRIORITY.saturating_sub(slot).max(1);
            program.words.extend([
                "INSTANCE".to_owned(),
                cluster.to_owned(),
                self.which.keepalived().to_owned(),
                priority.to_string(),
            ]);
        }
        Some(program)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::hooks::Address;

    #[test]
    fn keepalived_s_arguments_come_after_the_hook_s_own() {
        let program = Program {
            words: vec!["/etc/notify".to_owned(), "-v".to_owned()],
            user: None,
        };
        let hooks = |arguments| Hooks {
            on_promote: Some(program.clone()),
            on_demote: None,
            on_fault: None,
            timeout: Duration::from_secs(1),
            address: Address::Before,
            retry_after: Duration::from_secs(1),
            arguments,
        };
        let job = |which| Job {
            which,
            epoch: Epoch::new(7, 2).0,
            old_role: "slave".to_owned(),
            new_role: "master".to_owned(),
            reason: "a test".to_owned(),
        };
        let words = |arguments| {
            let program = job(Which::Promote).program(&hooks(arguments), "a", 2);
            program.expect("configured").words.join(" ")
        };
        assert_eq!(words(Arguments::None), "/etc/notify -v");
        assert_eq!(
            words(Arguments::Keepalived),
            "/etc/notify -v INSTANCE a MASTER 253"
        );
        assert_eq!(
            job(Which::Demote).program(&hooks(Arguments::None), "a", 2),
            None
        );
        let environment = job(Which::Promote).environment("a", 2);
        assert_eq!(
            environment["HEARTBEATD_EPOCH"],
            ((7_u64 << 16) + 2).to_string()
        );
        assert_eq!(environment["HEARTBEATD_NEW_ROLE"], "master");
    }
}
