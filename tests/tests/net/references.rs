//! Devices of the business network that say whether a node is still on it, asked of the running kernel.

use std::net::IpAddr;

use heartbeat_user::net::references::References;

use crate::namespace::{Segment, eventually, is_root};

const SECRET: u64 = 0x1122_3344_5566_7788;
/// The node's own address and the client's, a second one of the client's, and one that nobody has.
const FAMILIES: [[&str; 4]; 2] = [
    ["203.0.113.1", "203.0.113.9", "203.0.113.10", "203.0.113.77"],
    [
        "2001:db8:113::1",
        "2001:db8:113::9",
        "2001:db8:113::10",
        "2001:db8:113::77",
    ],
];

fn open(segment: &Segment, from: IpAddr, references: &[IpAddr]) -> References {
    segment.node.run(|| {
        References::open("biz0", from, references, SECRET).expect("root may open a raw socket")
    })
}

/// The places of those that answered `question` once `all` of them have.
fn answered(asked: &References, question: u64, all: usize) -> Vec<u8> {
    let mut places = Vec::new();
    eventually("every living reference answers", || {
        while let Some(answer) = asked.next_answer() {
            assert_eq!(answer.question, question);
            places.push(answer.reference);
        }
        (places.len() >= all).then_some(())
    });
    places.sort_unstable();
    places
}

#[test]
fn whoever_lives_answers_each_question_once_by_its_number_and_nobody_else_does() {
    if !is_root("references are asked") {
        return;
    }
    let segment = Segment::new();
    segment.client.ip("address add 203.0.113.10/24 dev client0");
    segment
        .client
        .ip("address add 2001:db8:113::10/64 dev client0 nodad");
    for family in FAMILIES {
        let [own, one, two, nobody] = family.map(|it| it.parse().expect("an address"));
        let asked = open(&segment, own, &[one, nobody, two]);
        for question in [7, u64::MAX] {
            asked.ask(question).expect("the interface is on");
            assert_eq!(answered(&asked, question, 2), [0, 2]);
        }
        assert_eq!(asked.next_answer(), None);
    }
}

#[test]
fn a_stranger_that_answers_in_a_references_place_is_none() {
    if !is_root("strangers' answers are none") {
        return;
    }
    let segment = Segment::new();
    let [own, one, two, _] = FAMILIES[0].map(|it| it.parse().expect("an address"));
    segment.client.ip("address add 203.0.113.10/24 dev client0");
    let asked = open(&segment, own, &[one]);
    // The same secret, so its answers come in here too: from somebody who is not asked here.
    let other = open(&segment, own, &[two]);
    other.ask(7).expect("the interface is on");
    assert_eq!(answered(&other, 7, 1), [0]);
    assert_eq!(asked.next_answer(), None);
}
