//! What costs a pair its active node.

/// The faults that are measured on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The service's process on the active node is killed; the node and its daemon are well.
    ServiceDeath,
    /// The active node is gone: nothing passes on either network, no carrier.
    NodeDeath,
    /// An operator moves it.
    Switchover,
}

/// All of them.
pub(super) const FAULTS: [Fault; 3] = [Fault::ServiceDeath, Fault::NodeDeath, Fault::Switchover];

impl Fault {
    /// The word for it in tables and JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceDeath => "service death",
            Self::NodeDeath => "node death",
            Self::Switchover => "switchover",
        }
    }
}
