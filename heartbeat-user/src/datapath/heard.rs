//! The newest probe that each member answered: sixteen bits a slot that the kernel writes, read without a system call.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;

use heartbeat_wire::maps::HEARD_GROUP;

use super::words::Words;
use crate::sys::mmap::MappedWords;

/// Bits of one slot in the word of its group.
const BITS: u32 = u16::BITS;

/// The words of all slots; those of 10,000 are read in some ten microseconds.
#[derive(Debug)]
pub struct HeardWords {
    words: MappedWords,
    own: Words,
    groups: Vec<Group>,
    /// Room for the words as they stand.
    fresh: Vec<u64>,
}

/// What is known of the slots of one word.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// All ones where a slot is watched.
    watched: u64,
    /// What was read last, of the watched ones.
    known: u64,
}

impl HeardWords {
    /// Maps the words of the slots up to this one. Nobody is watched yet.
    pub(super) fn map(map: impl AsFd, highest_slot: u16, own: Words) -> io::Result<Self> {
        let groups = usize::from(highest_slot) / HEARD_GROUP + 1;
        let count = NonZeroUsize::new(groups).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            words: MappedWords::new(map, count)?,
            own,
            groups: vec![Group::default(); groups],
            fresh: vec![0; groups],
        })
    }

    /// These are the slots to watch. Of one that was not watched before only what it answers from now on is told: what
    /// it answered long ago cannot be told from something new.
    pub fn watch(&mut self, slots: impl Iterator<Item = u16>) {
        let mut watched = vec![0; self.groups.len()];
        for slot in slots {
            if let Some(group) = watched.get_mut(usize::from(slot) / HEARD_GROUP) {
                *group |= u64::from(u16::MAX) << shift(slot);
            }
        }
        for ((group, word), watched) in self.groups.iter_mut().zip(&*self.words).zip(watched) {
            let was = group.watched;
            group.known = (group.known & was) | (word.load(Relaxed) & !was);
            group.watched = watched;
        }
    }

    /// Hands to `told`, by slot, who answered since this was asked last, and the number of the newest probe that it
    /// answered.
    pub fn take(&mut self, mut told: impl FnMut(u16, u64)) {
        // All at once: another processor wrote them, and the waits for one cache line and the next then run side by
        // side. Each part of a word says all that is taken from it.
        for (fresh, word) in self.fresh.iter_mut().zip(&*self.words) {
            *fresh = word.load(Relaxed);
        }
        let newest = self.own.newest_question();
        for ((group, word), first) in self.groups.iter_mut().zip(&self.fresh).zip(0..) {
            let mut changed = (word ^ group.known) & group.watched;
            group.known ^= changed;
            while changed != 0 {
                let place = changed.trailing_zeros() / BITS;
                let lower = (word >> (place * BITS)) as u16;
                told(
                    first * HEARD_GROUP as u16 + place as u16,
                    whole(lower, newest),
                );
                changed &= !(u64::from(u16::MAX) << (place * BITS));
            }
        }
    }
}

/// Where a slot's bits stand in the word of its group: numbers of sixteen bits lie one after the other, and all of ours
/// is little-endian.
const fn shift(slot: u16) -> u32 {
    slot as u32 % HEARD_GROUP as u32 * BITS
}

/// The number with these lower bits that is no later than the newest question's: an answer that is new is one to a probe
/// of late.
const fn whole(lower: u16, newest: u64) -> u64 {
    newest.saturating_sub((newest as u16).wrapping_sub(lower) as u64)
}

#[cfg(test)]
mod tests {
    use heartbeat_wire::maps::HeardGroup;

    use super::*;

    #[test]
    fn a_number_is_found_again_from_its_lower_bits() {
        for newest in [70_000, 65_536, 65_535, 300_000_000_001] {
            for back in [0, 1, 2, 4_000, 65_000] {
                let number = newest - back;
                assert_eq!(whole(number as u16, newest), number, "{newest} - {back}");
            }
        }
    }

    #[test]
    fn the_slots_of_a_word_stand_in_their_order() {
        let group = HeardGroup {
            numbers: [1, 2, 3, 4],
        };
        let mut bytes = group.numbers.into_iter().flat_map(u16::to_ne_bytes);
        let word = u64::from_ne_bytes(std::array::from_fn(|_| bytes.next().unwrap()));
        for slot in 4..8 {
            assert_eq!((word >> shift(slot)) as u16, slot - 3);
        }
    }
}
