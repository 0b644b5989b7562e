//! The product's kernel programs under test: loaded by the product, run packet by packet with
//! BPF_PROG_TEST_RUN, their maps open to look into.

pub mod frames;
mod limits;
mod pins;
mod setting;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aya::maps::{Array, Map, MapData, PerCpuArray};
use aya::programs::{
    ProgramError, SchedClassifier, TestRun as _, TestRunOptions, TestRunResult, Xdp,
};
use aya::{Ebpf, EbpfLoader, Pod};
use heartbeat_user::datapath::{Datapath, Opened, Setup};
use heartbeat_wire::Epoch;
use heartbeat_wire::maps::{
    Config, Control, Grant, Interface, Keys, LAYOUT, MAPS, Member, Replies, Vip, mapped, name,
};
use heartbeat_wire::verdict::{GateVerdict, Verdict};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

pub use pins::PinFolder;
pub use setting::*;

/// Where the responder meets a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// XDP.
    Xdp,
    /// tcx ingress, beside another XDP program.
    Tcx,
}

/// What a program did with one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its answer.
    pub action: u32,
    /// The packet as it left it.
    pub packet: Vec<u8>,
}

/// The programs, loaded by the product, and a second copy of them on the same maps to run packets
/// through.
pub struct Kernel {
    /// The product's own view.
    pub opened: Opened,
    programs: Ebpf,
    pins: PinFolder,
}

impl Kernel {
    /// Loads both, with an interface entry for `lo`, where test runs come from; abstention is over.
    ///
    /// # Errors
    /// Whatever the product says.
    pub fn load() -> Result<Self> {
        Self::load_with(config())
    }

    /// The same with another configuration.
    ///
    /// # Errors
    /// Whatever the product says.
    pub fn load_with(config: Config) -> Result<Self> {
        Self::load_in(PinFolder::new()?, config)
    }

    /// The same for a management network of this family.
    ///
    /// # Errors
    /// Whatever the product says.
    pub fn load_over(family: Family) -> Result<Self> {
        Self::load_members(PinFolder::new()?, family.config(), &family.members())
    }

    /// The same with the maps that another one left.
    ///
    /// # Errors
    /// Whatever the product says.
    pub fn load_in(pins: PinFolder, config: Config) -> Result<Self> {
        Self::load_members(pins, config, &members())
    }

    fn load_members(pins: PinFolder, config: Config, members: &[(u16, Member)]) -> Result<Self> {
        let vip = |address, follows_slot: u16, is_leased| {
            let vip = Vip {
                ifindex: 1,
                follows_slot: follows_slot.into(),
                is_leased,
            };
            (address, vip)
        };
        let vips = [
            vip(mapped(VIP), 0, 0),
            vip(heartbeat_wire::maps::address(VIP6.octets()), 0, 0),
            vip(mapped(SLOT_VIP), 3, 0),
            vip(mapped(OWN_VIP), OWN_SLOT, 0),
            vip(mapped(OWN_LEASED_VIP), OWN_SLOT, 1),
            vip(mapped(LEASED_VIP), LEASED_SLOT, 1),
        ];
        let opened = Datapath::open(
            &pins.0,
            &Setup {
                config,
                keys: Keys { slots: KEYS },
                members,
                vips: &vips,
                max_slot: *SLOTS.end(),
                abstention_ns: config.max_lease_ns + config.max_lease_ns / 5,
            },
        )?;
        let kernel = Self {
            programs: second_copy(&pins)?,
            opened,
            pins,
        };
        kernel.set_interface(1)?;
        kernel.opened.words.set_abstain_until(0);
        Ok(kernel)
    }

    /// Forgets everything but the configuration: no grant, promise, lease, abstention.
    ///
    /// # Errors
    /// A map cannot be written.
    pub fn reset(&self) -> Result<()> {
        self.set(name::GRANT, 0, Grant::default())?;
        self.opened.words.set_taken(LEASED_SLOT, Epoch::NONE);
        self.set(name::CONTROL, 0, Control::default())
    }

    /// How often each verdict was counted since the programs were loaded, those never counted left
    /// out.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn verdicts(&mut self) -> Result<BTreeMap<Verdict, u64>> {
        let counts = self.opened.statistics.verdicts()?;
        Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
    }

    /// The same of the gate.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn gate_verdicts(&mut self) -> Result<BTreeMap<GateVerdict, u64>> {
        let counts = self.opened.statistics.gate_verdicts()?;
        Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
    }

    /// What the first processor counted of the lowest slots' answers.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn replies(&self) -> Result<Replies> {
        let map = PerCpuArray::<_, Replies>::try_from(self.map(name::REPLIES)?)?;
        let all = map.get(&0, 0)?;
        all.first().copied().context("there is a processor")
    }

    /// The folder of the pins.
    #[must_use]
    pub fn pins(&self) -> &PinFolder {
        &self.pins
    }

    /// Closes every descriptor, as the end of a killed daemon does; what is pinned stays until the
    /// folder is dropped.
    #[must_use]
    pub fn abandon(self) -> PinFolder {
        self.into_parts().1
    }

    /// The product's own view, and the folder of the pins.
    #[must_use]
    pub fn into_parts(self) -> (Opened, PinFolder) {
        (self.opened, self.pins)
    }

    /// Runs one packet through the responder, as if it had come in on `lo`.
    ///
    /// # Errors
    /// What the kernel answers to the test run.
    pub fn responder(&self, packet: &[u8]) -> Result<Ran> {
        let program: &Xdp = self
            .programs
            .program("heartbeat")
            .context("no program heartbeat")?
            .try_into()?;
        run(|options| program.test_run(options), packet)
    }

    /// Loads the responder for tcx ingress too, for [`Kernel::responder_at`].
    ///
    /// # Errors
    /// What the verifier says.
    pub fn load_tcx(&mut self) -> Result<()> {
        let program: &mut SchedClassifier = self
            .programs
            .program_mut("heartbeat_tc")
            .context("no program heartbeat_tc")?
            .try_into()?;
        Ok(program.load()?)
    }

    /// Runs one packet through the responder at that entry; its answer is told in XDP's words.
    ///
    /// # Errors
    /// What the kernel answers to the test run, or an answer that no frame should get.
    pub fn responder_at(&self, entry: Entry, packet: &[u8]) -> Result<Ran> {
        if entry == Entry::Xdp {
            return self.responder(packet);
        }
        let ran = self.gate("heartbeat_tc", packet)?;
        let action = match ran.action {
            TCX_NEXT => XDP_PASS,
            TC_ACT_SHOT => XDP_DROP,
            TC_ACT_REDIRECT => XDP_TX,
            other => bail!("heartbeat_tc answers {other}"),
        };
        Ok(Ran { action, ..ran })
    }

    /// Runs the same packet through the responder `times` times and returns what one run took, as the
    /// kernel measured. It does not restore the packet in between.
    ///
    /// # Errors
    /// What the kernel answers to the test run.
    pub fn time_responder(&self, packet: &[u8], times: u32) -> Result<Duration> {
        let program: &Xdp = self
            .programs
            .program("heartbeat")
            .context("no program heartbeat")?
            .try_into()?;
        time(|options| program.test_run(options), packet, times)
    }

    /// The same with one side of the gate, which leaves every packet as it is.
    ///
    /// # Errors
    /// What the kernel answers to the test run.
    pub fn time_gate(&self, side: &str, packet: &[u8], times: u32) -> Result<Duration> {
        let program: &SchedClassifier = self
            .programs
            .program(side)
            .with_context(|| format!("no program {side}"))?
            .try_into()?;
        time(|options| program.test_run(options), packet, times)
    }

    /// Runs one packet through one side of the gate (`gate_in`, `gate_out`).
    ///
    /// # Errors
    /// What the kernel answers to the test run.
    pub fn gate(&self, side: &str, packet: &[u8]) -> Result<Ran> {
        let program: &SchedClassifier = self
            .programs
            .program(side)
            .with_context(|| format!("no program {side}"))?
            .try_into()?;
        run(|options| program.test_run(options), packet)
    }

    /// Reads a map's value.
    ///
    /// # Errors
    /// No such map or index.
    pub fn get<T: Pod>(&self, map: &str, index: u32) -> Result<T> {
        Ok(Array::<_, T>::try_from(self.map(map)?)?.get(&index, 0)?)
    }

    /// Writes a map's value.
    ///
    /// # Errors
    /// No such map or index.
    pub fn set<T: Pod>(&self, map: &str, index: u32, value: T) -> Result<()> {
        Ok(Array::<_, T>::try_from(self.map(map)?)?.set(index, value, 0)?)
    }

    /// Lets the responder answer on the interface of this index.
    ///
    /// # Errors
    /// The map is full.
    pub fn set_interface(&self, index: u32) -> Result<()> {
        let entry = Interface {
            index,
            mac: OWN_MAC,
            reserved: 0,
        };
        self.set(name::INTERFACES, 0, entry)
    }

    /// Takes that away again.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn remove_interface(&self) -> Result<()> {
        self.set(name::INTERFACES, 0, Interface::default())
    }

    fn map(&self, map: &str) -> Result<Map> {
        Ok(Map::from_map_data(MapData::from_pin(pin_of(
            &self.pins, map,
        ))?)?)
    }
}

/// Where the product pins a map.
pub(crate) fn pin_of(pins: &PinFolder, map: &str) -> PathBuf {
    pins.0.join(format!("maps/v{LAYOUT}")).join(map)
}

fn second_copy(pins: &PinFolder) -> Result<Ebpf> {
    let object = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/heartbeat");
    let bytes = fs::read(object).with_context(|| format!("cannot read {object}"))?;
    let mut loader = EbpfLoader::new();
    for map in MAPS {
        loader.map_pin_path(map.name, pin_of(pins, map.name));
    }
    let mut programs = loader.load(&bytes)?;
    let responder: &mut Xdp = programs
        .program_mut("heartbeat")
        .context("no program heartbeat")?
        .try_into()?;
    responder.load()?;
    for side in ["gate_in", "gate_out"] {
        let gate: &mut SchedClassifier = programs
            .program_mut(side)
            .with_context(|| format!("no program {side}"))?
            .try_into()?;
        gate.load()?;
    }
    Ok(programs)
}

fn run(
    test_run: impl FnOnce(TestRunOptions<'_>) -> Result<TestRunResult, ProgramError>,
    packet: &[u8],
) -> Result<Ran> {
    let mut after = vec![0; packet.len() + 256];
    let result = test_run(TestRunOptions {
        data_in: Some(packet),
        data_out: Some(&mut after),
        ..TestRunOptions::default()
    })?;
    let length = usize::try_from(result.data_size_out)?;
    ensure!(length <= after.len(), "the packet grew to {length} bytes");
    after.truncate(length);
    Ok(Ran {
        action: result.return_value,
        packet: after,
    })
}

/// What one of `times` runs took on average, in whole nanoseconds (the kernel cuts the rest off).
pub(crate) fn time(
    test_run: impl FnOnce(TestRunOptions<'_>) -> Result<TestRunResult, ProgramError>,
    packet: &[u8],
    times: u32,
) -> Result<Duration> {
    let result = test_run(TestRunOptions {
        data_in: Some(packet),
        repeat: times,
        ..TestRunOptions::default()
    })?;
    Ok(result.duration)
}

/// Keeps the calling thread on the first processor, so that what is counted and limited per CPU is
/// counted and limited in one place.
///
/// # Errors
/// What sched_setaffinity(2) answers.
pub fn stay_on_first_cpu() -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(0)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cpus)?)
}
