//! Opens the sockets that hang on one life of the interfaces: at start, and again when an interface
//! vanished and came back.

use std::net::IpAddr;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;

use super::failure::Failure;
use super::plan::Plan;
use super::start::random_number;
use crate::config::{Connection, Member};
use crate::net::datagrams::{ControlPlace, Datagrams, Teller};
use crate::net::envelope::{ControlKey, Envelope, Sender};
use crate::net::netlink::Link;
use crate::net::probe_frame::ProbePath;
use crate::net::probe_socket::ProbeSocket;
use crate::net::references::References;
use crate::net::unicast_socket::{UnicastPlace, UnicastSocket};
use crate::pulse::{Channel, Rewire, Wiring};

/// Opens every socket that hangs on the interfaces as they are now.
pub(super) fn open(plan: &Plan, management: &Link, incarnation: u64) -> Result<Wiring, Failure> {
    let control = plan
        .connections()
        .map(|(network, own)| channel(plan, network, own, incarnation))
        .collect::<Result<_, _>>()?;
    Ok(Wiring {
        electors: plan.electors,
        probes: probe_socket(plan, management)?,
        control,
    })
}

/// Where probes leave by this interface to all members at once, unless each is sent its own.
pub(super) fn probe_socket(
    plan: &Plan,
    management: &Link,
) -> Result<Option<Box<ProbeSocket>>, Failure> {
    let Some(group) = plan.config.group else {
        return Ok(None);
    };
    let Some(from_mac) = management.mac else {
        return Err(Failure::config(format!(
            "management interface {} has no hardware address: heartbeats are Ethernet frames; name an Ethernet \
             interface",
            management.name
        )));
    };
    let path = ProbePath {
        from_mac,
        from: plan.management().address,
        group,
        port: plan.config.port,
    };
    ProbeSocket::open(management.index, &path)
        .map(|socket| Some(Box::new(socket)))
        .map_err(Failure::of)
}

/// Where one network's control datagrams come and go.
pub(super) fn channel(
    plan: &Plan,
    network: Network,
    connection: &Connection,
    incarnation: u64,
) -> Result<Channel, Failure> {
    let place = ControlPlace {
        interface: connection.interface.clone(),
        address: connection.address,
        port: plan.config.control_port,
    };
    let members = others(plan, network).collect();
    let datagrams =
        Datagrams::open(&place, envelope(plan, incarnation), members).map_err(Failure::of)?;
    Ok(Channel {
        network,
        datagrams: Box::new(datagrams),
        heartbeats: heartbeats(plan, network, connection)?,
        references: references(plan, network, connection)?,
    })
}

/// How control datagrams are sealed and opened.
pub(super) fn envelope(plan: &Plan, incarnation: u64) -> Envelope {
    let mut keys = plan
        .config
        .keys
        .iter()
        .map(|key| ControlKey::derive(&key.control()));
    let signing = keys.next().expect("a checked configuration has a key");
    let own = Sender {
        cluster: plan.config.cluster_id,
        slot: plan.slot,
        incarnation,
    };
    Envelope::new(own, signing, keys.next())
}

/// Who tells one of a pair that it is on the business network still; nobody elsewhere.
fn references(
    plan: &Plan,
    network: Network,
    own: &Connection,
) -> Result<Option<Box<References>>, Failure> {
    let named = plan.config.pair.as_ref().map(|pair| &pair.references);
    let named = named.filter(|named| network == Network::Business && !named.is_empty());
    let open =
        |named: &Vec<IpAddr>| References::open(&own.interface, own.address, named, random_number());
    let references = named.map(open).transpose().map_err(Failure::of)?;
    Ok(references.map(Box::new))
}

/// A second sender on a control socket that takes the place of another, for the takeover thread.
pub(super) fn teller(rewire: &Rewire) -> Result<Option<Teller>, Failure> {
    match rewire {
        Rewire::Control(channel) => channel.datagrams.teller().map(Some).map_err(Failure::of),
        Rewire::Probes(_) | Rewire::NoControl(_) => Ok(None),
    }
}

/// Where heartbeats leave to single members: over the management network, where no multicast is to be had, and
/// over the business network, where they stand in while the management network fails.
fn heartbeats(
    plan: &Plan,
    network: Network,
    own: &Connection,
) -> Result<Option<UnicastSocket>, Failure> {
    let place = UnicastPlace {
        interface: own.interface.clone(),
        address: own.address,
        port: plan.config.port,
    };
    if network == Network::Management && plan.config.group.is_some() {
        return Ok(None);
    }
    UnicastSocket::open(&place, others(plan, network))
        .map(Some)
        .map_err(Failure::of)
}

/// Where every other member is on that network, if it is.
pub(super) fn others(plan: &Plan, network: Network) -> impl Iterator<Item = (Slot, IpAddr)> {
    let on_network = move |member: &Member| match network {
        Network::Management => Some(member.management.address),
        Network::Business => member.business.as_ref().map(|business| business.address),
    };
    plan.config
        .members
        .iter()
        .filter(|(slot, _)| **slot != plan.slot)
        .filter_map(move |(slot, member)| Some((*slot, on_network(member)?)))
}
