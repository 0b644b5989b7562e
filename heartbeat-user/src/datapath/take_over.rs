//! Taking over what the last daemon left at work, without loading anything: the kernel's verifier takes a second
//! or two, and a master's lease does not wait for it. The old programs serve the same maps until the new ones
//! are put in their places.

use std::path::Path;

use super::attach::{BESIDE, program_of};
use super::error::DatapathError;
use super::load::Loader;
use super::pins::Pins;
use super::tcx;
use super::{
    AttachMode, Datapath, Mode, Opened, RESPONDER, Setup, check_limits, configure, gate, interface,
    open_maps, shapes,
};

/// Where programs must be at work for a daemon to do without loading its own at first.
#[derive(Clone, Debug)]
pub struct Hooks<'a> {
    /// The responder's interfaces, and how it may be attached to each.
    pub responders: &'a [(String, AttachMode)],
    /// The gate's interfaces.
    pub gates: &'a [String],
}

impl Datapath {
    /// Opens the maps that the last daemon left, if they were kept and its programs are at work on every one of
    /// `hooks`; says in which mode each responder is. Nothing is loaded.
    ///
    /// # Errors
    /// As [`Datapath::open`].
    pub fn take_over(
        bpf_dir: &Path,
        setup: &Setup<'_>,
        hooks: &Hooks<'_>,
    ) -> Result<Option<(Opened, Vec<Mode>)>, DatapathError> {
        check_limits(setup)?;
        let pins = Pins::make(bpf_dir)?;
        let kept = configure::find_kept(&pins, &shapes::shapes(setup.max_slot), setup)?;
        let are_gated = hooks.gates.iter().all(|name| gate::is_whole(&pins, name));
        let modes: Option<Vec<Mode>> = hooks
            .responders
            .iter()
            .map(|(name, wanted)| responds(&pins, name, *wanted))
            .collect();
        let (Some(kept), Some(modes), true) = (kept, modes, are_gated) else {
            return Ok(None);
        };
        let loader = Loader {
            pins,
            max_slot: setup.max_slot,
        };
        let opened = open_maps(loader, setup, Some(&kept))?;
        Ok(Some((opened, modes)))
    }
}

fn responds(pins: &Pins, name: &str, wanted: AttachMode) -> Option<Mode> {
    let at_tcx = || tcx::is_there(BESIDE, pins, name).then_some(Mode::Tc);
    let mode = at_xdp(pins, name).or_else(at_tcx)?;
    wanted.allows(mode).then_some(mode)
}

fn at_xdp(pins: &Pins, name: &str) -> Option<Mode> {
    let id = program_of(pins, RESPONDER, name)?;
    let there = interface::find(name).ok()?.xdp?;
    (there.program_id == id).then(|| Mode::of(there.native))
}
