//! Answers to our own questions, counted per CPU and slot.

use core::ptr::{read_volatile, write_volatile};

use heartbeat_wire::maps::{Config, EventKind, REPLIES_CHUNK, Reply, Sent};
use heartbeat_wire::matching::{by_management, match_answer};
use heartbeat_wire::{Frame, Kind, Verdict};

use crate::event;
use crate::maps;

/// Counts an authentic answer. Nothing is ever sent because of one.
#[inline(always)]
pub(crate) fn count_answer(frame: &Frame, kind: Kind, config: &Config, now_ns: u64) -> Verdict {
    let Some(sent) = maps::sent(frame.sequence).map(read_sent) else {
        return Verdict::Stale;
    };
    let verdict = match_answer(frame, kind, &sent, config, now_ns);
    if matches!(verdict, Verdict::Stale) {
        return verdict;
    }
    let Some(chunk) = maps::replies(frame.sender) else {
        return Verdict::Stale;
    };
    // SAFETY: this CPU's own value; no other program runs on it meanwhile, and readers copy it.
    let record = unsafe { &mut (*chunk).slots[usize::from(frame.sender) % REPLIES_CHUNK] };
    note_incarnation(record, frame.incarnation, now_ns);
    let newest = match verdict {
        Verdict::QueryReplyCounted => &mut record.query_sequence,
        _ => &mut record.sequence,
    };
    if frame.sequence <= *newest {
        return Verdict::Repeated;
    }
    *newest = frame.sequence;
    note_answer(record, frame, &sent, verdict, now_ns);
    match verdict {
        Verdict::QueryReplyCounted => event::tell(EventKind::QueryAnswer, frame, now_ns),
        Verdict::RefusalPromised | Verdict::RefusalProbed => {
            event::tell(EventKind::Refusal, frame, now_ns);
        }
        _ => {}
    }
    verdict
}

/// The daemon may overwrite the record meanwhile: it zeroes the sequence number first and writes it
/// last, so it is read last.
#[inline(always)]
fn read_sent(place: *const Sent) -> Sent {
    // SAFETY: a map value, which lives as long as the program runs; each word is read once, whole.
    unsafe {
        let epoch = read_volatile(&raw const (*place).epoch);
        let sent_ns = read_volatile(&raw const (*place).sent_ns);
        let kind = read_volatile(&raw const (*place).kind);
        Sent {
            epoch,
            sequence: read_volatile(&raw const (*place).sequence),
            sent_ns,
            kind,
        }
    }
}

/// A restart changes the incarnation once; two machines in one slot make it come back.
#[inline(always)]
fn note_incarnation(record: &mut Reply, incarnation: u64, now_ns: u64) {
    if incarnation == record.incarnation {
        return;
    }
    if incarnation == record.former_incarnation {
        record.clash_ns = now_ns;
    }
    record.former_incarnation = record.incarnation;
    record.incarnation = incarnation;
}

/// A member's answers come by one queue of the network card, and so to one CPU. Where they do not, two CPUs may leave
/// the older of two numbers here, and the member's next answer is as good.
#[inline(always)]
fn note_heard(frame: &Frame) {
    if by_management(frame.sequence)
        && let Some(number) = maps::heard(frame.sender)
    {
        // SAFETY: an aligned part of a map value, which lives as long as the program runs; written whole.
        unsafe { write_volatile(number, frame.sequence as u16) };
    }
}

#[inline(always)]
fn note_answer(record: &mut Reply, frame: &Frame, sent: &Sent, verdict: Verdict, now_ns: u64) {
    if matches!(verdict, Verdict::ReplyCounted) {
        record.granted_sent_ns = sent.sent_ns;
        record.granted_sequence = frame.sequence;
    }
    if !matches!(verdict, Verdict::QueryReplyCounted) {
        record.epoch = frame.epoch;
        note_heard(frame);
    }
    record.arrival_ns = now_ns;
    record.count += 1;
    record.rtt_ns = now_ns.saturating_sub(sent.sent_ns);
    record.config_digest = frame.config_digest;
    record.info_version = frame.info_version;
    record.daemon_age_us = frame.daemon_age_us;
    record.service_age_us = frame.service_age_us;
    record.elector_version = frame.elector_version;
    record.elector_digest = frame.elector_digest;
    record.diagnosis = frame.diagnosis;
    record.role = frame.role;
    record.gate = frame.gate;
    record.flags = frame.flags;
    maps::count_round_trip(record.rtt_ns);
}
