//! Which mode the responder gets on a real interface, and what it answers there.

use aya::programs::{XdpMode, loaded_programs};
use heartbeat_tests::lab::classifiers::classifiers;
use heartbeat_tests::lab::other_xdp::{OtherXdp, xdp_on};
use heartbeat_tests::lab::port::Port;
use heartbeat_user::datapath::{AttachMode, DatapathError, Mode, has_tcx};
use heartbeat_user::sys::tcx::{TcxSide, programs_on};
use heartbeat_wire::Verdict;

use crate::segment::{CLIENT, CLIENT_MAC, NODE, NODE_MAC, Segment, attached_generic, ip, setting};

#[test]
fn in_native_mode_a_probe_on_the_wire_is_answered_on_the_wire() {
    let Some((mut kernel, segment)) = setting("in_native_mode") else {
        return;
    };
    // A veth delivers native answers only to an end that has a program of its own.
    let _pass = Port::attach(&segment.client, CLIENT).expect("the lab's program attaches");
    let mode = segment.attach(&mut kernel.opened, AttachMode::Native);
    assert_eq!(mode.expect("it attaches"), Mode::Native);
    let answer = segment.probe(1).expect("an answer arrives");
    assert_eq!((answer.from_mac, answer.to_mac), (NODE_MAC, CLIENT_MAC));
    assert_eq!(answer.frame.sequence, 1);
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(counted.get(&Verdict::Granted), Some(&1));
}

#[test]
fn on_a_veth_generic_is_taken_since_native_answers_are_lost_where_the_other_end_has_no_program() {
    let Some((mut kernel, segment)) = setting("on_a_veth") else {
        return;
    };
    let mode = segment.attach(&mut kernel.opened, AttachMode::Auto);
    assert_eq!(mode.expect("it attaches"), Mode::Generic);
    assert!(segment.probe(1).is_some());
    for (sequence, wanted) in [(2, AttachMode::NativeFirst), (3, AttachMode::Native)] {
        segment.delete_pair();
        segment.join();
        let mode = segment.attach(&mut kernel.opened, wanted);
        assert_eq!(mode.expect("it attaches"), Mode::Native);
        assert!(segment.probe(sequence).is_none(), "the witness");
    }
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(
        counted.get(&Verdict::Granted),
        Some(&3),
        "all were answered"
    );
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

/// How many programs are at the node's tcx.
fn at_tcx(segment: &Segment) -> usize {
    let there = segment.node.run(|| classifiers(NODE));
    there.expect("the namespace can be entered").len()
}

#[test]
fn beside_another_xdp_program_of_either_mode_probes_are_answered_at_tcx_ingress() {
    let Some((mut kernel, segment)) = setting("beside_another_xdp_program") else {
        return;
    };
    for (sequence, mode) in [(1, XdpMode::Driver), (2, XdpMode::Skb)] {
        let other = OtherXdp::attach(&segment.node, NODE, mode).expect("nobody else is there");
        let mut refused = vec![AttachMode::Native, AttachMode::Generic];
        if !has_tcx() {
            refused.push(AttachMode::Auto);
        }
        for insisted in refused {
            let error = segment
                .attach(&mut kernel.opened, insisted)
                .expect_err("there is another one");
            assert!(
                matches!(&error, DatapathError::OtherProgram { other, .. } if other.contains("lab_pass")),
                "{error}"
            );
        }
        if !has_tcx() {
            continue;
        }
        let mode = segment.attach(&mut kernel.opened, AttachMode::Auto);
        assert_eq!(mode.expect("there is tcx"), Mode::Tc);
        let answer = segment.probe(sequence).expect("an answer arrives");
        assert_eq!((answer.from_mac, answer.to_mac), (NODE_MAC, CLIENT_MAC));
        assert_eq!(answer.frame.sequence, sequence);
        assert_eq!(at_tcx(&segment), 1, "taken over, not attached twice");
        drop(other);
    }
    let mode = segment.attach(&mut kernel.opened, AttachMode::Auto);
    assert_eq!(
        mode.expect("nobody else is there"),
        Mode::Generic,
        "with the other one gone, on a veth"
    );
    assert_eq!(at_tcx(&segment), 0, "one of both is enough");
}

#[test]
fn tcx_can_be_insisted_on_stands_before_the_gate_and_gathers_scattered_probes() {
    let Some((mut kernel, segment)) = setting("tcx_can_be_insisted_on") else {
        return;
    };
    segment.attach_gate(&mut kernel.opened, NODE);
    let gates = at_tcx(&segment);
    let mode = segment.attach(&mut kernel.opened, AttachMode::Tc);
    if !has_tcx() {
        assert!(matches!(mode, Err(DatapathError::NoTcx { .. })), "{mode:?}");
        return;
    }
    assert_eq!(mode.expect("there is tcx"), Mode::Tc);
    assert_eq!(at_tcx(&segment), gates + 1);
    let first = segment
        .node
        .run(|| programs_on(NODE, TcxSide::Ingress))
        .expect("the namespace can be entered")
        .expect("the kernel tells")[0];
    let names = loaded_programs().filter_map(Result::ok);
    let mut first = names.filter(|program| program.id() == first);
    assert_eq!(
        first.next().expect("it is loaded").name_as_str(),
        Some("heartbeat_tc")
    );
    assert!(segment.probe(1).is_some());
    let answer = segment.probe_scattered(2).expect("it is gathered first");
    assert_eq!(answer.frame.sequence, 2);
    let there = xdp_on(&segment.node, NODE).expect("the kernel tells");
    assert_eq!(there, None, "no XDP program");
}
