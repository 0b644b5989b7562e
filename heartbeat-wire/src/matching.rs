//! How answers to our own questions count; the same code runs in the XDP program and in the host's tests.

use crate::epoch::Epoch;
use crate::frame::{Frame, Kind, flag};
use crate::maps::{Config, Sent};
use crate::verdict::Verdict;

/// Whether a question of this number went by the management network: numbers over the business network are odd.
#[must_use]
#[inline(always)]
pub const fn by_management(sequence: u64) -> bool {
    sequence.is_multiple_of(2)
}

/// How an answer to one of our questions counts, by our own record of that question.
#[must_use]
#[inline(always)]
pub fn match_answer(
    frame: &Frame,
    kind: Kind,
    sent: &Sent,
    config: &Config,
    now_ns: u64,
) -> Verdict {
    let is_ours = sent.sequence == frame.sequence
        && sent.epoch == frame.epoch
        && sent.sent_ns == frame.sent_ns
        && sent.sequence != 0;
    if !is_ours || now_ns.saturating_sub(sent.sent_ns) > config.detect_ns {
        return Verdict::Stale;
    }
    let asked = sent.kind;
    match kind {
        Kind::Reply if asked == Kind::Query as u64 => Verdict::QueryReplyCounted,
        Kind::Reply if asked == Kind::Probe as u64 => {
            let same_electors = frame.elector_version == config.elector_version
                && frame.elector_digest == config.elector_digest;
            if frame.flags & flag::NO_GRANT != 0 || !same_electors {
                Verdict::ReplyNoGrant
            } else {
                Verdict::ReplyCounted
            }
        }
        Kind::Refusal if asked == Kind::Probe as u64 => {
            let probed = Epoch(frame.probed_epoch);
            if frame.flags & flag::PROBED != 0
                && probed.0 > frame.epoch
                && probed.is_plausible_after(Epoch(frame.epoch))
            {
                Verdict::RefusalProbed
            } else {
                Verdict::RefusalPromised
            }
        }
        Kind::Probe | Kind::Query | Kind::Reply | Kind::Refusal => Verdict::Stale,
    }
}
