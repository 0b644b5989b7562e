//! What happened on the way, so that what saw nothing proves nothing.

use std::ops::AddAssign;

/// What happened on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Leaderships that began to serve.
    pub serves: u64,
    /// Leaderships that met a higher one.
    pub outranked: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes of which nobody knows what became.
    pub unknown: u64,
    /// Writes that were not taken.
    pub refused: u64,
    /// States that gave way, at their nodes.
    pub gave_way: u64,
    /// The same, as leaders heard of it.
    pub replaced: u64,
    /// Stores that found themselves set back.
    pub set_back: u64,
    /// Writes that a disk did not take.
    pub failed: u64,
    /// Disks that were replaced.
    pub wiped: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.serves += other.serves;
        self.outranked += other.outranked;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.refused += other.refused;
        self.gave_way += other.gave_way;
        self.replaced += other.replaced;
        self.set_back += other.set_back;
        self.failed += other.failed;
        self.wiped += other.wiped;
    }
}
