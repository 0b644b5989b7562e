//! The client prober and the observer of a lab, and what they have seen so far.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::journal::{Event, Journal};
use crate::lab::Lab;
use crate::lab::addresses::{Network, OBSERVER, ROGUE, VIRTUAL};
use crate::lab::helper::Helper;
use crate::lab::netns::Netns;

/// Time between two questions of the client.
pub const CLIENT_INTERVAL: Duration = Duration::from_micros(200);
/// Time between two questions of the observer, each put to every node.
pub const OBSERVER_INTERVAL: Duration = Duration::from_millis(1);

/// Two lookers-on at work.
#[derive(Debug)]
pub struct Watch {
    client: Looker,
    observer: Looker,
}

#[derive(Debug)]
struct Looker {
    _helper: Helper,
    journal: Journal,
}

impl Watch {
    /// On the management network, where there is neither a client nor an observer, the rogue is both.
    pub(super) fn start(lab: &Lab, network: Network) -> Result<Self> {
        let topology = lab.topology();
        let (at_client, at_observer, last) = match network {
            Network::Management => (topology.rogue(), topology.rogue(), ROGUE),
            Network::Business => (topology.client(), topology.observer(), OBSERVER),
        };
        let nodes = topology.slots().count().to_string();
        let family = topology.families().virtual_address;
        let address = network.address_of(family, VIRTUAL).to_string();
        let micros = |interval: Duration| interval.as_micros().to_string();
        let client = ["probe".to_owned(), address.clone(), micros(CLIENT_INTERVAL)];
        let observer = [
            "observe".to_owned(),
            address,
            micros(OBSERVER_INTERVAL),
            nodes,
            network.interface().to_owned(),
            network.address_of(family, last).to_string(),
            last.to_string(),
        ];
        Ok(Self {
            client: Looker::start(lab, at_client, "client", &client)?,
            observer: Looker::start(lab, at_observer, "observer", &observer)?,
        })
    }

    /// What the client has noted so far.
    ///
    /// # Errors
    /// When its journal cannot be read.
    pub fn client(&mut self) -> Result<&[Event]> {
        self.client.journal.events()
    }

    /// What the observer has noted so far.
    ///
    /// # Errors
    /// When its journal cannot be read.
    pub fn observer(&mut self) -> Result<&[Event]> {
        self.observer.journal.events()
    }
}

impl Looker {
    fn start(lab: &Lab, namespace: &Netns, name: &str, arguments: &[String]) -> Result<Self> {
        let path = lab.folder().join(format!("{name}.journal"));
        let mut arguments = arguments.to_vec();
        arguments.push(path.display().to_string());
        let mut helper = Helper::start(namespace, lab.folder(), name, &arguments)?;
        helper
            .ready()
            .with_context(|| format!("the {name} of the lab"))?;
        Ok(Self {
            _helper: helper,
            journal: Journal::open(&path)?,
        })
    }
}
