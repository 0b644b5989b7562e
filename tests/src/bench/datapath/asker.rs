//! Sends probes as a master does and reads, a period later, what its kernel noted of the answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use heartbeat_user::datapath::{AttachMode, MergedReply, Question};
use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::Netlink;
use heartbeat_user::net::probe_frame::ProbePath;
use heartbeat_user::net::probe_socket::ProbeSocket;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::{Frame, MAGIC, VERSION};
use heartbeat_wire::tag::sign;
use heartbeat_wire::{Epoch, Kind};

use super::ground::{ANSWERER, ASKER, Ground, KEY, address, config};
use super::yardstick::thread_cpu_ns;
use crate::client::schedule::Schedule;
use crate::lab::Lab;
use crate::lab::addresses::{GROUP, HEARTBEAT_PORT, Network};

/// Time between two probes, and how long an answer may take to be counted.
pub(super) const PERIOD: Duration = Duration::from_millis(2);
const LEASE_US: u32 = 10_000;

/// What came of some probes.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Round trip of each probe, from before it was sent until its answer was in the asker's kernel, in
    /// nanoseconds; `None` if there was none within a period.
    pub(super) round_trips: Vec<Option<u64>>,
    /// Processor time of the asking thread, in nanoseconds.
    pub(super) cpu_ns: u64,
}

/// The asking node.
pub(super) struct Asker {
    ground: Ground,
    socket: ProbeSocket,
    sequence: u64,
}

impl Asker {
    /// Prepares the node.
    pub(super) fn new(lab: &Lab) -> Result<Self> {
        let mut ground = Ground::load(ASKER)?;
        ground.attach_responder(lab, AttachMode::Native)?;
        let interface = Network::Management.interface();
        let socket = lab.topology().node(ASKER).run(|| {
            let link = Netlink::open()?.link(interface)?;
            let path = ProbePath {
                from_mac: MacAddress(Network::Management.mac(ASKER as u8)),
                from: address(ASKER).into(),
                group: GROUP.into(),
                port: HEARTBEAT_PORT,
            };
            anyhow::Ok(ProbeSocket::open(link.index, &path)?)
        })??;
        Ok(Self {
            ground,
            socket,
            sequence: 0,
        })
    }

    /// Sends `count` probes, one a period.
    pub(super) fn ask(&mut self, count: usize) -> Result<Asked> {
        let mut schedule = Schedule::every(PERIOD);
        let mut asked = Asked {
            round_trips: Vec::with_capacity(count),
            cpu_ns: thread_cpu_ns()?,
        };
        for _ in 0..count {
            self.send()?;
            // Read when its period is over, before the next one is sent.
            schedule.wait();
            asked.round_trips.push(self.answered()?);
        }
        asked.cpu_ns = thread_cpu_ns()? - asked.cpu_ns;
        Ok(asked)
    }

    fn send(&mut self) -> Result<()> {
        self.sequence += 1;
        let config = config(ASKER);
        let epoch = Epoch::new(1, ASKER);
        let question = Question {
            kind: Kind::Probe,
            epoch,
            sequence: self.sequence,
            sent_ns: boot_ns(),
        };
        let words = &self.ground.opened.words;
        words.record_question(&question);
        let mut frame = Frame {
            magic: MAGIC,
            version: VERSION,
            kind: Kind::Probe as u8,
            cluster_id: config.cluster_id,
            elector_version: config.elector_version,
            elector_digest: config.elector_digest,
            incarnation: 1,
            sender: ASKER,
            epoch: epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent_ns,
            lease_us: LEASE_US,
            ..Frame::default()
        };
        sign(&mut frame, 0, &KEY);
        self.socket
            .send(frame.as_bytes())
            .context("cannot send a probe")
    }

    fn answered(&mut self) -> Result<Option<u64>> {
        let mut seen = [MergedReply {
            slot: ANSWERER,
            ..MergedReply::default()
        }];
        self.ground.opened.replies.read(&mut seen)?;
        let reply = &seen[0].reply;
        Ok((reply.sequence == self.sequence).then_some(reply.rtt_ns))
    }
}
