//! One viewer's connection, and what it may cost.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::paced::Paced;
use super::served::Served;

/// Viewers connected at once; more wait in the kernel's queue.
pub(super) const MAX_CONNECTIONS: usize = 64;
/// How long a viewer may take to prove nothing (TLS), and then to send a request's head. A connection that is kept for
/// another request counts as taking long over it.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Longest head of a request, in bytes, and most lines of it.
const MAX_HEAD: usize = 16 * 1024;
const MAX_LINES: usize = 64;

/// Answers all that this viewer asks.
pub(super) async fn serve(
    stream: TcpStream,
    viewer: SocketAddr,
    site: Arc<impl Served>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = Paced::new(stream);
    match site.identity() {
        Some(identity) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&identity.server));
            let stream = timeout(HEAD_TIME, acceptor.accept(stream)).await??;
            speak(stream, viewer, site).await
        }
        None => speak(stream, viewer, site).await,
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    viewer: SocketAddr,
    site: Arc<impl Served>,
) -> io::Result<()> {
    let service = service_fn(|request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, std::convert::Infallible>(site.answer(viewer, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_LINES)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}
