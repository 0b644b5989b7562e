//! The hands: takeover, release, guarding, and what they leave behind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use heartbeat_core::Epoch;
use heartbeat_user::hands::{Action, Hands, Order, Report, VirtualAddress, clean_stale};
use heartbeat_user::net::announce::{ARP_FRAME_LEN, Form, advertisement_frame, arp_frame};
use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::{LinkChange, Netlink, OwnerMark};

use heartbeat_user::sys::realtime::{self, Priority};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::announcements::ArpReceiver;
use crate::namespace::{NODE_MAC, Segment, eventually, is_root};

const MARK: OwnerMark = OwnerMark::of_cluster(7);
const EPOCH: Epoch = Epoch::new(3, 1);
const FIRST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);
const SECOND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 101);

fn start(segment: &Segment) -> Hands {
    segment
        .node
        .run(|| Hands::start(MARK, ["biz0".to_owned()]).expect("root may"))
}

fn take_over(addresses: &[Ipv4Addr]) -> Order {
    let on_biz0 = |address: &Ipv4Addr| VirtualAddress {
        interface: "biz0".into(),
        address: (*address).into(),
    };
    Order::TakeOver {
        epoch: EPOCH,
        addresses: Arc::from_iter(addresses.iter().map(on_biz0)),
    }
}

fn gated() -> Order {
    Order::Gated {
        interface: "biz0".into(),
    }
}

/// The next report that `wanted` makes something of; others are dropped.
fn report<T>(hands: &Hands, what: &str, wanted: impl Fn(&Report) -> Option<T>) -> T {
    eventually(what, || hands.report().as_ref().and_then(&wanted))
}

fn took_over(hands: &Hands) -> (u64, u64) {
    report(hands, "the takeover is reported", |report| match report {
        Report::TookOver {
            epoch,
            added_at_ns,
            announced_at_ns,
        } => {
            assert_eq!(*epoch, EPOCH);
            Some((*added_at_ns, *announced_at_ns))
        }
        _ => None,
    })
}

fn released(hands: &Hands) -> u64 {
    report(hands, "the release is reported", |report| match report {
        Report::Released { epoch, at_ns } if *epoch == EPOCH => Some(*at_ns),
        _ => None,
    })
}

fn restored(hands: &Hands) -> IpAddr {
    report(hands, "the restoring is reported", |report| match report {
        Report::Restored { address } => Some(address.address),
        _ => None,
    })
}

fn has(segment: &Segment, address: Ipv4Addr) -> bool {
    let shown = segment.node.ip("-o -4 address show dev biz0");
    shown.contains(&format!("{address}/32"))
}

fn delete(segment: &Segment, address: Ipv4Addr) {
    segment
        .node
        .ip(&format!("address del {address}/32 dev biz0"));
}

#[test]
fn a_takeover_adds_and_then_announces_every_address_and_a_release_deletes_them() {
    if !is_root("takeover and release") {
        return;
    }
    let segment = Segment::new();
    let mut receiver = ArpReceiver::open(&segment.client, "client0");
    let hands = start(&segment);
    hands.order(take_over(&[FIRST, SECOND])).expect("room");
    let (added_at_ns, announced_at_ns) = took_over(&hands);
    assert!(0 < added_at_ns && added_at_ns < announced_at_ns);
    assert!(has(&segment, FIRST) && has(&segment, SECOND));
    for address in [FIRST, SECOND] {
        for form in Form::BOTH {
            let frame = receiver.next().expect("announced");
            let expected = arp_frame(form, MacAddress(NODE_MAC), address);
            assert_eq!(frame[..ARP_FRAME_LEN], expected);
        }
    }
    hands.order(Order::Release { epoch: EPOCH }).expect("room");
    assert!(released(&hands) > announced_at_ns);
    assert!(!has(&segment, FIRST) && !has(&segment, SECOND));
    assert_eq!(hands.counts().failed, 0);
}

#[test]
fn an_ipv6_address_is_added_announced_guarded_and_deleted_beside_an_ipv4_one() {
    if !is_root("takeover over IPv6") {
        return;
    }
    const ADDRESS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 0x100);
    let on_biz0 = |address: IpAddr| VirtualAddress {
        interface: "biz0".into(),
        address,
    };
    let segment = Segment::new();
    let is_there = || {
        let shown = segment.node.ip("-o -6 address show dev biz0");
        shown.contains("2001:db8:113::100/128")
    };
    let mut receiver = ArpReceiver::of(&segment.client, "client0", 0x86dd);
    let announced = advertisement_frame(MacAddress(NODE_MAC), ADDRESS);
    // An interface that came up says more over IPv6.
    let mut hear = || {
        eventually("it is announced", || {
            (receiver.next().expect("a frame arrives") == announced).then_some(())
        });
    };
    let hands = start(&segment);
    let take_over = Order::TakeOver {
        epoch: EPOCH,
        addresses: Arc::new([on_biz0(FIRST.into()), on_biz0(ADDRESS.into())]),
    };
    hands.order(take_over).expect("room");
    took_over(&hands);
    assert!(is_there() && has(&segment, FIRST));
    hear();
    segment
        .node
        .ip("address del 2001:db8:113::100/128 dev biz0");
    assert_eq!(restored(&hands), ADDRESS);
    assert!(is_there());
    hear();
    // Over IPv6 an interface that is switched off loses its addresses.
    segment.node.ip("link set biz0 down");
    segment.node.ip("link set biz0 up");
    eventually("it is back", || is_there().then_some(()));
    hands.order(Order::Release { epoch: EPOCH }).expect("room");
    released(&hands);
    assert!(!is_there() && !has(&segment, FIRST));
}

#[test]
fn announcements_go_out_at_their_times_and_end_with_the_release() {
    if !is_root("announcement schedule") {
        return;
    }
    let segment = Segment::new();
    let mut receiver = ArpReceiver::open(&segment.client, "client0");
    let hands = start(&segment);
    let start = Instant::now();
    hands.order(take_over(&[FIRST])).expect("room");
    for at in [0, 10, 100, 1000].map(Duration::from_millis) {
        for form in Form::BOTH {
            receiver
                .next()
                .unwrap_or_else(|| panic!("{form:?} of {at:?} is missing"));
            assert!(start.elapsed() >= at, "{form:?} of {at:?} came early");
        }
    }
    assert_eq!(hands.counts().announced, 4);
    // A second mastership, ended after its first announcement.
    hands.order(take_over(&[FIRST])).expect("room");
    hands.order(Order::Release { epoch: EPOCH }).expect("room");
    released(&hands);
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(hands.counts().announced, 5);
}

#[test]
fn an_address_that_somebody_deletes_is_back_and_announced_and_counted() {
    if !is_root("restored address") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST, SECOND])).expect("room");
    took_over(&hands);
    assert_eq!(hands.counts().restored, 0);
    let announced = hands.counts().announced;
    delete(&segment, SECOND);
    assert_eq!(restored(&hands), SECOND);
    assert!(has(&segment, SECOND));
    let counts = hands.counts();
    assert_eq!(counts.restored, 1);
    assert!(counts.announced > announced);
}

#[test]
fn an_address_that_was_released_stays_away_though_its_deletion_is_an_event_too() {
    if !is_root("no restoring after release") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    for _ in 0..20 {
        hands.order(take_over(&[FIRST])).expect("room");
        hands.order(Order::Release { epoch: EPOCH }).expect("room");
        took_over(&hands);
        released(&hands);
    }
    hands.order(take_over(&[SECOND])).expect("room");
    took_over(&hands);
    // The witness: the events were read, since this deletion is noticed after all of them.
    delete(&segment, SECOND);
    assert_eq!(restored(&hands), SECOND);
    assert!(!has(&segment, FIRST));
    assert_eq!(hands.counts().restored, 1);
}

#[test]
fn a_program_that_deletes_the_address_again_and_again_does_not_make_the_hands_spin() {
    if !is_root("restoring is paced") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST])).expect("room");
    took_over(&hands);
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let index = netlink.link("biz0").expect("there").index;
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            netlink
                .delete_address(index, IpAddr::V4(FIRST))
                .expect("deleted");
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    let restored = hands.counts().restored;
    assert!(
        (2..=11).contains(&restored),
        "{restored} times in 500 ms at a pace of 50 ms"
    );
}

#[test]
fn a_takeover_of_another_list_deletes_what_is_no_longer_in_it() {
    if !is_root("changed list") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST])).expect("room");
    hands.order(take_over(&[SECOND])).expect("room");
    took_over(&hands);
    took_over(&hands);
    assert!(!has(&segment, FIRST) && has(&segment, SECOND));
}

#[test]
fn an_interface_that_goes_and_comes_back_is_reported_and_carries_the_address_again() {
    if !is_root("interface goes and comes back") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST])).expect("room");
    took_over(&hands);
    segment.node.ip("link delete biz0");
    let link = |wanted: fn(LinkChange) -> bool| {
        report(
            &hands,
            "the link's change is reported",
            |report| match report {
                Report::Link { interface, change } if wanted(*change) => {
                    assert_eq!(interface, "biz0");
                    Some(())
                }
                _ => None,
            },
        );
    };
    link(|change| change == LinkChange::Gone);
    segment.join();
    link(|change| matches!(change, LinkChange::Appeared { .. }));
    // Longer than the pause between two attempts.
    std::thread::sleep(Duration::from_millis(150));
    assert!(!has(&segment, FIRST), "nothing guards it there yet");
    hands.order(gated()).expect("room");
    assert_eq!(restored(&hands), FIRST);
    assert!(has(&segment, FIRST));
}

#[test]
fn a_takeover_waits_for_the_gate_of_an_interface_that_came_back() {
    if !is_root("takeover before the gate") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    segment.node.ip("link delete biz0");
    segment.join();
    report(&hands, "it is back", |report| match report {
        Report::Link {
            change: LinkChange::Appeared { .. },
            ..
        } => Some(()),
        _ => None,
    });
    hands.order(take_over(&[FIRST])).expect("room");
    took_over(&hands);
    assert!(!has(&segment, FIRST));
    hands.order(gated()).expect("room");
    assert_eq!(restored(&hands), FIRST);
}

#[test]
fn an_address_whose_interface_is_missing_fails_by_name_and_follows_when_it_comes() {
    if !is_root("takeover without interface") {
        return;
    }
    let segment = Segment::new();
    segment.node.ip("link delete biz0");
    let hands = start(&segment);
    hands.order(take_over(&[FIRST])).expect("room");
    let text = report(&hands, "the failure is reported", |report| match report {
        Report::Failed {
            action: Action::Add,
            error,
            ..
        } => Some(error.to_string()),
        _ => None,
    });
    assert!(text.contains("no interface named biz0"), "{text}");
    took_over(&hands);
    segment.join();
    report(&hands, "it is there", |report| match report {
        Report::Link {
            change: LinkChange::Appeared { .. },
            ..
        } => Some(()),
        _ => None,
    });
    hands.order(gated()).expect("room");
    assert_eq!(restored(&hands), FIRST);
    assert_eq!(hands.counts().failed, 1);
}

#[test]
fn an_address_that_was_deleted_while_the_kernel_lost_events_is_back() {
    if !is_root("lost events") {
        return;
    }
    let segment = Segment::new();
    let hands = segment.node.run(|| {
        run_on_first_cpu();
        let hands = Hands::start(MARK, ["biz0".to_owned()]).expect("root may");
        hands.order(take_over(&[FIRST])).expect("room");
        took_over(&hands);
        // On the hands' only processor and above them, so that they read nothing meanwhile.
        let _above = realtime::enter(Priority::new(60)).expect("root may");
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("there");
        for _ in 0..2_000 {
            let other = IpAddr::V4(SECOND);
            netlink.add_address(&link, other, MARK).expect("added");
            netlink.delete_address(link.index, other).expect("deleted");
        }
        // The queue is full: of this one there is no event.
        let first = IpAddr::V4(FIRST);
        netlink.delete_address(link.index, first).expect("deleted");
        hands
    });
    assert_eq!(restored(&hands), FIRST);
    assert_eq!(hands.counts().overruns, 1);
    assert!(has(&segment, FIRST) && !has(&segment, SECOND));
}

/// Keeps the calling thread, and those it starts, on one processor.
fn run_on_first_cpu() {
    let this_thread = Pid::from_raw(0);
    let allowed = sched_getaffinity(this_thread).expect("own affinity is readable");
    let first = (0..CpuSet::count())
        .find(|cpu| allowed.is_set(*cpu) == Ok(true))
        .expect("it runs somewhere");
    let mut only = CpuSet::new();
    only.set(first).expect("in range");
    sched_setaffinity(this_thread, &only).expect("a subset of the own");
}

#[test]
fn orders_given_before_the_end_are_still_carried_out() {
    if !is_root("orders before the end") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST])).expect("room");
    drop(hands);
    assert!(has(&segment, FIRST), "held addresses stay, behind the gate");
    let hands = start(&segment);
    hands.order(take_over(&[FIRST])).expect("room");
    hands.order(Order::Release { epoch: EPOCH }).expect("room");
    drop(hands);
    assert!(!has(&segment, FIRST));
}

#[test]
fn what_a_former_life_left_is_cleaned_and_nothing_else_is() {
    if !is_root("stale addresses") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST, SECOND])).expect("room");
    drop(hands);
    segment.node.ip("address add 203.0.113.102/32 dev biz0");
    let cleaned = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("there");
        let other_cluster = OwnerMark::of_cluster(8);
        netlink
            .add_address(&link, [203, 0, 113, 103].into(), other_cluster)
            .expect("added");
        netlink
            .add_multicast_membership(&link, [239, 192, 7, 1].into(), MARK)
            .expect("joined");
        clean_stale(&mut netlink, MARK, &[]).expect("cleaned")
    });
    assert_eq!(cleaned, [IpAddr::V4(FIRST), IpAddr::V4(SECOND)]);
    assert!(!has(&segment, FIRST) && !has(&segment, SECOND));
    let shown = segment.node.ip("-o -4 address show dev biz0");
    for kept in [
        "203.0.113.1/24",
        "203.0.113.102/32",
        "203.0.113.103/32",
        "239.192.7.1/32",
    ] {
        assert!(shown.contains(kept), "{kept} is missing in: {shown}");
    }
}

#[test]
fn an_address_that_is_still_wanted_on_its_interface_is_not_cleaned_and_a_moved_one_is() {
    if !is_root("stale addresses") {
        return;
    }
    let segment = Segment::new();
    let hands = start(&segment);
    hands.order(take_over(&[FIRST, SECOND])).expect("room");
    drop(hands);
    let cleaned = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let biz0 = netlink.link("biz0").expect("there").index;
        let lo = netlink.link("lo").expect("there").index;
        let kept = [(biz0, IpAddr::V4(FIRST)), (lo, IpAddr::V4(SECOND))];
        clean_stale(&mut netlink, MARK, &kept).expect("cleaned")
    });
    assert_eq!(cleaned, [IpAddr::V4(SECOND)]);
    assert!(has(&segment, FIRST));
}
