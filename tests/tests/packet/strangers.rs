//! What is no heartbeat, is none for this node, or comes from nobody that it knows.

use std::net::IpAddr;

use heartbeat_tests::kernel::frames::{Heartbeat, probe};
use heartbeat_tests::kernel::{Family, OWN_SLOT, PORT, XDP_DROP, XDP_PASS, XDP_TX};
use heartbeat_wire::frame::FRAME_LEN;
use heartbeat_wire::maps::Grant;
use heartbeat_wire::{Epoch, Verdict};

use crate::verdicts::{EPOCH, NEWER, body, run};

/// What is not a well-formed heartbeat, though it is addressed to us and bears the magic.
#[test]
fn whatever_is_wrong_with_the_shape_of_a_heartbeat_makes_it_malformed() {
    for family in Family::BOTH {
        malformed(family);
    }
}

fn malformed(family: Family) {
    let Some(mut kernel) = crate::kernel_over("whatever_is_wrong_with_the_shape", family) else {
        return;
    };
    let right = || probe(EPOCH, 1).over(family);
    let wrong = [
        (
            "hop limit",
            Heartbeat {
                hop_limit: 1,
                ..right()
            },
        ),
        (
            "options or an extension header",
            Heartbeat {
                options: 1,
                ..right()
            },
        ),
        (
            "first fragment",
            Heartbeat {
                fragment: 0x2000,
                ..right()
            },
        ),
        (
            "one byte short",
            Heartbeat {
                shorter: 1,
                ..right()
            },
        ),
        (
            "nothing but the magic",
            Heartbeat {
                shorter: FRAME_LEN - 4,
                ..right()
            },
        ),
        ("version", body(right(), |frame| frame.version = 2)),
        ("kind 0", body(right(), |frame| frame.kind = 0)),
        ("kind 5", body(right(), |frame| frame.kind = 5)),
        ("sender 0", body(right(), |frame| frame.sender = 0)),
        ("sequence", body(right(), |frame| frame.sequence = 1 << 48)),
    ];
    for (number, (what, heartbeat)) in (1..).zip(&wrong) {
        let (_, ran) = run(&kernel, std::slice::from_ref(heartbeat));
        assert_eq!(ran.action, XDP_DROP, "{what}");
        let counted = kernel.verdicts().expect("counters can be read");
        assert_eq!(counted[&Verdict::Malformed], number, "{what}");
    }
    assert_eq!(kernel.opened.words.grant(), Grant::default());
    // The witness: unspoilt, it grants.
    assert_eq!(run(&kernel, &[right()]).1.action, XDP_TX);
}

/// What is not for the responder at all: passed, uncounted, untouched.
#[test]
fn everything_that_is_not_a_heartbeat_for_this_node_passes_untouched_and_uncounted() {
    for family in Family::BOTH {
        strangers(family);
    }
}

fn strangers(family: Family) {
    let Some(mut kernel) = crate::kernel_over("everything_that_is_not_a_heartbeat", family) else {
        return;
    };
    let right = || probe(EPOCH, 1).over(family);
    let mut passing = vec![
        (
            "another destination",
            Heartbeat {
                destination: family.address(9),
                ..right()
            }
            .packet(),
        ),
        (
            "another port",
            Heartbeat {
                port: PORT + 1,
                ..right()
            }
            .packet(),
        ),
        (
            "another magic",
            body(right(), |frame| frame.magic ^= 1).packet(),
        ),
        (
            "later fragment",
            Heartbeat {
                fragment: 0x0010,
                ..right()
            }
            .packet(),
        ),
        (
            "too short for a magic",
            Heartbeat {
                shorter: FRAME_LEN - 3,
                ..right()
            }
            .packet(),
        ),
    ];
    let changed = |place: usize, byte: u8| {
        let mut packet = right().packet();
        packet[place] = byte;
        packet
    };
    passing.push(("another EtherType", changed(12, 0x88)));
    passing.push(("only Ethernet", right().packet()[..14].to_vec()));
    passing.push(("half an IP header", right().packet()[..30].to_vec()));
    match family {
        Family::V4 => {
            passing.push(("TCP", changed(23, 6)));
            passing.push(("header of no length", changed(14, 0x40)));
            passing.push(("half a UDP header", right().packet()[..38].to_vec()));
        }
        Family::V6 => {
            passing.push(("TCP", changed(20, 6)));
            passing.push(("half a UDP header", right().packet()[..58].to_vec()));
            let options = |options| Heartbeat { options, ..right() }.packet();
            passing.push(("two extension headers", options(2)));
            passing.push(("half an extension header", options(1)[..56].to_vec()));
        }
    }
    for (what, packet) in passing {
        let ran = kernel.responder(&packet).expect("the program runs");
        assert_eq!(ran.action, XDP_PASS, "{what}");
        assert_eq!(ran.packet, packet, "{what}");
    }
    assert!(kernel.verdicts().expect("counters can be read").is_empty());
    // The witness: the same packet, unchanged, is a heartbeat.
    let (_, ran) = run(&kernel, &[right()]);
    assert_eq!(ran.action, XDP_TX);
}

/// No packet bears such an address; one that did must not be taken for one over IPv4.
#[test]
fn an_ipv6_packet_to_the_mapped_ipv4_address_of_the_node_or_the_group_passes() {
    let Some(mut kernel) = crate::kernel("an_ipv6_packet_to_the_mapped_ipv4_address") else {
        return;
    };
    let mapped = |address: IpAddr| match address {
        IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
        IpAddr::V6(_) => address,
    };
    for to in [Family::V4.address(OWN_SLOT), Family::V4.group()] {
        let heartbeat = Heartbeat {
            source: mapped(Family::V4.address(1)),
            destination: mapped(to),
            ..probe(EPOCH, 1)
        };
        assert_eq!(run(&kernel, &[heartbeat]).1.action, XDP_PASS);
    }
    assert!(kernel.verdicts().expect("counters can be read").is_empty());
}

#[test]
fn impostors_are_dropped_whatever_does_not_fit() {
    let Some(mut kernel) = crate::kernel("impostors_are_dropped") else {
        return;
    };
    let impostors = [
        (
            "source",
            Heartbeat {
                source: heartbeat_tests::kernel::address(3),
                ..probe(EPOCH, 1)
            },
        ),
        (
            "epoch of another slot",
            body(probe(EPOCH, 1), |frame| frame.epoch = NEWER.0),
        ),
        ("no member", probe(Epoch::new(7, 6), 1)),
        ("no such slot", probe(Epoch::new(7, 60_000), 1)),
    ];
    for (number, (what, heartbeat)) in (1..).zip(&impostors) {
        let (_, ran) = run(&kernel, std::slice::from_ref(heartbeat));
        assert_eq!(ran.action, XDP_DROP, "{what}");
        let counted = kernel.verdicts().expect("counters can be read");
        assert_eq!(counted[&Verdict::Impostor], number, "{what}");
    }
    assert_eq!(kernel.opened.words.grant(), Grant::default());
}

#[test]
fn a_frame_on_an_interface_without_an_entry_passes_and_is_counted() {
    let Some(mut kernel) = crate::kernel("a_frame_on_an_interface_without_an_entry") else {
        return;
    };
    kernel.remove_interface().expect("it was there");
    let (packet, ran) = run(&kernel, &[probe(EPOCH, 1)]);
    assert_eq!((ran.action, ran.packet), (XDP_PASS, packet));
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(counted[&Verdict::Unconfigured], 1);
}
