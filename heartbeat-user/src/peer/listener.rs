//! One task a network: listens at this node's address there, and lets in who proves to be a member.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use heartbeat_core::message::Network;
use nix::net::if_::if_nametoindex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::accepted::{self, Seats};
use super::bounds::{
    FIRST_PAUSE, HANDSHAKE_TIME, LONGEST_PAUSE, LOOK_AFTER, MAX_UNPROVEN_FROM_ONE,
};
use super::error::HandshakeError;
use super::handshake;
use super::membership::Place;
use super::shared::Shared;
use super::socket;

/// Listens on one network.
pub(super) struct Listener {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) shared: Arc<Shared>,
    pub(super) seats: Arc<Seats>,
}

impl Listener {
    /// Listens for ever: an interface that is not there now may be there later, and be another one of the same name.
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        // Ends with this task.
        let mut connections = JoinSet::new();
        loop {
            match socket::listen(&self.place, self.port) {
                Ok(listener) => {
                    pause = FIRST_PAUSE;
                    self.shared.listens(self.place.network, Ok(()));
                    self.accept(&listener, &mut connections).await;
                    info!(
                        interface = self.place.interface,
                        "interface came back: listening anew"
                    );
                }
                Err(error) => {
                    let why = self.cannot(&error);
                    if self.shared.listens(self.place.network, Err(why.clone())) {
                        warn!("{why}");
                    }
                }
            }
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    fn cannot(&self, error: &std::io::Error) -> String {
        let Place {
            address, interface, ..
        } = &self.place;
        format!(
            "cannot listen for other daemons on {} ({interface}): {error}; the address must be on the interface, and \
             no other program on replication_port; tried again until it works",
            SocketAddr::new(*address, self.port)
        )
    }

    /// Lets in who comes, until the interface is another one.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        let index = self.index();
        let unproven = Unproven::default();
        loop {
            while connections.try_join_next().is_some() {}
            match timeout(LOOK_AFTER, listener.accept()).await {
                Ok(Ok((stream, source))) => match self.admit(source.ip(), &unproven) {
                    Ok(place) => {
                        let caller = self.caller(stream, source.ip(), place);
                        connections.spawn(caller);
                    }
                    Err(why) => self.shared.tally.refused(&source.to_string(), &why),
                },
                Ok(Err(error)) => {
                    warn!(%error, "cannot accept a connection of another daemon");
                    sleep(FIRST_PAUSE).await;
                }
                // One that vanished is waited for.
                Err(_) => {
                    let now = self.index();
                    if now.is_some() && now != index {
                        return;
                    }
                }
            }
        }
    }

    fn index(&self) -> Option<u32> {
        if_nametoindex(self.place.interface.as_str()).ok()
    }

    /// A place for a connection of which nothing is known but its address.
    fn admit(&self, source: IpAddr, unproven: &Unproven) -> Result<Vestibule, HandshakeError> {
        if !(self.shared.membership()).is_members(self.place.network, source) {
            return Err(HandshakeError::Stranger);
        }
        let of_all = Arc::clone(&self.shared.unproven).try_acquire_owned();
        let of_all = of_all.map_err(|_| HandshakeError::Crowded)?;
        let of_its_address = unproven.enter(source).ok_or(HandshakeError::Crowded)?;
        Ok(Vestibule {
            _of_all: of_all,
            _of_its_address: of_its_address,
        })
    }

    fn caller(
        &self,
        stream: TcpStream,
        source: IpAddr,
        place: Vestibule,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (shared, seats) = (Arc::clone(&self.shared), Arc::clone(&self.seats));
        let network = self.place.network;
        async move {
            if let Err(why) = call(&shared, &seats, stream, (network, source), place).await {
                shared.tally.refused(&source.to_string(), &why);
            }
        }
    }
}

/// From a connection to a link, and to its end.
async fn call(
    shared: &Arc<Shared>,
    seats: &Seats,
    stream: TcpStream,
    from: (Network, IpAddr),
    place: Vestibule,
) -> Result<(), HandshakeError> {
    let (read, write) = socket::halves(stream)?;
    let own = shared.membership();
    let link = timeout(HANDSHAKE_TIME, handshake::accept(&own, from, read, write))
        .await
        .unwrap_or(Err(HandshakeError::Late))?;
    drop(place);
    let accepted = Arc::clone(&shared.accepted).try_acquire_owned();
    let _accepted = accepted.map_err(|_| HandshakeError::Crowded)?;
    let slot = link.facts.peer;
    let why = accepted::serve(shared, seats, link).await;
    debug!(slot, %why, "an accepted link ended");
    Ok(())
}

/// What an unproven connection takes up.
struct Vestibule {
    _of_all: OwnedSemaphorePermit,
    _of_its_address: Entered,
}

/// Unproven connections by their address.
#[derive(Clone, Debug, Default)]
struct Unproven(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One of them.
#[derive(Debug)]
struct Entered {
    address: IpAddr,
    all: Unproven,
}

impl Unproven {
    fn enter(&self, address: IpAddr) -> Option<Entered> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= MAX_UNPROVEN_FROM_ONE {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Entered {
            address,
            all: self.clone(),
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut counts = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}
