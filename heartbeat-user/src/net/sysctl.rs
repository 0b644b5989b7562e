//! Manners of an interface: answer ARP only for addresses that live on it, ask for neighbours again soon, keep
//! IPv6 addresses while it is off.
//!
//! For IPv6 addresses Linux answers on their own interface only, whatever it is told.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Answer an ARP request only if the address asked for is on the interface the request came in by;
/// 0 would let the management interface answer for a virtual address of the business network.
const ARP_IGNORE: (&str, u32) = ("arp_ignore", 1);
/// Never name an address of another interface as the sender of an own ARP request.
const ARP_ANNOUNCE: (&str, u32) = ("arp_announce", 2);

/// How soon an ARP request or a neighbour solicitation without an answer is repeated, in milliseconds; the
/// kernel's own pace is a second. A node that sent something while it was cut off would otherwise hold its votes back for the
/// rest of that second after it is heard again, longer than an election may take.
const ASK_AGAIN: (&str, u32) = ("retrans_time_ms", 10);

/// Keep static IPv6 addresses while the interface is off (Linux 4.6). Without it they are gone when it is on
/// again, the node's own and the multicast group's included; IPv4 addresses stay by themselves.
const KEEP_ADDRESSES: (&str, u32) = ("keep_addr_on_down", 1);

/// Why an interface keeps the kernel's manners.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set {path} to {wanted}: {source}; {lost}; set it with `sysctl {key}={wanted}`, or make /proc/sys writable \
     for the process"
)]
pub struct SysctlError {
    /// The setting as sysctl(8) names it.
    pub key: String,
    /// The value that it should have.
    pub wanted: u32,
    /// What is lost without it.
    pub lost: String,
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
    let lost = || format!("interface {interface} may answer ARP for addresses of other interfaces");
    for (setting, wanted) in [ARP_IGNORE, ARP_ANNOUNCE] {
        let key = ["net", "ipv4", "conf", interface, setting];
        set_unless(&key, wanted, |now| now >= wanted, lost)?;
    }
    Ok(())
}

/// Has an ARP request or neighbour solicitation without an answer repeated after 10 ms on one interface, so
/// that votes and commands flow as soon as a network heals; a still shorter time stays.
///
/// # Errors
/// [`SysctlError`], a reason for a warning: elections just after a failure of the network take longer.
pub fn ask_again_soon(interface: &str) -> Result<(), SysctlError> {
    let (setting, wanted) = ASK_AGAIN;
    let lost =
        || format!("votes over interface {interface} may wait a second after it was cut off");
    for family in families() {
        let key = ["net", family, "neigh", interface, setting];
        set_unless(&key, wanted, |now| now <= wanted, lost)?;
    }
    Ok(())
}

/// Has static IPv6 addresses of one interface kept while it is switched off.
///
/// # Errors
/// [`SysctlError`], a reason for a warning: whoever switches the interface off and on must put them back.
pub fn keep_addresses(interface: &str) -> Result<(), SysctlError> {
    let (setting, wanted) = KEEP_ADDRESSES;
    let lost = || format!("interface {interface} loses its IPv6 addresses when it is switched off");
    if has_ipv6() {
        let key = ["net", "ipv6", "conf", interface, setting];
        set_unless(&key, wanted, |now| now >= wanted, lost)?;
    }
    Ok(())
}

/// The families that this kernel has: booted with ipv6.disable=1 it knows nothing to be set.
fn families() -> impl Iterator<Item = &'static str> {
    std::iter::once("ipv4").chain(has_ipv6().then_some("ipv6"))
}

fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

fn set_unless(
    key: &[&str],
    wanted: u32,
    will_do: impl Fn(u32) -> bool,
    lost: impl Fn() -> String,
) -> Result<(), SysctlError> {
    let path: PathBuf = ["/proc/sys"].iter().chain(key).collect();
    let set = || {
        let now = fs::read_to_string(&path)?;
        if now.trim().parse().is_ok_and(&will_do) {
            return Ok(());
        }
        fs::write(&path, wanted.to_string())
    };
    set().map_err(|source| SysctlError {
        key: key.join("."),
        wanted,
        lost: lost(),
        path: path.clone(),
        source,
    })
}
