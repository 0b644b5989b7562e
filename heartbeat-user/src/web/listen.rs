//! Waiting for viewers at one address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::connection;
use super::served::Served;

/// Connections that wait in the kernel until they are taken.
const BACKLOG: i32 = 64;
/// Time between two attempts at a place that is not to be had.
const RETRY: Duration = Duration::from_secs(1);
/// Pause after an accept that failed, since its cause (no free descriptor) does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves at this place until it is dropped, and everybody who came with it.
pub(super) async fn listen<S: Served>(place: SocketAddr, site: Arc<S>) {
    let listener = open::<S>(place).await;
    let mut viewers = JoinSet::new();
    loop {
        let Ok(room) = Arc::clone(site.rooms()).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, viewer)) => {
                let site = Arc::clone(&site);
                viewers.spawn(async move {
                    if let Err(error) = connection::serve(stream, viewer, site).await {
                        debug!(%viewer, %error, "a viewer went away");
                    }
                    drop(room);
                });
            }
            Err(error) => {
                warn!(%error, "cannot accept a viewer of the {}", S::NAME);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while viewers.try_join_next().is_some() {}
    }
}

/// Tries until it is to be had, and says so once if that takes long.
async fn open<S: Served>(place: SocketAddr) -> TcpListener {
    let mut was_told = false;
    loop {
        match bind(place) {
            Ok(listener) => {
                info!(%place, "served: {}", S::NAME);
                return listener;
            }
            Err(error) if !was_told => {
                warn!(
                    %place, %error,
                    "the {} cannot be served there; tried again every second: `ss -ltnp` shows who has the port, \
                     `listen` in {} names another",
                    S::NAME, S::TABLE
                );
                was_told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// An address that is not on this machine yet will do: a virtual one comes with the mastership, and is answered from
/// its first moment.
pub(super) fn bind(place: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(place),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if place.is_ipv6() {
        socket.set_only_v6(true)?;
        socket.set_freebind_v6(true)?;
    } else {
        socket.set_freebind_v4(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&place.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
