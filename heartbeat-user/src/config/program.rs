//! Programs that the daemon runs.

/// A program and its arguments; never a line for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file, its path from the root on, and then what it is given.
    pub words: Vec<String>,
    /// Who it is run as; `None`: who the daemon is.
    pub user: Option<User>,
}

/// Somebody of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}
