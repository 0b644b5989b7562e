//! The kernel programs as the daemon sees them: loading, attaching, and the maps they share.
//!
//! Programs and maps are pinned: a daemon that dies leaves the responder answering truthfully and the
//! gate shutting by itself when the lease runs out.

mod attach;
mod configure;
mod counters;
mod error;
mod events;
mod interface;
mod load;
mod mode;
mod pins;
mod shapes;
mod words;

use std::path::Path;

use aya::Ebpf;
use aya::maps::{HashMap, Map, MapData, MapError, RingBuf};
use aya::programs::TcAttachType;
use heartbeat_wire::maps::{Interface, MAX_SLOTS, MAX_VIPS, name};

pub use configure::{Kept, Setup};
pub use counters::{MergedReply, Replies, Statistics};
pub use error::DatapathError;
pub use events::{Events, KernelLog};
pub use load::is_built_in;
pub use mode::{AttachMode, Mode};
pub use words::{Question, Words};

use crate::sys::bpf::PerCpuArray;
use configure::map_error;
use pins::Pins;

/// The programs' names.
const RESPONDER: &str = "heartbeat";
const GATE_IN: &str = "gate_in";
const GATE_OUT: &str = "gate_out";

/// What [`Datapath::open`] gives: the parts go to different threads.
pub struct Opened {
    /// Attaches and detaches.
    pub datapath: Datapath,
    /// The memory-mapped words: cheap to clone.
    pub words: Words,
    /// The members' answers, for the pulse.
    pub replies: Replies,
    /// The kernel's events, for the pulse.
    pub events: Events,
    /// Counters and histograms, for status and metrics.
    pub statistics: Statistics,
    /// The kernel programs' rare log lines.
    pub log: KernelLog,
    /// Whether the maps are those of the last run.
    pub kept: Kept,
}

/// The loaded programs. Dropping it leaves everything that is attached attached.
pub struct Datapath {
    ebpf: Ebpf,
    interfaces: HashMap<MapData, u32, Interface>,
    pins: Pins,
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
        let shapes = shapes::shapes(setup.max_slot);
        let kept = configure::find_kept(&pins, &shapes, setup)?;
        if kept.is_none() {
            pins.start_anew(RESPONDER)?;
        }
        let mut ebpf = load::load(&pins, &shapes)?;
        // Kept maps were checked before; what differs now was made by the program just loaded.
        pins.check_maps(&shapes).map_err(old_program)?;
        let words = map_words(&ebpf)?;
        let kept = configure::configure(&mut ebpf, setup, kept.as_ref())?;
        let mut events = take(&mut ebpf, name::EVENTS, RingBuf::try_from).map(Events::new)?;
        // What happened while there was no daemon stands in the words; as news it would be stale.
        while events.next_event().is_some() {}
        Ok(Opened {
            replies: Replies::new(per_cpu(&mut ebpf, name::REPLIES)?, words.clone()),
            events,
            statistics: Statistics {
                verdicts: per_cpu(&mut ebpf, name::VERDICTS)?,
                gate: per_cpu(&mut ebpf, name::GATE)?,
                rtt: per_cpu(&mut ebpf, name::RTT)?,
                gap: per_cpu(&mut ebpf, name::GAP)?,
            },
            log: KernelLog::open(&mut ebpf)?,
            words,
            kept,
            datapath: Self {
                interfaces: take(&mut ebpf, name::INTERFACES, HashMap::try_from)?,
                ebpf,
                pins,
            },
        })
    }

    /// Attaches the responder to an interface, or takes over what the last daemon left there without a
    /// gap. Also the thing to do again when the interface vanished and came back, or changed its
    /// hardware address.
    ///
    /// # Errors
    /// No such interface, no Ethernet, another XDP program on it, or the mode not to be had; each
    /// message names the cure.
    pub fn attach_responder(
        &mut self,
        interface: &str,
        wanted: AttachMode,
    ) -> Result<Mode, DatapathError> {
        let facts = interface::find(interface)?;
        attach::need_ethernet(interface, &facts, false)?;
        let entry = Interface {
            mac: facts.mac,
            reserved: 0,
        };
        // Before the attachment: without it the responder cannot answer.
        self.forget_vanished()
            .and_then(|()| self.interfaces.insert(facts.index, entry, 0))
            .map_err(map_error("write", name::INTERFACES))?;
        let program = load::responder(&mut self.ebpf).map_err(|source| DatapathError::Program {
            program: RESPONDER,
            source: Box::new(source),
        })?;
        attach::attach_responder(program, &self.pins, interface, wanted)
    }

    /// Attaches both sides of the gate to an interface (`lo` too), first in their chains, or takes
    /// over what the last daemon left there.
    ///
    /// # Errors
    /// No such interface, no Ethernet, or a kernel before 6.6; each message names the cure.
    pub fn attach_gate(&mut self, interface: &str) -> Result<(), DatapathError> {
        let facts = interface::find(interface)?;
        attach::need_ethernet(interface, &facts, true)?;
        // What enters first: between the two, nothing that was asked can be answered.
        for (label, side) in [
            (GATE_IN, TcAttachType::Ingress),
            (GATE_OUT, TcAttachType::Egress),
        ] {
            let program = load::classifier(&mut self.ebpf, label).map_err(|source| {
                DatapathError::Program {
                    program: label,
                    source: Box::new(source),
                }
            })?;
            attach::attach_gate(program, label, &self.pins, interface, side)?;
        }
        Ok(())
    }

    /// Detaches the programs and keeps the maps pinned: this node answers no probe and holds back no packet
    /// any more, so the virtual addresses must be gone first. The promises in the maps hold for the next
    /// start, which then needs no abstention.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub fn detach_links(self) -> Result<(), DatapathError> {
        self.pins.remove_links().map(drop)
    }

    /// An interface that comes back has another index, so each flap would leave an entry behind.
    fn forget_vanished(&mut self) -> Result<(), MapError> {
        let indexes: Vec<u32> = self.interfaces.keys().collect::<Result<_, _>>()?;
        for index in indexes {
            if !interface::exists(index) {
                self.interfaces.remove(&index)?;
            }
        }
        Ok(())
    }

    /// Ends it all in order: links, then maps. Afterwards this node answers no probe and holds back no
    /// packet, so the virtual addresses must be gone first.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub fn detach_all(self) -> Result<Vec<String>, DatapathError> {
        self.pins.remove_all()
    }
}

/// Removes what a dead daemon left below `bpf_dir`: links, then maps. Returns the pins removed.
///
/// # Errors
/// A pin that cannot be removed.
pub fn detach(bpf_dir: &Path) -> Result<Vec<String>, DatapathError> {
    Pins::existing(bpf_dir).remove_all()
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

fn map_words(ebpf: &Ebpf) -> Result<Words, DatapathError> {
    let fd = |map: &'static str| match ebpf.map(map) {
        Some(Map::Array(data)) => Ok(data.fd()),
        Some(_) | None => Err(map_error("map", map)(missing(map))),
    };
    Words::map(fd(name::CONTROL)?, fd(name::GRANT)?, fd(name::SENT)?)
        .map_err(|error| map_error("map", name::CONTROL)(MapError::IoError(error)))
}

fn per_cpu(ebpf: &mut Ebpf, map: &'static str) -> Result<PerCpuArray, DatapathError> {
    take(ebpf, map, |taken| match taken {
        Map::PerCpuArray(data) => PerCpuArray::new(data),
        _ => Err(missing(map)),
    })
}

fn take<T>(
    ebpf: &mut Ebpf,
    map: &'static str,
    convert: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, DatapathError> {
    ebpf.take_map(map)
        .ok_or_else(|| missing(map))
        .and_then(convert)
        .map_err(map_error("open", map))
}

fn missing(map: &str) -> MapError {
    MapError::InvalidName {
        name: map.to_owned(),
    }
}
