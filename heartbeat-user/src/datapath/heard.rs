//! The newest probe that each member answered: one word a slot that the kernel writes, read without a system call.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;

use crate::sys::mmap::MappedWords;

/// The words of all slots; all of 10,000 are read in some ten microseconds.
#[derive(Debug)]
pub struct HeardWords(MappedWords);

impl HeardWords {
    /// Maps the words of the slots up to this one.
    pub(super) fn map(map: impl AsFd, highest_slot: u16) -> io::Result<Self> {
        let count = NonZeroUsize::MIN.saturating_add(highest_slot.into());
        MappedWords::new(map, count).map(Self)
    }

    /// Number of the newest probe over the management network that this slot answered; 0 for none.
    #[must_use]
    pub fn newest(&self, slot: u16) -> u64 {
        // Each word says all that is taken from it.
        self.0
            .get(usize::from(slot))
            .map_or(0, |word| word.load(Relaxed))
    }
}
