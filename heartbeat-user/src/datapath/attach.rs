//! Attaching the responder to interfaces, by links that are pinned and outlive the daemon; and what links of
//! all programs have in common.

use std::io;
use std::path::Path;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use aya::programs::{ProgramError, Xdp, XdpMode, loaded_programs};

use super::error::DatapathError;
use super::interface::{self, Framing, Interface};
use super::load::{Programs, is_denied};
use super::pins::{Pins, remove_link};
use super::tcx::{self, Place};
use super::{AttachMode, Mode, RESPONDER, RESPONDER_TC};
use crate::sys::tcx::TcxSide;

/// The responder's place beside another XDP program.
pub(super) const BESIDE: Place = Place {
    program: RESPONDER_TC,
    side: TcxSide::Ingress,
};

/// Fails for an interface whose frames have no Ethernet header.
pub(super) fn need_ethernet(
    name: &str,
    facts: &Interface,
    loopback_too: bool,
) -> Result<(), DatapathError> {
    match facts.framing {
        Framing::Ethernet => Ok(()),
        Framing::Loopback if loopback_too => Ok(()),
        Framing::Loopback => Err(not_ethernet(name, libc::ARPHRD_LOOPBACK)),
        Framing::Other(kind) => Err(not_ethernet(name, kind)),
    }
}

fn not_ethernet(name: &str, kind: u16) -> DatapathError {
    DatapathError::NotEthernet {
        interface: name.to_owned(),
        kind,
    }
}

/// Attaches the responder, or takes over the link that the last daemon left. Says in which mode.
///
/// A link of the other kind goes only when this one is there, so that no frame meets neither.
pub(super) fn attach_responder(
    programs: &mut Programs,
    pins: &Pins,
    name: &str,
    wanted: AttachMode,
) -> Result<Mode, DatapathError> {
    let mode = match wanted {
        AttachMode::Auto | AttachMode::NativeFirst => {
            match at_xdp(programs.responder()?, pins, name, wanted) {
                Err(DatapathError::OtherProgram { .. }) if tcx::has_tcx() => {
                    at_tcx(programs, pins, name)
                }
                attached => attached,
            }
        }
        AttachMode::Native | AttachMode::Generic => {
            at_xdp(programs.responder()?, pins, name, wanted)
        }
        AttachMode::Tc if !tcx::has_tcx() => Err(DatapathError::NoTcx {
            interface: name.to_owned(),
        }),
        AttachMode::Tc => at_tcx(programs, pins, name),
    }?;
    let other = match mode {
        Mode::Native | Mode::Generic => pins.link(RESPONDER_TC, name),
        Mode::Tc => pins.link(RESPONDER, name),
    };
    if other.exists() {
        remove_link(&other)?;
    }
    Ok(mode)
}

fn at_tcx(programs: &mut Programs, pins: &Pins, name: &str) -> Result<Mode, DatapathError> {
    tcx::attach(programs.responder_tc()?, BESIDE, pins, name)?;
    Ok(Mode::Tc)
}

fn at_xdp(
    program: &mut Xdp,
    pins: &Pins,
    name: &str,
    wanted: AttachMode,
) -> Result<Mode, DatapathError> {
    let failed = |source| attach_error(RESPONDER, name, source);
    let id = program.info().map_err(failed)?.id();
    let pin = pins.link(RESPONDER, name);
    if pin.exists() {
        if let Some(mode) = take_over_responder(program, &pin, name, id)?
            && wanted.allows(mode)
        {
            return Ok(mode);
        }
        remove_link(&pin)?;
    }
    let (link, mode) = new_responder(program, name, wanted)?;
    let link = program.take_link(link).map_err(failed)?;
    pin_link(link.try_into().ok(), &pin, RESPONDER, name)?;
    Ok(mode)
}

/// Puts this program into the pinned link; `None` if that link no longer leads to this interface,
/// because it vanished or was renamed.
fn take_over_responder(
    program: &mut Xdp,
    pin: &Path,
    name: &str,
    id: u32,
) -> Result<Option<Mode>, DatapathError> {
    let Some(link) = open_link::<XdpLink>(pin) else {
        return Ok(None);
    };
    match program.attach_to_link(link) {
        // The pin holds the link, so our own hold on it can go.
        Ok(link) => drop(program.take_link(link)),
        Err(error) if is_dead(&error) => return Ok(None),
        Err(error) => return Err(attach_error(RESPONDER, name, error)),
    }
    let there = interface::find(name)?.xdp;
    Ok(there
        .filter(|there| there.program_id == id)
        .map(|there| Mode::of(there.native)))
}

/// Native first; generic only where the driver has no native XDP, or is not to be trusted with it unasked: what a veth
/// answers natively is lost without a word unless the other end has a program as well.
fn new_responder(
    program: &mut Xdp,
    name: &str,
    wanted: AttachMode,
) -> Result<(aya::programs::xdp::XdpLinkId, Mode), DatapathError> {
    let is_lost = wanted == AttachMode::Auto && interface::find(name)?.is_veth;
    if wanted.allows(Mode::Native) && !is_lost {
        match program.attach(name, XdpMode::Driver) {
            Ok(link) => return Ok((link, Mode::Native)),
            Err(error) => match (os_error(&error), wanted) {
                (Some(libc::EOPNOTSUPP), AttachMode::Auto | AttachMode::NativeFirst) => {}
                (
                    Some(code @ libc::EOPNOTSUPP),
                    AttachMode::Native | AttachMode::Generic | AttachMode::Tc,
                ) => {
                    return Err(DatapathError::NoNativeMode {
                        interface: name.to_owned(),
                        source: io::Error::from_raw_os_error(code),
                    });
                }
                (
                    _,
                    AttachMode::Auto
                    | AttachMode::NativeFirst
                    | AttachMode::Native
                    | AttachMode::Generic
                    | AttachMode::Tc,
                ) => return Err(attach_error(RESPONDER, name, error)),
            },
        }
    }
    program
        .attach(name, XdpMode::Skb)
        .map(|link| (link, Mode::Generic))
        .map_err(|error| attach_error(RESPONDER, name, error))
}

/// The link behind the pin; `None` if it is no longer one, or one of another kind.
pub(super) fn open_link<L: TryFrom<FdLink>>(pin: &Path) -> Option<L> {
    FdLink::from(PinnedLink::from_pin(pin).ok()?)
        .try_into()
        .ok()
}

/// The program behind the pinned link to that interface, if there is such a link.
pub(super) fn program_of(pins: &Pins, program: &str, name: &str) -> Option<u32> {
    let link = FdLink::from(PinnedLink::from_pin(pins.link(program, name)).ok()?);
    Some(link.info().ok()?.program_id())
}

/// Pins the link and lets go of it. `None`: aya fell back on an attachment that is no link and would
/// not outlive the daemon; it is undone by being dropped.
pub(super) fn pin_link(
    link: Option<FdLink>,
    pin: &Path,
    program: &'static str,
    name: &str,
) -> Result<(), DatapathError> {
    let link = link.ok_or_else(|| no_link(program, name))?;
    link.pin(pin)
        .map(drop)
        .map_err(|source| DatapathError::Pin {
            path: pin.to_owned(),
            source,
        })
}

fn no_link(program: &'static str, name: &str) -> DatapathError {
    DatapathError::NoLink {
        program,
        interface: name.to_owned(),
    }
}

/// ENOLINK: the link's interface is gone, and so is the attachment.
pub(super) fn is_dead(error: &ProgramError) -> bool {
    os_error(error) == Some(libc::ENOLINK)
}

pub(super) fn os_error(error: &ProgramError) -> Option<i32> {
    match error {
        ProgramError::SyscallError(call) => call.io_error.raw_os_error(),
        _ => None,
    }
}

pub(super) fn attach_error(
    program: &'static str,
    name: &str,
    source: ProgramError,
) -> DatapathError {
    let interface = name.to_owned();
    match &source {
        ProgramError::UnknownInterface { .. } => return DatapathError::NoInterface { interface },
        ProgramError::SyscallError(call) if is_denied(&call.io_error) => {
            return DatapathError::NoRights {
                what: format!("attach {program} to {name}"),
            };
        }
        _ => {}
    }
    match os_error(&source) {
        Some(libc::ENODEV) => DatapathError::NoInterface { interface },
        // EBUSY in the same mode, EEXIST in the other one.
        Some(libc::EBUSY | libc::EEXIST) => DatapathError::OtherProgram {
            other: other_program(name),
            interface,
        },
        Some(libc::EINVAL) => no_link(program, name),
        _ => DatapathError::Attach {
            program,
            interface,
            source,
        },
    }
}

/// Id and name of the XDP program that is on an interface, as far as the kernel tells.
fn other_program(name: &str) -> String {
    let Some(there) = interface::find(name).ok().and_then(|facts| facts.xdp) else {
        return "which the kernel does not name".to_owned();
    };
    let id = there.program_id;
    let program = loaded_programs()
        .filter_map(Result::ok)
        .find(|program| program.id() == id);
    match program.as_ref().and_then(|program| program.name_as_str()) {
        Some(name) if !name.is_empty() => format!("{name} (id {id})"),
        Some(_) | None => format!("id {id}"),
    }
}
