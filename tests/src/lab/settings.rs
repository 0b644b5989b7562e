//! A cluster's configuration, as the file that its daemons read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::config::keys::ClusterKey;
use heartbeat_wire::gate::SLOT_LEASES;

use crate::lab::addresses::{
    BRIDGE, CONTROL_PORT, Family, HEARTBEAT_PORT, Network, VIRTUAL, crowd_address,
};
use crate::lab::topology::{Made, Plan};
use crate::paths;

/// Name of every lab's cluster.
pub const CLUSTER: &str = "lab";

/// The lab's key, over and over: it is no secret, it only has to be one.
const KEY: &str = "5eed";

/// That key, for those who mean ill and have it.
#[must_use]
pub fn cluster_key() -> ClusterKey {
    let pair = u16::from_str_radix(KEY, 16)
        .expect("four hex digits")
        .to_be_bytes();
    ClusterKey::new(std::array::from_fn(|place| pair[place % 2]))
}

/// The line that says so of a veth whose other end has a program, as the lab's have.
pub const NATIVE: &str = "attach = \"native\"\n";

/// The one line of the key file.
#[must_use]
pub fn key_text() -> String {
    KEY.repeat(16)
}

/// What a cluster is to be like.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Its machines.
    pub plan: Plan,
    /// Time between two probes.
    pub period: Duration,
    /// Periods without a probe after which the master counts as lost.
    pub detect_multiplier: u16,
    /// Heartbeats go to each member by itself instead of to a group.
    pub unicast: bool,
    /// The highest slot of a crowd: members behind the machines that are nothing but their answers, and no electors.
    pub crowd: Option<u16>,
    /// The slot that votes and never becomes master.
    pub witness: Option<u16>,
    /// Two nodes alone, with this evidence in place of a majority; `None`: a quorum.
    pub pair: Option<Evidence>,
    /// Where the virtual address lives.
    pub place: Place,
    /// Whether each slot has an address of its own besides ([`slot_address`]).
    pub slot_addresses: bool,
    /// The slot that the virtual address belongs to, and the master takes it over; `None`: it follows the master.
    pub takeover_of: Option<u16>,
    /// Longest lease, a planned restart's by default; `None` for the product's default.
    pub max_lease: Option<Duration>,
    /// Where each node records its election, in the folder of its state; `None`: it does not.
    pub recorder: Option<&'static str>,
    /// More of the file, as each node has it: `{node}` in all of it is its folder, `{slot}` its slot, `{tool}` the lab's own
    /// program.
    pub more: Option<&'static str>,
}

/// What stands for the absent one of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The product's default: silence on both networks, and the business network's bridge answers.
    Reference,
    /// The same, and this command has succeeded: words with a space between them.
    Fence(&'static str),
}

/// Where a cluster's virtual address lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On that network's interface.
    On(Network),
    /// On a third interface of this name, which is on the business network too.
    Third(&'static str),
}

/// The virtual address that belongs to that slot.
#[must_use]
pub const fn slot_address(slot: u16) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 100 + slot as u8)
}

impl Default for Settings {
    /// Three nodes with the product's own defaults.
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Settings {
    /// Three nodes with the product's own defaults.
    pub const DEFAULT: Self = Self {
        plan: Plan::DEFAULT,
        period: Duration::from_millis(10),
        detect_multiplier: 5,
        unicast: false,
        crowd: None,
        witness: None,
        pair: None,
        place: Place::On(Network::Business),
        slot_addresses: false,
        takeover_of: None,
        max_lease: None,
        recorder: None,
        more: None,
    };

    /// Two nodes alone with the product's own defaults.
    pub const PAIR: Self = Self {
        plan: Plan {
            nodes: 2,
            ..Plan::DEFAULT
        },
        pair: Some(Evidence::Reference),
        ..Self::DEFAULT
    };

    /// Length of a grant: one lease, the drift guard included.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.period * u32::from(self.detect_multiplier)
    }

    /// How long after its start a node without maps neither votes nor grants, at most: `max_lease` (by default
    /// four leases, and half a second at least) and the drift guard's fifth.
    #[must_use]
    pub fn abstention(&self) -> Duration {
        self.longest() * 6 / 5
    }

    /// `max_lease`.
    fn longest(&self) -> Duration {
        let default = (self.lease() * 4).max(Duration::from_millis(500));
        self.max_lease.unwrap_or(default)
    }

    /// How long a slot's lease lasts.
    #[must_use]
    pub fn slot_lease(&self) -> Duration {
        self.longest() * SLOT_LEASES
    }

    /// The virtual address.
    #[must_use]
    pub fn virtual_address(&self) -> IpAddr {
        let network = match self.place {
            Place::On(network) => network,
            Place::Third(_) => Network::Business,
        };
        network.address_of(self.plan.families.virtual_address, VIRTUAL)
    }

    /// What a pair's nodes ask whether they are cut off: the business network's bridge.
    #[must_use]
    pub fn reference(&self) -> IpAddr {
        Network::Business.address_of(self.plan.families.business, BRIDGE)
    }

    /// The interface that carries it.
    #[must_use]
    pub const fn carrier(&self) -> &'static str {
        match self.place {
            Place::On(network) => network.interface(),
            Place::Third(name) => name,
        }
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let transport = if self.unicast {
            "transport = \"unicast\"".to_owned()
        } else {
            format!("group = \"{}\"", self.plan.families.management.group())
        };
        let max_lease = self.max_lease.map_or_else(String::new, |longest| {
            format!("max_lease = \"{}us\"\n", longest.as_micros())
        });
        let electors = self.crowd.map_or_else(String::new, |_| {
            let slots: Vec<String> = (1..=self.plan.nodes).map(|slot| slot.to_string()).collect();
            format!("electors = [{}]\n", slots.join(", "))
        });
        let mode = if self.pair.is_some() {
            "pair"
        } else {
            "quorum"
        };
        let mut text = format!(
            "[cluster]\nname = \"{CLUSTER}\"\nmode = \"{mode}\"\nkey_file = \"cluster.key\"\n{electors}{max_lease}\n\
             [management]\n{transport}\nport = {HEARTBEAT_PORT}\ncontrol_port = {CONTROL_PORT}\n\
             period = \"{}us\"\ndetect_multiplier = {}\n",
            self.period.as_micros(),
            self.detect_multiplier
        );
        if self.plan.management == Made::Card {
            text += NATIVE;
        }
        if let Some(evidence) = self.pair {
            text += &self.evidence(evidence);
        }
        for slot in 1..=self.plan.nodes {
            text += &self.member(slot);
        }
        for slot in self.crowd() {
            text += &crowd_member(slot);
        }
        let place = match self.place {
            Place::On(Network::Management) => "network = \"management\"".to_owned(),
            Place::On(Network::Business) => "network = \"business\"".to_owned(),
            Place::Third(name) => format!("interface = \"{name}\""),
        };
        let follows = self.takeover_of.map_or_else(
            || "\"master\"".to_owned(),
            |slot| format!("{{ slot = {slot}, takeover = true }}"),
        );
        text += &virtual_address(self.virtual_address(), &place, &follows);
        if self.slot_addresses {
            for slot in 1..=self.plan.nodes {
                let follows = format!("{{ slot = {slot} }}");
                text += &virtual_address(slot_address(slot).into(), &place, &follows);
            }
        }
        if let Some(file) = self.recorder {
            text += &format!("\n[recorder]\nfile = \"{file}\"\n");
        }
        text
    }

    /// The slots of the crowd.
    #[must_use]
    pub fn crowd(&self) -> RangeInclusive<u16> {
        self.plan.nodes + 1..=self.crowd.unwrap_or(self.plan.nodes)
    }

    fn evidence(&self, evidence: Evidence) -> String {
        let reference = self.reference();
        let fence = match evidence {
            Evidence::Reference => String::new(),
            Evidence::Fence(command) => format!(
                "require = [\"management_silent\", \"business_silent\", \"reference\", \"fence\"]\n\
                 fence_command = [\"{}\"]\nfence_delay = \"0s\"\n",
                command.replace(' ', "\", \"")
            ),
        };
        format!("\n[pair]\nreference = [\"{reference}\"]\n{fence}")
    }

    fn member(&self, slot: u16) -> String {
        let last = u8::try_from(slot).expect("a lab has at most 99 nodes");
        let families = self.plan.families;
        let connection = |network: Network| {
            let family = match network {
                Network::Management => families.management,
                Network::Business => families.business,
            };
            format!(
                "{{ address = \"{}\", interface = \"{}\" }}",
                network.address_of(family, last),
                network.interface()
            )
        };
        let witness = if self.witness == Some(slot) {
            "witness = true\n"
        } else {
            ""
        };
        format!(
            "\n[[member]]\nslot = {slot}\nname = \"n{slot}\"\nmanagement = {}\nbusiness = {}\n{witness}",
            connection(Network::Management),
            connection(Network::Business)
        )
    }

    /// Writes the file of the node with this folder, and its key, and returns the file's path.
    ///
    /// # Errors
    /// When the disk refuses, or the lab's program is not built.
    pub fn write_for(&self, folder: &Path, slot: u16) -> Result<PathBuf> {
        let path = self.write(folder)?;
        if let Some(more) = self.more {
            let tool = paths::program("lab-tool")?;
            let text = (self.text() + more)
                .replace("{node}", &folder.display().to_string())
                .replace("{slot}", &slot.to_string())
                .replace("{tool}", &tool.display().to_string());
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(path)
    }

    /// Writes the file and its key into `folder` and returns the file's path.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join("heartbeatd.toml");
        fs::write(&path, self.text())
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut key = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(folder.join("cluster.key"))?;
        writeln!(key, "{}", key_text())?;
        Ok(path)
    }
}

fn crowd_member(slot: u16) -> String {
    format!(
        "\n[[member]]\nslot = {slot}\nname = \"c{slot}\"\n\
         management = {{ address = \"{}\", interface = \"{}\" }}\n",
        crowd_address(slot),
        Network::Management.interface()
    )
}

fn virtual_address(address: IpAddr, place: &str, follows: &str) -> String {
    let prefix = match address {
        IpAddr::V4(_) => Family::V4.prefix(),
        IpAddr::V6(_) => Family::V6.prefix(),
    };
    format!(
        "\n[[virtual_address]]\naddress = \"{address}/{prefix}\"\n{place}\nfollows = {follows}\n"
    )
}
