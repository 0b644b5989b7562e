//! Numbers out of bytes, and zeros when they run out.

/// What is left to read.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        let count = N.min(self.0.len());
        let (head, rest) = self.0.split_at(count);
        taken[..count].copy_from_slice(head);
        self.0 = rest;
        taken
    }

    pub(super) fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.take())
    }

    pub(super) fn short(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(super) fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
