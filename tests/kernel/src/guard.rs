//! Safety lines that a test can take off the twin, to show that a schedule is one that they guard against.
//!
//! The product has no such switch: of its own lines, `cargo xtask mutants` edits the source.

/// One safety line of the kernel program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A node without the maps of its last run grants nothing for a while.
    Abstention,
    /// The end of the grant only grows.
    EndOnlyGrows,
    /// A probe that was accepted is not accepted again.
    Replays,
    /// The promises are read once more behind the grant.
    SecondLook,
    /// An answer counts only for the question that it echoes, by our own record of it.
    OwnRecord,
    /// A refusal for a promise alone shuts nothing.
    ProbedOnly,
    /// A second machine in our slot shuts our gate.
    OneMachine,
}

impl Guard {
    /// Every one of them.
    pub const ALL: [Self; 7] = [
        Self::Abstention,
        Self::EndOnlyGrows,
        Self::Replays,
        Self::SecondLook,
        Self::OwnRecord,
        Self::ProbedOnly,
        Self::OneMachine,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Which of them hold: all, unless some were taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Guards {
    off: u8,
}

impl Guards {
    /// All but this one.
    #[must_use]
    pub const fn without(guard: Guard) -> Self {
        Self { off: guard.bit() }
    }

    /// Whether it holds.
    #[must_use]
    pub const fn hold(self, guard: Guard) -> bool {
        self.off & guard.bit() == 0
    }
}
