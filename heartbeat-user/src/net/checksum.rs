//! The Internet checksum (RFC 1071).

/// A ones' complement sum in the making. Parts of even length may be added in any order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum(u64);

impl Sum {
    /// Adds bytes as 16-bit words in network order; an odd last byte counts as the upper half of one.
    #[must_use]
    pub(super) fn add(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<2>();
        let sum = words.iter().fold(self.0, |sum, word| {
            sum + u64::from(u16::from_be_bytes(*word))
        });
        let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
        Self(sum + last)
    }

    /// The checksum: the complement of the sum, folded to 16 bits.
    #[must_use]
    pub(super) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).expect("folded to 16 bits just above")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_comes_out() {
        // Section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
        let sum = Sum::default().add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.finish(), !0xddf2);
    }

    #[test]
    fn an_odd_byte_counts_as_the_upper_half_of_a_word() {
        assert_eq!(Sum::default().add(&[0xab]).finish(), !0xab00);
    }
}
