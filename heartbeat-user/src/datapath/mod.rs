//! The kernel programs as the daemon sees them: loading, attaching, and the maps they share.
//!
//! Programs and maps are pinned: a daemon that dies leaves the responder answering truthfully and the
//! gate shutting by itself when the lease runs out.

mod attach;
mod configure;
mod counters;
mod electors;
mod error;
mod events;
mod gate;
mod heard;
mod interface;
mod interfaces;
mod load;
mod mode;
mod pins;
mod shapes;
mod take_over;
mod tcx;
mod words;

use std::path::Path;

use aya::maps::{Array, Map, MapData, MapError, RingBuf};
use heartbeat_core::Slots;
use heartbeat_wire::maps::{
    Address, Config, Interface, Keys, MAX_SLOTS, MAX_VIPS, Member, Vip, name,
};

pub use configure::{Kept, Setup};
pub use counters::{MergedReply, Replies, Statistics};
pub use electors::{Sets, name_sets};
pub use error::DatapathError;
pub use events::{Events, KernelLog};
pub use heard::HeardWords;
pub use interface::{OnInterface, program_on};
pub use load::{Loader, Programs, is_built_in};
pub use mode::{AttachMode, Mode};
pub use take_over::Hooks;
pub use tcx::has_tcx;
pub use words::{Question, Words};

use crate::sys::bpf::PerCpuArray;
use configure::map_error;
use interfaces::Interfaces;
use pins::Pins;

/// The programs' names.
const RESPONDER: &str = "heartbeat";
const RESPONDER_TC: &str = "heartbeat_tc";
const GATE_IN: &str = "gate_in";
const GATE_OUT: &str = "gate_out";

/// What [`Datapath::open`] and [`Datapath::take_over`] give: the parts go to different threads.
pub struct Opened {
    /// Attaches and detaches.
    pub datapath: Datapath,
    /// The memory-mapped words: cheap to clone.
    pub words: Words,
    /// The members' answers, for the pulse.
    pub replies: Replies,
    /// The newest probe that each member answered, for the pulse.
    pub heard: HeardWords,
    /// The kernel's events, for the pulse.
    pub events: Events,
    /// Which electors' sets the kernel grants by, for the pulse.
    pub sets: Sets,
    /// Counters and histograms, for status and metrics.
    pub statistics: Statistics,
    /// The kernel programs' rare log lines; `None` while the last process's programs are at work.
    pub log: Option<KernelLog>,
    /// Whether the maps are those of the last run.
    pub kept: Kept,
}

/// The loaded programs. Dropping it leaves everything that is attached attached.
pub struct Datapath {
    /// This process's own; until they are loaded, those of the last one may still be attached.
    programs: Option<Programs>,
    interfaces: Interfaces,
    loader: Loader,
}

impl Datapath {
    /// Loads the programs into new maps pinned below `bpf_dir`, or into those that the last daemon
    /// left there.
    ///
    /// The caller holds the folder's lock ([`crate::sys::lock`]): two daemons on the same maps would
    /// undo each other's promises.
    ///
    /// # Errors
    /// No rights, no bpf file system, the program not built in, pinned maps that are another node's or
    /// of another shape; each message names the cure.
    pub fn open(bpf_dir: &Path, setup: &Setup<'_>) -> Result<Opened, DatapathError> {
        check_limits(setup)?;
        if !is_built_in() {
            return Err(DatapathError::NotBuiltIn);
        }
        let pins = Pins::make(bpf_dir)?;
        let kept = configure::find_kept(&pins, &shapes::shapes(setup.max_slot), setup)?;
        if kept.is_none() {
            pins.start_anew(&[RESPONDER, RESPONDER_TC])?;
        }
        let loader = Loader {
            pins,
            max_slot: setup.max_slot,
        };
        let programs = loader.load()?;
        let mut opened = open_maps(loader, setup, kept.as_ref())?;
        opened.log = Some(opened.datapath.replace(programs)?);
        Ok(opened)
    }

    /// Replaces the programs; what is attached is attached again by [`Datapath::attach_gate`] and
    /// [`Datapath::attach_responder`], without a moment without a program.
    ///
    /// # Errors
    /// The programs' log cannot be opened.
    pub fn replace(&mut self, mut programs: Programs) -> Result<KernelLog, DatapathError> {
        let log = programs.log()?;
        self.programs = Some(programs);
        Ok(log)
    }

    /// What loads programs for it.
    #[must_use]
    pub fn loader(&self) -> Loader {
        self.loader.clone()
    }

    /// Whether programs of this process are there to be attached.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.programs.is_some()
    }

    /// Attaches the responder to an interface, or takes over what the last daemon left there without a
    /// gap. After the gate, before which it stands at tcx ingress. Also the thing to do again when the interface
    /// vanished and came back, or changed its hardware address.
    ///
    /// # Errors
    /// No such interface, no Ethernet, another XDP program on it and no tcx to go by, or the mode not to be had;
    /// each message names the cure.
    pub fn attach_responder(
        &mut self,
        interface: &str,
        wanted: AttachMode,
    ) -> Result<Mode, DatapathError> {
        let facts = interface::find(interface)?;
        attach::need_ethernet(interface, &facts, false)?;
        let entry = Interface {
            index: facts.index,
            mac: facts.mac,
            reserved: 0,
        };
        // Before the attachment: without it the responder cannot answer.
        self.interfaces
            .enter(entry)
            .map_err(map_error("write", name::INTERFACES))?;
        let pins = &self.loader.pins;
        attach::attach_responder(loaded(&mut self.programs)?, pins, interface, wanted)
    }

    /// Attaches both sides of the gate to an interface (`lo` too), first in their chains, or takes
    /// over what the last daemon left there.
    ///
    /// # Errors
    /// No such interface, no Ethernet, or a kernel that has neither tcx nor filters; each message names the cure.
    pub fn attach_gate(&mut self, interface: &str) -> Result<(), DatapathError> {
        let facts = interface::find(interface)?;
        attach::need_ethernet(interface, &facts, true)?;
        gate::attach(loaded(&mut self.programs)?, &self.loader.pins, interface)
    }

    /// Has the gate guard these addresses and no other. One that was guarded and remains so is at every instant.
    ///
    /// # Errors
    /// What bpf(2) answers; some of them may be guarded by then, and none is less than before.
    pub fn guard(&self, vips: &[(Address, Vip)]) -> Result<(), DatapathError> {
        configure::set_vips(&self.loader.pins, vips)
    }

    /// Has the responder accept these keys, and sign with the first.
    ///
    /// # Errors
    /// What bpf(2) answers; the keys are as before then.
    pub fn keys(&self, keys: Keys) -> Result<(), DatapathError> {
        configure::set_keys(&self.loader.pins, keys)
    }

    /// Has the responder know these members and no other.
    ///
    /// # Errors
    /// What bpf(2) answers; some of them may be known by then.
    pub fn members(&self, members: &[(u16, Member)]) -> Result<(), DatapathError> {
        configure::set_members(&self.loader.pins, members)
    }

    /// The highest slot that the maps have room for.
    #[must_use]
    pub fn highest_slot(&self) -> u16 {
        shapes::highest_slot(self.loader.max_slot)
    }

    /// Whether both sides of the gate are at work on an interface. Without tcx another tool can take them away,
    /// together with the qdisc that they hang on.
    #[must_use]
    pub fn is_gated(&self, interface: &str) -> bool {
        gate::is_whole(&self.loader.pins, interface)
    }

    /// Detaches the programs and keeps the maps pinned: this node answers no probe and holds back no packet
    /// any more, so the virtual addresses must be gone first. The promises in the maps hold for the next
    /// start, which then needs no abstention.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub fn detach_links(self) -> Result<(), DatapathError> {
        gate::remove_unpinned(&self.loader.pins)?;
        self.loader.pins.remove_links().map(drop)
    }

    /// Ends it all in order: links, then maps. Afterwards this node answers no probe and holds back no
    /// packet, so the virtual addresses must be gone first.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub fn detach_all(self) -> Result<Removed, DatapathError> {
        remove_all(&self.loader.pins)
    }
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// What hung on interfaces by no pin, in words; nothing where the kernel has tcx.
    pub filters: Vec<String>,
    /// The pins, by their path below the folder.
    pub pins: Vec<String>,
}

/// Removes what a dead daemon left below `bpf_dir`, and in this network namespace: filters and links, then maps.
///
/// # Errors
/// A pin or a filter that cannot be removed.
pub fn detach(bpf_dir: &Path) -> Result<Removed, DatapathError> {
    remove_all(&Pins::existing(bpf_dir))
}

fn remove_all(pins: &Pins) -> Result<Removed, DatapathError> {
    Ok(Removed {
        filters: gate::remove_unpinned(pins)?,
        pins: pins.remove_all()?,
    })
}

/// Opens the pinned maps and writes what the programs go by.
fn open_maps(
    loader: Loader,
    setup: &Setup<'_>,
    kept: Option<&Config>,
) -> Result<Opened, DatapathError> {
    let pins = &loader.pins;
    let words = map_words(pins, loader.max_slot)?;
    let kept = configure::configure(pins, setup, kept)?;
    let mut events = open(pins, name::EVENTS, RingBuf::try_from).map(Events::new)?;
    // What happened while there was no daemon stands in the words; as news it would be stale.
    while events.next_event().is_some() {}
    Ok(Opened {
        replies: Replies::new(per_cpu(pins, name::REPLIES)?, words.clone()),
        heard: map_heard(pins, loader.max_slot, words.clone())?,
        events,
        statistics: Statistics {
            verdicts: per_cpu(pins, name::VERDICTS)?,
            gate: per_cpu(pins, name::GATE)?,
            rtt: per_cpu(pins, name::RTT)?,
            gap: per_cpu(pins, name::GAP)?,
            replies: Replies::new(per_cpu(pins, name::REPLIES)?, words.clone()),
        },
        sets: Sets {
            config: open(pins, name::CONFIG, Array::try_from)?,
            members: open(pins, name::MEMBERS, Array::try_from)?,
            written: kept.written(setup),
            flagged: Slots::default(),
        },
        log: None,
        words,
        kept,
        datapath: Datapath {
            interfaces: open(pins, name::INTERFACES, Array::try_from).map(Interfaces::new)?,
            programs: None,
            loader,
        },
    })
}

fn loaded(programs: &mut Option<Programs>) -> Result<&mut Programs, DatapathError> {
    programs.as_mut().ok_or(DatapathError::NotLoaded)
}

fn check_limits(setup: &Setup<'_>) -> Result<(), DatapathError> {
    let limits = [
        ("highest slot", usize::from(setup.max_slot), MAX_SLOTS),
        ("number of virtual addresses", setup.vips.len(), MAX_VIPS),
    ];
    for (what, value, most) in limits {
        if value > most {
            return Err(DatapathError::TooMany { what, value, most });
        }
    }
    Ok(())
}

fn map_words(pins: &Pins, max_slot: u16) -> Result<Words, DatapathError> {
    let data = |map: &'static str| MapData::from_pin(pins.map(map)).map_err(map_error("open", map));
    let (control, grant, sent) = (data(name::CONTROL)?, data(name::GRANT)?, data(name::SENT)?);
    let taken = data(name::TAKEN)?;
    let highest = shapes::highest_slot(max_slot);
    Words::map(control.fd(), grant.fd(), sent.fd(), taken.fd(), highest)
        .map_err(|error| map_error("map", name::CONTROL)(MapError::IoError(error)))
}

fn map_heard(pins: &Pins, max_slot: u16, words: Words) -> Result<HeardWords, DatapathError> {
    let map = MapData::from_pin(pins.map(name::HEARD)).map_err(map_error("open", name::HEARD))?;
    HeardWords::map(map.fd(), shapes::highest_slot(max_slot), words)
        .map_err(|error| map_error("map", name::HEARD)(MapError::IoError(error)))
}

fn per_cpu(pins: &Pins, map: &'static str) -> Result<PerCpuArray, DatapathError> {
    MapData::from_pin(pins.map(map))
        .and_then(PerCpuArray::new)
        .map_err(map_error("open", map))
}

fn open<T>(
    pins: &Pins,
    map: &'static str,
    convert: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, DatapathError> {
    pins.open(map)
        .and_then(convert)
        .map_err(map_error("open", map))
}
