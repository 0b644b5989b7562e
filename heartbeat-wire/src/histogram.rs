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
    let high = highest_bit(ns);
    let half = (ns >> (high - 1)) & 1;
    ((high as usize) * 2 + half as usize) & (BUCKETS - 1)
}

/// Position of the highest bit that is set, by halves: the kernel's machine cannot count leading zeros, and what
/// the compiler makes of that takes longer.
#[inline(always)]
const fn highest_bit(number: u64) -> u32 {
    let (mut left, mut high, mut half) = (number, 0, 32);
    while half > 0 {
        if left >> half != 0 {
            left >>= half;
            high += half;
        }
        half /= 2;
    }
    high
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
