//! Which mode the responder gets on a real interface, and what it answers there.

use aya::EbpfLoader;
use aya::programs::{Xdp, XdpMode};
use heartbeat_tests::lab::port::Port;
use heartbeat_tests::paths;
use heartbeat_user::datapath::{AttachMode, DatapathError, Mode};
use heartbeat_wire::Verdict;

use crate::segment::{CLIENT, CLIENT_MAC, NODE, NODE_MAC, attached_generic, ip, setting};

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
