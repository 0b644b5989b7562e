//! A cluster of whole machines: three guests on two networks, and the lab's observer on the host.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use heartbeat_user::sys::clock::boot_ns;
use tempfile::TempDir;

use super::{Guest, Hardware, Image};
use crate::client::journal::{Event, Journal, What};
use crate::lab::addresses::{Network, OBSERVER, PREFIX, mac_text};
use crate::lab::clean::{self, namespace_name};
use crate::lab::command::ip_batch;
use crate::lab::helper::Helper;
use crate::lab::netns::Netns;
use crate::lab::settings::{NATIVE, Settings, key_text};
use crate::paths;

/// Time between two questions of the observer.
pub const INTERVAL: Duration = Duration::from_millis(5);
/// Nodes are in slots 1 to this.
pub const NODES: u8 = 3;
/// Of a guest, in MiB; what it starts from lies in it.
const MEMORY_MIB: u32 = 1024;

/// The machines, the wires between them, and who looks on. Gone when dropped.
#[derive(Debug)]
pub struct Machines {
    guests: Vec<Guest>,
    settings: Settings,
    journal: Journal,
    _observer: Helper,
    wires: Netns,
    _folder: TempDir,
}

impl Machines {
    /// Starts the machines one after the other, with a daemon and a service each.
    ///
    /// # Errors
    /// When the host or a guest refuses.
    pub fn start(image: &Image, settings: Settings) -> Result<Self> {
        clean::prepare()?;
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let wires = Netns::create(namespace_name(0, "machines"))?;
        ip_batch(wires.name(), &laid())?;
        let path = folder.path().join("observer.journal");
        let observer = [
            "observe".to_owned(),
            settings.virtual_address().to_string(),
            INTERVAL.as_micros().to_string(),
            NODES.to_string(),
            Network::Business.interface().to_owned(),
            Network::Business.address(OBSERVER).to_string(),
            OBSERVER.to_string(),
            path.display().to_string(),
        ];
        let mut observer = Helper::start(&wires, folder.path(), "observer", &observer)?;
        observer.ready()?;
        let mut guests = Vec::new();
        for slot in 1..=NODES {
            let own =
                [Network::Management, Network::Business].map(|net| (tap(net, slot), net.mac(slot)));
            let hardware = Hardware {
                memory_mib: MEMORY_MIB,
                processors: 1,
                wires: &own,
                namespace: Some(&wires),
            };
            let mut guest = Guest::start(image, &hardware, folder.path(), &format!("n{slot}"))?;
            prepare(&mut guest, &settings, slot)?;
            guests.push(guest);
        }
        Ok(Self {
            guests,
            settings,
            journal: Journal::open(&path)?,
            _observer: observer,
            wires,
            _folder: folder,
        })
    }

    /// The cluster's settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The machine in that slot.
    ///
    /// # Panics
    /// Without such a slot.
    #[must_use]
    pub fn guest(&mut self, slot: u16) -> &mut Guest {
        &mut self.guests[usize::from(slot) - 1]
    }

    /// Starts the daemon of that slot.
    ///
    /// # Errors
    /// When the guest does not do as it is told.
    pub fn start_daemon(&mut self, slot: u16) -> Result<()> {
        let line = "{ heartbeatd >>/run/daemon.log 2>&1 & echo $! >/run/daemon.pid; }";
        self.guest(slot).run(line).map(drop)
    }

    /// What each node says of itself, for whoever looks into a failure; a guest that says nothing is left out.
    pub fn told(&mut self) -> String {
        let line =
            "heartbeatctl status; ip -o address; cat /run/service.log; tail -n 25 /run/daemon.log";
        let mut told = String::new();
        for (slot, guest) in (1..).zip(&mut self.guests) {
            if let Ok(answer) = guest.go_on().and_then(|()| guest.ask(line)) {
                told += &format!("--- slot {slot}\n{}\n", answer.text);
            }
        }
        told
    }

    /// What the observer noted since `from_ns`, in nanoseconds of the host's CLOCK_BOOTTIME.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn seen(&mut self, from_ns: u64) -> Result<Vec<Event>> {
        let events = self.journal.events()?;
        let begin = events.partition_point(|event| event.at_ns < from_ns);
        Ok(events[begin..].to_vec())
    }

    /// When the node in that slot answered since `from_ns`, for its address or by ARP.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn answers_of(&mut self, slot: u16, from_ns: u64) -> Result<Vec<u64>> {
        let mut times: Vec<u64> = self
            .seen(from_ns)?
            .iter()
            .filter(|event| matches!(event.what, What::Answered | What::ArpAnswered))
            .filter(|event| event.node == slot)
            .map(|event| event.at_ns)
            .collect();
        times.sort_unstable();
        Ok(times)
    }

    /// Waits until a node other than `old` answers without a break, and gives its slot.
    ///
    /// # Errors
    /// When none does within `patience`.
    pub fn wait_for_master(&mut self, old: Option<u16>, patience: Duration) -> Result<u16> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            sleep(Duration::from_millis(200));
            let from_ns = boot_ns() - 500_000_000;
            for slot in (1..=u16::from(NODES)).filter(|slot| Some(*slot) != old) {
                if self.answers_of(slot, from_ns)?.len() > 20 {
                    return Ok(slot);
                }
            }
        }
        bail!("no node but {old:?} answers after {patience:?}")
    }

    /// Takes a machine's plug out of a network, or puts it in again.
    ///
    /// # Errors
    /// When iproute2 refuses.
    pub fn plug(&self, slot: u16, network: Network, is_in: bool) -> Result<()> {
        let tap = tap(network, u8::try_from(slot)?);
        let master = if is_in {
            format!("master {}", network.interface())
        } else {
            "nomaster".to_owned()
        };
        ip_batch(self.wires.name(), &[format!("link set {tap} {master}")])
    }
}

fn tap(network: Network, slot: u8) -> String {
    format!("{}-{slot}", network.interface())
}

/// Two bridges, on which the observer is at home, with a tap for each machine.
fn laid() -> Vec<String> {
    let mut lines = Vec::new();
    for network in [Network::Management, Network::Business] {
        let (name, mac) = (network.interface(), mac_text(network.mac(OBSERVER)));
        lines.push(format!(
            "link add {name} address {mac} type bridge mcast_snooping 0"
        ));
        let address = network.address(OBSERVER);
        lines.push(format!("address add {address}/{PREFIX} dev {name}"));
        lines.push(format!("link set {name} up"));
        for slot in 1..=NODES {
            let tap = tap(network, slot);
            lines.push(format!("tuntap add dev {tap} mode tap"));
            lines.push(format!("link set {tap} master {name} up"));
        }
    }
    lines
}

/// Names and addresses of the interfaces, the configuration, and the service.
fn prepare(guest: &mut Guest, settings: &Settings, slot: u8) -> Result<()> {
    // Programs lie where they do on the host.
    let programs = paths::program("heartbeatd")?;
    let programs = programs.parent().context("a program lies in a folder")?;
    guest.run(&format!("export PATH=$PATH:{}", programs.display()))?;
    for (device, network) in [("eth0", Network::Management), ("eth1", Network::Business)] {
        let (name, address) = (network.interface(), network.address(slot));
        guest.run(&format!(
            "ip link set {device} name {name} && ip address add {address}/{PREFIX} dev {name} && ip link set {name} up"
        ))?;
    }
    guest.run("mkdir -p /etc/heartbeatd")?;
    // Its cards are no veths, and not every driver has native XDP.
    for line in settings.text().replace(NATIVE, "").lines() {
        guest.run(&format!("echo '{line}' >>/etc/heartbeatd/heartbeatd.toml"))?;
    }
    guest.run(&format!(
        "echo {} >/etc/heartbeatd/cluster.key && chmod 600 /etc/heartbeatd/cluster.key",
        key_text()
    ))?;
    // It ends when its input does.
    guest
        .run(&format!(
            "{{ sleep 1000000 | lab-tool serve {slot} 0.0.0.0 >/run/service.log 2>&1 & }}"
        ))
        .map(drop)
}
