//! A heartbeat's body, and words of the maps to judge it by.

use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, Promises, View, after_grant, check_shape, decide, is_authentic,
};
use heartbeat_wire::frame::FRAME_LEN;
use heartbeat_wire::gate::gate_of;
use heartbeat_wire::maps::{Config, Control, Grant, Keys, Member, Sent, member_flag};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::tag::{Beginning, Key, sign, verify};
use heartbeat_wire::{Epoch, Frame, Kind, Verdict};

use super::bytes::Bytes;

/// The decision is made, an answer is as authentic as any, and a lease that was never given opens no gate.
pub(super) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let config = config(&mut bytes);
    let keys = Keys {
        slots: [Key { k0: 1, k1: 2 }, Key::default()],
    };
    let mut body = bytes.take::<FRAME_LEN>();
    let frame = Frame::from_bytes(&body);
    assert_eq!(*frame.as_bytes(), body, "what is read is what was there");
    let Ok(kind) = check_shape(&frame, &config) else {
        return;
    };
    let mut kept = Beginning::default();
    assert!(
        !is_authentic(&frame, &keys, &mut kept) || frame.tag != 0,
        "an empty key says yes to nobody"
    );
    let mut signed = frame;
    sign(&mut signed, 0, &keys.slots[0]);
    assert!(is_authentic(&signed, &keys, &mut kept));
    body = *signed.as_bytes();
    judge(&Frame::from_bytes(&body), kind, &config, &mut bytes);
}

fn config(bytes: &mut Bytes<'_>) -> Config {
    Config {
        cluster_id: 1,
        max_lease_ns: bytes.long(),
        detect_ns: bytes.long(),
        elector_version: bytes.short().into(),
        next_version: bytes.short().into(),
        slot: bytes.short(),
        is_elector: bytes.short() & 1,
        ..Config::default()
    }
}

fn judge(frame: &Frame, kind: Kind, config: &Config, bytes: &mut Bytes<'_>) {
    let member = Member {
        flags: member_flag::PRESENT | member_flag::ELECTOR,
        ..Member::default()
    };
    let mut grant = Grant {
        end_ns: bytes.long(),
        accepted: bytes.long(),
        probed_epoch: bytes.long(),
        ..Grant::default()
    };
    let control = Control {
        lease_deadline_ns: bytes.long(),
        lease_epoch: bytes.long(),
        promised_epoch: bytes.long(),
        vote_grant_end_ns: bytes.long(),
        vote_epoch: bytes.long(),
        abstain_until_ns: bytes.long(),
        beat_ns: bytes.long(),
        released_epoch: bytes.long(),
        slot_lease_ns: bytes.long(),
        ..Control::default()
    };
    // 146 years: no clock shows more.
    let now_ns = bytes.long() >> 2;
    let promises = |grant: &Grant| Promises {
        promised: Epoch(control.promised_epoch),
        probed: Epoch(grant.probed_epoch),
    };
    let decision = decide(
        frame,
        kind,
        &View {
            config,
            sender: Some(&member),
            promises: promises(&grant),
            accepted: Accepted(grant.accepted),
            epoch_floor: Epoch(bytes.long()),
            abstain_until_ns: control.abstain_until_ns,
            source: member.address,
            now_ns,
        },
    );
    let verdict = match decision {
        Decision::Accept(step) => {
            assert!(
                frame.epoch >= promises(&grant).highest().0,
                "nothing below a promise is granted"
            );
            let longest = now_ns.saturating_add(config.max_lease_ns);
            assert!(step.end_ns <= longest, "no grant is longer than max_lease");
            grant.probed_epoch = grant.probed_epoch.max(frame.epoch);
            assert!(after_grant(frame, promises(&grant)));
            step.verdict
        }
        Decision::AnswerQuery => Verdict::QueryAnswered,
        Decision::Refuse => Verdict::Refused,
        Decision::MatchAnswer => {
            let sent = Sent {
                epoch: frame.epoch,
                sequence: frame.sequence,
                sent_ns: bytes.long(),
                kind: bytes.long(),
            };
            let _ = match_answer(frame, kind, &sent, config, now_ns);
            return;
        }
        Decision::Drop(_) | Decision::Duplicate { .. } => return,
    };
    let own = Own {
        config,
        control: &control,
        grant: &grant,
        now_ns,
    };
    let mut answer = *frame;
    write_answer(&mut answer, Kind::Reply, verdict, &own);
    let key = Key { k0: 1, k1: 2 };
    sign(&mut answer, 0, &key);
    assert!(verify(&answer, &key));
    assert!(
        !gate_of(&control, &grant, config, now_ns) || control.lease_deadline_ns > now_ns,
        "the gate is shut once the lease is over"
    );
}
