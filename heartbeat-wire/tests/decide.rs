//! What the responder decides: every kind of frame in every situation.

use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, Promises, Road, View, after_grant, check_shape, decide,
    is_authentic, key_of, road,
};
use heartbeat_wire::frame::{MAGIC, SEQUENCE_LIMIT, VERSION};
use heartbeat_wire::maps::{Address, Config, Keys, Member, NO_ADDRESS, mapped, member_flag};
use heartbeat_wire::tag::{Beginning, Key, sign};
use heartbeat_wire::{Epoch, Frame, Kind, Verdict};

const KINDS: [Kind; 4] = [Kind::Probe, Kind::Query, Kind::Reply, Kind::Refusal];
const OWN_SLOT: u16 = 2;
const OWN_INCARNATION: u64 = 0x0123;
const NOW_NS: u64 = 1_000_000_000;
const LEASE_NS: u64 = 50_000_000;
const EPOCH: Epoch = Epoch::new(7, 1);
const NEWER: Epoch = Epoch::new(8, 3);

/// A frame and all that is looked at beside it.
struct Situation {
    frame: Frame,
    config: Config,
    sender: Option<Member>,
    promises: Promises,
    accepted: Accepted,
    epoch_floor: Epoch,
    abstain_until_ns: u64,
    source: Address,
}

const fn address(slot: u16) -> Address {
    mapped([10, 77, 0, slot as u8])
}

const fn business(slot: u16) -> Address {
    mapped([10, 88, 0, slot as u8])
}

/// Slot 1, the master of [`EPOCH`], sends sequence number 10 to slot 2, which has accepted 9.
fn usual(kind: Kind) -> Situation {
    let config = Config {
        cluster_id: 0xc1,
        incarnation: OWN_INCARNATION,
        max_lease_ns: 4 * LEASE_NS,
        detect_ns: LEASE_NS,
        own_address: address(OWN_SLOT),
        business_address: business(OWN_SLOT),
        elector_version: 5,
        elector_digest: 0xed,
        slot: OWN_SLOT,
        is_elector: 1,
        ..Config::default()
    };
    Situation {
        frame: Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            cluster_id: config.cluster_id,
            elector_version: config.elector_version,
            elector_digest: config.elector_digest,
            incarnation: 0x0111,
            sender: 1,
            epoch: EPOCH.0,
            sequence: 10,
            lease_us: (LEASE_NS / 1_000) as u32,
            ..Frame::default()
        },
        config,
        sender: Some(Member {
            address: address(1),
            business_address: business(1),
            flags: member_flag::PRESENT | member_flag::ELECTOR,
        }),
        promises: Promises {
            promised: EPOCH,
            probed: EPOCH,
        },
        accepted: Accepted::new(EPOCH, 9),
        epoch_floor: Epoch::NONE,
        abstain_until_ns: 0,
        source: address(1),
    }
}

impl Situation {
    fn decide(&self, kind: Kind) -> Decision {
        decide(
            &self.frame,
            kind,
            &View {
                config: &self.config,
                sender: self.sender.as_ref(),
                promises: self.promises,
                accepted: self.accepted,
                epoch_floor: self.epoch_floor,
                abstain_until_ns: self.abstain_until_ns,
                source: self.source,
                now_ns: NOW_NS,
            },
        )
    }

    /// The frame comes from our own slot and address.
    fn come_from_own_slot(&mut self, incarnation: u64) {
        self.frame.sender = OWN_SLOT;
        self.frame.incarnation = incarnation;
        self.frame.epoch = Epoch::new(7, OWN_SLOT).0;
        self.source = address(OWN_SLOT);
        self.sender = Some(Member {
            address: address(OWN_SLOT),
            business_address: business(OWN_SLOT),
            flags: member_flag::PRESENT | member_flag::ELECTOR,
        });
        let below = Epoch::new(6, 1);
        (self.promises.promised, self.promises.probed) = (below, below);
    }

    fn probes(&mut self, epoch: Epoch, sequence: u64) {
        self.frame.epoch = epoch.0;
        self.frame.sequence = sequence;
        self.frame.sender = epoch.slot();
        self.source = address(epoch.slot());
        self.sender = Some(Member {
            address: address(epoch.slot()),
            business_address: business(epoch.slot()),
            flags: member_flag::PRESENT,
        });
    }
}

#[test]
fn a_probe_by_the_set_in_force_or_the_next_one_is_granted_and_by_no_other() {
    let granted = |version: u32, digest: u32| {
        let mut situation = usual(Kind::Probe);
        (situation.config.next_version, situation.config.next_digest) = (6, 0xee);
        (
            situation.frame.elector_version,
            situation.frame.elector_digest,
        ) = (version, digest);
        match situation.decide(Kind::Probe) {
            Decision::Accept(step) => step.verdict == Verdict::Granted && step.end_ns > 0,
            other => panic!("{other:?}"),
        }
    };
    assert!(granted(5, 0xed) && granted(6, 0xee));
    for (version, digest) in [(5, 0xee), (6, 0xed), (4, 0xed), (7, 0xee), (0, 0)] {
        assert!(
            !granted(version, digest),
            "version {version}, digest {digest:x}"
        );
    }
    let mut none = usual(Kind::Probe);
    (none.frame.elector_version, none.frame.elector_digest) = (0, 0);
    assert!(
        matches!(none.decide(Kind::Probe), Decision::Accept(step) if step.verdict == Verdict::OtherElectors),
        "no next set is no set that a frame could name"
    );
}

#[test]
fn sets_that_differ_in_a_slot_or_in_max_lease_have_other_digests() {
    use heartbeat_wire::electors::digest;
    let sets: [(&[u16], u64); 6] = [
        (&[1, 2, 3], 200),
        (&[1, 2, 3], 201),
        (&[1, 2, 4], 200),
        (&[1, 2], 200),
        (&[1, 2, 3, 4], 200),
        (&[3, 2, 1], 200),
    ];
    for (at, (slots, lease)) in sets.iter().enumerate() {
        assert_eq!(digest(slots, *lease), digest(slots, *lease));
        for (other, other_lease) in &sets[at + 1..] {
            assert_ne!(digest(slots, *lease), digest(other, *other_lease));
        }
    }
}

fn accept(epoch: Epoch, sequence: u64, end_ns: u64, verdict: Verdict) -> Decision {
    Decision::Accept(GrantStep {
        end_ns,
        accepted: Accepted::new(epoch, sequence),
        replaceable: None,
        verdict,
    })
}

/// The same, of the first probe of an epoch.
fn accept_first(epoch: Epoch, sequence: u64, before: Accepted) -> Decision {
    Decision::Accept(GrantStep {
        end_ns: NOW_NS + LEASE_NS,
        accepted: Accepted::new(epoch, sequence),
        replaceable: Some(before),
        verdict: Verdict::Granted,
    })
}

/// What it is called, how it differs from the usual, and the decisions for probe, query, reply, refusal.
type Row = (&'static str, fn(&mut Situation), [Decision; 4]);

fn rows() -> Vec<Row> {
    let granted = accept(EPOCH, 10, NOW_NS + LEASE_NS, Verdict::Granted);
    let (query, matched) = (Decision::AnswerQuery, Decision::MatchAnswer);
    let usual_but_probe = |probe| [probe, query, matched, matched];
    let all = |decision| [decision; 4];
    let impostor = all(Decision::Drop(Verdict::Impostor));
    let twin = Decision::Duplicate { shut: false };
    let far = Epoch::new(EPOCH.round() + Epoch::PLAUSIBLE_ROUNDS, 1);
    let too_far = Decision::Drop(Verdict::Implausible);
    vec![
        ("as usual", |_| {}, usual_but_probe(granted)),
        // Who sends.
        ("no such slot", |s| s.sender = None, impostor),
        (
            "a slot without a member",
            |s| s.sender = Some(Member::default()),
            impostor,
        ),
        ("another address", |s| s.source = address(3), impostor),
        (
            "the epoch of another slot",
            |s| s.frame.epoch = NEWER.0,
            usual_but_probe(Decision::Drop(Verdict::Impostor)),
        ),
        (
            "our own frame",
            |s| s.come_from_own_slot(OWN_INCARNATION),
            all(Decision::Drop(Verdict::Reflected)),
        ),
        (
            "our slot elsewhere",
            |s| s.come_from_own_slot(0x0666),
            [Decision::Duplicate { shut: true }, twin, twin, twin],
        ),
        (
            "our slot elsewhere, an old recording",
            |s| {
                s.come_from_own_slot(0x0666);
                s.promises.promised = NEWER;
            },
            [Decision::Drop(Verdict::Replayed), twin, twin, twin],
        ),
        (
            "our slot elsewhere, a recording from before our maps were lost",
            |s| {
                s.come_from_own_slot(0x0666);
                s.promises = Promises::default();
                s.epoch_floor = Epoch::new(7, OWN_SLOT);
            },
            [Decision::Drop(Verdict::Replayed), twin, twin, twin],
        ),
        (
            "our slot elsewhere, above all that we ever stood in",
            |s| {
                s.come_from_own_slot(0x0666);
                s.promises = Promises::default();
                s.epoch_floor = Epoch::new(6, OWN_SLOT);
            },
            [Decision::Duplicate { shut: true }, twin, twin, twin],
        ),
        (
            "our slot elsewhere, in the very epoch that we know",
            |s| {
                s.come_from_own_slot(0x0666);
                s.promises.probed = Epoch::new(7, OWN_SLOT);
                s.epoch_floor = Epoch::new(7, OWN_SLOT);
            },
            [Decision::Duplicate { shut: true }, twin, twin, twin],
        ),
        // Which epoch.
        (
            "promised a newer one",
            |s| s.promises.promised = NEWER,
            usual_but_probe(Decision::Refuse),
        ),
        (
            "a newer one probed",
            |s| s.promises.probed = NEWER,
            usual_but_probe(Decision::Refuse),
        ),
        (
            "promised to another slot of the same round",
            |s| s.promises.promised = Epoch::new(7, 3),
            usual_but_probe(Decision::Refuse),
        ),
        (
            "a newer one than any",
            |s| s.probes(NEWER, 3),
            usual_but_probe(accept_first(NEWER, 3, Accepted::new(EPOCH, 9))),
        ),
        (
            "as far ahead as is plausible",
            |s| s.probes(Epoch::new(EPOCH.round() + Epoch::PLAUSIBLE_ROUNDS, 1), 10),
            usual_but_probe(accept_first(far, 10, Accepted::new(EPOCH, 9))),
        ),
        (
            "a round further",
            |s| {
                s.probes(
                    Epoch::new(EPOCH.round() + Epoch::PLAUSIBLE_ROUNDS + 1, 1),
                    10,
                );
            },
            usual_but_probe(too_far),
        ),
        (
            "the first probe ever",
            |s| {
                s.promises = Promises::default();
                s.accepted = Accepted::default();
            },
            usual_but_probe(accept_first(EPOCH, 10, Accepted::default())),
        ),
        // Which number.
        (
            "the number accepted already",
            |s| s.frame.sequence = 9,
            usual_but_probe(Decision::Drop(Verdict::Replayed)),
        ),
        (
            "a lower number",
            |s| s.frame.sequence = 1,
            usual_but_probe(Decision::Drop(Verdict::Replayed)),
        ),
        // What it asks for.
        (
            "no lease",
            |s| s.frame.lease_us = 0,
            usual_but_probe(accept(EPOCH, 10, 0, Verdict::LeaseTooLong)),
        ),
        (
            "the longest lease",
            |s| s.frame.lease_us = (4 * LEASE_NS / 1_000) as u32,
            usual_but_probe(accept(EPOCH, 10, NOW_NS + 4 * LEASE_NS, Verdict::Granted)),
        ),
        (
            "a longer one",
            |s| s.frame.lease_us = (4 * LEASE_NS / 1_000) as u32 + 1,
            usual_but_probe(accept(EPOCH, 10, 0, Verdict::LeaseTooLong)),
        ),
        (
            "another electors' version",
            |s| s.frame.elector_version += 1,
            usual_but_probe(accept(EPOCH, 10, 0, Verdict::OtherElectors)),
        ),
        (
            "another electors' digest",
            |s| s.frame.elector_digest += 1,
            usual_but_probe(accept(EPOCH, 10, 0, Verdict::OtherElectors)),
        ),
        // In which state this node is.
        (
            "abstaining",
            |s| s.abstain_until_ns = NOW_NS + 1,
            usual_but_probe(accept(EPOCH, 10, NOW_NS + LEASE_NS, Verdict::Abstained)),
        ),
        (
            "abstained until now",
            |s| s.abstain_until_ns = NOW_NS,
            usual_but_probe(granted),
        ),
        (
            "an elector that the phase leaves out",
            |s| (s.frame.stride, s.frame.offset) = (4, 1),
            usual_but_probe(granted),
        ),
        (
            "no elector, selected",
            |s| {
                s.config.is_elector = 0;
                (s.frame.stride, s.frame.offset) = (4, 2);
            },
            usual_but_probe(granted),
        ),
        (
            "no elector, left out",
            |s| {
                s.config.is_elector = 0;
                (s.frame.stride, s.frame.offset) = (4, 1);
            },
            usual_but_probe(accept(EPOCH, 10, NOW_NS + LEASE_NS, Verdict::Recorded)),
        ),
        (
            "no elector, no phase",
            |s| s.config.is_elector = 0,
            usual_but_probe(granted),
        ),
    ]
}

#[test]
fn every_kind_in_every_situation_is_decided_as_the_protocol_says() {
    for (what, change, expected) in rows() {
        for (kind, expected) in KINDS.into_iter().zip(expected) {
            let mut situation = usual(kind);
            change(&mut situation);
            assert_eq!(situation.decide(kind), expected, "{kind:?}: {what}");
        }
    }
}

#[test]
fn the_shape_is_checked_before_anything_else() {
    let config = usual(Kind::Probe).config;
    let checked = |change: fn(&mut Frame, &mut Config)| {
        let (mut frame, mut config) = (usual(Kind::Query).frame, config);
        change(&mut frame, &mut config);
        check_shape(&frame, &config)
    };
    let malformed = Err(Verdict::Malformed);
    assert_eq!(checked(|_, _| {}), Ok(Kind::Query));
    assert_eq!(checked(|frame, _| frame.magic += 1), malformed);
    assert_eq!(checked(|frame, _| frame.version += 1), malformed);
    assert_eq!(checked(|frame, _| frame.kind = 0), malformed);
    assert_eq!(checked(|frame, _| frame.kind = 5), malformed);
    assert_eq!(checked(|frame, _| frame.sender = 0), malformed);
    assert_eq!(
        checked(|frame, _| frame.sequence = SEQUENCE_LIMIT),
        malformed
    );
    assert_eq!(
        checked(|frame, _| frame.sequence = SEQUENCE_LIMIT - 1),
        Ok(Kind::Query)
    );
    assert_eq!(
        checked(|frame, _| frame.cluster_id += 1),
        Err(Verdict::Foreign)
    );
    assert_eq!(
        checked(|_, config| config.cluster_id = 0),
        Err(Verdict::Unconfigured)
    );
    for kind in KINDS {
        assert_eq!(check_shape(&usual(kind).frame, &config), Ok(kind));
    }
}

#[test]
fn a_frame_is_authentic_by_either_key_in_whatever_order_its_sender_has_them() {
    let [newer, older, strange] = [(1, 2), (3, 4), (5, 6)].map(|(k0, k1)| Key { k0, k1 });
    let signed = |slot, key| {
        let mut frame = usual(Kind::Probe).frame;
        sign(&mut frame, slot, key);
        frame
    };
    let keys = Keys {
        slots: [newer, older],
    };
    for slot in 0..2 {
        let mut kept = Beginning::default();
        let mut is_authentic = |key| is_authentic(&signed(slot, key), &keys, &mut kept);
        // Each once with nothing kept or another key's, and once with what the first time kept.
        for _ in 0..2 {
            assert!(is_authentic(&newer));
            assert!(is_authentic(&newer));
            assert!(!is_authentic(&strange));
            assert!(is_authentic(&older));
            assert!(is_authentic(&older));
            assert!(!is_authentic(&strange));
        }
    }
    assert!(
        !is_authentic(&signed(2, &newer), &keys, &mut Beginning::default()),
        "no such key slot"
    );
    let alone = Keys {
        slots: [newer, Key::default()],
    };
    assert!(is_authentic(
        &signed(1, &newer),
        &alone,
        &mut Beginning::default()
    ));
    assert!(
        !is_authentic(
            &signed(1, &Key::default()),
            &alone,
            &mut Beginning::default()
        ),
        "an empty key slot authenticates nobody"
    );
    assert_eq!(key_of(&keys, 1), Some(older));
    assert_eq!(key_of(&keys, 2), None);
}

#[test]
fn a_grant_stands_only_if_neither_promise_was_raised_meanwhile() {
    let frame = usual(Kind::Probe).frame;
    let reread = |promised, probed| after_grant(&frame, Promises { promised, probed });
    assert!(reread(EPOCH, EPOCH));
    assert!(reread(Epoch::NONE, EPOCH));
    assert!(!reread(NEWER, EPOCH));
    assert!(!reread(EPOCH, NEWER));
    assert!(!reread(Epoch::new(7, 2), EPOCH), "by one slot");
}

#[test]
fn a_step_is_late_when_the_same_or_a_later_probe_was_accepted_meanwhile() {
    let mut frame = usual(Kind::Probe).frame;
    frame.sequence = 10;
    let before = Accepted::new(EPOCH, 9);
    let step = |replaceable| GrantStep {
        end_ns: 0,
        accepted: Accepted::new(EPOCH, 10),
        replaceable,
        verdict: Verdict::Granted,
    };
    assert!(!step(None).is_late(&frame, before));
    assert!(step(None).is_late(&frame, Accepted::new(EPOCH, 10)));
    assert!(step(None).is_late(&frame, Accepted::new(EPOCH, 11)));
    assert!(!step(None).is_late(&frame, Accepted::new(NEWER, 99)));
    // The first probe of an epoch that folds like the accepted one.
    let alike = Accepted::new(EPOCH, 1_000);
    assert!(!step(Some(alike)).is_late(&frame, alike));
    assert!(step(Some(alike)).is_late(&frame, Accepted::new(EPOCH, 10)));
}

#[test]
fn successive_epochs_never_fold_alike() {
    for round in (0..100_000).chain((1 << 48) - 10..(1 << 48) - 1) {
        let fold = |round, slot| Epoch::new(round, slot).fold();
        assert_ne!(fold(round, 1), fold(round + 1, 1));
        assert_ne!(fold(round, 9_999), fold(round + 1, 9_999));
        assert_ne!(fold(round, 1), fold(round, 2));
    }
}

#[test]
fn a_probe_from_the_members_business_address_is_the_same_grant_by_another_road() {
    let mut situation = usual(Kind::Probe);
    let by_management = situation.decide(Kind::Probe);
    situation.source = business(1);
    assert_eq!(situation.decide(Kind::Probe), by_management);
    let member = situation.sender.expect("a member");
    let road_from = |source| road(&member, &situation.config, &source);
    assert_eq!(
        road_from(business(1)),
        Some(Road {
            own: &business(OWN_SLOT),
            other: &business(1)
        })
    );
    assert_eq!(
        road_from(address(1)),
        Some(Road {
            own: &address(OWN_SLOT),
            other: &address(1)
        })
    );
    assert_eq!(road_from(business(3)), None, "another member's");
}

#[test]
fn who_has_no_business_address_is_not_known_by_the_empty_one() {
    let mut situation = usual(Kind::Probe);
    situation.source = NO_ADDRESS;
    let impostor = Decision::Drop(Verdict::Impostor);
    situation.sender = situation.sender.map(|member| Member {
        business_address: NO_ADDRESS,
        ..member
    });
    assert_eq!(situation.decide(Kind::Probe), impostor);
    let mut situation = usual(Kind::Probe);
    situation.source = business(1);
    situation.config.business_address = NO_ADDRESS;
    assert_eq!(situation.decide(Kind::Probe), impostor);
}
