//! What is run when this node's role changes.

use std::time::Duration;

use super::Program;

/// The hooks of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// When it became master.
    pub on_promote: Option<Program>,
    /// When it ceased to be master, and at the start after an unclean end as master.
    pub on_demote: Option<Program>,
    /// When something is wrong with this very node.
    pub on_fault: Option<Program>,
    /// How long each may take.
    pub timeout: Duration,
    /// When the addresses move.
    pub address: Address,
    /// How long a node whose `on_promote` did not succeed is no candidate, or waits before it tries again.
    pub retry_after: Duration,
    /// What they are given besides their own arguments.
    pub arguments: Arguments,
}

impl Hooks {
    /// Nothing is run.
    pub const NONE: Self = Self {
        on_promote: None,
        on_demote: None,
        on_fault: None,
        timeout: Duration::from_secs(30),
        address: Address::Before,
        retry_after: Duration::from_secs(60),
        arguments: Arguments::None,
    };
}

/// When the addresses move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// At once, before `on_promote`.
    Before,
    /// Once `on_promote` has succeeded.
    After,
}

impl Address {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// What hooks are given besides their own arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing: the environment says all.
    None,
    /// What keepalived gives its notify scripts.
    Keepalived,
}

impl Arguments {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::None, Self::Keepalived];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Keepalived => "keepalived",
        }
    }
}
