//! ARP manners of an interface: answer only for addresses that live on it.

use std::fs;
use std::io;
use std::path::PathBuf;

/// Answer an ARP request only if the address asked for is on the interface the request came in by;
/// 0 would let the management interface answer for a virtual address of the business network.
const ARP_IGNORE: (&str, u8) = ("arp_ignore", 1);
/// Never name an address of another interface as the sender of an own ARP request.
const ARP_ANNOUNCE: (&str, u8) = ("arp_announce", 2);

/// Why an interface may go on answering for other interfaces' addresses.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set {path} to {wanted}: {source}; interface {interface} may answer ARP for addresses of other interfaces; \
     set it with `sysctl net.ipv4.conf.{interface}.{setting}={wanted}`, or make /proc/sys writable for the process"
)]
pub struct SysctlError {
    /// The interface.
    pub interface: String,
    /// `arp_ignore` or `arp_announce`.
    pub setting: &'static str,
    /// The lowest value that will do.
    pub wanted: u8,
    /// The file.
    pub path: PathBuf,
    /// What the kernel answered.
    pub source: io::Error,
}

/// Raises arp_ignore to 1 and arp_announce to 2 on one interface; an already stricter value stays.
///
/// The kernel judges a request by the interface it came in by, so this belongs on every interface
/// of the node that shares a network with anybody, not only where a virtual address lives. The
/// files shown are those of the calling thread's network namespace.
///
/// # Errors
/// [`SysctlError`], a reason for a warning: the gate still stops what must not be answered.
pub fn answer_own_addresses_only(interface: &str) -> Result<(), SysctlError> {
    for (setting, wanted) in [ARP_IGNORE, ARP_ANNOUNCE] {
        let path = PathBuf::from(format!("/proc/sys/net/ipv4/conf/{interface}/{setting}"));
        raise(&path, wanted).map_err(|source| SysctlError {
            interface: interface.to_owned(),
            setting,
            wanted,
            path,
            source,
        })?;
    }
    Ok(())
}

fn raise(path: &PathBuf, wanted: u8) -> io::Result<()> {
    let now = fs::read_to_string(path)?;
    if now.trim().parse::<u8>().is_ok_and(|now| now >= wanted) {
        return Ok(());
    }
    fs::write(path, wanted.to_string())
}
