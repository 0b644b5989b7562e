//! The gate: every verdict of it, and everything that must pass.

use heartbeat_tests::kernel::{
    Kernel, MAX_LEASE_NS, OWN_VIP, SLOT_VIP, TC_ACT_SHOT, TCX_NEXT, VIP,
};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::Epoch;
use heartbeat_wire::maps::{Grant, name};
use heartbeat_wire::verdict::GateVerdict;

use crate::verdicts::{EPOCH, NEWER};

pub(crate) const IN: &str = "gate_in";
pub(crate) const OUT: &str = "gate_out";
pub(crate) const CLIENT: [u8; 4] = [203, 0, 113, 7];
const OWN: [u8; 4] = [203, 0, 113, 2];
const NOBODY: [u8; 4] = [0, 0, 0, 0];
pub(crate) const REQUEST: u8 = 1;
pub(crate) const REPLY: u8 = 2;

pub(crate) fn ethernet(tags: &[u16], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    packet.extend([2, 0, 0, 0, 0, 9]);
    for tag in tags {
        packet.extend([0x81, 0x00]);
        packet.extend(tag.to_be_bytes());
    }
    packet.extend(ether_type.to_be_bytes());
    packet.extend(payload);
    packet
}

fn ipv4(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    // 14 + 20 bytes: an IPv4 packet that carries nothing is the shortest one to judge.
    let mut header = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0];
    header.extend(from);
    header.extend(to);
    header
}

fn arp(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, operation];
    packet.extend([2, 0, 0, 0, 0, 9]);
    packet.extend(sender);
    packet.extend([0; 6]);
    packet.extend(target);
    packet
}

pub(crate) fn ip_packet(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    ethernet(&[], 0x0800, &ipv4(from, to))
}

pub(crate) fn arp_packet(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    ethernet(&[], 0x0806, &arp(operation, sender, target))
}

pub(crate) fn open_gate(kernel: &Kernel) {
    let words = &kernel.opened.words;
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS - 1_000_000);
}

/// Side, packet, what is counted with the gate shut and with the gate open.
pub(crate) type Case = (
    &'static str,
    &'static str,
    Vec<u8>,
    Option<(GateVerdict, GateVerdict)>,
);

fn cases() -> Vec<Case> {
    let out = Some((GateVerdict::ShutOut, GateVerdict::OpenOut));
    let answer = Some((GateVerdict::ShutAnswer, GateVerdict::OpenOut));
    let into = Some((GateVerdict::ShutIn, GateVerdict::OpenIn));
    let question = Some((GateVerdict::ShutQuestion, GateVerdict::OpenIn));
    let odd = Some((GateVerdict::Unjudged, GateVerdict::Unjudged));
    let tagged = |tags: &[u16]| ethernet(tags, 0x0800, &ipv4(VIP, CLIENT));
    let cut = |packet: Vec<u8>, length: usize| packet[..length].to_vec();
    let half_ip = |from, to| ethernet(&[5], 0x0800, &ipv4(from, to)[..19]);
    let mut odd_arp = arp_packet(REPLY, VIP, CLIENT);
    odd_arp[18] = 8;
    let mut arp_of_another_protocol = arp_packet(REPLY, VIP, CLIENT);
    arp_of_another_protocol[16] = 0x86;
    vec![
        ("from the address", OUT, ip_packet(VIP, CLIENT), out),
        ("from it behind a tag", OUT, tagged(&[5]), out),
        ("from it behind two tags", OUT, tagged(&[5, 6]), out),
        ("to the address", IN, ip_packet(CLIENT, VIP), into),
        ("answer for it", OUT, arp_packet(REPLY, VIP, CLIENT), answer),
        (
            "announcement of it",
            OUT,
            arp_packet(REQUEST, VIP, VIP),
            answer,
        ),
        (
            "question from it",
            OUT,
            arp_packet(REQUEST, VIP, CLIENT),
            answer,
        ),
        (
            "question for it",
            IN,
            arp_packet(REQUEST, CLIENT, VIP),
            question,
        ),
        (
            "probe for it",
            IN,
            arp_packet(REQUEST, NOBODY, VIP),
            question,
        ),
        // Behind a tag, since the kernel refuses to test-run an IPv4 packet without a whole header.
        ("half an IP header", OUT, half_ip(OWN, CLIENT), odd),
        ("half an IP header in", IN, half_ip(CLIENT, OWN), odd),
        (
            "half an ARP packet",
            OUT,
            cut(arp_packet(REPLY, OWN, CLIENT), 41),
            odd,
        ),
        (
            "half an ARP packet in",
            IN,
            cut(arp_packet(REQUEST, CLIENT, OWN), 41),
            odd,
        ),
        ("ARP of odd lengths", OUT, odd_arp, odd),
        // A slave is a client of the address like any other.
        ("own packet to it", OUT, ip_packet(OWN, VIP), None),
        ("its packet to us", IN, ip_packet(VIP, OWN), None),
        (
            "own question for it",
            OUT,
            arp_packet(REQUEST, OWN, VIP),
            None,
        ),
        ("its answer to us", IN, arp_packet(REPLY, VIP, OWN), None),
        (
            "the new master's request",
            IN,
            arp_packet(REQUEST, VIP, VIP),
            None,
        ),
        (
            "the new master's reply",
            IN,
            arp_packet(REPLY, VIP, VIP),
            None,
        ),
        // Everything else.
        ("other traffic out", OUT, ip_packet(OWN, CLIENT), None),
        ("other traffic in", IN, ip_packet(CLIENT, OWN), None),
        (
            "other questions",
            IN,
            arp_packet(REQUEST, CLIENT, OWN),
            None,
        ),
        (
            "ARP of another protocol",
            OUT,
            arp_of_another_protocol,
            None,
        ),
        (
            "another EtherType",
            OUT,
            ethernet(&[], 0x88cc, &[0; 60]),
            None,
        ),
        (
            "nothing but Ethernet",
            OUT,
            ethernet(&[], 0x88cc, &[]),
            None,
        ),
    ]
}

/// Runs one packet and compares action, counters and bytes.
pub(crate) fn check(kernel: &mut Kernel, case: &Case, expected: Option<GateVerdict>) {
    let (what, side, packet, _) = case;
    let mut counted = kernel.gate_verdicts().expect("counters can be read");
    let ran = kernel
        .gate(side, packet)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let action = match expected {
        None | Some(GateVerdict::OpenIn | GateVerdict::OpenOut) => TCX_NEXT,
        Some(
            GateVerdict::ShutOut
            | GateVerdict::ShutIn
            | GateVerdict::ShutAnswer
            | GateVerdict::ShutQuestion
            | GateVerdict::Unjudged,
        ) => TC_ACT_SHOT,
    };
    assert_eq!(ran.action, action, "{what}");
    assert_eq!(&ran.packet, packet, "{what}: nothing is changed");
    if let Some(verdict) = expected {
        *counted.entry(verdict).or_default() += 1;
    }
    let after = kernel.gate_verdicts().expect("counters can be read");
    assert_eq!(after, counted, "{what}");
}

#[test]
fn traffic_of_the_address_goes_by_the_lease_and_all_other_traffic_passes() {
    let Some(mut kernel) = crate::kernel("traffic_of_the_address_goes_by_the_lease") else {
        return;
    };
    for case in &cases() {
        kernel.opened.words.shut_gate();
        check(&mut kernel, case, case.3.map(|(shut, _)| shut));
        open_gate(&kernel);
        check(&mut kernel, case, case.3.map(|(_, open)| open));
    }
    let counted = kernel.gate_verdicts().expect("counters can be read");
    let missing: Vec<_> = GateVerdict::ALL
        .iter()
        .filter(|verdict| !counted.contains_key(verdict))
        .collect();
    assert!(missing.is_empty(), "never exercised: {missing:?}");
}

#[test]
fn the_gate_is_open_only_while_every_condition_holds() {
    let Some(kernel) = crate::kernel("the_gate_is_open_only_while") else {
        return;
    };
    let packet = ip_packet(VIP, CLIENT);
    let passes = || kernel.gate(OUT, &packet).expect("the program runs").action == TCX_NEXT;
    let words = &kernel.opened.words;
    let grant = |change: &dyn Fn(&mut Grant)| {
        let mut grant = Grant::default();
        change(&mut grant);
        kernel.set(name::GRANT, 0, grant).expect("it is writable");
    };
    assert!(!passes(), "no lease ever");
    open_gate(&kernel);
    assert!(passes(), "a lease in force");
    words.set_lease(EPOCH, boot_ns() - 1);
    assert!(!passes(), "it ran out");
    words.set_lease(EPOCH, boot_ns() + MAX_LEASE_NS + 1_000_000_000);
    assert!(!passes(), "further off than any lease can be");
    open_gate(&kernel);
    grant(&|grant| grant.probed_epoch = EPOCH.0);
    assert!(passes(), "our own epoch probed");
    grant(&|grant| grant.probed_epoch = NEWER.0);
    assert!(!passes(), "a higher epoch probed");
    words.set_lease(Epoch::new(9, 2), boot_ns() + 100_000_000);
    assert!(passes(), "a higher one still is ours");
    grant(&|grant| grant.duplicate_ns = boot_ns());
    assert!(!passes(), "our slot seen elsewhere");
    grant(&|grant| grant.duplicate_ns = boot_ns().saturating_sub(MAX_LEASE_NS + 1));
    assert!(passes(), "long ago");
    words.shut_gate();
    assert!(!passes(), "shut by the daemon");
}

#[test]
fn an_address_of_another_slot_never_passes_and_one_of_this_slot_without_a_lease() {
    let Some(kernel) = crate::kernel("addresses_of_slots") else {
        return;
    };
    let action = |vip| {
        let ran = kernel.gate(OUT, &ip_packet(vip, CLIENT));
        ran.expect("the program runs").action
    };
    open_gate(&kernel);
    assert_eq!(action(SLOT_VIP), TC_ACT_SHOT, "another slot's");
    assert_eq!(action(VIP), TCX_NEXT, "the witness: the master's is open");
    kernel.opened.words.shut_gate();
    assert_eq!(action(VIP), TC_ACT_SHOT, "there is no lease");
    assert_eq!(action(OWN_VIP), TCX_NEXT, "and this one needs none");
    let ran = kernel.gate(IN, &ip_packet(CLIENT, OWN_VIP));
    assert_eq!(ran.expect("the program runs").action, TCX_NEXT);
}

#[test]
fn an_address_of_this_slot_does_not_pass_while_another_machine_is_in_the_slot() {
    let Some(kernel) = crate::kernel("address_of_a_doubled_slot") else {
        return;
    };
    let passes = |seen_ns| {
        let grant = Grant {
            duplicate_ns: seen_ns,
            ..Grant::default()
        };
        kernel.set(name::GRANT, 0, grant).expect("it is writable");
        let ran = kernel.gate(OUT, &ip_packet(OWN_VIP, CLIENT));
        ran.expect("the program runs").action == TCX_NEXT
    };
    assert!(!passes(boot_ns()), "seen just now");
    assert!(
        passes(boot_ns().saturating_sub(MAX_LEASE_NS + 1)),
        "seen long ago"
    );
}

#[test]
fn the_management_address_is_no_virtual_address() {
    let Some(kernel) = crate::kernel("the_management_address") else {
        return;
    };
    let ran = kernel
        .gate(OUT, &ip_packet([10, 77, 0, 2], [10, 77, 0, 1]))
        .expect("the program runs");
    assert_eq!(ran.action, TCX_NEXT);
}
