//! How both programs end.

use std::process::ExitCode;

/// The exit codes; 2 (usage) is clap's own as well. From 64 up as in sysexits.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went as asked.
    Ok = 0,
    /// Refused or failed, and no other code says how.
    Failure = 1,
    /// What was typed is wrong: a cluster's name, or `top` where there is no terminal.
    Usage = 2,
    /// `heartbeatctl status` knows no master.
    NoMaster = 4,
    /// The daemon cannot be reached (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// A right is missing (`EX_NOPERM`).
    Permission = 77,
    /// The configuration is at fault (`EX_CONFIG`): a service manager need not try again.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
