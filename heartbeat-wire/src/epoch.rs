//! The number of one mastership: (round, slot), unique because each slot takes only its own.

/// One mastership's number: the round in the upper 48 bits, the slot in the lower 16.
///
/// Two candidates never hold the same epoch, since the slot is part of it, and epochs are ordered by
/// round first. Zero means "none yet": slots start at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// No epoch: nothing was promised, probed or held.
    pub const NONE: Self = Self(0);

    /// How many rounds an epoch may lie above the highest one seen before it counts as implausible.
    ///
    /// One authentic frame with the last possible round would otherwise leave no successor epoch to
    /// anybody, for ever.
    pub const PLAUSIBLE_ROUNDS: u64 = 1 << 32;

    /// The epoch of `slot` in `round` (48 bits; higher bits are cut off).
    #[must_use]
    pub const fn new(round: u64, slot: u16) -> Self {
        Self((round << 16) | slot as u64)
    }

    /// The round, 0 to 2^48 - 1.
    #[must_use]
    pub const fn round(self) -> u64 {
        self.0 >> 16
    }

    /// The slot whose mastership this is; 0 only for [`Epoch::NONE`].
    #[must_use]
    pub const fn slot(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// Whether nobody's mastership is meant.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether an authentic frame may name this epoch when `highest` is the highest one seen.
    #[must_use]
    pub const fn is_plausible_after(self, highest: Self) -> bool {
        self.round() <= highest.round().saturating_add(Self::PLAUSIBLE_ROUNDS)
    }

    /// Sixteen bits that tell successive epochs apart inside the accepted word (see [`Accepted`]).
    ///
    /// [`Accepted`]: crate::decide::Accepted
    #[must_use]
    pub const fn fold(self) -> u16 {
        // An odd factor spreads the slot over the bits, so that (r, 1) and (r, 2) never fold alike,
        // nor do (r, s) and (r + 1, s).
        ((self.round() as u16).wrapping_mul(0x6b2f)) ^ self.slot()
    }
}
