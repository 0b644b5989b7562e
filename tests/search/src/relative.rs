//! States that go on alike are one state: times count by how far they are from now, and numbers of questions by their
//! order among those that can still be met.
//!
//! Each machine's clock and each machine's numbers begin at a place of their own, far from those of the others and
//! from everything else, so that a word shows what it is wherever it stands.

use std::hash::Hasher;
use std::time::Duration;

use heartbeat_core::time::nanos;
use heartbeat_core::{Instant, Slot};

use crate::digest::Mix;

/// Bits of a machine's range of times, or of numbers.
const RANGE: u32 = 40;
/// Times lie in the ranges from this one on, by slot; numbers in those from [`NUMBERS`] on.
const TIMES: u64 = 0x10;
const NUMBERS: u64 = 0x20;
const IDS: u64 = 0x30;
/// Questions to the reference that are told apart.
const NEWEST_IDS: u64 = 17;
/// Slots that have ranges.
const SLOTS: u64 = NUMBERS - TIMES;
/// Where in its range a clock or a count begins: what lies before or behind it is there as well.
const BEGIN: u64 = 1 << 30;
/// Bits that a number has in a frame: above it, the word of the last accepted probe has its epoch.
const NUMBER_BITS: u32 = 48;

/// What the clock of `slot` shows when a search begins, in nanoseconds.
pub(crate) const fn first_time(slot: Slot) -> u64 {
    ((TIMES + slot as u64) << RANGE) + BEGIN
}

/// The number before the first question of `slot`.
pub(crate) const fn first_number(slot: Slot) -> u64 {
    ((NUMBERS + slot as u64) << RANGE) + BEGIN
}

/// What a machine's times and numbers are counted from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) slot: Slot,
    pub(crate) now: Instant,
    /// Numbers of its questions that can still be met, ascending.
    pub(crate) numbers: Vec<u64>,
    /// The id of its last question to the reference, which count up; `None`: it asked none.
    pub(crate) asked: Option<u64>,
}

impl Origin {
    /// Where a number stands among those, and whether it is one of them.
    fn place(&self, number: u64) -> u64 {
        match self.numbers.binary_search(&number) {
            Ok(place) => 2 * place as u64 + 1,
            Err(place) => 2 * place as u64,
        }
    }
}

/// Hashes a state relative to its origins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relative<'a> {
    mix: Mix,
    origins: &'a [Origin],
    memory_ns: i64,
    foresight_ns: i64,
}

impl<'a> Relative<'a> {
    /// A time that is longer ago than `memory`, or further ahead than `foresight`, says no more than that.
    pub(crate) fn new(origins: &'a [Origin], memory: Duration, foresight: Duration) -> Self {
        let ns = |span| i64::try_from(nanos(span)).unwrap_or(i64::MAX);
        Self {
            mix: Mix::new(),
            origins,
            memory_ns: ns(memory),
            foresight_ns: ns(foresight),
        }
    }

    /// How far from `now` a time is, within those bounds; never negative.
    fn away(&self, time: u64, now: u64) -> u64 {
        let ahead = time.wrapping_sub(now).cast_signed();
        (ahead.clamp(-self.memory_ns, self.foresight_ns) + self.memory_ns).cast_unsigned()
    }

    fn origin(&self, slot: u64) -> Option<&Origin> {
        self.origins
            .iter()
            .find(|origin| u64::from(origin.slot) == slot)
    }

    /// What a word says, if it is a time, a number or the id of a question to the reference.
    fn distance(&self, word: u64) -> Option<u64> {
        self.in_range(word).or_else(|| self.among_ids(word))
    }

    /// Which of the newest ids it is, or the next one.
    fn among_ids(&self, word: u64) -> Option<u64> {
        self.origins.iter().find_map(|origin| {
            let back = origin.asked?.wrapping_add(1).wrapping_sub(word);
            let range = IDS + u64::from(origin.slot);
            (back <= NEWEST_IDS).then_some((range << RANGE) | back)
        })
    }

    fn in_range(&self, word: u64) -> Option<u64> {
        let (high, low) = (word >> NUMBER_BITS, word & ((1 << NUMBER_BITS) - 1));
        let range = low >> RANGE;
        let distance = if (TIMES..TIMES + SLOTS).contains(&range) && high == 0 {
            let now = self.origin(range - TIMES)?.now.0;
            self.away(word, now)
        } else if (NUMBERS..NUMBERS + SLOTS).contains(&range) {
            self.origin(range - NUMBERS)?.place(low)
        } else {
            return None;
        };
        Some((high << NUMBER_BITS) | (range << RANGE) | distance)
    }
}

impl Hasher for Relative<'_> {
    fn finish(&self) -> u64 {
        self.mix.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.mix.write(bytes);
    }

    fn write_u8(&mut self, word: u8) {
        self.mix.write_u8(word);
    }

    fn write_u16(&mut self, word: u16) {
        self.mix.write_u16(word);
    }

    fn write_u32(&mut self, word: u32) {
        self.mix.write_u32(word);
    }

    fn write_u64(&mut self, word: u64) {
        self.mix.write_u64(self.distance(word).unwrap_or(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.mix.write_usize(word);
    }

    fn write_isize(&mut self, word: isize) {
        self.mix.write_isize(word);
    }
}
