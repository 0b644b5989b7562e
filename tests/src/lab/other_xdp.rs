//! Somebody else's XDP program on an interface: it lets everything pass.

use anyhow::{Context as _, Result};
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};
use heartbeat_user::datapath::{OnInterface, program_on};

use crate::lab::netns::Netns;
use crate::paths;

/// Its name.
pub const NAME: &str = "lab_pass";

/// The program, there as long as this is kept.
pub struct OtherXdp {
    _programs: Ebpf,
}

impl OtherXdp {
    /// Puts it on that interface of the machine.
    ///
    /// # Errors
    /// When another one is there, or the kernel refuses.
    pub fn attach(machine: &Netns, interface: &str, mode: XdpMode) -> Result<Self> {
        let object = paths::lab_object()?;
        let mut programs = EbpfLoader::new()
            .load_file(&object)
            .with_context(|| format!("cannot load {}", object.display()))?;
        let program: &mut Xdp = programs
            .program_mut(NAME)
            .with_context(|| format!("the object has no {NAME}"))?
            .try_into()?;
        program.load()?;
        machine
            .run(|| program.attach(interface, mode))?
            .with_context(|| format!("{interface} of {}", machine.name()))?;
        Ok(Self {
            _programs: programs,
        })
    }
}

/// The XDP program on that interface of the machine.
///
/// # Errors
/// When there is no such interface.
pub fn xdp_on(machine: &Netns, interface: &str) -> Result<Option<OnInterface>> {
    Ok(machine.run(|| program_on(interface))??)
}
