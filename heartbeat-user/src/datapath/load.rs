//! Loading the kernel programs, into new maps or into those that the last daemon left.

use std::{fmt, io};

use aya::maps::MapError;
use aya::programs::{ProgramError, SchedClassifier, Xdp};
use aya::{Ebpf, EbpfError, EbpfLoader};

use super::error::DatapathError;
use super::events::KernelLog;
use super::pins::Pins;
use super::shapes::shapes;
use super::{GATE_IN, GATE_OUT, RESPONDER, RESPONDER_TC};

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

/// Programs that the kernel has verified, not attached to anything yet.
pub struct Programs(Ebpf);

/// Loads programs into the maps of one pin folder, wherever there is time for it.
#[derive(Clone, Debug)]
pub struct Loader {
    pub(super) pins: Pins,
    pub(super) max_slot: u16,
}

impl Loader {
    /// Creates or re-opens the maps and gives this binary's programs to the verifier, which takes a second or
    /// two.
    ///
    /// # Errors
    /// No rights, no BTF, the program not built in, or maps of another shape.
    pub fn load(&self) -> Result<Programs, DatapathError> {
        self.load_object(PROGRAM.ok_or(DatapathError::NotBuiltIn)?)
    }

    /// The same with a kernel object of another build.
    ///
    /// # Errors
    /// As [`Loader::load`].
    pub fn load_object(&self, object: &[u8]) -> Result<Programs, DatapathError> {
        let shapes = shapes(self.max_slot);
        let mut loader = EbpfLoader::new();
        for shape in &shapes {
            loader.map_pin_path(shape.name, self.pins.map(shape.name));
            loader.map_max_entries(shape.name, shape.entries);
        }
        let mut ebpf = loader.load(object).map_err(load_error)?;
        // Kept maps were checked before; what differs now was made by the program just loaded.
        self.pins.check_maps(&shapes).map_err(old_program)?;
        if aya::features().btf().is_none() {
            return Err(DatapathError::NoBtf);
        }
        load_program(RESPONDER, || -> Result<(), ProgramError> {
            xdp(&mut ebpf)?.load()
        })?;
        for gate in [GATE_IN, GATE_OUT] {
            load_program(gate, || -> Result<(), ProgramError> {
                tc(&mut ebpf, gate)?.load()
            })?;
        }
        let mut programs = Programs(ebpf);
        // Here there is time for it.
        if self.pins.has_link_of(RESPONDER_TC)? {
            programs.responder_tc()?;
        }
        Ok(programs)
    }
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.programs().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl Programs {
    /// The rare lines that they write to the log.
    pub(super) fn log(&mut self) -> Result<KernelLog, DatapathError> {
        KernelLog::open(&mut self.0)
    }

    pub(super) fn responder(&mut self) -> Result<&mut Xdp, DatapathError> {
        xdp(&mut self.0).map_err(|source| program_error(RESPONDER, source))
    }

    /// The responder for tcx ingress. Loaded when it is first wanted: few interfaces want it, and the verifier
    /// takes its time.
    pub(super) fn responder_tc(&mut self) -> Result<&mut SchedClassifier, DatapathError> {
        let program = self.classifier(RESPONDER_TC)?;
        if program.fd().is_err() {
            load_program(RESPONDER_TC, || program.load())?;
        }
        Ok(program)
    }

    pub(super) fn classifier(
        &mut self,
        label: &'static str,
    ) -> Result<&mut SchedClassifier, DatapathError> {
        tc(&mut self.0, label).map_err(|source| program_error(label, source))
    }
}

fn xdp(ebpf: &mut Ebpf) -> Result<&mut Xdp, ProgramError> {
    ebpf.program_mut(RESPONDER)
        .ok_or(ProgramError::NotLoaded)?
        .try_into()
}

fn tc<'a>(ebpf: &'a mut Ebpf, program: &str) -> Result<&'a mut SchedClassifier, ProgramError> {
    ebpf.program_mut(program)
        .ok_or(ProgramError::NotLoaded)?
        .try_into()
}

fn program_error(program: &'static str, source: ProgramError) -> DatapathError {
    DatapathError::Program {
        program,
        source: Box::new(source),
    }
}

fn old_program(error: DatapathError) -> DatapathError {
    match error {
        DatapathError::OtherLayout { path, .. } => DatapathError::OldProgram {
            map: path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        },
        error => error,
    }
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
        _ => program_error(program, source),
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
