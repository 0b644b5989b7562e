//! A systemd unit, by its whole name.

use toml::Spanned;

use crate::config::fault::Fault;
use crate::config::file::services::Unit as Written;
use crate::config::service::{PerRole, Unit, WantedState};

/// Longest name of a unit (UNIT_NAME_MAX of systemd), in bytes.
const MAX_LEN: usize = 255;
/// The kinds that there are (systemd.unit(5)).
const KINDS: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

/// `None` only together with a fault.
pub(super) fn unit(written: &Written, faults: &mut Vec<Fault>) -> Option<Unit> {
    let active = PerRole {
        master: WantedState::Active,
        slave: WantedState::Active,
    };
    Some(Unit {
        name: unit_name(written.name.as_ref()?, faults)?,
        state: (written.state.as_ref()).map_or(active, |it| it.get_ref().clone()),
    })
}

/// The name of a unit that has a main process. `None` only together with a fault.
pub(super) fn service_name(written: &Spanned<String>, faults: &mut Vec<Fault>) -> Option<String> {
    let name = unit_name(written, faults)?;
    if name.ends_with(".service") {
        return Some(name);
    }
    let cause = format!("{name} has no main process: only a service has one");
    let cure = "name a unit that ends in .service, or watch this one by unit = { name }";
    faults.push(Fault::new(written.span(), cause, cure));
    None
}

/// `None` only together with a fault.
pub(super) fn unit_name(written: &Spanned<String>, faults: &mut Vec<Fault>) -> Option<String> {
    let name = written.get_ref();
    let is_known = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let is_name = |(name, kind): (&str, &str)| !name.is_empty() && KINDS.contains(&kind);
    if name.len() <= MAX_LEN
        && name.chars().all(is_known)
        && name.rsplit_once('.').is_some_and(is_name)
    {
        return Some(name.clone());
    }
    let cause = format!("\"{name}\" is no unit's whole name");
    let cure = "write it as `systemctl list-units` shows it: \"nginx.service\"";
    faults.push(Fault::new(written.span(), cause, cure));
    None
}
