//! The gate on real interfaces.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use heartbeat_tests::kernel::{MAX_LEASE_NS, VIP};
use heartbeat_tests::lab::packet_socket::PacketSocket;
use heartbeat_user::datapath::Datapath;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::verdict::GateVerdict;

use crate::segment::{NODE, NODE_MAC, PATIENCE, attached_generic, setting, with_address};
use crate::verdicts::EPOCH;

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
fn what_comes_in_through_a_generic_xdp_program_is_held_back_on_the_way_in() {
    let Some((mut kernel, segment)) = setting("what_comes_in_through") else {
        return;
    };
    with_address(&segment);
    segment.attach_gate(&mut kernel.opened, NODE);
    attached_generic(&mut kernel, &segment);
    assert!(!segment.answers_arp(), "no lease");
    let counted = kernel.gate_verdicts().expect("counters can be read");
    let expected = [(GateVerdict::ShutQuestion, 1)];
    assert_eq!(counted, expected.into(), "the question, not the answer");
    let words = kernel.opened.words.clone();
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS / 2);
    assert!(
        segment.answers_arp(),
        "the witness: with a lease it is answered"
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
                let server = UdpSocket::bind((Ipv4Addr::from(to), 0)).expect("it binds");
                server
                    .set_read_timeout(Some(PATIENCE))
                    .expect("a timeout can be set");
                let client = UdpSocket::bind("0.0.0.0:0").expect("it binds");
                let port = server.local_addr().expect("it is bound").port();
                // A drop on the way out is an error of the send, EPERM; on the way in it is silent.
                let _ = client.send_to(b"hello", (Ipv4Addr::from(to), port));
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
    let removed = segment.node.run(|| Datapath::detach_all(opened.datapath));
    let removed = removed
        .expect("the namespace can be entered")
        .expect("all of it can be removed");
    let has_gate = |places: &[String]| places.iter().any(|place| place.contains("gate_in"));
    assert!(
        has_gate(&removed.pins) != has_gate(&removed.filters),
        "it hung by one of the two: {removed:?}"
    );
    assert!(segment.answers_arp(), "no gate any more");
    assert!(segment.probe(1).is_none());
}
