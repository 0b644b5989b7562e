//! The answers' bodies: made from the question in place, never longer than it.

use crate::frame::{AGE_UNKNOWN, Frame, Kind, age_us, flag, gate_state};
use crate::gate::gate_of;
use crate::maps::{Config, Control, Grant};
use crate::verdict::Verdict;

/// What the answering node says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The daemon's words.
    pub control: &'a Control,
    /// The kernel's words, read after the grant was written.
    pub grant: &'a Grant,
    /// CLOCK_BOOTTIME in nanoseconds.
    pub now_ns: u64,
}

/// Turns `frame`, a probe or query, into its answer. The tag is made afterwards.
///
/// `verdict` says how the question was judged; every answer but [`Verdict::Granted`] and
/// [`Verdict::QueryAnswered`] carries [`flag::NO_GRANT`].
#[inline(always)]
pub fn write_answer(frame: &mut Frame, kind: Kind, verdict: Verdict, own: &Own<'_>) {
    let (config, control, grant) = (own.config, own.control, own.grant);
    frame.flags = answer_flags(frame, kind, verdict, own);
    frame.kind = kind as u8;
    // Who asks by the next set is answered by it, or the answer would not count.
    if !config.goes_by(frame.elector_version, frame.elector_digest) {
        frame.elector_version = config.elector_version;
        frame.elector_digest = config.elector_digest;
    }
    frame.incarnation = config.incarnation;
    frame.sender = config.slot;
    frame.successor = grant.successor as u16;
    frame.role = control.role as u8;
    frame.gate = if gate_of(control, grant, config, own.now_ns) {
        gate_state::OPEN
    } else {
        gate_state::SHUT
    };
    frame.diagnosis = control.diagnosis as u16;
    frame.lease_us = grant_left_us(control, grant, own.now_ns);
    frame.daemon_age_us = age_since(control.beat_ns, own.now_ns);
    frame.service_age_us = age_since(control.service_ns, own.now_ns);
    frame.stride = 0;
    frame.offset = 0;
    frame.promised_epoch = control.promised_epoch;
    frame.probed_epoch = grant.probed_epoch;
    frame.config_digest = config.config_digest;
    frame.info_version = control.info_version;
}

#[inline(always)]
fn answer_flags(frame: &Frame, kind: Kind, verdict: Verdict, own: &Own<'_>) -> u8 {
    let mut flags = own.control.flags as u8 & flag::ELIGIBLE;
    if own.now_ns < own.control.abstain_until_ns {
        flags |= flag::ABSTAINS;
    }
    if !matches!(verdict, Verdict::Granted | Verdict::QueryAnswered) {
        flags |= flag::NO_GRANT;
    }
    if matches!(kind, Kind::Refusal) && own.grant.probed_epoch > frame.epoch {
        flags |= flag::PROBED;
    }
    flags
}

/// When the grant that this node gave ends: the kernel's by a probe or the daemon's by a vote, the
/// later one; 0 if its holder released the epoch that it was given to.
///
/// Equality, not order: a candidate that gives up releases an epoch above the working master's, and
/// the master's grant must outlive that. A probed epoch was elected, so whatever an earlier epoch's
/// probe left in the word is over anyway.
#[must_use]
#[inline(always)]
pub fn grant_end_ns(control: &Control, grant: &Grant) -> u64 {
    let by_probe = if grant.probed_epoch != control.released_epoch {
        grant.end_ns
    } else {
        0
    };
    let by_vote = if control.vote_epoch != control.released_epoch {
        control.vote_grant_end_ns
    } else {
        0
    };
    if by_probe > by_vote {
        by_probe
    } else {
        by_vote
    }
}

/// What is left of [`grant_end_ns`], in microseconds.
#[must_use]
#[inline(always)]
pub fn grant_left_us(control: &Control, grant: &Grant, now_ns: u64) -> u32 {
    let end_ns = grant_end_ns(control, grant);
    if end_ns <= now_ns {
        return 0;
    }
    // Rounded up: who asks again after this time must find the grant over.
    age_us((end_ns - now_ns).saturating_add(999))
}

#[inline(always)]
fn age_since(then_ns: u64, now_ns: u64) -> u32 {
    if then_ns == 0 {
        AGE_UNKNOWN
    } else {
        age_us(now_ns.saturating_sub(then_ns))
    }
}
