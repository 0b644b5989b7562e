//! The hands and the addresses that go by a slot's lease.

use std::net::Ipv4Addr;
use std::sync::Arc;

use heartbeat_core::Epoch;
use heartbeat_user::hands::{Hands, Order, Report, VirtualAddress, Whose};
use heartbeat_user::net::announce::{ARP_FRAME_LEN, Form, arp_frame};
use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::OwnerMark;

use crate::announcements::ArpReceiver;
use crate::namespace::{NODE_MAC, Segment, eventually, is_root};

const EPOCH: Epoch = Epoch::new(3, 1);
const OWN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 101);
const TAKEN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 103);
const MASTERS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);

fn on_biz0(address: Ipv4Addr) -> Arc<[VirtualAddress]> {
    Arc::new([VirtualAddress {
        interface: "biz0".into(),
        address: address.into(),
    }])
}

fn hold(slot: u16, is_taken: bool, address: Ipv4Addr) -> Order {
    Order::HoldSlot {
        slot,
        is_taken,
        addresses: on_biz0(address),
    }
}

/// Of which slot it tells, and whether it is held.
const fn of_slot(report: &Report) -> Option<(u16, bool)> {
    match report {
        Report::HeldSlot { slot, .. } => Some((*slot, true)),
        Report::DroppedSlot { slot } => Some((*slot, false)),
        _ => None,
    }
}

fn held(segment: &Segment) -> [bool; 3] {
    let shown = segment.node.ip("-o -4 address show dev biz0");
    [OWN, TAKEN, MASTERS].map(|address| shown.contains(&format!("{address}/32")))
}

#[test]
fn a_slots_addresses_come_announced_and_go_alone_and_taken_ones_go_with_the_mastership() {
    if !is_root("the addresses of slots") {
        return;
    }
    let segment = Segment::new();
    let mut receiver = ArpReceiver::open(&segment.client, "client0");
    let mark = OwnerMark::of_cluster(7);
    let started = (segment.node).run(|| Hands::start(mark, ["biz0".to_owned()]));
    let hands = started.expect("root may");
    let wait = |what, expected| eventually(what, || (held(&segment) == expected).then_some(()));
    hands.order(hold(1, false, OWN)).expect("room");
    for form in Form::BOTH {
        let frame = receiver.next().expect("announced");
        assert_eq!(
            frame[..ARP_FRAME_LEN],
            arp_frame(form, MacAddress(NODE_MAC), OWN)
        );
    }
    hands.order(hold(3, true, TAKEN)).expect("room");
    let masters = Order::TakeOver {
        epoch: EPOCH,
        addresses: on_biz0(MASTERS),
    };
    // A hook may have kept the master's own back for longer than the slot's.
    hands.order(masters).expect("room");
    wait("all are held", [true, true, true]);
    hands.order(Order::DropSlot { slot: 3 }).expect("room");
    wait("what was given back is gone", [true, false, true]);
    hands.order(hold(3, true, TAKEN)).expect("room");
    wait("it is taken anew", [true, true, true]);
    hands.order(Order::Release { epoch: EPOCH }).expect("room");
    let mut told = Vec::new();
    eventually("the release is reported", || {
        let report = hands.report()?;
        let is_last = matches!(report, Report::Released { .. });
        told.extend(of_slot(&report));
        is_last.then_some(())
    });
    assert_eq!(
        told,
        [(1, true), (3, true), (3, false), (3, true)],
        "each as it was done"
    );
    assert_eq!(held(&segment), [true, false, false], "the own slot's stays");
}

#[test]
fn what_is_announced_anew_is_a_slots_own_and_no_others() {
    if !is_root("announcing a slot's addresses anew") {
        return;
    }
    let segment = Segment::new();
    let mark = OwnerMark::of_cluster(7);
    let started = (segment.node).run(|| Hands::start(mark, ["biz0".to_owned()]));
    let hands = started.expect("root may");
    hands.order(hold(1, false, OWN)).expect("room");
    hands.order(hold(3, true, TAKEN)).expect("room");
    let mut receiver = ArpReceiver::open(&segment.client, "client0");
    // None comes for longer than lies between two of one schedule.
    while receiver.next().is_some() {}
    let anew = Order::Announce(Whose::Slot(3));
    hands.order(anew).expect("room");
    let frames: Vec<_> = std::iter::from_fn(|| receiver.next()).collect();
    assert!(frames.len() >= 2, "{} frames", frames.len());
    let its = Form::BOTH.map(|form| arp_frame(form, MacAddress(NODE_MAC), TAKEN));
    for frame in &frames {
        assert!(its.iter().any(|it| frame[..ARP_FRAME_LEN] == it[..]));
    }
}
