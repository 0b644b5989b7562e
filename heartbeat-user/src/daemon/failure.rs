//! Why the daemon did not start, or ended: one message, one exit code.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use nix::errno::Errno;

use crate::cli::Exit;
use crate::datapath::DatapathError;
use crate::net::netlink::NetlinkError;

/// What helps whenever a right is missing.
const RIGHTS: &str = "run heartbeatd as root";

/// A message that names the thing, the cause and the cure, and how to exit.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// The configuration, or what it says of this machine, is wrong.
    pub(super) fn config(cause: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Config,
            message: cause.to_string(),
        }
    }

    /// A right is missing.
    pub(super) fn permission(cause: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Permission,
            message: cause.to_string(),
        }
    }

    /// What went wrong while something was done: a missing right, or anything else.
    pub(super) fn of(error: impl Error + 'static) -> Self {
        if is_denied(&error) {
            Self::permission(with_cure(&with_causes(&error)))
        } else {
            Self::other(with_causes(&error))
        }
    }

    /// Anything else, in words.
    pub(super) fn other(cause: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failure,
            message: cause.to_string(),
        }
    }

    /// Prints the message and gives the code.
    #[must_use]
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("heartbeatd: {}", self.message);
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message, and what is behind it as far as it does not say so: a library's errors may name the call that failed
/// and leave to their source why.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !message.contains(&cause_text) {
            message = format!("{message}: {cause_text}");
        }
        source = cause.source();
    }
    message
}

/// Some messages name root among the cures already.
fn with_cure(message: &str) -> String {
    if message.contains("as root") {
        message.to_owned()
    } else {
        format!("{message}; {RIGHTS}")
    }
}

/// Whether a missing right is behind an error, or behind what caused it.
fn is_denied(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<DatapathError>() {
        return datapath_denied(error);
    }
    if let Some(NetlinkError::Refused { errno, .. }) = error.downcast_ref() {
        return matches!(errno, Errno::EPERM | Errno::EACCES);
    }
    let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    error.downcast_ref().is_some_and(denied) || error.source().is_some_and(is_denied)
}

/// EACCES is also how the verifier refuses a program, so what the datapath took for a missing right counts,
/// and what files say.
fn datapath_denied(error: &DatapathError) -> bool {
    match error {
        DatapathError::NoRights { .. } => true,
        DatapathError::File { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::PacketSocketError;

    fn denied() -> io::Error {
        io::Error::from_raw_os_error(libc::EPERM)
    }

    #[test]
    fn a_missing_right_is_told_from_other_causes_however_deep_it_is() {
        let deep = Failure::of(PacketSocketError { source: denied() });
        assert_eq!(deep.exit, Exit::Permission);
        let refused = |errno| {
            Failure::of(NetlinkError::Refused {
                action: "add 203.0.113.1/32 to interface biz0".into(),
                errno,
                detail: None,
            })
        };
        assert_eq!(refused(Errno::EPERM).exit, Exit::Permission);
        assert_eq!(refused(Errno::ENOMEM).exit, Exit::Failure);
        let full = PacketSocketError {
            source: io::Error::from_raw_os_error(libc::ENFILE),
        };
        assert_eq!(Failure::of(full).exit, Exit::Failure);
    }

    #[test]
    fn a_cause_that_a_message_does_not_tell_is_told_behind_it_and_once() {
        let call = aya::sys::SyscallError {
            call: "BPF_OBJ_PIN",
            io_error: io::Error::from_raw_os_error(libc::EROFS),
        };
        let failure = Failure::of(DatapathError::Pin {
            path: "/sys/fs/bpf/x".into(),
            source: call.into(),
        });
        let said = failure.to_string();
        assert!(said.contains("/sys/fs/bpf/x"), "{said}");
        assert_eq!(said.matches("Read-only file system").count(), 1, "{said}");
    }

    #[test]
    fn root_is_named_as_cure_once() {
        let pathless = Failure::of(denied()).to_string();
        assert!(pathless.ends_with("; run heartbeatd as root"), "{pathless}");
        let what = "load a program".to_owned();
        let named = Failure::of(DatapathError::NoRights { what }).to_string();
        assert_eq!(named.matches("as root").count(), 1, "{named}");
    }

    #[test]
    fn a_kernel_without_type_information_is_named_with_its_cure() {
        let failure = Failure::of(DatapathError::NoBtf);
        assert_eq!(failure.exit, Exit::Failure);
        for part in ["no BTF", "Linux 6.1", "CONFIG_DEBUG_INFO_BTF"] {
            assert!(failure.to_string().contains(part), "{failure}");
        }
    }
}
