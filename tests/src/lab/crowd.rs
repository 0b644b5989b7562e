//! Members that are nothing but their answers: of so many no machine could run the daemons.
//!
//! To each of the master's probes they send what the kernels of that many nodes would, real frames with authentic tags
//! from addresses of their own, over the master's own wire.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use heartbeat_wire::frame::{AGE_UNKNOWN, FRAME_LEN, Frame, HOP_LIMIT, Kind, gate_state, role};
use heartbeat_wire::tag::{Beginning, Key};

use crate::client::packet::{Ends, IPV4, udp_frame};
use crate::client::schedule::{ANSWERING, hurry};
use crate::fault::headers::Headers;
use crate::lab::Lab;
use crate::lab::addresses::{CROWD, HEARTBEAT_PORT, Network, ROGUE, crowd_address};
use crate::lab::command::{ip_batch, run};
use crate::lab::packet_socket::PacketSocket;
use crate::lab::settings::cluster_key;

/// A packet socket for this EtherType receives nothing.
const NOTHING: u16 = 0;
/// Threads that answer: one for each processor that the lab may count on.
const PARTS: u16 = 2;
/// Frames that wait before the master's wire at most: the answers to one probe.
const SWITCH_BUFFER: &str = "10000";
/// Neighbouring slots that one of them has: more than a stride.
const SPREAD: u16 = 128;
/// How often a thread looks whether it is to end, when no probe comes by.
const LOOK: Duration = Duration::from_millis(100);

/// They answer the node in slot 1 until this is dropped.
pub struct Crowd {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<()>>>,
}

struct Shared {
    /// Who answers nothing.
    silent: BTreeMap<u16, AtomicBool>,
    ends: AtomicBool,
    probes: AtomicU64,
    skipped: AtomicU64,
    answers: AtomicU64,
    refused: AtomicU64,
    busy_ns: AtomicU64,
}

/// What a crowd has done since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Probes that it answered, counted by each of its threads.
    pub probes: u64,
    /// Probes that it did not answer, since it was not through with those before; counted likewise.
    pub skipped: u64,
    /// Answers that it sent.
    pub answers: u64,
    /// Answers that did not get as far as the wire, since there was no buffer for them.
    pub refused: u64,
    /// How long its threads took for that, in nanoseconds: the way over the wire and the master's kernel included.
    pub busy_ns: u64,
}

impl Crowd {
    /// Members in these slots answer the node in slot 1.
    ///
    /// # Errors
    /// Without CAP_NET_RAW, or when the lab's machines refuse their routes.
    pub fn start(lab: &Lab, slots: RangeInclusive<u16>) -> Result<Self> {
        let topology = lab.topology();
        // What the daemons send to them is swallowed, so that they need not be told of as unreachable.
        let line = format!("route add local {CROWD} dev lo");
        ip_batch(topology.rogue().name(), &[line])?;
        for slot in topology.slots() {
            let line = format!("route add {CROWD} dev {}", Network::Management.interface());
            ip_batch(topology.node(slot).name(), &[line])?;
        }
        // A switch has room for a burst; a veth's end has 256 places, and drops what finds none unless something queues
        // before it.
        let port = topology.port(1, Network::Management).name();
        let buffer = [
            "qdisc",
            "add",
            "dev",
            port,
            "root",
            "pfifo",
            "limit",
            SWITCH_BUFFER,
        ];
        let bridge = topology.bridge(Network::Management).name();
        run("tc", &[&["-netns", bridge], &buffer[..]].concat())?;
        let shared = Arc::new(Shared {
            silent: slots.map(|slot| (slot, AtomicBool::new(false))).collect(),
            ends: AtomicBool::new(false),
            probes: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
        });
        let mut crowd = Self {
            shared,
            threads: Vec::new(),
        };
        for part in 0..PARTS {
            crowd.threads.push(crowd.begin(lab, part)?);
        }
        Ok(crowd)
    }

    /// A thread that answers for a part of the slots.
    fn begin(&self, lab: &Lab, part: u16) -> Result<JoinHandle<Result<()>>> {
        let topology = lab.topology();
        let interface = Network::Management.interface();
        let hears = topology
            .rogue()
            .run(|| PacketSocket::open(interface, IPV4))??;
        hears.socket().set_read_timeout(Some(LOOK))?;
        let port = topology.port(1, Network::Management).name();
        let bridge = topology.bridge(Network::Management);
        let says = bridge.run(|| PacketSocket::open(port, NOTHING))??;
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("crowd".to_owned());
        let begun = thread.spawn(move || {
            let _hurry = hurry(ANSWERING);
            shared.answer(part, &hears, &says)
        });
        begun.context("cannot start a thread")
    }

    /// From now on the member in this slot answers nothing, or answers again.
    ///
    /// # Panics
    /// If the crowd has no such slot: the test is wrong.
    pub fn silence(&self, slot: u16, is_silent: bool) {
        self.shared.silent[&slot].store(is_silent, Relaxed);
    }

    /// Everybody's slot.
    pub fn slots(&self) -> impl Iterator<Item = u16> {
        self.shared.silent.keys().copied()
    }

    /// What it has done so far.
    #[must_use]
    pub fn done(&self) -> Done {
        Done {
            probes: self.shared.probes.load(Relaxed),
            skipped: self.shared.skipped.load(Relaxed),
            answers: self.shared.answers.load(Relaxed),
            refused: self.shared.refused.load(Relaxed),
            busy_ns: self.shared.busy_ns.load(Relaxed),
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.ends.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            if let Ok(Err(error)) = thread.join() {
                eprintln!("the crowd: {error:#}");
            }
        }
    }
}

impl Shared {
    fn answer(&self, part: u16, hears: &PacketSocket, says: &PacketSocket) -> Result<()> {
        let key = cluster_key().heartbeat();
        let mut voices: Vec<(Voice, &AtomicBool)> = self
            .silent
            .iter()
            // Whatever the stride is, each part has its share of those that a probe asks.
            .filter(|(slot, _)| **slot / SPREAD % PARTS == part)
            .map(|(slot, is_silent)| Ok((Voice::new(*slot)?, is_silent)))
            .collect::<Result<_>>()?;
        let mut bytes = [0; 256];
        let (mut epoch, mut last) = (0, 0);
        while !self.ends.load(Relaxed) {
            // Nothing within the time is no probe.
            let Some(probe) = newest_probe(hears, &mut bytes)? else {
                continue;
            };
            let begun = Instant::now();
            // Numbers over one network are every other one.
            if probe.epoch == epoch {
                let skipped = probe.sequence.saturating_sub(last + 2) / 2;
                self.skipped.fetch_add(skipped, Relaxed);
            }
            (epoch, last) = (probe.epoch, probe.sequence);
            let (mut answers, mut refused) = (0, 0);
            for (voice, is_silent) in &mut voices {
                if probe.phase_selects(voice.slot) && !is_silent.load(Relaxed) {
                    // No buffer now: it is lost, as on a wire.
                    match says.send(voice.answer(&probe, &key)) {
                        Ok(()) => answers += 1,
                        Err(_) => refused += 1,
                    }
                }
            }
            let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.busy_ns.fetch_add(took, Relaxed);
            self.answers.fetch_add(answers, Relaxed);
            self.refused.fetch_add(refused, Relaxed);
            self.probes.fetch_add(1, Relaxed);
        }
        Ok(())
    }
}

/// The newest probe that came; waits for one a while.
fn newest_probe(hears: &PacketSocket, bytes: &mut [u8]) -> Result<Option<Frame>> {
    let mut newest = None;
    // Nothing within the time is no probe.
    while let Ok(length) = hears.receive(bytes) {
        newest = probe_in(&bytes[..length]).or(newest);
        hears.socket().set_nonblocking(true)?;
    }
    hears.socket().set_nonblocking(false)?;
    Ok(newest)
}

fn probe_in(frame: &[u8]) -> Option<Frame> {
    let headers = Headers::of(frame)?;
    let body = frame.get(headers.body..)?.first_chunk::<FRAME_LEN>()?;
    let body = Frame::from_bytes(body);
    (body.kind == Kind::Probe as u8).then_some(body)
}

/// One member's answer, made once and filled in anew for each probe.
struct Voice {
    slot: u16,
    frame: Vec<u8>,
    body: usize,
    beginning: Beginning,
}

impl Voice {
    fn new(slot: u16) -> Result<Self> {
        let master = Network::Management.address(1);
        let ends = Ends {
            mac: (Network::Management.mac(ROGUE), Network::Management.mac(1)),
            address: (crowd_address(slot).into(), IpAddr::V4(master)),
            port: (HEARTBEAT_PORT, HEARTBEAT_PORT),
        };
        let mut frame = udp_frame(ends, &[0; FRAME_LEN]);
        let headers = Headers::of(&frame).context("it is a heartbeat by its headers")?;
        frame[headers.hop_limit] = HOP_LIMIT;
        headers.finish(&mut frame);
        Ok(Self {
            slot,
            body: headers.body,
            frame,
            beginning: Beginning::default(),
        })
    }

    fn answer(&mut self, probe: &Frame, key: &Key) -> &[u8] {
        let mut body = Frame {
            kind: Kind::Reply as u8,
            flags: 0,
            incarnation: 0xc0de_0000 + u64::from(self.slot),
            sender: self.slot,
            role: role::SLAVE,
            gate: gate_state::SHUT,
            diagnosis: 0,
            promised_epoch: 0,
            probed_epoch: probe.epoch,
            info_version: 0,
            daemon_age_us: 1_000,
            service_age_us: AGE_UNKNOWN,
            stride: 0,
            offset: 0,
            ..*probe
        };
        self.beginning.sign(&mut body, 0, key);
        self.frame[self.body..].copy_from_slice(body.as_bytes());
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use heartbeat_wire::tag::verify;

    use super::*;

    #[test]
    fn an_answer_echoes_its_probe_and_is_authentic() {
        let key = cluster_key().heartbeat();
        let mut voice = Voice::new(4_711).expect("a frame");
        for sequence in [8, 10] {
            let probe = Frame {
                kind: Kind::Probe as u8,
                epoch: 77,
                sequence,
                sent_ns: 5,
                stride: 2,
                offset: 1,
                ..Frame::default()
            };
            let frame = voice.answer(&probe, &key);
            let body = Frame::from_bytes(frame[42..].first_chunk().expect("a body"));
            assert!(verify(&body, &key));
            assert_eq!(body.kind, Kind::Reply as u8);
            assert_eq!(
                (body.sender, body.epoch, body.sequence, body.sent_ns),
                (4_711, 77, sequence, 5)
            );
            assert_eq!((frame.len(), frame[22]), (42 + FRAME_LEN, HOP_LIMIT));
            assert_eq!(frame[26..30], [198, 18, 0x12, 0x67]);
            assert_eq!(probe_in(frame), None, "an answer is no probe");
        }
    }
}
