//! The part of who bore addresses: it closes the connections of those that it no longer has, and lists them.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use tracing::{info, warn};

use super::message::Client;
use super::view::View;
use crate::net::sock_diag::{DestroyError, SockDiag};

/// Connections that are told to the other members at most: some dozens of datagrams. A service with more
/// of them is one whose other clients find out when they send something.
pub(super) const MOST_TOLD: usize = 1_024;

/// Closes every connection of `addresses`, and gives the clients that must be told, by address.
pub(super) fn close(addresses: &[IpAddr], view: &View) -> BTreeMap<IpAddr, Vec<Client>> {
    match try_close(addresses, view) {
        Ok(clients) => clients,
        Err(error) => {
            warn!(%error, "the connections of the virtual addresses could not be listed; their clients find out by themselves");
            BTreeMap::new()
        }
    }
}

fn try_close(addresses: &[IpAddr], view: &View) -> io::Result<BTreeMap<IpAddr, Vec<Client>>> {
    let mut sockets = SockDiag::open()?;
    let mut clients: BTreeMap<IpAddr, Vec<Client>> = BTreeMap::new();
    let (mut closed, mut told) = (0_usize, 0_usize);
    for address in addresses {
        for connection in sockets.connections(*address)? {
            match sockets.destroy(&connection) {
                Ok(()) => closed += 1,
                // The client must know all the same: the other end of it is on another machine now.
                Err(error @ DestroyError::Unsupported) => view.warn(error.to_string()),
                Err(error) => warn!(%error, remote = %connection.remote),
            }
            if !connection.opening && told < MOST_TOLD {
                told += 1;
                clients.entry(*address).or_default().push(Client {
                    port: connection.local.port(),
                    client: connection.remote,
                });
            }
        }
    }
    if closed > 0 || told > 0 {
        info!(
            closed,
            told, "connections of the virtual addresses closed, and told to who may bear them next"
        );
    }
    Ok(clients)
}
