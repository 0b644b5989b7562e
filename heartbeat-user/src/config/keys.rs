//! The cluster's secret: a file of one or two keys, newest first, that only its owner may read.

use std::fmt;
use std::path::{Path, PathBuf};

use heartbeat_wire::tag::{KEY_SLOTS, Key};

use super::secret::{self, SecretError};

/// Bytes of one key; the file has them as twice as many hexadecimal digits.
pub const KEY_LEN: usize = 32;

/// More than any key file has: two lines of 64 digits, with room for blanks and CRLF.
const MAX_FILE_LEN: u64 = 1024;

/// One key of the cluster, 256 bits, from which each use derives its own.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKey([u8; KEY_LEN]);

impl ClusterKey {
    /// The key in these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Signs heartbeat frames (SipHash-2-4).
    #[must_use]
    pub fn heartbeat(&self) -> Key {
        let derived = blake3::derive_key("heartbeatd 1 heartbeat frame tag", &self.0);
        let mut half = [0; 16];
        half.copy_from_slice(&derived[..16]);
        Key::from_bytes(half)
    }

    /// What tells keys apart for people; it says nothing of the key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let derived = blake3::derive_key("heartbeatd 1 key fingerprint", &self.0);
        derived[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Authenticates votes and commands on the control port (keyed BLAKE3).
    #[must_use]
    pub fn control(&self) -> [u8; KEY_LEN] {
        blake3::derive_key("heartbeatd 1 control message tag", &self.0)
    }

    /// Authenticates and encrypts the links between daemons (Noise, pre-shared key).
    #[must_use]
    pub fn link(&self) -> [u8; KEY_LEN] {
        blake3::derive_key("heartbeatd 1 link between daemons", &self.0)
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKey(secret)")
    }
}

/// Why a key file is refused. What it holds is never shown.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Not there, not to be read, or open to others.
    #[error(transparent)]
    File(#[from] SecretError),
    /// Not one or two lines.
    #[error("key file {path} has {lines} keys, one a line; a cluster has one or two at a time")]
    Count {
        /// The key file.
        path: PathBuf,
        /// How many lines are not blank.
        lines: usize,
    },
    /// A line that is no key.
    #[error(
        "key file {path}, line {line}: {length} characters, of which {odd} are no hexadecimal digits; a key has 64 digits"
    )]
    Line {
        /// The key file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Its characters.
        length: usize,
        /// How many of them are no hexadecimal digits.
        odd: usize,
    },
}

impl KeyFileError {
    /// What the operator can do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        match self {
            Self::File(error) => error.cure(&format!(
                "make one with `heartbeatctl keygen --out {}`, or copy it from another node",
                error.path().display()
            )),
            Self::Count { .. } | Self::Line { .. } => {
                "copy the file from another node, or make a new one with `heartbeatctl keygen`; it has one key \
                 of 64 hexadecimal digits a line, newest first, and no comments"
                    .to_owned()
            }
        }
    }
}

/// Reads a key file: newest key first, one or two.
///
/// # Errors
/// [`KeyFileError`]; also when the file is not the caller's or root's, or its mode leaves it open to others.
pub fn read(path: &Path) -> Result<Vec<ClusterKey>, KeyFileError> {
    let text = secret::read("key file", path, MAX_FILE_LEN)?;
    parse(path, &String::from_utf8_lossy(&text))
}

fn parse(path: &Path, text: &str) -> Result<Vec<ClusterKey>, KeyFileError> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    if lines.is_empty() || lines.len() > KEY_SLOTS {
        return Err(KeyFileError::Count {
            path: path.to_owned(),
            lines: lines.len(),
        });
    }
    let key = |(number, line): (usize, &str)| {
        hex(line).ok_or_else(|| KeyFileError::Line {
            path: path.to_owned(),
            line: number,
            length: line.chars().count(),
            odd: line.chars().filter(|c| !c.is_ascii_hexdigit()).count(),
        })
    };
    lines.into_iter().map(key).collect()
}

fn hex(line: &str) -> Option<ClusterKey> {
    if line.len() != 2 * KEY_LEN || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; KEY_LEN];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&line[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(ClusterKey(bytes))
}
