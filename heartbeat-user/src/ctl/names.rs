//! Members' names beside their slots: the election's own words know slots only.

use std::collections::BTreeMap;

use heartbeat_core::Slot;

use crate::control::{Client, Request, Response, Status};

/// How a member is called in a sentence.
const SLOT: &str = "slot ";

/// The members' names, by slot.
#[derive(Default)]
pub(super) struct Names(BTreeMap<Slot, String>);

impl Names {
    /// Those that the daemon knows now; none where it does not say, since names only help to read.
    pub(super) fn ask(client: &Client) -> Self {
        match client.ask(Request::Status) {
            Ok(Response::Status(status)) => Self::of(&status),
            Ok(_) | Err(_) => Self::default(),
        }
    }

    pub(super) fn of(status: &Status) -> Self {
        let named = status.members.iter();
        Self(named.map(|it| (it.slot, it.name.clone())).collect())
    }

    /// The text with the name behind each slot that has none behind it: `slot 2 (n2) probes as master`.
    pub(super) fn beside(&self, text: &str) -> String {
        let mut parts = text.split(SLOT);
        let mut named = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            named += SLOT;
            named += number;
            let name = number.parse().ok().and_then(|slot| self.0.get(&slot));
            if let Some(name) = name.filter(|_| !rest.starts_with(" (")) {
                named += &format!(" ({name})");
            }
            named += rest;
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_beside_each_slot_that_is_a_members_and_has_none_yet() {
        let names = Names([(1, "n1".to_owned()), (12, "db".to_owned())].into());
        for (text, named) in [
            ("slot 1 probes as master", "slot 1 (n1) probes as master"),
            ("switchover to slot 12", "switchover to slot 12 (db)"),
            (
                "slot 1 (n1), not slot 12.",
                "slot 1 (n1), not slot 12 (db).",
            ),
            (
                "slot 2 and a slot of its own",
                "slot 2 and a slot of its own",
            ),
            ("", ""),
        ] {
            assert_eq!(names.beside(text), named);
        }
    }
}
