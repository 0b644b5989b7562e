//! TCP sockets of one network: bound to its interface and this node's address there.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::BufReader;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::bounds::{MAX_FRAME, MAX_UNPROVEN};
use super::membership::Place;

/// Reads with few system calls, and writes at once.
pub(super) type Halves = (BufReader<OwnedReadHalf>, OwnedWriteHalf);

/// Listens there.
pub(super) fn listen(place: &Place, port: u16) -> io::Result<TcpListener> {
    let socket = open(place, port)?;
    socket.listen(MAX_UNPROVEN as u32)
}

/// Connects from there.
pub(super) async fn connect(place: &Place, address: IpAddr, port: u16) -> io::Result<Halves> {
    let stream = open(place, 0)?
        .connect(SocketAddr::new(address, port))
        .await?;
    halves(stream)
}

pub(super) fn halves(stream: TcpStream) -> io::Result<Halves> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    Ok((BufReader::with_capacity(MAX_FRAME, read), write))
}

/// Without the scope that a link-local address wants: the kernel takes the interface that the socket is bound to.
/// Of no traffic class: heartbeats go before it.
fn open(place: &Place, port: u16) -> io::Result<TcpSocket> {
    let socket = match place.address {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if port != 0 {
        // A daemon that is started anew finds its own last connections on the port.
        socket.set_reuseaddr(true)?;
    }
    socket.bind_device(Some(place.interface.as_bytes()))?;
    socket.bind(SocketAddr::new(place.address, port))?;
    Ok(socket)
}
