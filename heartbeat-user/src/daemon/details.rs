//! The kernel's counters in an operator's terms.

use std::io;

use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::frame::AGE_UNKNOWN;
use heartbeat_wire::histogram::{BUCKETS, lower_bound_ns};

use crate::control::{Answer, Bucket, Counted, Details, SCHEMA};
use crate::datapath::{MergedReply, Statistics};
use crate::sys::clock::boot_ns;

/// Reads them; `slots` of members in their order.
///
/// # Errors
/// What bpf(2) answers.
pub(super) fn details(
    slot: Slot,
    slots: &[Slot],
    statistics: &mut Statistics,
) -> io::Result<Details> {
    let empty = |slot: &Slot| MergedReply {
        slot: *slot,
        ..MergedReply::default()
    };
    let mut replies: Vec<MergedReply> = slots.iter().map(empty).collect();
    statistics.replies(&mut replies)?;
    let now_ns = boot_ns();
    let has_answered = replies.iter().filter(|it| it.reply.count > 0);
    Ok(Details {
        schema: SCHEMA,
        slot,
        round_trips: filled(&statistics.round_trips()?),
        gaps: filled(&statistics.gaps()?),
        verdicts: counted(statistics.verdicts()?, |it| it.as_str()),
        gate_verdicts: counted(statistics.gate_verdicts()?, |it| it.as_str()),
        answers: has_answered.map(|it| answer(it, now_ns)).collect(),
    })
}

/// Those buckets in which there is something.
pub(super) fn filled(buckets: &[u64; BUCKETS]) -> Vec<Bucket> {
    let bucket = |(number, count): (usize, &u64)| Bucket {
        from_ns: lower_bound_ns(number),
        below_ns: (number + 1 < BUCKETS).then(|| lower_bound_ns(number + 1)),
        count: *count,
    };
    let all = buckets.iter().enumerate().map(bucket);
    all.filter(|bucket| bucket.count > 0).collect()
}

fn counted<T>(counts: Vec<(T, u64)>, name: impl Fn(&T) -> &'static str) -> Vec<Counted> {
    let one = |(what, count): (T, u64)| Counted {
        name: name(&what).to_owned(),
        count,
    };
    counts.into_iter().map(one).collect()
}

fn answer(merged: &MergedReply, now_ns: u64) -> Answer {
    let reply = &merged.reply;
    let known = |age: u32| (age != AGE_UNKNOWN).then_some(age);
    Answer {
        slot: merged.slot,
        count: reply.count,
        age_us: now_ns.saturating_sub(reply.arrival_ns) / 1_000,
        rtt_ns: reply.rtt_ns,
        daemon_age_us: known(reply.daemon_age_us),
        service_age_us: known(reply.service_age_us),
        epoch: Epoch(reply.epoch).into(),
        config_digest: format!("{:016x}", reply.config_digest),
        elector_version: reply.elector_version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_that_have_something_are_shown_each_with_its_bounds() {
        let mut buckets = [0; BUCKETS];
        buckets[26] = 3;
        buckets[BUCKETS - 1] = 1;
        let shown = filled(&buckets);
        let bounds = |bucket: &Bucket| (bucket.from_ns, bucket.below_ns, bucket.count);
        let shown: Vec<_> = shown.iter().map(bounds).collect();
        assert_eq!(shown, [(8_192, Some(12_288), 3), (3 << 62, None, 1)]);
    }

    #[test]
    fn an_age_that_nobody_knows_is_none() {
        let mut merged = MergedReply {
            slot: 2,
            ..MergedReply::default()
        };
        merged.reply.arrival_ns = 5_000_000;
        merged.reply.daemon_age_us = 9;
        merged.reply.service_age_us = AGE_UNKNOWN;
        let answer = answer(&merged, 7_000_000);
        assert_eq!((answer.age_us, answer.daemon_age_us), (2_000, Some(9)));
        assert_eq!(answer.service_age_us, None);
    }
}
