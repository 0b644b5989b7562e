//! The benchmark's own object: entries that run the product's code on frames that are all different.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aya::maps::{Array, MapData};
use aya::programs::{SchedClassifier, TestRun as _, Xdp};
use aya::{Ebpf, EbpfLoader};
use heartbeat_wire::maps::MAPS;

use crate::kernel::{Kernel, pin_of, time};
use crate::paths;

/// How many frames are prepared at once (heartbeat-ebpf/src/bench.rs).
pub(super) const FRAMES: u32 = 1024;
/// Bytes of every frame: Ethernet, IPv4, UDP, body.
pub(super) const FRAME_BYTES: usize = 162;
/// The same, rounded up to whole words: what one entry of the map holds.
const ENTRY_BYTES: usize = 168;

/// The object's entries.
const EMPTY: &str = "bench_empty";
const ACT: &str = "bench_act";

/// Place of the number of the next frame among the words of `bench_run`.
const NEXT: usize = 0;
/// Place of the slot whose refusals are not limited.
const UNLIMITED_SLOT: usize = 1;

/// The object, loaded onto the maps of a [`Kernel`].
pub(super) struct Object {
    programs: Ebpf,
    frames: Array<MapData, [u8; ENTRY_BYTES]>,
    run: Array<MapData, [u64; 2]>,
}

impl Object {
    /// Loads it.
    pub(super) fn load(kernel: &Kernel) -> Result<Self> {
        let object = paths::bench_object()?;
        let bytes =
            fs::read(&object).with_context(|| format!("cannot read {}", object.display()))?;
        let mut loader = EbpfLoader::new();
        for map in MAPS {
            loader.map_pin_path(map.name, pin_of(kernel.pins(), map.name));
        }
        let mut programs = loader.load(&bytes)?;
        for name in [EMPTY, ACT] {
            let program: &mut Xdp = programs
                .program_mut(name)
                .with_context(|| format!("no program {name}"))?
                .try_into()?;
            program.load()?;
        }
        let program: &mut SchedClassifier = programs
            .program_mut("bench_empty_tc")
            .context("no program bench_empty_tc")?
            .try_into()?;
        program.load()?;
        let mut take = |name: &str| {
            programs
                .take_map(name)
                .with_context(|| format!("no map {name}"))
        };
        let (frames, run) = (take("bench_frames")?, take("bench_run")?);
        Ok(Self {
            frames: Array::try_from(frames)?,
            run: Array::try_from(run)?,
            programs,
        })
    }

    /// Prepares these frames, [`FRAMES`] of [`FRAME_BYTES`] each.
    pub(super) fn prepare(&mut self, frames: &[Vec<u8>], unlimited_slot: u16) -> Result<()> {
        ensure!(frames.len() == FRAMES as usize, "{} frames", frames.len());
        for (index, frame) in (0..).zip(frames) {
            ensure!(
                frame.len() == FRAME_BYTES,
                "a frame of {} bytes",
                frame.len()
            );
            let mut entry = [0; ENTRY_BYTES];
            entry[..FRAME_BYTES].copy_from_slice(frame);
            self.frames.set(index, entry, 0)?;
        }
        let mut run = [0; 2];
        run[UNLIMITED_SLOT] = u64::from(unlimited_slot);
        run[NEXT] = 0;
        Ok(self.run.set(0, run, 0)?)
    }

    /// Runs the empty program as often as there are prepared frames; what one run took.
    pub(super) fn time_empty(&mut self) -> Result<Duration> {
        self.time(EMPTY)
    }

    /// Copies each prepared frame into the packet and runs the product's code on it; what one took.
    pub(super) fn time_act(&mut self) -> Result<Duration> {
        self.time(ACT)
    }

    fn time(&mut self, name: &str) -> Result<Duration> {
        let program: &Xdp = self
            .programs
            .program(name)
            .with_context(|| format!("no program {name}"))?
            .try_into()?;
        let mut run = self.run.get(&0, 0)?;
        run[NEXT] = 0;
        self.run.set(0, run, 0)?;
        time(
            |options| program.test_run(options),
            &[0; FRAME_BYTES],
            FRAMES,
        )
    }

    /// Runs the empty classifier on this packet; what one run took.
    pub(super) fn time_empty_tc(&self, packet: &[u8], times: u32) -> Result<Duration> {
        let program: &SchedClassifier = self
            .programs
            .program("bench_empty_tc")
            .context("no program bench_empty_tc")?
            .try_into()?;
        time(|options| program.test_run(options), packet, times)
    }
}
