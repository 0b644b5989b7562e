//! Names of entries.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bounds::KEY_BYTES;

/// Beginning of the product's own keys, which users may read and not write.
pub const OWN_PREFIX: &str = "heartbeatd/";

/// Name of an entry: 1 to [`KEY_BYTES`] bytes of UTF-8 without control characters. A copy shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(Arc<str>);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has no character.
    #[error("a key cannot be empty; give it at least one character")]
    Empty,
    /// It is longer than [`KEY_BYTES`].
    #[error("a key of {0} bytes is too long; at most {KEY_BYTES} bytes are allowed")]
    TooLong(usize),
    /// It could not be shown on a line.
    #[error("a key cannot have the control character {0:?} in it; leave it out")]
    Control(char),
}

impl Key {
    /// # Errors
    /// It is empty, too long, or has a control character in it.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.len() > KEY_BYTES {
            return Err(KeyError::TooLong(text.len()));
        }
        match text.chars().find(|character| character.is_control()) {
            Some(character) => Err(KeyError::Control(character)),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of the product's own.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.0.starts_with(OWN_PREFIX)
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::new(&text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.as_str().to_owned()
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
