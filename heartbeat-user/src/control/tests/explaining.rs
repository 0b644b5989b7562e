//! Each state of affairs has its sentence, and the sentence its cure.

use super::{master, slave};
use crate::control::{
    Answering, Diagnosis, EpochParts, HookStatus, HookWord, NotElectable, Role, ServiceStatus,
    ServiceWord, SlotLeaseStatus, Status, VirtualAddressStatus, explain,
};

fn text(status: &Status) -> String {
    let sentences = explain(status);
    for sentence in &sentences {
        assert!(sentence.ends_with('.'), "a full sentence: {sentence}");
        let first = sentence.chars().next().expect("not empty");
        assert!(!first.is_lowercase(), "a full sentence: {sentence}");
    }
    sentences.join("\n")
}

#[track_caller]
fn says(status: &Status, parts: &[&str]) {
    let text = text(status);
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

#[track_caller]
fn is_silent_on(status: &Status, part: &str) {
    let text = text(status);
    assert!(!text.contains(part), "{part:?} is in:\n{text}");
}

#[test]
fn a_master_says_what_it_rests_on_and_what_would_end_it() {
    let status = master();
    says(
        &status,
        &[
            "slot 1 (n1) of cluster storage-a, has been master for 3.0 s: a majority of electors voted for this node.",
            "holds the lease for 38.2 ms more",
            "2 of the 3 electors",
            "fewer than 2 electors answer for one lease (50.0 ms)",
            "heartbeatctl switchover",
            "If it is lost, slot 2 (n2) follows.",
            "serves 203.0.113.100 on biz0: the gate is open",
        ],
    );
    is_silent_on(&status, "do not answer");
}

#[test]
fn a_master_without_successor_lease_or_address_says_so() {
    let mut status = master();
    status.successor_slot = None;
    status.lease_remaining_us = Some(0);
    status.virtual_addresses[0].gate_open = false;
    says(
        &status,
        &[
            "nobody could follow",
            "Its lease is over: the gate is shut",
            "the gate stops its traffic",
        ],
    );
    status.virtual_addresses[0].held = false;
    says(
        &status,
        &["203.0.113.100 is not on biz0 although this node is master"],
    );
}

#[test]
fn a_slave_names_its_master_its_grant_and_its_place() {
    let mut status = slave();
    says(
        &status,
        &[
            "slot 2 (n2)",
            "has been slave for 3.0 s: slot 1 probes as master.",
            "not master because slot 1 (n1) is, in round 4",
            "grant runs for 48.0 ms more",
            "It is the successor",
            "`heartbeatctl switchover --to 2` on slot 1 (n1) would make it master now.",
        ],
    );
    status.successor_slot = Some(3);
    says(&status, &["slot 3 (n3) follows; this node stands only if"]);
    status.successor_slot = None;
    says(&status, &["names no successor"]);
    is_silent_on(&status, "203.0.113.100");
}

#[test]
fn an_orphan_says_how_many_electors_are_needed_and_which_are_silent() {
    let mut status = slave();
    status.master_slot = None;
    status.grant_remaining_us = None;
    status.electors_answering = 1;
    for slot in [0, 2] {
        status.members[slot].answering = Some(Answering::Missing);
        status.members[slot].diagnosis = Diagnosis::Down;
    }
    says(
        &status,
        &[
            "this node is orphaned",
            "needs 2 of the 3 electors, and 1 answer this node (itself included): nobody can be elected from here until 1 more answer.",
            "These electors do not answer: slot 1 (n1) (down) and slot 3 (n3) (down).",
        ],
    );
    is_silent_on(&status, "asks for votes itself");
    status.electors_answering = 2;
    status.stands_in_us = Some(20_000);
    says(
        &status,
        &[
            "as soon as the grants in force are over",
            "it asks for votes itself in 20.0 ms",
        ],
    );
}

#[test]
fn a_candidate_and_a_new_node_say_what_they_wait_for() {
    let mut status = slave();
    status.master_slot = None;
    status.role = Role::Candidate;
    says(&status, &["asks the electors whether they would vote"]);
    status.role = Role::Init;
    says(
        &status,
        &["listens for a master's probe for one grant (50.0 ms)"],
    );
}

#[test]
fn a_witness_says_that_it_never_becomes_master() {
    let mut status = slave();
    status.role = Role::Witness;
    status.electable = false;
    status.not_electable = Some(NotElectable::Witness);
    says(
        &status,
        &["never becomes master", "Slot 1 (n1) is master, in round 4."],
    );
    status.master_slot = None;
    says(&status, &["No master is known."]);
}

#[test]
fn every_reason_against_a_node_has_a_cure() {
    for (why, cure) in [
        (NotElectable::Witness, "only the configuration"),
        (NotElectable::NotElector, "electors of [cluster]"),
        (NotElectable::Maintenance, "heartbeatctl maintenance off"),
        (NotElectable::ClockFault, "adjtimex"),
        (NotElectable::DuplicateSlot, "shut one of the two down"),
        (NotElectable::ControlPort, "Look for a firewall"),
        (NotElectable::Stopping, "starting it again"),
        (NotElectable::Service, "as soon as the checks succeed"),
        (NotElectable::NotPromoted, "`retry_after` of [hooks]"),
    ] {
        let mut status = slave();
        status.electable = false;
        status.not_electable = Some(why);
        says(&status, &["could not become master now", cure]);
    }
}

#[test]
fn an_abstaining_node_says_why_and_for_how_long() {
    let mut status = slave();
    status.role = Role::Init;
    status.electable = false;
    status.not_electable = Some(NotElectable::Abstaining);
    status.abstaining_for_us = Some(123_400);
    says(
        &status,
        &["without the maps of its last run", "for 123.4 ms more"],
    );
    is_silent_on(&status, "could not become master now");
}

#[test]
fn degradation_alarms_and_warnings_are_told() {
    let mut status = master();
    status.degraded = true;
    status.warnings = vec!["memory is not locked".to_owned()];
    says(
        &status,
        &[
            "Degraded: the management network",
            "Warning: memory is not locked.",
        ],
    );
}

#[test]
fn an_address_left_on_a_slave_is_told_and_a_witness_without_one_is_silent() {
    let mut status = slave();
    status.virtual_addresses[0].held = true;
    says(
        &status,
        &["203.0.113.100 is still on biz0; the gate is shut"],
    );
    status.virtual_addresses[0].gate_open = true;
    says(&status, &["a role change is under way"]);
    status.virtual_addresses = vec![VirtualAddressStatus {
        verified: None,
        interface: None,
        ..status.virtual_addresses[0].clone()
    }];
    is_silent_on(&status, "203.0.113.100");
}

#[test]
fn a_service_that_is_not_well_and_a_hook_that_failed_are_told() {
    let mut status = slave();
    let service = |state| ServiceStatus {
        name: "web".to_owned(),
        check: "tcp".to_owned(),
        state,
        state_age_us: 1_000_000,
        last_success_age_us: Some(2_000_000),
        last_fault: Some("no connection".to_owned()),
        last_fault_age_us: Some(100_000),
        fault: Some("no connection".to_owned()),
        overruns: 0,
        attempts: 2,
        next_attempt_us: (state == ServiceWord::Recovering).then_some(3_000_000),
    };
    status.services = vec![service(ServiceWord::Lost)];
    status.hooks = vec![HookStatus {
        hook: "on_promote".to_owned(),
        state: HookWord::Failed,
        epoch: EpochParts { round: 4, slot: 2 },
        reason: "a test".to_owned(),
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        took_us: Some(1),
        waited_us: None,
        fault: Some("ended with exit code 3".to_owned()),
        owed: 0,
    }];
    says(
        &status,
        &[
            "Service web failed, and nothing more is tried after 2 attempts: it was last well 2.0 s ago; the last \
             check's fault: no connection.",
            "Hook on_promote ended with exit code 3 (2026",
        ],
    );
    status.hooks[0].state = HookWord::Waiting;
    status.hooks[0].fault = Some("slot 3: its disk does not have it yet".to_owned());
    says(
        &status,
        &[
            "waits until a majority of the electors' disks has its token: slot 3: its disk does not have it yet. It has \
             failed if they do not within its `timeout`",
        ],
    );
    status.services = vec![service(ServiceWord::Recovering)];
    says(
        &status,
        &[
            "Service web failed and is being brought back (2 attempts so far, the next one in 3.0 s)",
        ],
    );
    status.services = vec![service(ServiceWord::Healthy)];
    assert!(!explain(&status).join(" ").contains("Service web"));
}

#[test]
fn an_address_of_a_slot_that_goes_by_a_lease_is_explained_on_its_node_and_on_the_master() {
    let with = |slot, left_us, taken_over_us| {
        let mut status = master();
        let entry = &mut status.virtual_addresses[0];
        entry.follows_slot = Some(slot);
        entry.slot_lease = Some(SlotLeaseStatus {
            bearer: None,
            left_us,
            taken_over_us,
        });
        status
    };
    says(
        &with(3, None, Some(2_000_000)),
        &[
            "It serves 203.0.113.100 on biz0 in place of slot 3 (n3), which asks for it no more, since 2.0 s.",
        ],
    );
    says(
        &with(1, Some(500_000), None),
        &["the master granted the slot's lease, of which 500.0 ms are left."],
    );
    says(
        &with(1, None, None),
        &[
            "It does not serve 203.0.113.100, which belongs to its slot: no master grants the slot's lease",
        ],
    );
    let elsewhere = explain(&with(3, None, None)).join(" ");
    assert!(!elsewhere.contains("203.0.113.100"), "{elsewhere}");
}
