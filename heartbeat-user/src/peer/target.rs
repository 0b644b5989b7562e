//! A member as one that dials it sees it: over the management network first, over the business network while that
//! fails.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use tokio::io::BufReader;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{sleep, timeout};

use super::bounds::{BACK_AGAIN, DIAL_TIME, HANDSHAKE_TIME, HEAD_START};
use super::error::HandshakeError;
use super::handshake::{self, Linked};
use super::shared::Shared;
use super::socket;

pub(super) type Link = Linked<BufReader<OwnedReadHalf>, OwnedWriteHalf>;

/// Whom to dial.
pub(super) struct Target {
    pub(super) slot: Slot,
    pub(super) shared: Arc<Shared>,
}

impl Target {
    /// A link, or in words why there is none. The business network only gets its turn when the management network
    /// does not answer at once.
    pub(super) async fn dial(&self) -> Result<Link, String> {
        let business = async {
            sleep(HEAD_START).await;
            self.dial_over(Network::Business).await
        };
        let management = self.dial_over(Network::Management);
        tokio::pin!(business, management);
        let (one, other) = tokio::select! {
            biased;
            dialled = &mut management => match dialled {
                Ok(link) => return Ok(link),
                Err(why) => (why, business.await),
            },
            dialled = &mut business => match dialled {
                Ok(link) => return Ok(link),
                Err(why) => (why, management.await),
            },
        };
        let reasons = |other: Option<String>| one.into_iter().chain(other).collect::<Vec<_>>();
        other.map_err(|other| reasons(other).join("; "))
    }

    /// A link over the management network, once that answers.
    pub(super) async fn over_management(&self) -> Link {
        loop {
            sleep(BACK_AGAIN).await;
            if let Ok(link) = self.dial_over(Network::Management).await {
                return link;
            }
        }
    }

    /// No reason where one of the two is not on this network.
    async fn dial_over(&self, network: Network) -> Result<Link, Option<String>> {
        let own = self.shared.membership();
        let places = own.place(network).zip(own.address(self.slot, network));
        let (place, address) = places.ok_or(None)?;
        let told = |why: String| Some(format!("{address} ({}): {why}", place.interface));
        let (read, write) = timeout(DIAL_TIME, socket::connect(place, address, own.port))
            .await
            .map_err(|_| told("no connection in time".to_owned()))?
            .map_err(|error| told(error.to_string()))?;
        let to = (self.slot, network, address);
        timeout(HANDSHAKE_TIME, handshake::dial(&own, to, read, write))
            .await
            .unwrap_or(Err(HandshakeError::Late))
            .map_err(|why| told(why.to_string()))
    }
}
