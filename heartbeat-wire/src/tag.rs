//! The tag that makes a heartbeat authentic: SipHash-2-4 with a 128-bit key, two key slots.

use crate::frame::Frame;
use crate::siphash::{HEAD, State, begin, finish, hash};

/// How many keys a node knows at once, so that a key can be replaced without a gap.
pub const KEY_SLOTS: usize = 2;

/// One 128-bit SipHash key as its two little-endian words.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Key {
    /// Bytes 0 to 7 of the key.
    pub k0: u64,
    /// Bytes 8 to 15 of the key.
    pub k1: u64,
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl Key {
    /// The key in these sixteen bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        Self {
            k0: whole as u64,
            k1: (whole >> 64) as u64,
        }
    }

    /// Whether nothing was put into this key slot; such a key authenticates nobody.
    #[must_use]
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.k0 == 0 && self.k1 == 0
    }
}

/// SipHash-2-4 (Aumasson, Bernstein 2012) of all that stands before the tag.
#[must_use]
#[inline(always)]
pub fn tag_of(frame: &Frame, key: &Key) -> u64 {
    hash(frame.signed_words(), key)
}

/// Signs `frame` with the key in `key_slot`, which is noted in it.
#[inline(always)]
pub fn sign(frame: &mut Frame, key_slot: u8, key: &Key) {
    frame.key_slot = key_slot;
    frame.tag = tag_of(frame, key);
}

/// Whether the frame's tag was made with `key`. An empty key slot never says yes.
#[must_use]
#[inline(always)]
pub fn verify(frame: &Frame, key: &Key) -> bool {
    !key.is_empty() && tag_of(frame, key) == frame.tag
}

/// What one sender's newest authentic frame began with, and what that came to: its next one mostly begins alike,
/// and the hash goes on from there. Secret: the key can be computed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Beginning {
    /// The key under which it came to that; an empty one while nothing is kept.
    key: Key,
    words: [u64; HEAD],
    state: State,
}

impl Beginning {
    /// As [`verify`]. What is not authentic is not kept, so nobody without the key makes others' frames dearer.
    #[must_use]
    #[inline(always)]
    pub fn verify(&mut self, frame: &Frame, key: &Key) -> bool {
        if key.is_empty() {
            return false;
        }
        if self.is_of(frame, key) {
            return finish(frame.signed_words(), &self.state) == frame.tag;
        }
        let state = begin(frame.signed_words(), key);
        let is_authentic = finish(frame.signed_words(), &state) == frame.tag;
        if is_authentic {
            self.keep(frame, key, state);
        }
        is_authentic
    }

    /// As [`sign`].
    #[inline(always)]
    pub fn sign(&mut self, frame: &mut Frame, key_slot: u8, key: &Key) {
        frame.key_slot = key_slot;
        if !self.is_of(frame, key) {
            let state = begin(frame.signed_words(), key);
            self.keep(frame, key, state);
        }
        frame.tag = finish(frame.signed_words(), &self.state);
    }

    #[inline(always)]
    fn is_of(&self, frame: &Frame, key: &Key) -> bool {
        let mut differs = (self.key.k0 ^ key.k0) | (self.key.k1 ^ key.k1);
        // One by one: for slices the kernel's machine compares byte by byte.
        for (kept, word) in self.words.iter().zip(frame.signed_words()) {
            differs |= kept ^ word;
        }
        differs == 0
    }

    #[inline(always)]
    fn keep(&mut self, frame: &Frame, key: &Key, state: State) {
        self.key = *key;
        for (kept, word) in self.words.iter_mut().zip(frame.signed_words()) {
            *kept = *word;
        }
        self.state = state;
    }
}
