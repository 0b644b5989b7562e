//! The gate on interfaces: by links where the kernel has tcx, else by traffic-control filters
//! (docs/decisions/0053).

mod filter;

use super::error::DatapathError;
use super::load::Programs;
use super::pins::Pins;
use super::tcx::{self, Place};
use super::{GATE_IN, GATE_OUT};
use crate::sys::tcx::TcxSide;

/// The gate's sides, seen from the node.
#[derive(Clone, Copy, Debug)]
enum Side {
    In,
    Out,
}

impl Side {
    /// What enters first: between the two, nothing that was asked can be answered.
    const BOTH: [Self; 2] = [Self::In, Self::Out];

    const fn program(self) -> &'static str {
        match self {
            Self::In => GATE_IN,
            Self::Out => GATE_OUT,
        }
    }

    /// The program's place where it goes by a link.
    const fn place(self) -> Place {
        let side = match self {
            Self::In => TcxSide::Ingress,
            Self::Out => TcxSide::Egress,
        };
        Place {
            program: self.program(),
            side,
        }
    }
}

/// Attaches both sides before all else that is there, or puts these programs in the places of those that the
/// last daemon left, without a packet that meets neither.
pub(super) fn attach(
    programs: &mut Programs,
    pins: &Pins,
    interface: &str,
) -> Result<(), DatapathError> {
    let has_links = tcx::has_tcx();
    for side in Side::BOTH {
        let program = programs.classifier(side.program())?;
        if has_links {
            tcx::attach(program, side.place(), pins, interface)?;
        } else {
            filter::attach(program, side, pins, interface)?;
        }
    }
    Ok(())
}

/// Whether both sides are at work on an interface; what cannot be asked is not.
pub(super) fn is_whole(pins: &Pins, interface: &str) -> bool {
    let has_links = tcx::has_tcx();
    Side::BOTH.into_iter().all(|side| {
        if has_links {
            tcx::is_there(side.place(), pins, interface)
        } else {
            filter::is_there(side, pins, interface)
        }
    })
}

/// Removes what hangs by no pin. Says what it removed.
pub(super) fn remove_unpinned(pins: &Pins) -> Result<Vec<String>, DatapathError> {
    if tcx::has_tcx() {
        return Ok(Vec::new());
    }
    filter::remove_all(pins)
}
