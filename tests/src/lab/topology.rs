//! The lab's cables: one bridge a network, each in a namespace of its own, and machines on them.
//!
//! Nodes have a link to both networks. On the business network there are also a client and an
//! observer (apart, so that what the observer asks never teaches the client); on the management
//! network a rogue, from which forged frames come.

use std::fs;

use anyhow::{Context, Result};

use crate::lab::addresses::{
    BRIDGE, CLIENT, Families, Family, Mac, NETWORKS, Network, OBSERVER, ROGUE, mac_text,
};
use crate::lab::clean::namespace_name;
use crate::lab::command::{ip_batch, run};
use crate::lab::netns::Netns;
use crate::lab::port::Port;

/// What to build.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many nodes, 1 to 99; their slots are 1 to this.
    pub nodes: u16,
    /// Whether the management bridge forwards a group only to ports that joined it, and asks who
    /// did (IGMP snooping with its own querier, once a second), as a managed switch does.
    pub snooping: bool,
    /// Who speaks which family.
    pub families: Families,
    /// Longest packet on both networks, in bytes.
    pub mtu: u32,
    /// What a node's management interface is.
    pub management: Made,
}

/// What bears the name and the address of a node's management interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// The end of the cable itself, which is to answer in its driver, as a card does.
    Card,
    /// The end of the cable as the veth that it is: what a container gets.
    Veth,
    /// A bridge with the kernel's own settings; the end of the cable is its port, as on a hypervisor.
    Bridge,
    /// A macvlan over the end of the cable, in this mode (ip-link(8)), as containers get one.
    Macvlan(&'static str),
}

impl Plan {
    /// Three nodes that speak IPv4 over bridges that forward everything, in frames of the usual length.
    pub const DEFAULT: Self = Self {
        nodes: 3,
        snooping: false,
        families: Families::all(Family::V4),
        mtu: 1_500,
        management: Made::Card,
    };
}

impl Default for Plan {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The built networks. Dropping removes every namespace and so every link.
pub struct Topology {
    // Programs go before the interfaces they sit on, and these with their namespaces.
    ports: Vec<[Port; 2]>,
    nodes: Vec<Netns>,
    bridges: [Netns; 2],
    client: Netns,
    observer: Netns,
    rogue: Netns,
    families: Families,
}

impl Topology {
    /// Builds `plan` under the names of lab `number` of this process.
    ///
    /// # Errors
    /// When a command or the kernel refuses; what was built until then is removed.
    pub fn build(number: u32, plan: Plan) -> Result<Self> {
        let make = |role: &str| Netns::create(namespace_name(number, role));
        let nodes: Vec<Netns> = (1..=plan.nodes)
            .map(|slot| make(&format!("n{slot}")))
            .collect::<Result<_>>()?;
        let bridges = [make("mgmt")?, make("biz")?];
        let (client, observer, rogue) = (make("client")?, make("watch")?, make("rogue")?);
        let everyone = nodes
            .iter()
            .chain(&bridges)
            .chain([&client, &observer, &rogue]);
        everyone
            .into_iter()
            .try_for_each(|machine| quiet_ipv6(machine, plan.families))?;
        for network in NETWORKS {
            let mut machines: Vec<(u8, &Netns)> = (1u8..).zip(&nodes).collect();
            match network {
                Network::Management => machines.push((ROGUE, &rogue)),
                Network::Business => machines.extend([(CLIENT, &client), (OBSERVER, &observer)]),
            }
            connect(&bridges[network as usize], network, &machines, &plan)?;
        }
        let ports = (1..=plan.nodes)
            .map(|slot| {
                Ok([
                    attach(&bridges, Network::Management, slot)?,
                    attach(&bridges, Network::Business, slot)?,
                ])
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            ports,
            nodes,
            bridges,
            client,
            observer,
            rogue,
            families: plan.families,
        })
    }

    /// Who speaks which family.
    #[must_use]
    pub const fn families(&self) -> Families {
        self.families
    }

    /// Slots of the nodes, from 1.
    pub fn slots(&self) -> impl Iterator<Item = u16> + use<> {
        let count = u16::try_from(self.nodes.len()).unwrap_or(u16::MAX);
        1..=count
    }

    /// The namespace that is the node in `slot`.
    ///
    /// # Panics
    /// If the lab has no such slot: the test is wrong.
    #[must_use]
    pub fn node(&self, slot: u16) -> &Netns {
        &self.nodes[usize::from(slot) - 1]
    }

    /// The wire of the node in `slot` on that network.
    ///
    /// # Panics
    /// If the lab has no such slot: the test is wrong.
    #[must_use]
    pub fn port(&self, slot: u16, network: Network) -> &Port {
        &self.ports[usize::from(slot) - 1][network as usize]
    }

    /// The namespace of that network's bridge.
    #[must_use]
    pub fn bridge(&self, network: Network) -> &Netns {
        &self.bridges[network as usize]
    }

    /// The user's machine on the business network.
    #[must_use]
    pub fn client(&self) -> &Netns {
        &self.client
    }

    /// The machine on the business network that asks every node.
    #[must_use]
    pub fn observer(&self) -> &Netns {
        &self.observer
    }

    /// The machine on the management network that means ill.
    #[must_use]
    pub fn rogue(&self) -> &Netns {
        &self.rogue
    }
}

/// Name of the end of the cable where a node's management interface is another one.
const CARD: &str = "card0";

/// Machines in namespaces hand each other frames whose checksums nobody finished. Whatever gives
/// such a frame on (a relay) would give on a wrong one: so everybody finishes them, as on real wires.
fn whole_checksums(machine: &Netns, interface: &str) -> Result<()> {
    machine
        .run(|| run("ethtool", &["-K", interface, "tx", "off"]))?
        .map(drop)
}

/// Name of the bridge's interface to the machine with this last byte.
pub(super) fn port_name(last: u8) -> String {
    format!("p{last}")
}

fn attach(bridges: &[Netns; 2], network: Network, slot: u16) -> Result<Port> {
    let last = u8::try_from(slot).context("a lab has at most 99 nodes")?;
    Port::attach(&bridges[network as usize], &port_name(last))
}

/// Makes the bridge and a link from it to each machine, all up and with their addresses.
fn connect(bridge: &Netns, network: Network, machines: &[(u8, &Netns)], plan: &Plan) -> Result<()> {
    ip_batch(bridge.name(), &bridge_lines(network, machines, plan))?;
    for (last, machine) in machines {
        let (interface, made) = (network.interface(), plan.made(network, *last));
        let mut lines = made.lines(network, *last, plan.mtu);
        lines.push(format!("link set {interface} mtu {} up", plan.mtu));
        lines.extend(address_lines(network, *last, interface, plan.families));
        ip_batch(machine.name(), &lines)?;
        whole_checksums(machine, made.cable(network))?;
    }
    Ok(())
}

impl Plan {
    /// What the interface of the machine with this last byte is.
    fn made(&self, network: Network, last: u8) -> Made {
        match network {
            Network::Management if u16::from(last) <= self.nodes => self.management,
            Network::Management | Network::Business => Made::Card,
        }
    }
}

impl Made {
    /// Name of the end of the cable.
    const fn cable(self, network: Network) -> &'static str {
        match self {
            Self::Card | Self::Veth => network.interface(),
            Self::Bridge | Self::Macvlan(_) => CARD,
        }
    }

    /// Makes the interface over the end of the cable.
    fn lines(self, network: Network, last: u8, mtu: u32) -> Vec<String> {
        let (interface, mac) = (network.interface(), mac_text(network.mac(last)));
        let up = format!("link set {CARD} mtu {mtu} up");
        match self {
            Self::Card | Self::Veth => vec![],
            Self::Bridge => vec![
                format!("link add {interface} address {mac} type bridge"),
                format!("link set {CARD} master {interface}"),
                up,
            ],
            Self::Macvlan(mode) => vec![
                up,
                format!("link add {interface} link {CARD} address {mac} type macvlan mode {mode}"),
            ],
        }
    }

    /// The hardware address of the end of the cable of the machine with this last byte: a bridge has its card's, a
    /// macvlan one of its own.
    fn cable_mac(self, network: Network, last: u8) -> Mac {
        match self {
            Self::Card | Self::Veth | Self::Bridge => network.mac(last),
            Self::Macvlan(_) => other_mac(network, last, 2),
        }
    }
}

/// Everybody's addresses are his own: nothing waits for others to object.
fn address_lines(
    network: Network,
    last: u8,
    interface: &str,
    families: Families,
) -> impl Iterator<Item = String> {
    families.on(network).map(move |family| {
        let (address, prefix) = (network.address_of(family, last), family.prefix());
        let nodad = if address.is_ipv6() { "nodad" } else { "" };
        format!("addr add {address}/{prefix} dev {interface} {nodad}")
    })
}

fn bridge_lines(network: Network, machines: &[(u8, &Netns)], plan: &Plan) -> Vec<String> {
    let snooping = plan.snooping && network == Network::Management;
    let mtu = plan.mtu;
    let mut lines = vec![
        format!(
            "link add br0 address {} mtu {mtu} type bridge stp_state 0 forward_delay 0 {}",
            mac_text(network.mac(BRIDGE)),
            snooping_options(snooping)
        ),
        "link set br0 up".to_owned(),
    ];
    lines.extend(address_lines(network, BRIDGE, "br0", plan.families));
    for (last, machine) in machines {
        let (port, made) = (port_name(*last), plan.made(network, *last));
        lines.push(format!(
            "link add {port} address {} mtu {mtu} type veth peer name {} address {} netns {}",
            mac_text(other_mac(network, *last, 1)),
            made.cable(network),
            mac_text(made.cable_mac(network, *last)),
            machine.name()
        ));
        lines.push(format!("link set {port} master br0 up"));
    }
    lines
}

/// A hardware address beside the machine's: with another fifth byte, so never the same. The port has 1, the card
/// under a macvlan 2.
fn other_mac(network: Network, last: u8, which: u8) -> Mac {
    let mut mac = network.mac(last);
    mac[4] = which;
    mac
}

/// Times are in hundredths of a second: a switch's 125 s between queries would outlast any test.
fn snooping_options(snooping: bool) -> &'static str {
    if snooping {
        "mcast_snooping 1 mcast_querier 1 mcast_query_interval 100 mcast_query_response_interval 50 \
         mcast_startup_query_interval 50 mcast_membership_interval 250 mcast_last_member_interval 50"
    } else {
        "mcast_snooping 0"
    }
}

/// Router solicitations and duplicate address detection would only be noise in the lab's counters, and
/// so would all of IPv6 where nobody speaks it.
fn quiet_ipv6(namespace: &Netns, families: Families) -> Result<()> {
    let speaks_it = families != Families::all(Family::V4);
    let settings: &[(&str, &str)] = if speaks_it {
        &[
            ("accept_dad", "0"),
            ("accept_ra", "0"),
            ("router_solicitations", "0"),
        ]
    } else {
        &[("disable_ipv6", "1")]
    };
    for which in ["all", "default"] {
        for (setting, value) in settings {
            let path = format!("/proc/sys/net/ipv6/conf/{which}/{setting}");
            let written = namespace.run(|| fs::write(&path, value))?;
            match written {
                Err(error) if speaks_it || error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("cannot write {path} in {}", namespace.name()));
                }
                // A kernel without IPv6 makes no such noise.
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}
