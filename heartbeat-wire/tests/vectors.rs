//! Frame layout and tag, against vectors that another implementation made.

use std::collections::BTreeMap;

use heartbeat_wire::Frame;
use heartbeat_wire::frame::{FRAME_LEN, SIGNED_LEN};
use heartbeat_wire::tag::{Beginning, Key, sign, tag_of, verify};
use siphasher::sip::SipHasher24;

const FRAMES: &str = include_str!("../vectors/frames.txt");
const HASHES: &str = include_str!("../vectors/siphash.txt");

type Vector = BTreeMap<&'static str, &'static str>;

/// The vectors: blocks of `field = value` lines between empty ones.
fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> = FRAMES
        .split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.split_once(" = ")))
        .map(Iterator::collect)
        .filter(|vector: &Vector| !vector.is_empty())
        .collect();
    assert_eq!(vectors.len(), 4, "one of each kind");
    vectors
}

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(&hex[place..place + 2], 16).expect("hexadecimal"))
        .collect()
}

fn key(vector: &Vector) -> Key {
    Key::from_bytes(bytes(vector["key"]).try_into().expect("16 bytes"))
}

/// The frame that a vector's fields describe; the compiler insists on every field.
fn frame(vector: &Vector) -> Frame {
    macro_rules! fields {
        ($($field:ident),* $(,)?) => {
            Frame { $($field: number(vector[stringify!($field)]).try_into().expect("it fits"),)* }
        };
    }
    fields! {
        magic, version, kind, key_slot, flags, cluster_id, elector_version, elector_digest,
        incarnation, sender, successor, role, gate, diagnosis, epoch, sequence, sent_ns, lease_us,
        daemon_age_us, service_age_us, stride, offset, promised_epoch, probed_epoch, config_digest,
        info_version, tag,
    }
}

#[test]
fn every_vectors_fields_make_its_bytes_and_back() {
    for vector in vectors() {
        let name = vector["name"];
        let expected: [u8; FRAME_LEN] = bytes(vector["bytes"]).try_into().expect("a whole body");
        assert_eq!(frame(&vector).as_bytes(), &expected, "{name}");
        assert_eq!(Frame::from_bytes(&expected), frame(&vector), "{name}");
    }
}

#[test]
fn every_vectors_tag_is_the_one_that_signing_makes() {
    for vector in vectors() {
        let name = vector["name"];
        let key = key(&vector);
        let mut signed = Frame {
            tag: 0,
            key_slot: 9,
            ..frame(&vector)
        };
        sign(&mut signed, frame(&vector).key_slot, &key);
        assert_eq!(signed, frame(&vector), "{name}");
        assert!(verify(&signed, &key), "{name}");
    }
}

#[test]
fn what_is_kept_of_a_frame_changes_no_tag_and_comes_only_of_authentic_ones() {
    let mut kept = Beginning::default();
    for vector in vectors() {
        let name = vector["name"];
        let (key, right) = (key(&vector), frame(&vector));
        for bit in 0..FRAME_LEN * 8 {
            let mut wrong = *right.as_bytes();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let wrong = Frame::from_bytes(&wrong);
            let before = kept;
            assert!(!kept.verify(&wrong, &key), "{name}: bit {bit}");
            assert_eq!(kept, before, "{name}: bit {bit}");
            assert!(kept.verify(&right, &key), "{name}");
            let mut signed = Frame { tag: 0, ..wrong };
            kept.sign(&mut signed, wrong.key_slot, &key);
            assert_eq!(signed.tag, tag_of(&wrong, &key), "{name}: bit {bit}");
        }
        assert!(!kept.verify(&right, &Key::default()), "{name}");
    }
}

#[test]
fn a_frame_with_any_one_bit_changed_is_not_authentic() {
    for vector in vectors() {
        let key = key(&vector);
        let right = *frame(&vector).as_bytes();
        for bit in 0..FRAME_LEN * 8 {
            let mut wrong = right;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&Frame::from_bytes(&wrong), &key), "bit {bit}");
        }
    }
}

#[test]
fn another_key_or_none_does_not_authenticate() {
    for vector in vectors() {
        let right = key(&vector);
        let mut signed = frame(&vector);
        let other = Key {
            k0: right.k0 ^ 1,
            ..right
        };
        assert!(!verify(&signed, &other));
        let none = Key::default();
        sign(&mut signed, 0, &none);
        assert!(!verify(&signed, &none), "an empty key slot opens nothing");
    }
}

#[test]
fn keys_and_hashes_are_read_as_the_papers_authors_read_them() {
    let key = Key::from_bytes(std::array::from_fn(|place| place as u8));
    let mut checked = 0;
    for line in HASHES.lines().filter(|line| !line.starts_with('#')) {
        let (length, hash) = line.split_once(' ').expect("length and hash");
        let message: Vec<u8> = (0..number(length)).map(|byte| byte as u8).collect();
        let found = SipHasher24::new_with_keys(key.k0, key.k1).hash(&message);
        assert_eq!(found, number(hash), "length {length}");
        if message.len() == SIGNED_LEN {
            let mut body = [0; FRAME_LEN];
            body[..SIGNED_LEN].copy_from_slice(&message);
            assert_eq!(tag_of(&Frame::from_bytes(&body), &key), number(hash));
        }
        checked += 1;
    }
    assert_eq!(checked, 7);
}
