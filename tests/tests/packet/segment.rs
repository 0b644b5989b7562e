//! A node and a client, each in a namespace of its own, joined by a veth pair.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use heartbeat_tests::kernel::frames::{Answer, mac, probe};
use heartbeat_tests::kernel::{Kernel, OWN_SLOT, VIP};
use heartbeat_tests::lab::clean::namespace_name;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::netns::Netns;
use heartbeat_tests::lab::packet_socket::PacketSocket;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::datapath::{AttachMode, DatapathError, Mode, Opened};
use heartbeat_wire::frame::MAGIC;

use crate::scattered::send_scattered;
use crate::verdicts::EPOCH;

pub(crate) const NODE: &str = "node0";
pub(crate) const CLIENT: &str = "client0";
pub(crate) const NODE_MAC: [u8; 6] = mac(OWN_SLOT);
pub(crate) const CLIENT_MAC: [u8; 6] = mac(1);
/// Longer than any answer of a kernel takes, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// The node's namespace and the client's, gone with what is in them when dropped.
pub(crate) struct Segment {
    pub(crate) node: Netns,
    pub(crate) client: Netns,
}

impl Segment {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(500);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let make = |role| Netns::create(namespace_name(number, role)).expect("root may make one");
        let segment = Self {
            node: make("node"),
            client: make("client"),
        };
        segment.join();
        segment
    }

    /// Makes the pair of interfaces, at the start or after one end was deleted.
    pub(crate) fn join(&self) {
        let (node, client) = (self.node.name(), self.client.name());
        let pair = format!(
            "link add {NODE} netns {node} address {} type veth peer name {CLIENT} netns {client} address {}",
            shown(NODE_MAC),
            shown(CLIENT_MAC)
        );
        ip(&pair);
        ip(&format!("-netns {node} link set {NODE} up"));
        ip(&format!("-netns {client} link set {CLIENT} up"));
    }

    pub(crate) fn delete_pair(&self) {
        ip(&format!("-netns {} link delete {NODE}", self.node.name()));
    }

    pub(crate) fn attach(
        &self,
        opened: &mut Opened,
        wanted: AttachMode,
    ) -> Result<Mode, DatapathError> {
        let datapath = &mut opened.datapath;
        self.node
            .run(|| datapath.attach_responder(NODE, wanted))
            .expect("the namespace can be entered")
    }

    pub(crate) fn attach_gate(&self, opened: &mut Opened, interface: &str) {
        let datapath = &mut opened.datapath;
        self.node
            .run(|| datapath.attach_gate(interface))
            .expect("the namespace can be entered")
            .expect("the gate attaches");
    }

    /// Has a frame sent from the client and gives the first one after it that `wanted` wants.
    fn ask<T>(
        &self,
        send: impl Fn(&PacketSocket) -> io::Result<()> + Sync,
        protocol: u16,
        wanted: impl Fn(&[u8]) -> Option<T> + Sync,
    ) -> Option<T>
    where
        T: Send,
    {
        self.client
            .run(|| {
                let socket = PacketSocket::open(CLIENT, protocol).expect("root may open one");
                socket
                    .socket()
                    .set_read_timeout(Some(Duration::from_millis(20)))
                    .expect("a timeout can be set");
                send(&socket).expect("the interface is up");
                let until = Instant::now() + PATIENCE;
                let mut buffer = [0; 2048];
                while Instant::now() < until {
                    let Ok(length) = socket.receive(&mut buffer) else {
                        continue;
                    };
                    if let Some(found) = wanted(&buffer[..length]) {
                        return Some(found);
                    }
                }
                None
            })
            .expect("the namespace can be entered")
    }

    /// Sends frames from the client, one right after the other.
    pub(crate) fn send(&self, frames: &[Vec<u8>]) {
        self.client
            .run(|| {
                let socket = PacketSocket::open(CLIENT, 0).expect("root may open one");
                for frame in frames {
                    socket.send(frame).expect("the interface is up");
                }
            })
            .expect("the namespace can be entered");
    }

    /// Probes the node as a master would; its answer, if one arrives.
    pub(crate) fn probe(&self, sequence: u64) -> Option<Answer> {
        let packet = probe(EPOCH, sequence).packet();
        self.answer_to(|socket| socket.send(&packet))
    }

    /// The same; the probe's Ethernet header comes in a buffer of its own.
    pub(crate) fn probe_scattered(&self, sequence: u64) -> Option<Answer> {
        let packet = probe(EPOCH, sequence).packet();
        self.answer_to(|socket| send_scattered(socket, &packet))
    }

    fn answer_to(&self, send: impl Fn(&PacketSocket) -> io::Result<()> + Sync) -> Option<Answer> {
        self.ask(send, 0x0800, |frame| {
            let is_answer = frame.get(42..46) == Some(&MAGIC.to_le_bytes()[..])
                && frame.get(6..12) == Some(&NODE_MAC[..]);
            is_answer.then(|| Answer::read(frame, 0))
        })
    }

    /// Whether the node answers an ARP request for the virtual address.
    pub(crate) fn answers_arp(&self) -> bool {
        let mut request = vec![0xff; 6];
        request.extend(CLIENT_MAC);
        request.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        request.extend(CLIENT_MAC);
        request.extend([203, 0, 113, 9]);
        request.extend([0; 6]);
        request.extend(VIP);
        let found = self.ask(
            |socket| socket.send(&request),
            0x0806,
            |frame| {
                (frame.get(20..22) == Some(&[0, 2][..]) && frame.get(28..32) == Some(&VIP[..]))
                    .then_some(())
            },
        );
        found.is_some()
    }
}

pub(crate) fn ip(arguments: &str) {
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    run("ip", &arguments).expect("iproute2 does as it is told");
}

fn shown(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

pub(crate) fn setting(test: &str) -> Option<(Kernel, Segment)> {
    if lacks(
        test,
        &[Need::Root, Need::Ip, Need::KernelProgram, Need::LabObject],
    ) {
        return None;
    }
    let kernel = Kernel::load().expect("the programs load");
    Some((kernel, Segment::new()))
}

/// Attaches the responder where it needs nothing of the other end.
pub(crate) fn attached_generic(kernel: &mut Kernel, segment: &Segment) {
    let mode = segment.attach(&mut kernel.opened, AttachMode::Generic);
    assert_eq!(mode.expect("it attaches"), Mode::Generic);
}

/// A node that holds the virtual address.
pub(crate) fn with_address(segment: &Segment) {
    let node = segment.node.name();
    let [a, b, c, d] = VIP;
    ip(&format!(
        "-netns {node} address add {a}.{b}.{c}.{d}/32 dev {NODE}"
    ));
    ip(&format!(
        "-netns {node} address add 203.0.113.2/24 dev {NODE}"
    ));
}
