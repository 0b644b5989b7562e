//! SipHash-2-4 (Aumasson, Bernstein 2012) over whole 64-bit words.
//!
//! Written out, since in the kernel it is what an answer costs most: a hash over bytes loads every word
//! in eight pieces there, because the compiler may not assume that bytes are aligned.

use crate::tag::Key;

/// Words that the tag covers.
pub(crate) const WORDS: usize = crate::frame::SIGNED_LEN / 8;

/// Words that the frames of one sender mostly begin with: all that changes from one to the next stands behind.
pub(crate) const HEAD: usize = core::mem::offset_of!(crate::Frame, sequence) / 8;

/// What the hash has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline(always)]
    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }

    #[inline(always)]
    const fn take(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.round();
        self.v0 ^= word;
    }
}

/// The hash of these words, little-endian, under `key`.
#[inline(always)]
pub(crate) fn hash(words: &[u64; WORDS], key: &Key) -> u64 {
    finish(words, &begin(words, key))
}

/// What the first [`HEAD`] of these words come to under `key`.
///
/// A function that is called, like [`finish`]: written into each of its callers it would be most of their code, and
/// cold at every frame.
#[inline(never)]
pub(crate) fn begin(words: &[u64; WORDS], key: &Key) -> State {
    let mut state = State {
        v0: key.k0 ^ 0x736f_6d65_7073_6575,
        v1: key.k1 ^ 0x646f_7261_6e64_6f6d,
        v2: key.k0 ^ 0x6c79_6765_6e65_7261,
        v3: key.k1 ^ 0x7465_6462_7974_6573,
    };
    for word in &words[..HEAD] {
        state.take(*word);
    }
    state
}

/// The hash of all the words, from what the first [`HEAD`] of them came to.
#[inline(never)]
pub(crate) fn finish(words: &[u64; WORDS], head: &State) -> u64 {
    let mut state = *head;
    for word in &words[HEAD..] {
        state.take(*word);
    }
    // No byte is left over; the last word holds the length only.
    state.take(((WORDS as u64 * 8) & 0xff) << 56);
    state.v2 ^= 0xff;
    state.round();
    state.round();
    state.round();
    state.round();
    state.v0 ^ state.v1 ^ state.v2 ^ state.v3
}
