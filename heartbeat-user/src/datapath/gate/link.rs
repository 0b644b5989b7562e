//! The gate by tcx links (Linux 6.6), pinned like the responder's.

use std::io;
use std::path::Path;

use aya::programs::links::LinkOrder;
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{SchedClassifier, TcAttachType};

use super::Side;
use crate::datapath::attach::{attach_error, is_dead, open_link, pin_link, program_of};
use crate::datapath::error::DatapathError;
use crate::datapath::pins::{Pins, remove_link};
use crate::sys::tcx::{TcxSide, programs_on};

impl Side {
    const fn tcx(self) -> TcAttachType {
        match self {
            Self::In => TcAttachType::Ingress,
            Self::Out => TcAttachType::Egress,
        }
    }

    /// The programs there.
    fn programs_on(self, interface: &str) -> io::Result<Vec<u32>> {
        let side = match self {
            Self::In => TcxSide::Ingress,
            Self::Out => TcxSide::Egress,
        };
        programs_on(interface, side)
    }
}

/// Whether this kernel has tcx. One without it does not know the question, whatever the interface; any other
/// trouble is found when a link is made.
pub(super) fn is_possible() -> bool {
    match Side::In.programs_on("lo") {
        Ok(_) => true,
        Err(error) => error.raw_os_error() != Some(libc::EINVAL),
    }
}

/// Attaches one side, first in the chain, or takes over the link that the last daemon left.
pub(super) fn attach(
    program: &mut SchedClassifier,
    side: Side,
    pins: &Pins,
    name: &str,
) -> Result<(), DatapathError> {
    let failed = |source| attach_error(side.program(), name, source);
    let id = program.info().map_err(failed)?.id();
    let pin = pins.link(side.program(), name);
    if pin.exists() {
        if take_over(program, side, &pin, name, id)? {
            return Ok(());
        }
        remove_link(&pin)?;
    }
    let first = TcAttachOptions::TcxOrder(LinkOrder::first());
    let link = program
        .attach_with_options(name, side.tcx(), first)
        .map_err(failed)?;
    let link = program.take_link(link).map_err(failed)?;
    pin_link(link.try_into().ok(), &pin, side.program(), name)
}

/// Puts this program into the pinned link; false if that link no longer leads to this interface, because it
/// vanished or was renamed.
fn take_over(
    program: &mut SchedClassifier,
    side: Side,
    pin: &Path,
    name: &str,
    id: u32,
) -> Result<bool, DatapathError> {
    let failed = |source| attach_error(side.program(), name, source);
    let Some(link) = open_link::<SchedClassifierLink>(pin) else {
        return Ok(false);
    };
    match program.attach_to_link(link) {
        // The pin holds the link, so our own hold on it can go.
        Ok(link) => drop(program.take_link(link)),
        Err(error) if is_dead(&error) => return Ok(false),
        Err(error) => return Err(failed(error)),
    }
    let there = side
        .programs_on(name)
        .map_err(|source| DatapathError::Query {
            program: side.program(),
            interface: name.to_owned(),
            source,
        })?;
    Ok(there.contains(&id))
}

/// Whether the program behind the pinned link is on this interface: one that came back under the same name
/// has none of our programs, whatever is pinned.
pub(super) fn is_there(side: Side, pins: &Pins, name: &str) -> bool {
    let there = side.programs_on(name).unwrap_or_default();
    program_of(pins, side.program(), name).is_some_and(|id| there.contains(&id))
}
