//! A datagram on the control port, from somebody without the key and from somebody with it.

use heartbeat_core::Epoch;
use heartbeat_user::net::codec::{decode, encode};
use heartbeat_user::net::envelope::{
    ControlKey, Envelope, HEADER_LEN, MAX_BODY, MAX_DATAGRAM, Sender, Subject,
};
use heartbeat_user::takeover::message::Message as TakeoverMessage;

use super::bytes::Bytes;

const CLUSTER: u64 = 0x1234;
const RECEIVER: u16 = 2;

fn envelope(slot: u16) -> Envelope {
    let own = Sender {
        cluster: CLUSTER,
        slot,
        incarnation: 7,
    };
    Envelope::new(own, ControlKey::derive(&[1; 32]), None)
}

/// Opened as it is, nothing is believed; sealed with the key, its body is understood or refused, and what is
/// understood is written and read back as it was.
pub(super) fn run(bytes: &[u8]) {
    let receiver = envelope(RECEIVER);
    assert!(
        receiver.open(bytes).is_err(),
        "who has no key is not believed"
    );
    let mut bytes = Bytes(bytes);
    let subject = Subject {
        receiver: RECEIVER,
        epoch: Epoch(bytes.long()),
        nonce: bytes.long(),
    };
    let body = &bytes.0[..bytes.0.len().min(MAX_BODY)];
    let mut datagram = [0; MAX_DATAGRAM];
    datagram[HEADER_LEN..HEADER_LEN + body.len()].copy_from_slice(body);
    let sealed = envelope(1).seal(&subject, body.len(), &mut datagram);
    let opened = receiver.open(sealed).expect("it was sealed with the key");
    assert_eq!(opened.body, body);
    if let Ok(message) = decode(subject.epoch, subject.nonce, body) {
        let mut again = [0; MAX_BODY];
        let encoded = encode(&message, &mut again).expect("what was read can be written");
        let back = decode(encoded.epoch, encoded.nonce, &again[..encoded.body_len]);
        assert_eq!(back.ok(), Some(message));
    }
    if let Ok(message) = TakeoverMessage::decode(body) {
        let mut again = [0; MAX_BODY];
        let length = message.encode(&mut again);
        assert_eq!(
            TakeoverMessage::decode(&again[..length]).ok(),
            Some(message)
        );
    }
}
