//! What is kept for people, or follows from the driver's habits.

use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// A part of a state that no later decision goes by: two states that differ in it alone count as the same one when
/// they are told apart by their hashes.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Aside<T>(pub T);

impl<T> Hash for Aside<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl<T> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Aside<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
