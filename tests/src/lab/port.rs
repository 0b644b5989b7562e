//! A bridge port with a node behind it: the wire that the faults act on.

use std::sync::Mutex;

use anyhow::{Context, Result};
use aya::maps::{Array, MapData, PerCpuArray};
use aya::programs::{SchedClassifier, TcAttachType, Xdp, XdpMode, tc};
use aya::util::KernelVersion;
use aya::{Ebpf, EbpfLoader};
use heartbeat_user::net::announce::Form;

use crate::lab::command::run;
use crate::lab::netns::Netns;
use crate::paths;

/// Which way frames go, from the node's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the node sends.
    FromNode,
    /// What the node receives.
    ToNode,
}

/// Both directions.
pub const DIRECTIONS: [Direction; 2] = [Direction::FromNode, Direction::ToNode];

/// Every frame, in thousandths.
pub const ALL: u16 = 1_000;

/// What happens to frames of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wear {
    /// How many of a thousand are lost, 0 to 1,000.
    pub lost: u16,
    /// How many of a thousand of the others arrive twice, 0 to 1,000.
    pub doubled: u16,
}

/// Frames that a switch or a firewall may lose while it lets all others pass; numbers of
/// tests/ebpf/src/main.rs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// What goes to a multicast group, as a switch does that snoops and has no querier.
    Groups = 1,
    /// What goes to the heartbeats' UDP port.
    Heartbeats = 2,
}

/// What happened to frames of one direction since the port was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that came by, copies apart.
    pub seen: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Of these, doubled.
    pub doubled: u64,
}

/// The bridge's end of a node's link, with the programs that make its faults.
pub struct Port {
    bridge: String,
    name: String,
    maps: Mutex<Maps>,
    /// Holds the programs and their attachment.
    _programs: Ebpf,
}

struct Maps {
    fault: Array<MapData, u64>,
    count: PerCpuArray<MapData, u64>,
}

impl Port {
    /// Puts the programs on interface `name` in the bridge's namespace.
    ///
    /// # Errors
    /// When the object was not built, or the kernel refuses it.
    pub fn attach(bridge: &Netns, name: &str) -> Result<Self> {
        let object = paths::lab_object()?;
        let mut programs = EbpfLoader::new()
            .load_file(&object)
            .with_context(|| format!("cannot load {}", object.display()))?;
        bridge
            .run(|| attach_all(&mut programs, name))?
            .with_context(|| format!("port {name} of {}", bridge.name()))?;
        let mut map = |map| {
            programs
                .take_map(map)
                .with_context(|| format!("the object has no map {map}"))
        };
        let maps = Maps {
            fault: Array::try_from(map("LAB_FAULT")?)?,
            count: PerCpuArray::try_from(map("LAB_COUNT")?)?,
        };
        Ok(Self {
            bridge: bridge.name().to_owned(),
            name: name.to_owned(),
            maps: Mutex::new(maps),
            _programs: programs,
        })
    }

    /// Sets what happens to frames of that direction from now on; it holds within microseconds.
    ///
    /// # Errors
    /// When the kernel refuses the map's update.
    pub fn wear(&self, direction: Direction, wear: Wear) -> Result<()> {
        let fault = &mut self.lock().fault;
        fault.set(direction.place(Fate::Lost), u64::from(wear.lost), 0)?;
        fault.set(direction.place(Fate::Doubled), u64::from(wear.doubled), 0)?;
        Ok(())
    }

    /// From now on nobody hears what the node announces by ARP in these forms: its neighbours are as those
    /// that ignore a form.
    ///
    /// # Errors
    /// When the kernel refuses the map's update.
    pub fn announcements_unheard(&self, forms: &[Form]) -> Result<()> {
        let bit = |form: &Form| match form {
            Form::Request => 1 << 1,
            Form::Reply => 1 << 2,
        };
        let bits: u64 = forms.iter().map(bit).sum();
        let place = Direction::FromNode.place(Fate::Unheard);
        self.lock().fault.set(place, bits, 0)?;
        Ok(())
    }

    /// Announcements that nobody heard so far.
    ///
    /// # Errors
    /// When the kernel refuses the map's reading.
    pub fn unheard(&self) -> Result<u64> {
        let place = Direction::FromNode.place(Fate::Unheard);
        Ok(self.lock().count.get(&place, 0)?.iter().sum())
    }

    /// Loses every frame of a class in that direction from now on; `None`: of none.
    ///
    /// # Errors
    /// When the kernel refuses the map's update.
    pub fn lose(&self, direction: Direction, class: Option<Class>) -> Result<()> {
        let number = class.map_or(0, |class| class as u64);
        let fault = &mut self.lock().fault;
        fault.set(direction.first() + CLASS, number, 0)?;
        Ok(())
    }

    /// What happened to frames of that direction so far.
    ///
    /// # Errors
    /// When the kernel refuses the map's reading.
    pub fn counts(&self, direction: Direction) -> Result<Counts> {
        let count = &self.lock().count;
        let of = |fate| -> Result<u64> { Ok(count.get(&direction.place(fate), 0)?.iter().sum()) };
        Ok(Counts {
            seen: of(Fate::Seen)?,
            lost: of(Fate::Lost)?,
            doubled: of(Fate::Doubled)?,
        })
    }

    /// Takes the node's carrier away, or gives it back.
    ///
    /// # Errors
    /// When iproute2 fails.
    pub fn carrier(&self, present: bool) -> Result<()> {
        let state = if present { "up" } else { "down" };
        run(
            "ip",
            &["-netns", &self.bridge, "link", "set", &self.name, state],
        )
        .map(drop)
    }

    /// Name of the interface in the bridge's namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Maps> {
        // A panic elsewhere leaves the maps as good as they were.
        self.maps
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What may happen to a frame; the number is the place after the direction's first.
#[derive(Clone, Copy)]
enum Fate {
    Lost = 0,
    Doubled = 1,
    Seen = 2,
    Unheard = 3,
}

/// Place of the lost class, after the direction's first.
const CLASS: u32 = 4;

impl Direction {
    /// First place in the maps of tests/ebpf/src/main.rs.
    const fn first(self) -> u32 {
        match self {
            Self::FromNode => 0,
            Self::ToNode => 8,
        }
    }

    const fn place(self, fate: Fate) -> u32 {
        self.first() + fate as u32
    }
}

/// Attaches natively: a veth's native XDP answers arrive only if the other end has a native program.
fn attach_all(programs: &mut Ebpf, interface: &str) -> Result<()> {
    let pass: &mut Xdp = programs
        .program_mut("lab_pass")
        .context("the object has no lab_pass")?
        .try_into()?;
    pass.load()?;
    pass.attach(interface, XdpMode::Driver)?;
    if KernelVersion::current()? < KernelVersion::new(6, 6, 0) {
        // No tcx: filters need a place to hang on.
        tc::qdisc_add_clsact(interface)?;
    }
    for (name, kind) in [
        ("lab_from_node", TcAttachType::Ingress),
        ("lab_to_node", TcAttachType::Egress),
    ] {
        let program: &mut SchedClassifier = programs
            .program_mut(name)
            .with_context(|| format!("the object has no {name}"))?
            .try_into()?;
        program.load()?;
        program.attach(interface, kind)?;
    }
    Ok(())
}
