//! `[http]`: where the status page is served, by whom it may be read, and what proves that it is this node's.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;

use super::service::Network;

/// The status page and its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPage {
    /// The network that it is served on.
    pub network: Network,
    /// The TCP port.
    pub port: u16,
    /// Who may read it.
    pub access: Access,
    /// What it proves itself with; `None`: it is served without TLS.
    pub identity: Option<Identity>,
    /// What a caller proves itself with who changes something.
    pub token: Option<Token>,
}

impl StatusPage {
    /// Why nobody may change anything by it; `None`: whoever has the token may.
    #[must_use]
    pub const fn read_only(&self) -> Option<&'static str> {
        match (&self.identity, &self.token) {
            (Some(_), Some(_)) => None,
            (None, _) => Some(
                "this page is read-only: changes need TLS and a token; set `certificate`, `private_key` and \
                 `token_file` in [http], or use heartbeatctl on the node",
            ),
            (Some(_), None) => Some(
                "this page is read-only: changes need a token; set `token_file` in [http], or use heartbeatctl on \
                 the node",
            ),
        }
    }
}

/// Who may read the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches it.
    Read,
    /// Whoever has the token.
    Token,
}

impl Access {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Read, Self::Token];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Token => "token",
        }
    }
}

/// A certificate and its key, read.
#[derive(Clone)]
pub struct Identity {
    /// Where the certificate was read from.
    pub certificate: PathBuf,
    /// Where its key was.
    pub private_key: PathBuf,
    /// What tells one certificate from another; it says nothing of the key.
    pub fingerprint: String,
    /// What a server goes by.
    pub server: Arc<ServerConfig>,
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        let told = |it: &Self| {
            (
                it.certificate.clone(),
                it.private_key.clone(),
                it.fingerprint.clone(),
            )
        };
        told(self) == told(other)
    }
}

impl Eq for Identity {}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint)
    }
}

/// The secret of those who may change something: only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(blake3::Hash);

impl Token {
    /// The token that this text is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(blake3::hash(text.as_bytes()))
    }

    /// Whether this text is it. Takes equally long whatever the text is.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        // Hashes of blake3 are compared in constant time.
        self.0 == blake3::hash(text.as_bytes())
    }

    /// What tells tokens apart for people; it says nothing of the token.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let derived = blake3::derive_key("heartbeatd 1 token fingerprint", self.0.as_bytes());
        derived[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}
