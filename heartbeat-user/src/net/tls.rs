//! A server that proves who it is, before it is asked for a page.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, ClientConfig, Error};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authorities::{self, AuthoritiesError};
use crate::config::service::Tls;
use crate::control::rfc3339;

/// Whom to believe, and as whom.
#[derive(Debug)]
pub(super) struct Proof {
    wanted: Tls,
    /// `None`: the authorities are to be read, at first or since a handshake failed. They may have been renewed.
    connector: Option<Connector>,
}

/// [`TlsConnector`], which does not say what it is.
struct Connector(TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl Proof {
    pub(super) const fn new(wanted: Tls) -> Self {
        Self {
            wanted,
            connector: None,
        }
    }

    /// Speaks TLS on this connection, if the other end proves who it is.
    pub(super) async fn of(
        &mut self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Result<TlsStream<TcpStream>, String> {
        let connector = match self.connector.take() {
            Some(connector) => connector,
            None => Connector(
                self.connector()
                    .map_err(|error| format!("{error}: {}", error.cure()))?,
            ),
        };
        let name = self.wanted.server_name.clone();
        match connector.0.connect(name, stream).await {
            Ok(stream) => {
                self.connector = Some(connector);
                Ok(stream)
            }
            Err(error) => Err(self.fault(&error, address)),
        }
    }

    fn connector(&self) -> Result<TlsConnector, AuthoritiesError> {
        let roots = match &self.wanted.ca_file {
            Some(file) => authorities::own(file)?,
            None => authorities::of_this_machine()?,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for each version")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// Which certificate, what is wrong with it, and what to do.
    fn fault(&self, error: &io::Error, address: SocketAddr) -> String {
        let cause = (error.get_ref()).and_then(|inner| inner.downcast_ref::<Error>());
        match cause {
            Some(Error::InvalidCertificate(why)) => {
                format!("the certificate of {address} {}", self.refused(why))
            }
            Some(Error::InvalidMessage(_)) => format!(
                "{address} does not speak TLS: write http:// in `url`, or name the port where it does"
            ),
            Some(Error::AlertReceived(alert)) => {
                format!("{address} ended the handshake, and says {alert:?}: see that server's log")
            }
            Some(_) | None => format!("no TLS with {address}: {error}"),
        }
    }

    fn refused(&self, why: &CertificateError) -> String {
        let name = self.wanted.server_name.to_str();
        match why {
            CertificateError::NotValidForNameContext { presented, .. } => format!(
                "is for {}, not for {name}: write in `server_name` what it is for",
                names(presented)
            ),
            CertificateError::NotValidForName => {
                format!("is not for {name}: write in `server_name` what it is for")
            }
            CertificateError::ExpiredContext { not_after, .. } => format!(
                "expired at {}: renew it there, or set this node's clock",
                at(*not_after)
            ),
            CertificateError::Expired => {
                "has expired: renew it there, or set this node's clock".to_owned()
            }
            CertificateError::NotValidYetContext { not_before, .. } => format!(
                "is valid only from {}: set this node's clock, or that server's",
                at(*not_before)
            ),
            // An authority of the same name with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => match &self.wanted.ca_file {
                Some(file) => format!(
                    "is not signed by an authority in {}: add the one that signed it",
                    file.display()
                ),
                None => "is not signed by an authority that this machine believes: name its file in `ca_file`"
                    .to_owned(),
            },
            other => format!("is refused: {other}"),
        }
    }
}

/// What rustls says that a certificate is for, without its types: `DnsName("a.example")`.
fn names(presented: &[String]) -> String {
    let name = |text: &String| match text.split_once('(') {
        Some((_, inner)) => inner.trim_end_matches(')').trim_matches('"').to_owned(),
        None => text.clone(),
    };
    let names: Vec<_> = presented.iter().map(name).collect();
    names.join(" and ")
}

fn at(time: UnixTime) -> String {
    rfc3339(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
