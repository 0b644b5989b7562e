//! Which member this machine is.

use std::net::IpAddr;

use heartbeat_core::Slot;

use super::Config;

/// Why a node does not know its slot.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnSlotError {
    /// `--slot` names nobody.
    #[error("--slot {slot}: the configuration has no such member; its slots are {members}")]
    NoSuchMember {
        /// What was asked for.
        slot: Slot,
        /// All slots.
        members: String,
    },
    /// None of the members' management addresses is this machine's.
    #[error(
        "no local interface has a member's management address ({members}): configure this machine's address, \
         correct the configuration, or name the member with --slot"
    )]
    NotLocal {
        /// All members with their addresses.
        members: String,
    },
    /// More than one is.
    #[error(
        "local interfaces have the management addresses of more than one member ({members}): name the one to be \
         with --slot"
    )]
    Several {
        /// Those members with their addresses.
        members: String,
    },
}

impl Config {
    /// This node's slot: the one that `flag` (`--slot`) names, else the member whose management address is
    /// among `local`, the addresses of all interfaces.
    ///
    /// # Errors
    /// [`OwnSlotError`], which names members, cause and cure.
    pub fn own_slot(&self, local: &[IpAddr], flag: Option<Slot>) -> Result<Slot, OwnSlotError> {
        if let Some(slot) = flag {
            return self.named_slot(slot);
        }
        let here: Vec<Slot> = self
            .members
            .iter()
            .filter(|(_, member)| local.contains(&member.management.address))
            .map(|(slot, _)| *slot)
            .collect();
        match here.as_slice() {
            [slot] => Ok(*slot),
            [] => Err(OwnSlotError::NotLocal {
                members: self.describe(self.members.keys()),
            }),
            [..] => Err(OwnSlotError::Several {
                members: self.describe(here.iter()),
            }),
        }
    }

    fn named_slot(&self, slot: Slot) -> Result<Slot, OwnSlotError> {
        if self.members.contains_key(&slot) {
            return Ok(slot);
        }
        Err(OwnSlotError::NoSuchMember {
            slot,
            members: self.describe(self.members.keys()),
        })
    }

    fn describe<'a>(&'a self, slots: impl Iterator<Item = &'a Slot>) -> String {
        let member = |slot| {
            let member = self.members.get(slot)?;
            Some(format!(
                "slot {slot} {} {}",
                member.name, member.management.address
            ))
        };
        slots.filter_map(member).collect::<Vec<_>>().join(", ")
    }
}
