//! One request to a web server, on a connection of its own.

use std::io;
use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::http::{HeaderValue, request};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::tls::Proof;
use crate::config::Connection;
use crate::config::service::Tls;

/// A server, and what is known of it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// What it is called in requests.
    host: String,
    proof: Option<Proof>,
    /// Where connections to it leave; `None`: by the kernel's routes.
    from: Option<Connection>,
}

/// An answer whose body was not read yet.
#[derive(Debug)]
pub struct Answer {
    head: Response<Incoming>,
    /// Ends the connection with the answer, read or not.
    _connection: JoinSet<Result<(), hyper::Error>>,
}

impl Server {
    /// The server at this address, which is told from another one by its certificate if `tls` says so.
    #[must_use]
    pub fn new(address: SocketAddr, host: String, tls: Option<Tls>) -> Self {
        Self {
            address,
            host,
            proof: tls.map(Proof::new),
            from: None,
        }
    }

    /// Connections leave by this interface, from this node's address there if that is of the server's family. A server on
    /// this very machine is reached as ever.
    #[must_use]
    pub fn leaving_by(self, from: Option<Connection>) -> Self {
        let from = from.filter(|_| !self.address.ip().is_loopback());
        Self { from, ..self }
    }

    /// Sends one request, and waits for the answer's head.
    ///
    /// # Errors
    /// What failed, in words with the server's address in them.
    pub async fn ask(&mut self, request: request::Builder, body: Bytes) -> Result<Answer, String> {
        let address = self.address;
        let stream = self.connect().await;
        let stream = stream.map_err(|error| format!("no connection to {address}: {error}"))?;
        let request = request
            .header(HOST, &self.host)
            .header(USER_AGENT, HeaderValue::from_static("heartbeatd"))
            .header(CONNECTION, HeaderValue::from_static("close"))
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        match &mut self.proof {
            Some(proof) => send(proof.of(stream, address).await?, request).await,
            None => send(stream, request).await,
        }
        .map_err(|error| format!("{address}: {error}"))
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = if self.address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(from) = &self.from {
            SockRef::from(&socket).bind_device(Some(from.interface.as_bytes()))?;
            if from.address.is_ipv4() == self.address.is_ipv4() {
                socket.bind((from.address, 0).into())?;
            }
        }
        socket.connect(self.address).await
    }
}

impl Answer {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Reads the body, of at most so many bytes.
    ///
    /// # Errors
    /// That it is longer, or broke off.
    pub async fn body(self, most: usize) -> Result<Bytes, String> {
        let body = Limited::new(self.head.into_body(), most).collect().await;
        body.map(http_body_util::Collected::to_bytes)
            .map_err(|error| format!("broke off: {error}"))
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: hyper::Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    let mut connections = JoinSet::new();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    connections.spawn(connection);
    Ok(Answer {
        head: sender.send_request(request).await?,
        _connection: connections,
    })
}
