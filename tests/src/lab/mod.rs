//! Networks and machines out of namespaces, with real interfaces between them.

pub mod addresses;
pub mod affinity;
pub mod alertmanager;
pub mod alone;
pub mod classifiers;
pub mod clean;
pub mod cluster;
pub mod command;
pub mod contact;
pub mod container;
pub mod counters;
pub mod crowd;
pub mod daemon;
pub mod delivery;
pub mod hdfs;
pub mod helper;
pub mod installed;
pub mod inventory;
pub mod machine;
pub mod mounted;
pub mod netns;
pub mod networkd;
pub mod nginx;
pub mod other_xdp;
pub mod packet_socket;
pub mod port;
pub mod postgresql;
pub mod profile;
pub mod prometheus;
pub mod redis;
pub mod settings;
pub mod thread_stop;
pub mod topology;
pub mod view;
pub mod wall_clock;
pub mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::client::responder::any_like;
use crate::lab::addresses::{Network, VIRTUAL};
use crate::lab::helper::Helper;
use crate::lab::topology::{Plan, Topology};
use crate::lab::watch::Watch;

/// A lab: its networks, and a folder for what its processes write.
pub struct Lab {
    topology: Topology,
    folder: PathBuf,
    number: u32,
}

impl Lab {
    /// Builds one; removes what labs of dead processes left first.
    ///
    /// # Errors
    /// Without root or the tools, or when the kernel refuses; nothing is left behind then.
    pub fn build(plan: Plan) -> Result<Self> {
        static LABS: AtomicU32 = AtomicU32::new(1);
        clean::prepare()?;
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(clean::folder_name(number));
        let topology = Topology::build(number, plan)?;
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            topology,
            folder,
            number,
        })
    }

    /// The cables and the machines on them.
    #[must_use]
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Where this lab's processes write.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Which of this process's labs it is.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Starts the business service on the node in `slot`.
    ///
    /// # Errors
    /// When it does not come to work.
    pub fn serve(&self, slot: u16) -> Result<Helper> {
        let family = self.topology.families().virtual_address;
        let address = Network::Business.address_of(family, VIRTUAL);
        let any = any_like(address).to_string();
        let arguments = ["serve".to_owned(), slot.to_string(), any];
        let mut helper = Helper::start(
            self.topology.node(slot),
            &self.folder,
            &format!("service-{slot}"),
            &arguments,
        )?;
        helper.ready()?;
        Ok(helper)
    }

    /// Starts the client prober and the observer of the virtual address on the business network.
    ///
    /// # Errors
    /// When one of them does not come to work.
    pub fn watch(&self) -> Result<Watch> {
        self.watch_on(Network::Business)
    }

    /// Starts them on the network where the virtual address lives.
    ///
    /// # Errors
    /// When one of them does not come to work.
    pub fn watch_on(&self, network: Network) -> Result<Watch> {
        Watch::start(self, network)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        clean::remove_folder(&self.folder);
        clean::remove_folder(&Path::new(clean::BPF_FOLDER).join(clean::folder_name(self.number)));
    }
}
