//! What the kernel's answers are measured against: the same answers made by a thread with a UDP socket.
//!
//! It is as good as such a thread can be: it blocks in the receive call, looks nothing up, allocates
//! nothing, and uses the product's own code to judge, answer and sign.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_user::sys::realtime::{self, Priority};
use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, Promises, View, check_shape, decide, is_authentic,
};
use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT};
use heartbeat_wire::maps::{Config, Control, Grant, Keys, Member, NO_ADDRESS, mapped, member_flag};
use heartbeat_wire::tag::{Beginning, Key};
use heartbeat_wire::{Epoch, Frame, Kind};
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};

use super::ground::{ANSWERER, ASKER, KEY, address, config};
use crate::lab::Lab;
use crate::lab::addresses::{GROUP, HEARTBEAT_PORT};

/// How soon it sees that it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// A socket in the answering node's namespace that gets the probes.
pub(super) fn socket(lab: &Lab) -> Result<UdpSocket> {
    let made = lab.topology().node(ANSWERER).run(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, HEARTBEAT_PORT))?;
        socket.join_multicast_v4(&GROUP, &address(ANSWERER))?;
        socket.set_ttl(HOP_LIMIT.into())?;
        socket.set_read_timeout(Some(LOOK))?;
        Ok::<_, std::io::Error>(socket)
    })?;
    made.context("the yardstick's socket")
}

/// What it did and what that cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answered {
    /// Answers sent.
    pub(super) answers: u64,
    /// Processor time of its thread, in nanoseconds.
    pub(super) cpu_ns: u64,
}

/// Answers until `stop`, at ordinary priority or at that real-time one.
pub(super) fn answer(
    socket: &UdpSocket,
    priority: Option<Priority>,
    stop: &AtomicBool,
) -> Result<Answered> {
    let _priority = priority.map(realtime::enter).transpose()?;
    let mut node = Node::default();
    let to = SocketAddrV4::new(address(ASKER), HEARTBEAT_PORT);
    let mut bytes = [0; FRAME_LEN];
    let mut answers = 0;
    while !stop.load(Ordering::Relaxed) {
        let Ok((FRAME_LEN, from)) = socket.recv_from(&mut bytes) else {
            continue;
        };
        let std::net::IpAddr::V4(from) = from.ip() else {
            continue;
        };
        let mut frame = Frame::from_bytes(&bytes);
        if node.answer(&mut frame, from) && socket.send_to(frame.as_bytes(), to).is_ok() {
            answers += 1;
        }
    }
    Ok(Answered {
        answers,
        cpu_ns: thread_cpu_ns()?,
    })
}

/// Processor time of the calling thread, in nanoseconds.
pub(super) fn thread_cpu_ns() -> Result<u64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(u64::try_from(time.num_nanoseconds())?)
}

/// The node's words, which only this thread uses.
struct Node {
    config: Config,
    keys: Keys,
    asker: Member,
    beginning: Beginning,
    control: Control,
    grant: Grant,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            config: config(ANSWERER),
            keys: Keys {
                slots: [KEY, Key::default()],
            },
            asker: Member {
                address: mapped(address(ASKER).octets()),
                business_address: NO_ADDRESS,
                flags: member_flag::PRESENT | member_flag::ELECTOR,
            },
            beginning: Beginning::default(),
            control: Control::default(),
            grant: Grant::default(),
        }
    }
}

impl Node {
    /// Turns an honest probe into its reply; false for anything else.
    fn answer(&mut self, frame: &mut Frame, from: Ipv4Addr) -> bool {
        let Ok(kind) = check_shape(frame, &self.config) else {
            return false;
        };
        if !is_authentic(frame, &self.keys, &mut self.beginning) {
            return false;
        }
        let now_ns = boot_ns();
        let view = View {
            config: &self.config,
            sender: (frame.sender == ASKER).then_some(&self.asker),
            promises: Promises {
                promised: Epoch(self.control.promised_epoch),
                probed: Epoch(self.grant.probed_epoch),
            },
            accepted: Accepted(self.grant.accepted),
            epoch_floor: Epoch::NONE,
            abstain_until_ns: 0,
            source: mapped(from.octets()),
            now_ns,
        };
        let Decision::Accept(step) = decide(frame, kind, &view) else {
            return false;
        };
        self.grant.probed_epoch = self.grant.probed_epoch.max(frame.epoch);
        self.grant.accepted = step.accepted.0;
        self.grant.end_ns = self.grant.end_ns.max(step.end_ns);
        self.grant.arrival_ns = now_ns;
        let own = Own {
            config: &self.config,
            control: &self.control,
            grant: &self.grant,
            now_ns,
        };
        write_answer(frame, Kind::Reply, step.verdict, &own);
        self.beginning.sign(frame, 0, &KEY);
        true
    }
}
