use super::*;
use proptest::prelude::*;

const CLUSTER: u64 = 0x0123_4567_89ab_cdef;

fn key(number: u8) -> ControlKey {
    ControlKey::derive(&[number; 32])
}

fn own(slot: Slot) -> Sender {
    Sender {
        cluster: CLUSTER,
        slot,
        incarnation: 0xfeed,
    }
}

fn node(slot: Slot, signing: u8, accepted: Option<u8>) -> Envelope {
    Envelope::new(own(slot), key(signing), accepted.map(key))
}

const SUBJECT: Subject = Subject {
    receiver: 2,
    epoch: Epoch::new(9, 1),
    nonce: 77,
};

fn sealed(by: &Envelope, body: &[u8]) -> Vec<u8> {
    let mut datagram = [0xee; MAX_DATAGRAM];
    datagram[HEADER_LEN..HEADER_LEN + body.len()].copy_from_slice(body);
    by.seal(&SUBJECT, body.len(), &mut datagram).to_vec()
}

#[test]
fn what_one_node_seals_the_other_opens() {
    for length in [0, 1, MAX_BODY] {
        let body = vec![0x5a; length];
        let bytes = sealed(&node(1, 7, None), &body);
        let opened = node(2, 7, None)
            .open(&bytes)
            .expect("same cluster, same key");
        assert_eq!(
            opened,
            Opened {
                sender: own(1),
                subject: SUBJECT,
                body: &body
            }
        );
    }
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = sealed(&node(1, 7, None), b"body");
    assert_eq!(bytes.len(), 46 + 4 + 32);
    assert_eq!(bytes[..6], *b"HBDC\x01\x00");
    assert_eq!(bytes[6..8], key(7).id().to_le_bytes());
    assert_eq!(bytes[8..16], CLUSTER.to_le_bytes());
    assert_eq!(bytes[16..20], [1, 0, 2, 0]);
    assert_eq!(bytes[20..28], 0xfeed_u64.to_le_bytes());
    assert_eq!(bytes[28..36], ((9_u64 << 16) | 1).to_le_bytes());
    assert_eq!(bytes[36..44], 77_u64.to_le_bytes());
    assert_eq!(bytes[44..46], [4, 0]);
    assert_eq!(bytes[46..50], *b"body");
}

#[test]
fn both_keys_open_in_whatever_order_the_key_files_have_them() {
    let old_signs = sealed(&node(1, 7, Some(8)), b"body");
    let new_signs = sealed(&node(1, 8, Some(7)), b"body");
    for receiver in [node(2, 7, Some(8)), node(2, 8, Some(7))] {
        assert!(receiver.open(&old_signs).is_ok());
        assert!(receiver.open(&new_signs).is_ok());
    }
    assert_eq!(
        node(2, 7, None).open(&new_signs),
        Err(OpenError::UnknownKey { id: key(8).id() })
    );
}

#[test]
fn each_wrong_thing_has_its_own_error() {
    let bytes = sealed(&node(1, 7, None), b"body");
    let mut elsewhere = own(2);
    elsewhere.cluster += 1;
    let other_cluster = Envelope::new(elsewhere, key(7), None);
    assert_eq!(
        other_cluster.open(&bytes),
        Err(OpenError::OtherCluster { cluster: CLUSTER })
    );
    assert_eq!(
        node(3, 7, None).open(&bytes),
        Err(OpenError::OtherReceiver { receiver: 2 })
    );
    // The same id with another key: what a forger would name.
    let impostor = ControlKey {
        id: key(7).id(),
        key: [9; 32],
    };
    assert_eq!(
        Envelope::new(own(2), impostor, None).open(&bytes),
        Err(OpenError::Unauthentic)
    );
    assert_eq!(
        node(2, 7, None).open(b"HBDC"),
        Err(OpenError::Malformed { length: 4 })
    );
}

#[test]
fn a_key_is_not_shown_by_debug_and_is_not_the_secret_itself() {
    let key = key(7);
    assert!(!format!("{key:?}").contains("07, 07"));
    assert_ne!(key.key, [7; 32]);
}

proptest! {
    #[test]
    fn no_single_changed_byte_is_accepted(at in 0_usize..46 + 20 + 32, change in 1_u8..) {
        let mut bytes = sealed(&node(1, 7, None), &[3; 20]);
        bytes[at] ^= change;
        prop_assert!(node(2, 7, None).open(&bytes).is_err());
    }

    #[test]
    fn no_shortened_or_lengthened_datagram_is_accepted(length in 0_usize..150) {
        let mut bytes = sealed(&node(1, 7, None), &[3; 20]);
        prop_assume!(length != bytes.len());
        bytes.resize(length, 0);
        prop_assert!(node(2, 7, None).open(&bytes).is_err());
    }

    #[test]
    fn noise_is_never_opened(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(node(2, 7, None).open(&bytes).is_err());
    }
}
