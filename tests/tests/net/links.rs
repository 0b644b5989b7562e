//! Facts about links, and what changes in them.

use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::{
    Event, Events, LinkChange, LinkWatch, Netlink, NetlinkError, OwnerMark,
};

use crate::namespace::{NODE_MAC, Segment, eventually, is_root};

#[test]
fn a_link_is_described_without_looking_at_sys() {
    if !is_root("link facts") {
        return;
    }
    let segment = Segment::new();
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        assert_eq!(link.name, "biz0");
        assert_eq!(link.mac, Some(MacAddress(NODE_MAC)));
        assert!(link.up && link.running);
        assert_eq!(link.mtu, 1500);
        assert_eq!(link.kind.as_deref(), Some("veth"));
        let lo = netlink.link("lo").expect("every namespace has it");
        assert_eq!(
            (lo.index, lo.mac, lo.kind),
            (1, Some(MacAddress([0; 6])), None)
        );
        let names: Vec<_> = netlink
            .links()
            .expect("listed")
            .into_iter()
            .map(|link| link.name)
            .collect();
        assert!(names.contains(&"lo".to_owned()) && names.contains(&"biz0".to_owned()));
    });
}

#[test]
fn a_name_that_no_interface_has_or_can_have_is_named_in_the_error() {
    if !is_root("missing link") {
        return;
    }
    let segment = Segment::new();
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        for name in ["client0", "a-name-far-too-long-for-any-interface"] {
            let error = netlink.link(name).expect_err("not here");
            assert!(
                matches!(error, NetlinkError::NoInterface { .. }),
                "{error:?}"
            );
            assert!(error.to_string().contains(name));
        }
    });
}

#[test]
fn a_link_that_loses_carrier_and_is_switched_off_and_deleted_and_made_anew_tells_each_step() {
    if !is_root("link events") {
        return;
    }
    let segment = Segment::new();
    let mut events = segment.node.run(|| Events::open().expect("events open"));
    let mut watch = LinkWatch::new(["biz0".to_owned()]);
    let first = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        watch.resync(&netlink.links().expect("listed"), |_, _| ());
        netlink.link("biz0").expect("the interface is there").index
    });
    let mut expect = |wanted: &[LinkChange]| {
        let mut seen = Vec::new();
        eventually(&format!("{wanted:?}"), || {
            events
                .read(|event| watch.handle(&event, |_, change| seen.push(change)))
                .expect("events can be read");
            wanted
                .iter()
                .all(|change| seen.contains(change))
                .then_some(())
        });
    };
    segment.client.ip("link set client0 down");
    expect(&[LinkChange::CarrierLost]);
    segment.client.ip("link set client0 up");
    expect(&[LinkChange::CarrierFound]);
    segment.node.ip("link set biz0 down");
    expect(&[LinkChange::Down, LinkChange::CarrierLost]);
    segment.node.ip("link set biz0 address 02:00:00:00:00:0b");
    expect(&[LinkChange::MacChanged]);
    segment.node.ip("link delete biz0");
    expect(&[LinkChange::Gone]);
    segment.join();
    let second = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        netlink.link("biz0").expect("made anew").index
    });
    assert_ne!(first, second);
    expect(&[
        LinkChange::Appeared { index: second },
        LinkChange::Up,
        LinkChange::CarrierFound,
    ]);
}

#[test]
fn a_bridge_port_that_leaves_its_bridge_is_not_taken_for_gone() {
    if !is_root("bridge port events") {
        return;
    }
    let segment = Segment::new();
    segment.node.ip("link add bridge0 type bridge");
    segment.node.ip("link set biz0 master bridge0");
    let mut events = segment.node.run(|| Events::open().expect("events open"));
    segment.node.ip("link set biz0 nomaster");
    // The witness: what comes after it in the same queue.
    segment.node.ip("link set biz0 mtu 1400");
    let mut gone = 0;
    eventually("the mtu's event", || {
        let mut done = None;
        events
            .read(|event| match event {
                Event::Link(link) if link.mtu == 1400 => done = Some(()),
                Event::LinkGone { .. } => gone += 1,
                Event::Link(_)
                | Event::AddressAdded(_)
                | Event::AddressRemoved(_)
                | Event::Overrun => {}
            })
            .expect("events can be read");
        done
    });
    assert_eq!(gone, 0);
}

#[test]
fn an_address_that_comes_and_goes_is_told_with_its_mark() {
    if !is_root("address events") {
        return;
    }
    let segment = Segment::new();
    let mark = OwnerMark::of_cluster(7);
    let address = [203, 0, 113, 100].into();
    let mut events = segment.node.run(|| Events::open().expect("events open"));
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        netlink.add_address(&link, address, mark).expect("added");
    });
    segment.node.ip("address del 203.0.113.100/32 dev biz0");
    let (mut added, mut removed) = (0, 0);
    eventually("both events", || {
        events
            .read(|event| match event {
                Event::AddressAdded(seen) if seen.address == address && mark.is_on(&seen) => {
                    added += 1;
                }
                Event::AddressRemoved(seen) if seen.address == address && mark.is_on(&seen) => {
                    removed += 1;
                }
                Event::Link(_)
                | Event::LinkGone { .. }
                | Event::AddressAdded(_)
                | Event::AddressRemoved(_)
                | Event::Overrun => {}
            })
            .expect("events can be read");
        (removed == 1).then_some(())
    });
    assert_eq!(added, 1);
}

#[test]
fn more_events_than_the_queue_holds_are_told_as_an_overrun() {
    if !is_root("event overrun") {
        return;
    }
    let segment = Segment::new();
    let mut events = segment.node.run(|| Events::open().expect("events open"));
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        let address = [203, 0, 113, 100].into();
        let mark = OwnerMark::of_cluster(7);
        for _ in 0..2_000 {
            netlink.add_address(&link, address, mark).expect("added");
            netlink
                .delete_address(link.index, address)
                .expect("deleted");
        }
    });
    let mut overruns = 0;
    while events
        .read(|event| overruns += u32::from(event == Event::Overrun))
        .expect("events can be read")
    {}
    assert_eq!(overruns, 1);
}
