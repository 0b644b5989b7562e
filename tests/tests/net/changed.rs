//! The hands, when a reload changes what they hold.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use heartbeat_core::Epoch;
use heartbeat_user::hands::{Change, Failure, Hands, Order, Report, VirtualAddress};
use heartbeat_user::net::netlink::OwnerMark;

use crate::namespace::{Segment, eventually, is_root};

const EPOCH: Epoch = Epoch::new(3, 1);
const STAYS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);
const LEAVES: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 101);
const COMES: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 102);

fn on(interface: &str, addresses: &[Ipv4Addr]) -> Arc<[VirtualAddress]> {
    let address = |address: &Ipv4Addr| VirtualAddress {
        interface: interface.into(),
        address: (*address).into(),
    };
    addresses.iter().map(address).collect()
}

/// Hands that hold the first two.
fn holding(segment: &Segment) -> Hands {
    let start = || Hands::start(OwnerMark::of_cluster(7), ["biz0".to_owned()]);
    let hands = segment.node.run(start).expect("root may");
    let addresses = on("biz0", &[STAYS, LEAVES]);
    let take_over = Order::TakeOver {
        epoch: EPOCH,
        addresses,
    };
    hands.order(take_over).expect("room");
    eventually("the takeover is reported", || {
        matches!(hands.report()?, Report::TookOver { .. }).then_some(())
    });
    hands
}

/// Has the hands hold these, and returns how that went.
fn change(hands: &Hands, masters: Arc<[VirtualAddress]>) -> Result<(), Failure> {
    let (done, changed) = sync_channel(1);
    let change = Change {
        masters,
        own: Arc::new([]),
        leased: Arc::default(),
        interfaces: vec!["biz0".to_owned()],
        done,
    };
    hands.order(Order::Change(Box::new(change))).expect("room");
    changed.recv().expect("the hands live")
}

fn held(segment: &Segment) -> Vec<Ipv4Addr> {
    let shown = segment.node.ip("-o -4 address show dev biz0");
    let is_there = |address: &Ipv4Addr| shown.contains(&format!(" {address}/32"));
    [STAYS, LEAVES, COMES]
        .into_iter()
        .filter(is_there)
        .collect()
}

#[test]
fn a_change_takes_off_what_leaves_adds_what_comes_and_a_release_takes_all() {
    if !is_root("a change of addresses") {
        return;
    }
    let segment = Segment::new();
    let hands = holding(&segment);
    assert_eq!(held(&segment), [STAYS, LEAVES]);
    change(&hands, on("biz0", &[STAYS, COMES])).expect("nothing is in the way");
    assert_eq!(held(&segment), [STAYS, COMES]);
    hands.order(Order::Release { epoch: EPOCH }).expect("room");
    eventually("all are gone", || held(&segment).is_empty().then_some(()));
    change(&hands, on("biz0", &[STAYS])).expect("nothing is held");
    assert!(held(&segment).is_empty(), "it is no mastership's");
    assert_eq!(hands.counts().failed, 0);
}

#[test]
fn a_change_that_fails_says_so_and_can_be_taken_back() {
    if !is_root("a change that fails") {
        return;
    }
    let segment = Segment::new();
    let hands = holding(&segment);
    let nowhere = on("nowhere0", &[COMES]);
    let wanted: Vec<_> = on("biz0", &[STAYS])
        .iter()
        .chain(nowhere.iter())
        .cloned()
        .collect();
    let error = change(&hands, wanted.into()).expect_err("no such interface");
    assert!(error.to_string().contains("203.0.113.102"), "{error}");
    assert_eq!(held(&segment), [STAYS]);
    change(&hands, on("biz0", &[STAYS, LEAVES])).expect("as before");
    assert_eq!(held(&segment), [STAYS, LEAVES]);
}
