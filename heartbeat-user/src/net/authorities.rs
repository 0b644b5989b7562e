//! Who is believed when a server shows its certificate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Why nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file is not there, or not to be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// It has no certificate in it.
    #[error("{path} has no certificate in it")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Something in it is no certificate.
    #[error("{path} has something in it that is no certificate: {cause}")]
    Garbled {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// This machine believes nobody.
    #[error("this machine has no authorities' certificates")]
    NobodyHere,
}

impl AuthoritiesError {
    /// What the operator can do about it.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "put the file there, readable by the daemon, on every node",
            Self::Empty { .. } | Self::Garbled { .. } => {
                "name a PEM file: certificates between -----BEGIN CERTIFICATE----- and its end"
            }
            Self::NobodyHere => {
                "install the package ca-certificates, or name the authority's file: ca_file = \"/etc/ssl/ca.pem\""
            }
        }
    }
}

/// Those in this PEM file, at least one.
///
/// # Errors
/// [`AuthoritiesError`].
pub fn own(path: &Path) -> Result<RootCertStore, AuthoritiesError> {
    let garbled = |cause: String| AuthoritiesError::Garbled {
        path: path.to_owned(),
        cause,
    };
    let text = fs::read(path).map_err(|source| AuthoritiesError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| garbled(error.to_string()))?;
        let added = roots.add(certificate);
        added.map_err(|error| garbled(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(AuthoritiesError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(roots)
}

/// Those that this machine believes.
///
/// # Errors
/// [`AuthoritiesError::NobodyHere`].
pub fn of_this_machine() -> Result<RootCertStore, AuthoritiesError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A machine may have some that are too old to be read; the others serve.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(AuthoritiesError::NobodyHere);
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_told_from_one_that_is_garbled_or_absent() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ca.pem");
        let told = |error: AuthoritiesError| error.to_string();
        let fault = told(own(&path).expect_err("it is not there"));
        assert!(fault.contains("cannot read"), "{fault}");
        for (text, words) in [
            ("", "has no certificate in it"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "no certificate: ",
            ),
        ] {
            fs::write(&path, text).expect("writable");
            let fault = told(own(&path).expect_err(text));
            assert!(fault.contains(words), "{fault}");
        }
    }
}
