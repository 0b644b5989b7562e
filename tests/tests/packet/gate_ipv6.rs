//! The gate over IPv6: addresses, neighbour discovery, and what may stand before it.

use std::net::Ipv6Addr;

use heartbeat_tests::kernel::VIP6;
use heartbeat_wire::verdict::GateVerdict;

use crate::gate::{Case, IN, OUT, check, ethernet, open_gate};

const CLIENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 7);
const OWN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 2);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Where solicitations for the virtual address go (RFC 4291, 2.7.1).
const ITS_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0x100);
const NOBODY: Ipv6Addr = Ipv6Addr::UNSPECIFIED;

const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const NOTHING: u8 = 59;
const OPTIONS: u8 = 60;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// An extension header's number, its third and fourth byte, and what follows those; its length is set right.
type Extension<'a> = (u8, [u8; 2], &'a [u8]);

const PADDING: &[u8] = &[0; 4];

fn packet(from: Ipv6Addr, to: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("test packets are short");
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(length.to_be_bytes());
    header.extend([next, 64]);
    header.extend(from.octets());
    header.extend(to.octets());
    header.extend(payload);
    ethernet(&[], 0x86dd, &header)
}

/// A packet whose payload, of this kind, stands behind extension headers.
fn behind(
    ends: (Ipv6Addr, Ipv6Addr),
    extensions: &[Extension<'_>],
    kind: u8,
    payload: &[u8],
) -> Vec<u8> {
    let numbers: Vec<u8> = extensions.iter().map(|(number, ..)| *number).collect();
    let mut follows = numbers.into_iter().chain([kind]);
    let first = follows.next().expect("the payload at least");
    let mut bytes = Vec::new();
    for ((number, bits, rest), next) in extensions.iter().zip(follows) {
        let length = 4 + rest.len();
        assert_eq!(
            length % 8,
            0,
            "extension headers come in units of eight bytes"
        );
        let units = match *number {
            AUTHENTICATION => length / 4 - 2,
            FRAGMENT => 0,
            _ => length / 8 - 1,
        };
        bytes.extend([next, u8::try_from(units).expect("short")]);
        bytes.extend(bits);
        bytes.extend(*rest);
    }
    bytes.extend(payload);
    packet(ends.0, ends.1, first, &bytes)
}

fn discovery(kind: u8, target: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(target.octets());
    message
}

fn discovers(from: Ipv6Addr, to: Ipv6Addr, kind: u8, target: Ipv6Addr) -> Vec<u8> {
    packet(from, to, ICMPV6, &discovery(kind, target))
}

fn segments(last: Ipv6Addr) -> Vec<u8> {
    // Last entry, flags and tag stand before the list (RFC 8754).
    let mut rest = vec![1, 0, 0, 0];
    rest.extend(last.octets());
    rest.extend(OWN.octets());
    rest
}

fn addresses() -> Vec<Case> {
    let out = Some((GateVerdict::ShutOut, GateVerdict::OpenOut));
    let into = Some((GateVerdict::ShutIn, GateVerdict::OpenIn));
    let odd = Some((GateVerdict::Unjudged, GateVerdict::Unjudged));
    let (to_last, to_other) = (segments(VIP6), segments(CLIENT));
    let routed =
        |rest: &[u8], left: u8| behind((CLIENT, OWN), &[(ROUTING, [4, left], rest)], TCP, &[0; 20]);
    // Behind a tag, since the kernel refuses to test-run an IPv6 packet without a whole header.
    let half = |from, to| {
        let whole = packet(from, to, NOTHING, &[]);
        ethernet(&[5], 0x86dd, &whole[14..53])
    };
    vec![
        ("from it", OUT, packet(VIP6, CLIENT, TCP, &[0; 20]), out),
        (
            "from it, empty",
            OUT,
            packet(VIP6, CLIENT, NOTHING, &[]),
            out,
        ),
        (
            "from it behind a tag",
            OUT,
            ethernet(&[5], 0x86dd, &packet(VIP6, CLIENT, NOTHING, &[])[14..]),
            out,
        ),
        ("to it", IN, packet(CLIENT, VIP6, TCP, &[0; 20]), into),
        ("routed to it", IN, routed(&to_last, 1), into),
        ("routed to another", IN, routed(&to_other, 1), None),
        ("at its last stop", IN, routed(&to_last, 0), None),
        ("routed on from us", OUT, routed(&to_last, 1), None),
        (
            "a route cut short",
            IN,
            routed(&to_last, 1)[..70].to_vec(),
            odd,
        ),
        ("half a header", OUT, half(OWN, CLIENT), odd),
        ("half a header in", IN, half(CLIENT, OWN), odd),
        // A slave is a client of the address like any other.
        ("own to it", OUT, packet(OWN, VIP6, TCP, &[0; 20]), None),
        ("its to us", IN, packet(VIP6, OWN, TCP, &[0; 20]), None),
        ("other out", OUT, packet(OWN, CLIENT, TCP, &[0; 20]), None),
        ("other in", IN, packet(CLIENT, OWN, TCP, &[0; 20]), None),
    ]
}

fn neighbours() -> Vec<Case> {
    let answer = Some((GateVerdict::ShutAnswer, GateVerdict::OpenOut));
    let question = Some((GateVerdict::ShutQuestion, GateVerdict::OpenIn));
    let from_it = Some((GateVerdict::ShutOut, GateVerdict::OpenOut));
    let odd = Some((GateVerdict::Unjudged, GateVerdict::Unjudged));
    let asks = |from, to, target| discovers(from, to, SOLICITATION, target);
    let tells = |from, to, target| discovers(from, to, ADVERTISEMENT, target);
    let echo = packet(CLIENT, OWN, ICMPV6, &[128, 0, 0, 0, 0, 0, 0, 1]);
    vec![
        (
            "advertised by another",
            OUT,
            tells(OWN, CLIENT, VIP6),
            answer,
        ),
        ("announced", OUT, tells(VIP6, ALL_NODES, VIP6), from_it),
        ("asked from it", OUT, asks(VIP6, ITS_GROUP, CLIENT), from_it),
        ("asked for", IN, asks(CLIENT, ITS_GROUP, VIP6), question),
        ("probed for", IN, asks(NOBODY, ITS_GROUP, VIP6), question),
        (
            "advertisement cut short",
            OUT,
            tells(OWN, CLIENT, OWN)[..70].to_vec(),
            odd,
        ),
        (
            "solicitation cut short",
            IN,
            asks(CLIENT, OWN, OWN)[..70].to_vec(),
            odd,
        ),
        ("no message", OUT, packet(OWN, CLIENT, ICMPV6, &[]), odd),
        ("own question for it", OUT, asks(OWN, ITS_GROUP, VIP6), None),
        ("new master tells", IN, tells(VIP6, ALL_NODES, VIP6), None),
        ("its answer to us", IN, tells(VIP6, OWN, VIP6), None),
        ("asked for another", IN, asks(CLIENT, OWN, OWN), None),
        ("own advertised", OUT, tells(OWN, CLIENT, OWN), None),
        ("echo", IN, echo, None),
    ]
}

/// The same advertisement and solicitation, hidden behind what IPv6 allows.
fn hidden() -> Vec<Case> {
    let answer = Some((GateVerdict::ShutAnswer, GateVerdict::OpenOut));
    let question = Some((GateVerdict::ShutQuestion, GateVerdict::OpenIn));
    let odd = Some((GateVerdict::Unjudged, GateVerdict::Unjudged));
    let told = discovery(ADVERTISEMENT, VIP6);
    let asked = discovery(SOLICITATION, VIP6);
    let out = |extensions: &[Extension<'_>], payload: &[u8]| {
        behind((OWN, ALL_NODES), extensions, ICMPV6, payload)
    };
    let into =
        |extensions: &[Extension<'_>]| behind((CLIENT, ITS_GROUP), extensions, ICMPV6, &asked);
    let option = |number| (number, [1, 0], PADDING);
    let long: Extension<'_> = (OPTIONS, [1, 26], &[0; 28]);
    let first: Extension<'_> = (FRAGMENT, [0, 1], PADDING);
    let later: Extension<'_> = (FRAGMENT, [0, 8], PADDING);
    let signed: Extension<'_> = (AUTHENTICATION, [0, 0], &[0; 20]);
    let four = [option(HOP_BY_HOP), long, first, signed];
    let five = [option(HOP_BY_HOP), long, first, signed, option(OPTIONS)];
    let other = out(&[option(OPTIONS)], &discovery(ADVERTISEMENT, OWN));
    vec![
        (
            "behind options",
            OUT,
            out(&[option(HOP_BY_HOP)], &told),
            answer,
        ),
        ("behind long ones", OUT, out(&[long], &told), answer),
        ("in a first fragment", OUT, out(&[first], &told), answer),
        ("behind a signature", OUT, out(&[signed], &told), answer),
        ("behind four", OUT, out(&four, &told), answer),
        ("behind five", OUT, out(&five, &told), odd),
        ("in behind options", IN, into(&[option(OPTIONS)]), question),
        ("in behind four", IN, into(&four), question),
        ("in behind five", IN, into(&five), odd),
        (
            "first fragment too short",
            OUT,
            out(&[first], &told[..8]),
            odd,
        ),
        (
            "options cut short",
            OUT,
            out(&[long], &told)[..56].to_vec(),
            odd,
        ),
        (
            "options too long",
            OUT,
            out(&[long], &told)[..80].to_vec(),
            odd,
        ),
        // Its beginning was judged, and nothing is discovered from the rest alone.
        ("a later fragment", OUT, out(&[later], &told), None),
        ("another address", OUT, other, None),
    ]
}

fn judged(name: &str, cases: &[Case]) {
    let Some(mut kernel) = crate::kernel(name) else {
        return;
    };
    for case in cases {
        kernel.opened.words.shut_gate();
        check(&mut kernel, case, case.3.map(|(shut, _)| shut));
        open_gate(&kernel);
        check(&mut kernel, case, case.3.map(|(_, open)| open));
    }
}

#[test]
fn ipv6_traffic_of_the_address_goes_by_the_lease_and_all_other_traffic_passes() {
    judged("ipv6_traffic_of_the_address", &addresses());
}

#[test]
fn advertisements_leave_and_solicitations_enter_by_the_lease_and_never_the_other_way_round() {
    judged("advertisements_and_solicitations", &neighbours());
}

#[test]
fn extension_headers_hide_neither_an_advertisement_nor_a_solicitation() {
    judged("extension_headers_hide_nothing", &hidden());
}
