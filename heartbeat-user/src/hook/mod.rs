//! Programs that are run when this node's role changes: one at a time, in order, each at least once.
//!
//! A thread of its own runs them and keeps a journal of what is owed, on disk before anything is run: what a
//! daemon's end cut short is made up for by the next one. `on_promote` is given its mastership's epoch as a token, and
//! waits until enough of the electors' disks have it ([`crate::floor`]); nobody else waits for that. The pulse knows nothing of it but one word, where the
//! addresses wait for a hook.

mod job;
mod journal;
mod rest;
mod runner;
mod token;
mod view;

use std::io;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Slot};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch as signal};
use tracing::error;

pub use job::RoleChange;
pub use rest::{Rest, Resting};
pub use view::View;

use crate::config::Hooks as Configured;
use crate::diary::Diary;
use crate::floor::Floors;
use crate::monitor::Standing;
use crate::pulse::OrderSender;
use crate::state::StateFolder;
use job::Told;
use runner::Runner;

/// Role changes that the hooks' thread has not heard of yet. It hears at once, whatever runs; more are a fault, and
/// told.
const DEPTH: usize = 256;

/// What the hooks' thread needs to know of its node.
#[derive(Debug)]
pub struct Setup {
    /// What is run at first.
    pub hooks: Configured,
    /// The cluster's name.
    pub cluster: String,
    /// This node's slot.
    pub slot: Slot,
    /// Where the journal is kept.
    pub state: StateFolder,
    /// The epoch in which this daemon goes on with the mastership of the last one, if it does.
    pub goes_on: Option<Epoch>,
    /// Whose disks have the epoch.
    pub floors: Floors,
    /// For addresses that wait.
    pub pulse: OrderSender,
    /// For the election.
    pub standing: Standing,
    /// For operators.
    pub view: View,
    /// For a planned restart.
    pub rest: Rest,
    /// For the history.
    pub diary: Diary,
}

/// The thread, as the daemon holds it.
#[derive(Debug)]
pub struct Hooks {
    told: mpsc::Sender<Told>,
    wanted: signal::Sender<Configured>,
    ended: std::sync::mpsc::Receiver<()>,
    rest: Rest,
}

impl Hooks {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let (told, taken) = mpsc::channel(DEPTH);
        let (alive, ended) = sync_channel(0);
        let (wanted, hooks) = signal::channel(setup.hooks.clone());
        let rest = setup.rest.clone();
        // Its own runtime: the journal's disk may hang, and nobody else shall wait for it.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("hooks".into()).spawn(move || {
            runtime.block_on(Runner::new(setup, hooks).run(taken));
            drop(alive);
        })?;
        Ok(Self {
            told,
            wanted,
            ended,
            rest,
        })
    }

    /// These are run from now on. One that runs already ends by what it began with.
    pub fn change(&self, hooks: Configured) {
        self.wanted.send_replace(hooks);
    }

    /// This node's role changed.
    pub fn role_changed(&self, change: RoleChange) {
        if change.from == Role::Master || change.to == Role::Master {
            self.tell(Told::Role(change));
        }
    }

    /// Something is wrong with this node.
    pub fn fault(&self, reason: String) {
        self.tell(Told::Fault(reason));
    }

    fn tell(&self, told: Told) {
        let what = told.to_string();
        if self.told.try_send(told).is_err() {
            error!(what, "the hooks' thread does not listen: a hook is not run");
        }
    }

    /// Waits until all that is owed was run, for at most as long as two hooks may take.
    pub fn finish(self) {
        // A restart that waited for a hook, and that a stop has overtaken.
        self.rest.lift();
        drop(self.told);
        let timeout = self.wanted.borrow().timeout;
        if self.ended.recv_timeout(timeout * 2) == Err(RecvTimeoutError::Timeout) {
            error!("hooks are left to the next daemon: they take too long");
        }
    }
}

#[cfg(test)]
mod tests;
