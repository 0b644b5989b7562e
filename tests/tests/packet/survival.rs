//! What is attached outlives its daemon, and follows an interface that goes and comes.

use heartbeat_tests::kernel::{Kernel, MAX_LEASE_NS, config};
use heartbeat_user::datapath::{AttachMode, Mode, detach};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::Verdict;
use heartbeat_wire::maps::MAX_INTERFACES;

use crate::segment::{NODE, attached_generic, ip, setting, with_address};
use crate::verdicts::EPOCH;

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
    let counted = next.verdicts().expect("counters can be read");
    assert_eq!(counted.get(&Verdict::Granted), Some(&3), "the same maps");
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
        removed.pins.first().map(String::as_str),
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
    // Before Linux 6.2 only what is down can be renamed.
    ip(&format!("-netns {node} link set {NODE} down"));
    ip(&format!("-netns {node} link set {NODE} name other0"));
    ip(&format!("-netns {node} link set other0 up"));
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
