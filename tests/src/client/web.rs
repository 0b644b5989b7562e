//! A service that answers with a page, as a node's own: killed, stopped and brought back by scenarios.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Where it writes its process's number, in its node's folder.
pub const PID_FILE: &str = "web.pid";
/// The page, looked for at each request; without it the page is `ok`.
pub const PAGE: &str = "page";
/// Its certificate and key. If they are there as it starts, it speaks TLS.
pub const CERTIFICATE: &str = "web.crt";
/// See [`CERTIFICATE`].
pub const KEY: &str = "web.key";
/// It ends with the lab, whose folders go away.
const LOOK: Duration = Duration::from_millis(200);

/// Answers at this port of the loopback interface until `folder` is gone.
///
/// # Errors
/// When the port is taken, or the folder cannot be written.
pub fn run(port: u16, folder: &Path) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context("the port is taken")?;
    let secured = secured(folder)?;
    let file = folder.join(PID_FILE);
    fs::write(&file, std::process::id().to_string())
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("at work");
    let page = folder.join(PAGE);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away meanwhile needs no answer.
            let _ = serve(stream, secured.clone(), &page);
        }
    });
    while folder.exists() {
        sleep(LOOK);
    }
    Ok(())
}

fn secured(folder: &Path) -> Result<Option<Arc<ServerConfig>>> {
    let certificate = folder.join(CERTIFICATE);
    if !certificate.exists() {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate)?],
            PrivateKeyDer::from_pem_file(folder.join(KEY))?,
        )?;
    Ok(Some(Arc::new(config)))
}

fn serve(stream: TcpStream, secured: Option<Arc<ServerConfig>>, page: &Path) -> Result<()> {
    stream.set_read_timeout(Some(LOOK))?;
    match secured {
        Some(config) => {
            let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
            answer(&mut stream, page)?;
            stream.conn.send_close_notify();
            stream.flush()?;
        }
        None => answer(stream, page)?,
    }
    Ok(())
}

fn answer(mut stream: impl Read + Write, page: &Path) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4_096])?;
    let page = fs::read_to_string(page).unwrap_or_else(|_| "ok".to_owned());
    let length = page.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{page}"
    )?;
    stream.flush()
}
