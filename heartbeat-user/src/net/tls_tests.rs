//! A server proves who it is, or the fault says what is wrong with its proof.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Signs servers' certificates, and has its own in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("signed");
        let file = folder.join(name);
        std::fs::write(&file, issuer.pem()).expect("writable");
        Self { issuer, file }
    }

    /// A server for these names until that year.
    fn server(&self, names: &[&str], until: i32) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for each version")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.expect("they belong together"))
    }
}

/// What a look at such a server finds. `None`: it speaks no TLS.
async fn found(
    proof: &mut Proof,
    server: Option<Arc<ServerConfig>>,
) -> (Result<(), String>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let answers = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("asked");
        match server {
            Some(config) => drop(TlsAcceptor::from(config).accept(stream).await),
            None => {
                use tokio::io::AsyncWriteExt as _;
                let line = b"HTTP/1.1 400 Bad Request\r\n\r\n";
                stream.write_all(line).await.expect("it listens");
            }
        }
    });
    let stream = TcpStream::connect(address).await.expect("it listens");
    let found = proof.of(stream, address).await.map(drop);
    answers.await.expect("it answered");
    (found, address)
}

fn proof(ca_file: &Path, name: &str) -> Proof {
    Proof::new(Tls {
        ca_file: Some(ca_file.to_owned()),
        server_name: ServerName::try_from(name.to_owned()).expect("a name"),
    })
}

#[tokio::test]
async fn only_a_server_with_a_certificate_of_the_authority_for_the_name_is_believed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let authority = Authority::new(folder.path(), "ca.pem");
    let stranger = Authority::new(folder.path(), "stranger.pem");
    let names = ["nn1.example", "127.0.0.1"];
    let good = authority.server(&names, 2100);
    let old = authority.server(&names, 2001);
    for (name, server, wrong) in [
        ("nn1.example", Some(good.clone()), None),
        ("127.0.0.1", Some(good.clone()), None),
        (
            "nn2.example",
            Some(good),
            Some("is for nn1.example and 127.0.0.1, not for nn2.example"),
        ),
        (
            "nn1.example",
            Some(old),
            Some("expired at 2001-01-01T00:00:00.000Z"),
        ),
        (
            "nn1.example",
            Some(stranger.server(&names, 2100)),
            Some("is not signed by an authority in"),
        ),
        ("nn1.example", None, Some("does not speak TLS")),
    ] {
        let (found, address) = found(&mut proof(&authority.file, name), server).await;
        match wrong {
            None => assert_eq!(found, Ok(())),
            Some(words) => {
                let fault = found.expect_err(words);
                assert!(fault.contains(words), "{fault}");
                assert!(fault.contains(&address.to_string()), "{fault}");
            }
        }
    }
}

#[tokio::test]
async fn an_authority_that_is_renewed_is_believed_from_the_next_look_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let next = Authority::new(folder.path(), "next.pem");
    let file = folder.path().join("ca.pem");
    let mut proof = proof(&file, "nn1.example");
    let server = next.server(&["nn1.example"], 2100);
    let fault = proof.connector().err().map(|error| error.to_string());
    assert!(fault.is_some_and(|it| it.contains("cannot read")));
    std::fs::copy(Authority::new(folder.path(), "first.pem").file, &file).expect("copied");
    let (refused, _) = found(&mut proof, Some(server.clone())).await;
    assert!(refused.is_err(), "signed by nobody in the file");
    std::fs::copy(&next.file, &file).expect("copied");
    let (believed, _) = found(&mut proof, Some(server)).await;
    assert_eq!(believed, Ok(()));
}
