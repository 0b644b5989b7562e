//! The gate of addresses that go by a slot's lease: on the slot's node by that lease, on the master that took them
//! over by its own.

use heartbeat_tests::kernel::{
    Kernel, LEASED_SLOT, LEASED_VIP, MAX_LEASE_NS, OWN_LEASED_VIP, TC_ACT_SHOT, TCX_NEXT, VIP,
};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::Epoch;
use heartbeat_wire::gate::SLOT_LEASES;
use heartbeat_wire::maps::{Grant, name};
use heartbeat_wire::verdict::GateVerdict;

use crate::gate::{CLIENT, IN, OUT, REPLY, REQUEST, arp_packet, ip_packet, open_gate};
use crate::verdicts::{EPOCH, NEWER};

/// Whether a packet from that address leaves.
fn passes(kernel: &Kernel, address: [u8; 4]) -> bool {
    let ran = kernel.gate(OUT, &ip_packet(address, CLIENT));
    let action = ran.expect("the program runs").action;
    assert!([TCX_NEXT, TC_ACT_SHOT].contains(&action));
    action == TCX_NEXT
}

#[test]
fn an_own_address_by_lease_passes_while_the_slots_lease_holds_and_by_no_other_one() {
    let Some(kernel) = crate::kernel("own_address_by_lease") else {
        return;
    };
    let words = &kernel.opened.words;
    let longest = MAX_LEASE_NS * u64::from(SLOT_LEASES);
    assert!(!passes(&kernel, OWN_LEASED_VIP), "no lease ever");
    open_gate(&kernel);
    words.set_taken(2, EPOCH);
    assert!(passes(&kernel, VIP), "the witness: a mastership's lease");
    assert!(!passes(&kernel, OWN_LEASED_VIP), "is none of the slot");
    words.shut_gate();
    words.set_slot_lease(boot_ns() + longest - 1_000_000);
    assert!(passes(&kernel, OWN_LEASED_VIP), "the slot's lease");
    assert!(!passes(&kernel, VIP), "is none of a mastership");
    words.set_slot_lease(boot_ns() - 1);
    assert!(!passes(&kernel, OWN_LEASED_VIP), "it ran out");
    words.set_slot_lease(boot_ns() + longest + 1_000_000_000);
    assert!(!passes(&kernel, OWN_LEASED_VIP), "further off than any");
    words.set_slot_lease(boot_ns() + longest / 2);
    let seen = |duplicate_ns| {
        let grant = Grant {
            duplicate_ns,
            ..Grant::default()
        };
        kernel.set(name::GRANT, 0, grant).expect("it is writable");
    };
    seen(boot_ns());
    assert!(!passes(&kernel, OWN_LEASED_VIP), "our slot seen elsewhere");
    seen(0);
    assert!(passes(&kernel, OWN_LEASED_VIP), "nobody else is there");
    words.set_slot_lease(0);
    assert!(!passes(&kernel, OWN_LEASED_VIP), "shut by the daemon");
}

#[test]
fn an_address_taken_over_passes_in_the_mastership_that_took_it_and_in_no_other() {
    let Some(kernel) = crate::kernel("address_taken_over") else {
        return;
    };
    let words = &kernel.opened.words;
    open_gate(&kernel);
    assert!(!passes(&kernel, LEASED_VIP), "not taken over");
    words.set_slot_lease(boot_ns() + MAX_LEASE_NS);
    assert!(!passes(&kernel, LEASED_VIP), "the own slot's lease");
    words.set_taken(LEASED_SLOT, EPOCH);
    assert!(passes(&kernel, LEASED_VIP), "taken over");
    words.set_lease(Epoch::new(9, 2), boot_ns() + 100_000_000);
    assert!(!passes(&kernel, LEASED_VIP), "by an earlier mastership");
    assert!(passes(&kernel, VIP), "the witness: this one's lease holds");
    open_gate(&kernel);
    assert!(passes(&kernel, LEASED_VIP), "by this one");
    let grant = Grant {
        probed_epoch: NEWER.0,
        ..Grant::default()
    };
    kernel.set(name::GRANT, 0, grant).expect("it is writable");
    assert!(!passes(&kernel, LEASED_VIP), "a higher epoch is probed");
    kernel.reset().expect("it is writable");
    open_gate(&kernel);
    words.set_taken(LEASED_SLOT, EPOCH);
    words.shut_gate();
    assert!(!passes(&kernel, LEASED_VIP), "the lease is over");
    open_gate(&kernel);
    words.set_taken(LEASED_SLOT, Epoch::NONE);
    assert!(!passes(&kernel, LEASED_VIP), "given back");
}

/// How often these verdicts were counted.
fn counted(kernel: &mut Kernel, verdicts: [GateVerdict; 2]) -> [u64; 2] {
    let counts = kernel.gate_verdicts().expect("counters can be read");
    verdicts.map(|verdict| counts.get(&verdict).copied().unwrap_or_default())
}

#[test]
fn questions_and_answers_for_an_address_by_lease_go_by_it_too() {
    let Some(mut kernel) = crate::kernel("arp_of_an_address_by_lease") else {
        return;
    };
    let cases = [
        (
            OUT,
            arp_packet(REPLY, LEASED_VIP, CLIENT),
            GateVerdict::ShutAnswer,
        ),
        (
            OUT,
            arp_packet(REQUEST, LEASED_VIP, LEASED_VIP),
            GateVerdict::ShutAnswer,
        ),
        (
            IN,
            arp_packet(REQUEST, CLIENT, LEASED_VIP),
            GateVerdict::ShutQuestion,
        ),
        (IN, ip_packet(CLIENT, LEASED_VIP), GateVerdict::ShutIn),
        (OUT, ip_packet(LEASED_VIP, CLIENT), GateVerdict::ShutOut),
    ];
    open_gate(&kernel);
    for (side, packet, shut) in cases {
        let open = match side {
            OUT => GateVerdict::OpenOut,
            _ => GateVerdict::OpenIn,
        };
        let before = counted(&mut kernel, [shut, open]);
        kernel.gate(side, &packet).expect("the program runs");
        assert_eq!(
            counted(&mut kernel, [shut, open]),
            [before[0] + 1, before[1]]
        );
        kernel.opened.words.set_taken(LEASED_SLOT, EPOCH);
        kernel.gate(side, &packet).expect("the program runs");
        assert_eq!(
            counted(&mut kernel, [shut, open]),
            [before[0] + 1, before[1] + 1]
        );
        kernel.opened.words.set_taken(LEASED_SLOT, Epoch::NONE);
    }
}
