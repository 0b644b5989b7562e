//! The programs on real interfaces: a node and a client, each in a namespace, joined by a veth pair.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aya::EbpfLoader;
use aya::programs::{Xdp, XdpMode};
use heartbeat_tests::kernel::frames::{Answer, mac, probe};
use heartbeat_tests::kernel::{Kernel, MAX_LEASE_NS, OWN_SLOT, VIP, config};
use heartbeat_tests::lab::clean::namespace_name;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::netns::Netns;
use heartbeat_tests::lab::packet_socket::PacketSocket;
use heartbeat_tests::lab::port::Port;
use heartbeat_tests::paths;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::datapath::{AttachMode, Datapath, DatapathError, Mode, Opened, detach};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::MAGIC;
use heartbeat_wire::maps::MAX_INTERFACES;
use heartbeat_wire::verdict::{GateVerdict, Verdict};

use crate::verdicts::EPOCH;

const NODE: &str = "node0";
const CLIENT: &str = "client0";
const NODE_MAC: [u8; 6] = mac(OWN_SLOT);
const CLIENT_MAC: [u8; 6] = mac(1);
/// Longer than any answer of a kernel takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_millis(300);

/// The node's namespace and the client's, gone with what is in them when dropped.
pub(crate) struct Segment {
    node: Netns,
    client: Netns,
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
    fn join(&self) {
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

    fn delete_pair(&self) {
        ip(&format!("-netns {} link delete {NODE}", self.node.name()));
    }

    fn attach(&self, opened: &mut Opened, wanted: AttachMode) -> Result<Mode, DatapathError> {
        let datapath = &mut opened.datapath;
        self.node
            .run(|| datapath.attach_responder(NODE, wanted))
            .expect("the namespace can be entered")
    }

    fn attach_gate(&self, opened: &mut Opened, interface: &str) {
        let datapath = &mut opened.datapath;
        self.node
            .run(|| datapath.attach_gate(interface))
            .expect("the namespace can be entered")
            .expect("the gate attaches");
    }

    /// Sends a frame from the client and gives the first one after it that `wanted` wants.
    fn ask<T>(
        &self,
        frame: &[u8],
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
                socket.send(frame).expect("the interface is up");
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
    fn probe(&self, sequence: u64) -> Option<Answer> {
        let packet = probe(EPOCH, sequence).packet();
        self.ask(&packet, 0x0800, |frame| {
            let is_answer = frame.get(42..46) == Some(&MAGIC.to_le_bytes()[..])
                && frame.get(6..12) == Some(&NODE_MAC[..]);
            is_answer.then(|| Answer::read(frame, 0))
        })
    }

    /// Whether the node answers an ARP request for the virtual address.
    fn answers_arp(&self) -> bool {
        let mut request = vec![0xff; 6];
        request.extend(CLIENT_MAC);
        request.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        request.extend(CLIENT_MAC);
        request.extend([203, 0, 113, 9]);
        request.extend([0; 6]);
        request.extend(VIP);
        let found = self.ask(&request, 0x0806, |frame| {
            (frame.get(20..22) == Some(&[0, 2][..]) && frame.get(28..32) == Some(&VIP[..]))
                .then_some(())
        });
        found.is_some()
    }
}

fn ip(arguments: &str) {
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

fn count(kernel: &mut Kernel, verdict: Verdict) -> u64 {
    let counted = kernel.verdicts().expect("counters can be read");
    counted.get(&verdict).copied().unwrap_or(0)
}

#[test]
fn in_native_mode_a_probe_on_the_wire_is_answered_on_the_wire() {
    let Some((mut kernel, segment)) = setting("in_native_mode") else {
        return;
    };
    // A veth delivers native answers only to an end that has a program of its own.
    let _pass = Port::attach(&segment.client, CLIENT).expect("the lab's program attaches");
    let mode = segment.attach(&mut kernel.opened, AttachMode::Auto);
    assert_eq!(mode.expect("it attaches"), Mode::Native);
    let answer = segment.probe(1).expect("an answer arrives");
    assert_eq!((answer.from_mac, answer.to_mac), (NODE_MAC, CLIENT_MAC));
    assert_eq!(answer.frame.sequence, 1);
    assert_eq!(count(&mut kernel, Verdict::Granted), 1);
}

#[test]
fn in_generic_mode_a_probe_on_the_wire_is_answered_on_the_wire() {
    let Some((mut kernel, segment)) = setting("in_generic_mode") else {
        return;
    };
    attached_generic(&mut kernel, &segment);
    assert_eq!(
        segment.probe(1).expect("an answer arrives").frame.sequence,
        1
    );
}

#[test]
fn where_the_driver_has_no_native_mode_generic_is_taken_and_native_alone_is_refused() {
    let Some((mut kernel, segment)) = setting("where_the_driver_has_no_native_mode") else {
        return;
    };
    ip(&format!(
        "-netns {} link add bridge0 type bridge",
        segment.node.name()
    ));
    let datapath = &mut kernel.opened.datapath;
    let (refused, taken) = segment
        .node
        .run(|| {
            (
                datapath.attach_responder("bridge0", AttachMode::Native),
                datapath.attach_responder("bridge0", AttachMode::Auto),
            )
        })
        .expect("the namespace can be entered");
    assert!(
        matches!(refused, Err(DatapathError::NoNativeMode { .. })),
        "{refused:?}"
    );
    assert_eq!(taken.expect("generic is to be had"), Mode::Generic);
}

#[test]
fn interfaces_that_cannot_bear_the_programs_are_named() {
    let Some((mut kernel, segment)) = setting("interfaces_that_cannot_bear") else {
        return;
    };
    let datapath = &mut kernel.opened.datapath;
    let (none, loopback) = segment
        .node
        .run(|| {
            (
                datapath.attach_responder("nosuchif0", AttachMode::Auto),
                datapath.attach_responder("lo", AttachMode::Auto),
            )
        })
        .expect("the namespace can be entered");
    assert!(
        matches!(none, Err(DatapathError::NoInterface { .. })),
        "{none:?}"
    );
    assert!(
        matches!(loopback, Err(DatapathError::NotEthernet { .. })),
        "{loopback:?}"
    );
}

#[test]
fn another_xdp_program_is_refused_by_its_name_in_either_mode() {
    let Some((mut kernel, segment)) = setting("another_xdp_program") else {
        return;
    };
    for mode in [XdpMode::Driver, XdpMode::Skb] {
        let object = paths::lab_object().expect("it is there");
        let mut other = EbpfLoader::new().load_file(object).expect("it loads");
        let program: &mut Xdp = other
            .program_mut("lab_pass")
            .expect("the lab has it")
            .try_into()
            .expect("it is an XDP program");
        program.load().expect("the verifier takes it");
        let attached = segment.node.run(|| program.attach(NODE, mode));
        attached
            .expect("the namespace can be entered")
            .expect("it attaches");
        let error = segment
            .attach(&mut kernel.opened, AttachMode::Auto)
            .expect_err("there is another one");
        assert!(
            matches!(&error, DatapathError::OtherProgram { other, .. } if other.contains("lab_pass")),
            "{error}"
        );
    }
    segment
        .attach(&mut kernel.opened, AttachMode::Auto)
        .expect("the witness: with the other one gone it attaches");
}

#[test]
fn when_its_daemon_is_gone_the_responder_answers_on_and_the_next_daemon_takes_it_over() {
    let Some((mut kernel, segment)) = setting("when_its_daemon_is_gone") else {
        return;
    };
    attached_generic(&mut kernel, &segment);
    let first_life = kernel.opened.kept.incarnation;
    assert!(segment.probe(1).is_some());
    let pins = kernel.abandon();
    let answer = segment.probe(2).expect("it answers without a daemon");
    assert_eq!(answer.frame.incarnation, first_life);

    let mut next = Kernel::load_in(pins, config()).expect("the next daemon loads");
    assert!(next.opened.kept.maps_kept);
    let mode = segment.attach(&mut next.opened, AttachMode::Auto);
    assert_eq!(
        mode.expect("it takes over"),
        Mode::Generic,
        "the mode of the link"
    );
    assert!(segment.probe(3).is_some());
    assert_eq!(count(&mut next, Verdict::Granted), 3, "the same maps");
    let mode = segment.attach(&mut next.opened, AttachMode::Native);
    assert_eq!(
        mode.expect("it changes"),
        Mode::Native,
        "because that is insisted on"
    );
}

#[test]
fn after_a_clean_end_the_node_answers_no_more() {
    let Some((mut kernel, segment)) = setting("after_a_clean_end") else {
        return;
    };
    attached_generic(&mut kernel, &segment);
    assert!(segment.probe(1).is_some());
    let pins = kernel.abandon();
    let removed = detach(&pins.0).expect("all pins can be removed");
    assert_eq!(
        removed.first().map(String::as_str),
        Some("links/heartbeat-node0")
    );
    assert!(segment.probe(2).is_none());
}

#[test]
fn an_interface_that_vanished_and_came_back_is_attached_again() {
    let Some((mut kernel, segment)) = setting("an_interface_that_vanished") else {
        return;
    };
    for sequence in 1..=2 {
        segment
            .attach(&mut kernel.opened, AttachMode::Generic)
            .expect("it attaches");
        segment.attach_gate(&mut kernel.opened, NODE);
        assert!(segment.probe(sequence).is_some());
        segment.delete_pair();
        segment.join();
        assert!(
            segment.probe(100 + sequence).is_none(),
            "a new interface is bare"
        );
    }
}

#[test]
fn an_interface_that_flaps_for_ever_leaves_no_entries_behind() {
    let Some((mut kernel, segment)) = setting("an_interface_that_flaps_for_ever") else {
        return;
    };
    for _ in 0..MAX_INTERFACES + 2 {
        attached_generic(&mut kernel, &segment);
        segment.delete_pair();
        segment.join();
    }
}

#[test]
fn new_maps_take_the_old_responder_away_and_leave_the_gate_shut() {
    let Some((mut kernel, segment)) = setting("new_maps_take_the_old_responder_away") else {
        return;
    };
    with_address(&segment);
    attached_generic(&mut kernel, &segment);
    segment.attach_gate(&mut kernel.opened, NODE);
    let words = kernel.opened.words.clone();
    let pins = kernel.abandon();
    std::fs::remove_dir_all(pins.0.join("maps")).expect("pins can be removed");
    assert!(
        segment.probe(1).is_some(),
        "it still grants, by the old words"
    );
    let next = Kernel::load_in(pins, config()).expect("the next daemon loads");
    assert!(!next.opened.kept.maps_kept);
    assert!(
        segment.probe(2).is_none(),
        "else a new life's abstention would not cover it"
    );
    assert!(!segment.answers_arp(), "the gate is still there");
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS / 2);
    assert!(
        segment.answers_arp(),
        "and goes by the old words until it is attached again"
    );
}

#[test]
fn a_link_whose_interface_was_renamed_is_not_taken_for_this_ones() {
    let Some((mut kernel, segment)) = setting("a_link_whose_interface_was_renamed") else {
        return;
    };
    attached_generic(&mut kernel, &segment);
    segment.attach_gate(&mut kernel.opened, NODE);
    let node = segment.node.name();
    ip(&format!("-netns {node} link set {NODE} name other0"));
    ip(&format!(
        "-netns {node} link add {NODE} type veth peer name peer0"
    ));
    segment
        .attach(&mut kernel.opened, AttachMode::Generic)
        .expect("it attaches to the interface that has the name now");
    segment.attach_gate(&mut kernel.opened, NODE);
    assert!(
        segment.probe(1).is_none(),
        "and is gone from the renamed one"
    );
}

/// A node that holds the virtual address.
fn with_address(segment: &Segment) {
    let node = segment.node.name();
    let [a, b, c, d] = VIP;
    ip(&format!(
        "-netns {node} address add {a}.{b}.{c}.{d}/32 dev {NODE}"
    ));
    ip(&format!(
        "-netns {node} address add 203.0.113.2/24 dev {NODE}"
    ));
}

#[test]
fn the_gate_rules_who_answers_for_the_address_with_and_without_a_daemon() {
    let Some((mut kernel, segment)) = setting("the_gate_rules_who_answers") else {
        return;
    };
    with_address(&segment);
    assert!(
        segment.answers_arp(),
        "the witness: without a gate it answers"
    );
    segment.attach_gate(&mut kernel.opened, NODE);
    assert!(!segment.answers_arp(), "no lease");
    let words = kernel.opened.words.clone();
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS / 2);
    assert!(segment.answers_arp(), "a lease");
    let _pins = kernel.abandon();
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS / 2);
    assert!(segment.answers_arp(), "a lease that outlives its daemon");
    std::thread::sleep(Duration::from_nanos(MAX_LEASE_NS));
    assert!(
        !segment.answers_arp(),
        "it ran out, and nobody had to do anything"
    );
}

#[test]
fn the_nodes_own_packets_to_the_address_stop_on_lo_and_no_others() {
    let Some((mut kernel, segment)) = setting("the_nodes_own_packets") else {
        return;
    };
    with_address(&segment);
    segment.attach_gate(&mut kernel.opened, "lo");
    let arrives = |to: [u8; 4]| {
        segment
            .node
            .run(|| {
                let server = UdpSocket::bind((std::net::Ipv4Addr::from(to), 0)).expect("it binds");
                server
                    .set_read_timeout(Some(PATIENCE))
                    .expect("a timeout can be set");
                let client = UdpSocket::bind("0.0.0.0:0").expect("it binds");
                let port = server.local_addr().expect("it is bound").port();
                // A drop on the way out is an error of the send, EPERM; on the way in it is silent.
                let _ = client.send_to(b"hello", (std::net::Ipv4Addr::from(to), port));
                server.recv(&mut [0; 16]).is_ok()
            })
            .expect("the namespace can be entered")
    };
    assert!(!arrives(VIP), "no lease");
    assert!(arrives([127, 0, 0, 1]));
    let words = &kernel.opened.words;
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS - 1_000_000);
    assert!(arrives(VIP), "a lease");
}

#[test]
fn a_frame_too_short_to_judge_does_not_leave() {
    let Some((mut kernel, segment)) = setting("a_frame_too_short_to_judge") else {
        return;
    };
    segment.attach_gate(&mut kernel.opened, NODE);
    let mut short = [0xff; 6].to_vec();
    short.extend(NODE_MAC);
    short.extend([0x08, 0x00]);
    short.extend([0x45; 19]);
    let sent = segment
        .node
        .run(|| {
            PacketSocket::open(NODE, 0x0800)
                .expect("root may open one")
                .send(&short)
        })
        .expect("the namespace can be entered");
    assert!(sent.is_err(), "the sender is told");
    let counted = kernel.gate_verdicts().expect("counters can be read");
    assert_eq!(counted.get(&GateVerdict::Unjudged), Some(&1));
}

#[test]
fn detaching_by_the_daemon_itself_takes_effect_at_once() {
    let Some((mut kernel, segment)) = setting("detaching_by_the_daemon_itself") else {
        return;
    };
    with_address(&segment);
    attached_generic(&mut kernel, &segment);
    segment.attach_gate(&mut kernel.opened, NODE);
    assert!(!segment.answers_arp());
    let (opened, _pins) = kernel.into_parts();
    let removed = Datapath::detach_all(opened.datapath).expect("all pins can be removed");
    assert!(
        removed.contains(&"links/gate_in-node0".to_owned()),
        "{removed:?}"
    );
    assert!(segment.answers_arp(), "no gate any more");
    assert!(segment.probe(1).is_none());
}
