//! Loading the kernel programs, into new maps or into those that the last daemon left.

use std::io;

use aya::maps::MapError;
use aya::programs::{ProgramError, SchedClassifier, Xdp};
use aya::{Ebpf, EbpfError, EbpfLoader};

use super::error::DatapathError;
use super::pins::Pins;
use super::shapes::MapShape;
use super::{GATE_IN, GATE_OUT, RESPONDER};

#[cfg(kernel_program)]
const PROGRAM: Option<&[u8]> = Some(aya::include_bytes_aligned!(concat!(
    env!("OUT_DIR"),
    "/heartbeat"
)));
#[cfg(not(kernel_program))]
const PROGRAM: Option<&[u8]> = None;

/// Whether the kernel program is part of this binary.
#[must_use]
pub const fn is_built_in() -> bool {
    PROGRAM.is_some()
}

/// Creates or re-opens the maps and gives the programs to the verifier.
pub(super) fn load(pins: &Pins, shapes: &[MapShape]) -> Result<Ebpf, DatapathError> {
    let program = PROGRAM.ok_or(DatapathError::NotBuiltIn)?;
    let mut loader = EbpfLoader::new();
    for shape in shapes {
        loader.map_pin_path(shape.name, pins.map(shape.name));
        loader.map_max_entries(shape.name, shape.entries);
    }
    let mut ebpf = loader.load(program).map_err(load_error)?;
    if aya::features().btf().is_none() {
        return Err(DatapathError::NoBtf);
    }
    load_program(RESPONDER, || -> Result<(), ProgramError> {
        responder(&mut ebpf)?.load()
    })?;
    for gate in [GATE_IN, GATE_OUT] {
        load_program(gate, || -> Result<(), ProgramError> {
            classifier(&mut ebpf, gate)?.load()
        })?;
    }
    Ok(ebpf)
}

pub(super) fn responder(ebpf: &mut Ebpf) -> Result<&mut Xdp, ProgramError> {
    ebpf.program_mut(RESPONDER)
        .ok_or(ProgramError::NotLoaded)?
        .try_into()
}

pub(super) fn classifier<'a>(
    ebpf: &'a mut Ebpf,
    program: &str,
) -> Result<&'a mut SchedClassifier, ProgramError> {
    ebpf.program_mut(program)
        .ok_or(ProgramError::NotLoaded)?
        .try_into()
}

fn load_program(
    program: &'static str,
    load: impl FnOnce() -> Result<(), ProgramError>,
) -> Result<(), DatapathError> {
    load().map_err(|source| match &source {
        ProgramError::LoadError { io_error, .. } if is_denied(io_error) => {
            DatapathError::NoRights {
                what: format!("load kernel program {program}"),
            }
        }
        _ => DatapathError::Program {
            program,
            source: Box::new(source),
        },
    })
}

fn load_error(error: EbpfError) -> DatapathError {
    let denied = match &error {
        EbpfError::MapError(MapError::CreateError { io_error, .. }) => is_denied(io_error),
        EbpfError::MapError(MapError::SyscallError(call)) => is_denied(&call.io_error),
        _ => false,
    };
    if denied {
        DatapathError::NoRights {
            what: "create maps for the kernel programs".to_owned(),
        }
    } else {
        DatapathError::Load(Box::new(error))
    }
}

/// EPERM alone: EACCES is how the verifier refuses a program.
pub(super) fn is_denied(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EPERM)
}
