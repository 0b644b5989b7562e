//! Why the daemon did not start, or ended: one message, one exit code.

use std::fmt;
use std::process::ExitCode;

/// Failure of any kind that no other code stands for.
pub(super) const EXIT_FAILURE: u8 = 1;
/// No right to do what a daemon must (EX_NOPERM of sysexits.h).
pub(super) const EXIT_PERMISSION: u8 = 77;
/// The configuration is at fault (EX_CONFIG of sysexits.h): a service manager need not try again.
pub(super) const EXIT_CONFIG: u8 = 78;

/// A message that names the thing, the cause and the cure, and the code to exit with.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The configuration, or what it says of this machine, is wrong.
    pub(super) fn config(cause: impl fmt::Display) -> Self {
        Self {
            code: EXIT_CONFIG,
            message: cause.to_string(),
        }
    }

    /// A right is missing.
    pub(super) fn permission(cause: impl fmt::Display) -> Self {
        Self {
            code: EXIT_PERMISSION,
            message: cause.to_string(),
        }
    }

    /// Anything else.
    pub(super) fn other(cause: impl fmt::Display) -> Self {
        Self {
            code: EXIT_FAILURE,
            message: cause.to_string(),
        }
    }

    /// Prints the message and gives the code.
    #[must_use]
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("heartbeatd: {}", self.message);
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
