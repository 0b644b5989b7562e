//! Programs at a side of an interface by tcx links (Linux 6.6), pinned like the responder's at XDP.

use std::path::Path;

use aya::programs::links::LinkOrder;
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{SchedClassifier, TcAttachType};

use super::attach::{attach_error, is_dead, open_link, pin_link, program_of};
use super::error::DatapathError;
use super::pins::{Pins, remove_link};
use crate::sys::tcx::{TcxSide, programs_on};

/// A program, and the side of an interface where it is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) program: &'static str,
    pub(super) side: TcxSide,
}

/// Whether this kernel has tcx. One without it does not know the question, whatever the interface; any other
/// trouble is found when a link is made.
#[must_use]
pub fn has_tcx() -> bool {
    match programs_on("lo", TcxSide::Ingress) {
        Ok(_) => true,
        Err(error) => error.raw_os_error() != Some(libc::EINVAL),
    }
}

/// Attaches a program, first in the chain, or takes over the link that the last daemon left.
pub(super) fn attach(
    program: &mut SchedClassifier,
    place: Place,
    pins: &Pins,
    name: &str,
) -> Result<(), DatapathError> {
    let failed = |source| attach_error(place.program, name, source);
    let id = program.info().map_err(failed)?.id();
    let pin = pins.link(place.program, name);
    if pin.exists() {
        if take_over(program, place, &pin, name, id)? {
            return Ok(());
        }
        remove_link(&pin)?;
    }
    let first = TcAttachOptions::TcxOrder(LinkOrder::first());
    let side = match place.side {
        TcxSide::Ingress => TcAttachType::Ingress,
        TcxSide::Egress => TcAttachType::Egress,
    };
    let link = program
        .attach_with_options(name, side, first)
        .map_err(failed)?;
    let link = program.take_link(link).map_err(failed)?;
    pin_link(link.try_into().ok(), &pin, place.program, name)
}

/// Puts this program into the pinned link; false if that link no longer leads to this interface, because it
/// vanished or was renamed.
fn take_over(
    program: &mut SchedClassifier,
    place: Place,
    pin: &Path,
    name: &str,
    id: u32,
) -> Result<bool, DatapathError> {
    let Some(link) = open_link::<SchedClassifierLink>(pin) else {
        return Ok(false);
    };
    match program.attach_to_link(link) {
        // The pin holds the link, so our own hold on it can go.
        Ok(link) => drop(program.take_link(link)),
        Err(error) if is_dead(&error) => return Ok(false),
        Err(error) => return Err(attach_error(place.program, name, error)),
    }
    let there = programs_on(name, place.side).map_err(|source| DatapathError::Query {
        program: place.program,
        interface: name.to_owned(),
        source,
    })?;
    Ok(there.contains(&id))
}

/// Whether the program behind the pinned link is on this interface: one that came back under the same name
/// has none of our programs, whatever is pinned.
pub(super) fn is_there(place: Place, pins: &Pins, name: &str) -> bool {
    let there = programs_on(name, place.side).unwrap_or_default();
    program_of(pins, place.program, name).is_some_and(|id| there.contains(&id))
}
