//! Histogram buckets that kernel and userspace share: two to the octave, from 1 ns to 2^64 ns.

/// Number of buckets of a histogram.
pub const BUCKETS: usize = 128;

/// The bucket of a duration in nanoseconds: twice the position of its highest bit, plus the next bit.
#[must_use]
#[inline(always)]
pub const fn bucket_of(ns: u64) -> usize {
    if ns < 2 {
        return 0;
    }
    let high = 63 - ns.leading_zeros();
    let half = (ns >> (high - 1)) & 1;
    ((high as usize) * 2 + half as usize) & (BUCKETS - 1)
}

/// The smallest duration in nanoseconds that falls into `bucket`.
#[must_use]
pub const fn lower_bound_ns(bucket: usize) -> u64 {
    if bucket < 2 {
        return 0;
    }
    let high = bucket / 2;
    (1 << high) | (((bucket as u64) & 1) << (high - 1))
}
