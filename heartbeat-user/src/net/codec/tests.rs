use super::*;
use heartbeat_core::message::{BusinessSide, MemberHealth, VoteAnswer};
use heartbeat_core::pair::{Age, PairState};
use heartbeat_core::snapshot::{Diagnosis, Role};
use heartbeat_core::{ElectorRecord, ElectorSet, Slots};
use proptest::prelude::*;

fn durations() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_nanos)
}

fn epochs() -> impl Strategy<Value = Epoch> {
    any::<u64>().prop_map(Epoch)
}

fn answers() -> impl Strategy<Value = VoteAnswer> {
    prop_oneof![
        Just(VoteAnswer::Granted),
        durations().prop_map(VoteAnswer::Held),
        (epochs(), epochs()).prop_map(|(promised, probed)| VoteAnswer::Old { promised, probed }),
        durations().prop_map(VoteAnswer::Abstains),
        Just(VoteAnswer::OtherElectors),
        Just(VoteAnswer::NotAllowed),
    ]
}

fn member_healths() -> impl Strategy<Value = MemberHealth> {
    let diagnosis = prop_oneof![
        Just(Diagnosis::Healthy),
        Just(Diagnosis::Misconfigured),
        Just(Diagnosis::DaemonStalled),
        Just(Diagnosis::ManagementFault),
        Just(Diagnosis::Down),
        Just(Diagnosis::Unknown),
        Just(Diagnosis::ServiceFault),
        Just(Diagnosis::BusinessFault),
    ];
    (
        any::<u16>(),
        any::<bool>(),
        diagnosis,
        any::<u8>(),
        any::<u32>(),
    )
        .prop_map(|(slot, healthy, diagnosis, role, rtt_us)| MemberHealth {
            slot,
            healthy,
            diagnosis,
            role,
            rtt_us,
        })
}

fn sets() -> impl Strategy<Value = ElectorSet> {
    let slots = proptest::collection::btree_set(1..=u16::MAX, 0..=9);
    (any::<u32>(), slots, durations()).prop_map(|(version, slots, max_lease)| ElectorSet {
        version,
        slots: Slots::new(slots).expect("at most nine"),
        max_lease,
    })
}

fn records() -> impl Strategy<Value = ElectorRecord> {
    let accepted = proptest::option::of((any::<u64>(), sets()).prop_map(|(ballot, set)| {
        heartbeat_core::electors::Accepted {
            ballot: Ballot(ballot),
            set,
        }
    }));
    (sets(), any::<bool>(), any::<u64>(), accepted, durations()).prop_map(
        |(in_force, is_proposed, promised, accepted, longest_lease)| ElectorRecord {
            in_force,
            is_proposed,
            promised: Ballot(promised),
            accepted,
            longest_lease,
        },
    )
}

fn states() -> impl Strategy<Value = PairState> {
    let age = (durations(), any::<bool>()).prop_map(|(ago, is_marked)| Age { ago, is_marked });
    let role = (0..=6_u8).prop_map(|number| Role::of_number(number).expect("seven roles"));
    (
        role,
        any::<(bool, bool)>(),
        proptest::option::of(age),
        epochs(),
        durations(),
    )
        .prop_map(
            |(role, (eligible, abstains), active, epoch, lease)| PairState {
                role,
                eligible,
                abstains,
                active,
                epoch,
                lease,
            },
        )
}

fn messages() -> impl Strategy<Value = Message> {
    let members = proptest::collection::vec(member_healths(), 0..=MAX_HEALTH_MEMBERS);
    prop_oneof![
        (sets(), any::<u64>(), proptest::option::of(sets())).prop_map(|(set, ballot, next)| {
            let ballot = Ballot(ballot);
            Message::Electors { set, ballot, next }
        }),
        records().prop_map(Message::ElectorsState),
        (any::<u64>(), states()).prop_map(|(id, state)| Message::PairAsk { id, state }),
        (any::<u64>(), states()).prop_map(|(id, state)| Message::PairTell { id, state }),
        (any::<u64>(), durations(), any::<bool>())
            .prop_map(|(id, lease, renews)| Message::SlotAsk { id, lease, renews }),
        any::<u64>().prop_map(|id| Message::SlotGrant { id }),
        (
            epochs(),
            durations(),
            any::<u64>(),
            any::<u32>(),
            any::<u32>()
        )
            .prop_map(|(epoch, lease, id, elector_version, elector_digest)| {
                Message::VoteRequest {
                    epoch,
                    lease,
                    id,
                    elector_version,
                    elector_digest,
                }
            }),
        (epochs(), any::<u64>(), answers(), any::<u64>()).prop_map(
            |(epoch, id, answer, info_version)| Message::Vote {
                epoch,
                id,
                answer,
                info_version,
            }
        ),
        any::<u64>().prop_map(|id| Message::Poll { id }),
        any::<u64>().prop_map(|id| Message::SideAsk { id }),
        (any::<u64>(), any::<bool>(), any::<Option<u64>>()).prop_map(|(id, has_carrier, ago)| {
            let heard_ago = ago.map(Duration::from_nanos);
            let side = BusinessSide {
                has_carrier,
                heard_ago,
            };
            Message::SideTell { id, side }
        }),
        (any::<u64>(), any::<bool>()).prop_map(|(id, votes)| Message::PollAnswer { id, votes }),
        epochs().prop_map(|epoch| Message::Promote { epoch }),
        (epochs(), any::<u16>()).prop_map(|(epoch, target)| Message::Release { epoch, target }),
        (epochs(), any::<bool>(), members).prop_map(|(epoch, degraded, members)| Message::Health {
            epoch,
            degraded,
            members,
        }),
    ]
}

fn encoded(message: &Message) -> (Encoded, Vec<u8>) {
    let mut body = [0; MAX_BODY];
    let encoded = encode(message, &mut body).expect("it fits");
    (encoded, body[..encoded.body_len].to_vec())
}

proptest! {
    #[test]
    fn every_message_comes_back_as_it_went(message in messages()) {
        let (Encoded { epoch, nonce, .. }, body) = encoded(&message);
        prop_assert_eq!(decode(epoch, nonce, &body), Ok(message));
    }

    #[test]
    fn a_message_that_was_cut_off_anywhere_is_refused(message in messages(), cut in any::<prop::sample::Index>()) {
        let (Encoded { epoch, nonce, .. }, body) = encoded(&message);
        let cut = &body[..cut.index(body.len())];
        prop_assert_eq!(decode(epoch, nonce, cut), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_message_with_more_behind_it_is_refused(message in messages(), more in 1_usize..5) {
        let (Encoded { epoch, nonce, .. }, mut body) = encoded(&message);
        body.extend(vec![0; more]);
        prop_assert_eq!(decode(epoch, nonce, &body), Err(DecodeError::Surplus { bytes: more }));
    }

    #[test]
    fn noise_is_refused_or_is_a_message_that_encodes_to_the_same_bytes(noise in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(message) = decode(Epoch(5), 6, &noise) {
            prop_assert_eq!(encoded(&message).1, noise);
        }
    }
}

#[test]
fn the_layouts_are_the_documented_ones() {
    let epoch = Epoch::new(9, 3);
    let request = Message::VoteRequest {
        epoch,
        lease: Duration::from_millis(50),
        id: 0xabcd,
        elector_version: 2,
        elector_digest: 0x0a0b_0c0d,
    };
    let (parts, body) = encoded(&request);
    assert_eq!((parts.epoch, parts.nonce), (epoch, 0xabcd));
    #[rustfmt::skip]
    assert_eq!(body, [1, 0x80, 0xf0, 0xfa, 0x02, 0, 0, 0, 0, 2, 0, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a]);
    let answer = VoteAnswer::Held(Duration::from_nanos(5));
    let vote = Message::Vote {
        epoch,
        id: 1,
        answer,
        info_version: 7,
    };
    #[rustfmt::skip]
    assert_eq!(encoded(&vote).1, [2, 7, 0, 0, 0, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(encoded(&Message::Poll { id: 1 }).1, [3]);
    assert_eq!(
        encoded(&Message::PollAnswer { id: 1, votes: true }).1,
        [4, 1]
    );
    assert_eq!(encoded(&Message::SideAsk { id: 1 }).1, [12]);
    let side = BusinessSide {
        has_carrier: true,
        heard_ago: Some(Duration::from_nanos(7)),
    };
    #[rustfmt::skip]
    assert_eq!(encoded(&Message::SideTell { id: 1, side }).1, [13, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(encoded(&Message::Promote { epoch }).1, [5]);
    assert_eq!(encoded(&Message::Release { epoch, target: 2 }).1, [6, 2, 0]);
    let state = PairState {
        role: Role::BattleMaster,
        eligible: true,
        abstains: false,
        active: Some(Age {
            ago: Duration::from_nanos(7),
            is_marked: true,
        }),
        epoch: Epoch::new(1, 2),
        lease: Duration::from_nanos(5),
    };
    #[rustfmt::skip]
    assert_eq!(encoded(&Message::PairAsk { id: 1, state }).1,
        [10, 6, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 1]);
    let state = PairState {
        active: None,
        ..state
    };
    #[rustfmt::skip]
    assert_eq!(encoded(&Message::PairTell { id: 1, state }).1,
        [11, 6, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    let ask = Message::SlotAsk {
        id: 1,
        lease: Duration::from_nanos(5),
        renews: true,
    };
    assert_eq!(encoded(&ask).1, [14, 5, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(encoded(&Message::SlotGrant { id: 1 }).1, [15]);
    let member = MemberHealth {
        slot: 2,
        healthy: true,
        diagnosis: Diagnosis::Down,
        role: 1,
        rtt_us: 300,
    };
    let health = Message::Health {
        epoch,
        degraded: true,
        members: vec![member],
    };
    assert_eq!(encoded(&health).1, [7, 1, 1, 0, 2, 0, 1, 4, 1, 44, 1, 0, 0]);
}

#[test]
fn values_that_no_field_has_are_named() {
    let field = |body: &[u8]| match decode(Epoch::NONE, 0, body) {
        Err(DecodeError::BadField { field, value }) => (field, value),
        other => panic!("{other:?}"),
    };
    assert_eq!(field(&[4, 2]), ("votes", 2));
    assert_eq!(field(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 9]), ("answer", 9));
    assert_eq!(field(&[10, 7]), ("role", 7));
    assert_eq!(
        field(&[7, 0, 1, 0, 2, 0, 1, 8, 1, 0, 0, 0, 0]),
        ("diagnosis", 8)
    );
    assert_eq!(
        decode(Epoch::NONE, 0, &[99]),
        Err(DecodeError::UnknownKind { kind: 99 })
    );
}

#[test]
fn health_of_more_members_than_fit_is_refused_before_it_is_sent() {
    let member = MemberHealth {
        slot: 1,
        healthy: true,
        diagnosis: Diagnosis::Healthy,
        role: 1,
        rtt_us: 1,
    };
    let members = MAX_HEALTH_MEMBERS + 1;
    let health = Message::Health {
        epoch: Epoch::NONE,
        degraded: false,
        members: vec![member; members],
    };
    assert_eq!(
        encode(&health, &mut [0; MAX_BODY]),
        Err(EncodeError::TooManyMembers { members })
    );
}
