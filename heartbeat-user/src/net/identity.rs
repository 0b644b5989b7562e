//! Who this node is to those who ask it over TLS: a certificate and its key.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::http::Identity;
use crate::config::secret::{self, SecretError};

/// Longest key file, in bytes: an RSA key of 16,384 bits needs less than a quarter.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate's file is not there, or not to be read.
    #[error("cannot read certificate {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// No certificate in it, or something that is none.
    #[error("{path} is no chain of certificates: {cause}")]
    NoCertificate {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// The key's file is not there, or open to others.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No private key in it.
    #[error("{path} has no private key in it: {cause}")]
    NoKey {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// The two do not belong together.
    #[error("certificate and private key do not go together: {cause}")]
    Unlike {
        /// Why not.
        cause: String,
    },
}

impl IdentityError {
    /// Whether it is about the key's file.
    #[must_use]
    pub const fn is_of_key(&self) -> bool {
        match self {
            Self::Secret(_) | Self::NoKey { .. } | Self::Unlike { .. } => true,
            Self::Unreadable { .. } | Self::NoCertificate { .. } => false,
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        match self {
            Self::Secret(error) => error.cure("put the certificate's private key there (PEM)"),
            Self::Unreadable { .. } => {
                "put the certificate there, readable by the daemon".to_owned()
            }
            Self::NoCertificate { .. } => {
                "name a PEM file: this node's certificate first, then those that signed it"
                    .to_owned()
            }
            Self::NoKey { .. } => "name a PEM file with an unencrypted private key".to_owned(),
            Self::Unlike { .. } => "name the key that the certificate was made for".to_owned(),
        }
    }
}

/// Reads both, and tries that they belong together.
///
/// # Errors
/// [`IdentityError`]; also when others than its owner may use the key.
pub fn read(certificate: &Path, private_key: &Path) -> Result<Identity, IdentityError> {
    let text = fs::read(certificate).map_err(|source| IdentityError::Unreadable {
        path: certificate.to_owned(),
        source,
    })?;
    let none = |cause: String| IdentityError::NoCertificate {
        path: certificate.to_owned(),
        cause,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| none(error.to_string()))?;
    if chain.is_empty() {
        return Err(none("it has none in it".to_owned()));
    }
    let key = secret::read("private key", private_key, MAX_KEY_FILE)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| IdentityError::NoKey {
        path: private_key.to_owned(),
        cause: error.to_string(),
    })?;
    let fingerprint = blake3::hash(&text).to_hex()[..16].to_owned();
    Ok(Identity {
        certificate: certificate.to_owned(),
        private_key: private_key.to_owned(),
        fingerprint,
        server: Arc::new(server(chain, key)?),
    })
}

fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, IdentityError> {
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for each version")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| IdentityError::Unlike {
            cause: error.to_string(),
        })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}
