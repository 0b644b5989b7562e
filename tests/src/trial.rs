//! One fault from a healthy cluster back to a healthy cluster, watched all the way.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::fault::wire::{self, Death};
use crate::lab::cluster::{Cluster, PATIENCE};
use crate::lab::watch::Watch;
use crate::report::sight::{BEFORE_NS, Sight};

/// How long nobody is asked anything after a fault: the asking costs processor time of its own.
const QUIET: Duration = Duration::from_millis(200);
/// How long the cluster works on before what was broken comes back.
const WORKING: Duration = Duration::from_millis(300);

/// The faults that cost a master, and the order that moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// An operator moves mastership.
    Switchover,
    /// The master's daemon is killed (SIGKILL); its kernel goes on.
    Kill,
    /// The master's daemon is stopped (SIGSTOP), and resumed when another node is master.
    Freeze,
    /// The master's machine is gone: nothing passes any more, its neighbours see no carrier.
    NodeDeath,
}

/// All four.
pub const TRIALS: [Trial; 4] = [
    Trial::Switchover,
    Trial::Kill,
    Trial::Freeze,
    Trial::NodeDeath,
];

/// What a trial brought.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Slot of the first master.
    pub from: u16,
    /// Slot of the one that followed.
    pub to: u16,
    /// What client and observer saw, the coming back included.
    pub sight: Sight,
}

impl Trial {
    /// The word for it in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Switchover => "switchover",
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::NodeDeath => "node death",
        }
    }

    /// What happens, in one clause.
    #[must_use]
    pub const fn story(self) -> &'static str {
        match self {
            Self::Switchover => "an operator moves mastership to another node",
            Self::Kill => {
                "SIGKILL ends the master's daemon; nobody removes its address, and its kernel goes on"
            }
            Self::Freeze => {
                "SIGSTOP freezes the master's daemon; SIGCONT resumes it when another node is master"
            }
            Self::NodeDeath => {
                "the master's machine is gone: nothing passes on either network, no carrier"
            }
        }
    }

    /// Runs it on a settled cluster, and returns when the cluster is settled again. `None` if the master
    /// was lost by itself at the same time, so that the fault hit somebody else.
    ///
    /// # Errors
    /// When no other node becomes master, the cluster does not settle again, or nobody answers the client.
    pub fn run(self, cluster: &mut Cluster, watch: &mut Watch) -> Result<Option<Outcome>> {
        let from = cluster.settle()?;
        let before = cluster.view();
        if before.agreed() != Some(from) {
            return Ok(None);
        }
        sleep(Duration::from_nanos(BEFORE_NS));
        let fault_ns = boot_ns();
        if let Err(error) = self.inject(cluster, from) {
            cluster.settle().with_context(|| format!("{error:#}"))?;
            // It may be master again by now, of another mastership.
            let is_same = cluster.view().epoch() == before.epoch();
            return if is_same { Err(error) } else { Ok(None) };
        }
        sleep(QUIET);
        self.wait_for_next_master(cluster, from)?;
        sleep(WORKING);
        self.undo(cluster, from)?;
        cluster.settle()?;
        sleep(QUIET);
        let sight = Sight::of(watch, fault_ns, boot_ns())?;
        let outage = sight
            .outage
            .context("the service never came back, though a node is master")?;
        let hit = outage.before == from && outage.after != from;
        Ok(hit.then_some(Outcome {
            from,
            to: outage.after,
            sight,
        }))
    }

    fn wait_for_next_master(self, cluster: &Cluster, from: u16) -> Result<()> {
        match self {
            // The first master is as well as ever, and may be it again by now.
            Self::Switchover => Ok(()),
            Self::Kill | Self::Freeze | Self::NodeDeath => {
                cluster.wait_for("another node is master", PATIENCE, |view| {
                    view.masters()
                        .into_iter()
                        .any(|slot| slot != from)
                        .then_some(())
                })
            }
        }
    }

    fn inject(self, cluster: &mut Cluster, master: u16) -> Result<()> {
        match self {
            Self::Switchover => cluster.switchover(master, None),
            Self::Kill => cluster.daemon_mut(master).end(Signal::SIGKILL).map(drop),
            Self::Freeze => cluster.daemon(master).signal(Signal::SIGSTOP),
            Self::NodeDeath => wire::kill_node(cluster.lab().topology(), master, Death::Loud),
        }
    }

    fn undo(self, cluster: &mut Cluster, broken: u16) -> Result<()> {
        match self {
            Self::Switchover => Ok(()),
            Self::Kill => cluster.start_one(broken),
            Self::Freeze => cluster.daemon(broken).signal(Signal::SIGCONT),
            Self::NodeDeath => wire::heal_node(cluster.lab().topology(), broken),
        }
    }
}
