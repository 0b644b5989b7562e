//! What can go wrong, in the operator's words.

use std::io;
use std::net::IpAddr;

use nix::errno::Errno;

use super::socket::Failure;

/// Why the kernel's links or addresses could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// No netlink socket.
    #[error(
        "cannot open a netlink route socket: {source}; the kernel and the sandbox (RestrictAddressFamilies) must allow AF_NETLINK"
    )]
    Open {
        /// What the kernel answered.
        source: io::Error,
    },
    /// The interface is not there.
    #[error(
        "no interface named {interface} in this network namespace; create it, or correct its name in the configuration"
    )]
    NoInterface {
        /// The name asked for.
        interface: String,
    },
    /// The same address is there already and somebody else's.
    #[error(
        "{address} is on interface {interface} already and was not put there by this cluster; remove it with `ip address delete {address}/{prefix_len} dev {interface}` and leave it out of the machine's own network configuration"
    )]
    Foreign {
        /// The address.
        address: IpAddr,
        /// Where it is.
        interface: String,
        /// Its prefix length there.
        prefix_len: u8,
    },
    /// The kernel said no.
    #[error("cannot {action}: {errno}{}; {}", detail_text(.detail.as_deref()), cure(*.errno))]
    Refused {
        /// What was tried, with address and interface.
        action: String,
        /// The kernel's answer.
        errno: Errno,
        /// The kernel's own words, where it has some (extended acknowledgement, Linux 4.12).
        detail: Option<String>,
    },
    /// The conversation itself broke.
    #[error(
        "cannot {action}: the netlink conversation failed: {source}; it is tried again with the next change"
    )]
    Broken {
        /// What was tried.
        action: String,
        /// What the socket said.
        source: io::Error,
    },
}

impl NetlinkError {
    /// Whether the interface is not there, or went while it was asked for something.
    #[must_use]
    pub fn is_no_interface(&self) -> bool {
        match self {
            Self::NoInterface { .. } => true,
            Self::Refused { errno, .. } => *errno == Errno::ENODEV,
            Self::Open { .. } | Self::Foreign { .. } | Self::Broken { .. } => false,
        }
    }

    /// Whether the process lacks the right to do it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { errno, .. } if matches!(errno, Errno::EPERM | Errno::EACCES))
    }

    pub(super) fn new(action: String, failure: Failure) -> Self {
        match failure {
            Failure::Refused { errno, detail } => Self::Refused {
                action,
                errno,
                detail,
            },
            Failure::Broken(source) => Self::Broken { action, source },
        }
    }
}

fn detail_text(detail: Option<&str>) -> String {
    detail.map_or_else(String::new, |detail| format!(" ({detail})"))
}

fn cure(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM => "give the process CAP_NET_ADMIN",
        // What adding an IPv6 address to an interface without IPv6 is answered with.
        Errno::EACCES => {
            "give the process CAP_NET_ADMIN; for an IPv6 address, let the interface speak IPv6 \
             (`sysctl net.ipv6.conf.INTERFACE.disable_ipv6=0`)"
        }
        Errno::ENODEV => {
            "the interface has gone; the address follows as soon as it is back under the same name"
        }
        Errno::ENOBUFS | Errno::ENOMEM => "the machine is out of memory; free some",
        _ => {
            "`ip address` and `ip link` in this network namespace show what the kernel knows of it"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_address_interface_cause_and_cure() {
        let text = NetlinkError::new(
            "add 203.0.113.100/32 to interface biz0".into(),
            Failure::Refused {
                errno: Errno::EPERM,
                detail: Some("not today".into()),
            },
        )
        .to_string();
        for part in [
            "203.0.113.100",
            "biz0",
            "EPERM",
            "not today",
            "CAP_NET_ADMIN",
        ] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }
}
