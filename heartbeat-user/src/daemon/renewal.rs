//! Putting this process's kernel programs in the place of the last one's, which are at work meanwhile.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::failure::Failure;
use super::kernel_log;
use super::relink::Relink;
use crate::datapath::{DatapathError, Programs};
use crate::sys::realtime;

/// How often the scribe looks whether the programs are loaded.
const LOOK: Duration = Duration::from_millis(50);

/// Programs that are being loaded, and then put in place.
#[derive(Debug)]
pub(super) struct Loading {
    /// Where they come from; `None` once they are there.
    programs: Option<Receiver<Result<Programs, DatapathError>>>,
    /// Interfaces whose gates are still the old ones.
    gates: Vec<String>,
    /// When there is something to do next.
    pub(super) look_at: Instant,
}

impl Relink {
    /// Loads on a thread of its own, behind everybody else: the verifier takes a second or two of a processor,
    /// and nobody waits for it.
    pub(super) fn load(&mut self) -> io::Result<()> {
        let loader = self.datapath.loader();
        let (sender, programs) = sync_channel(1);
        let load = move || {
            realtime::give_way();
            // The scribe is gone only when the daemon ends, and then nothing is to be replaced.
            let _ = sender.send(loader.load());
        };
        thread::Builder::new().name("loader".into()).spawn(load)?;
        self.loading = Some(Loading {
            programs: Some(programs),
            gates: self.plan.gated().into_iter().collect(),
            look_at: Instant::now() + LOOK,
        });
        Ok(())
    }

    /// Does the next step: looks whether the programs are loaded, then puts them in place, one interface at a
    /// time, since each may take some hundredths of a second and a restart must not wait for all of them.
    pub(super) fn renew_programs(&mut self, now: Instant) {
        let Some(mut loading) = self.loading.take() else {
            return;
        };
        if now < loading.look_at {
            self.loading = Some(loading);
            return;
        }
        loading.look_at = now;
        match self.next_step(&mut loading, now) {
            Ok(true) => info!("kernel programs replaced"),
            Ok(false) => self.loading = Some(loading),
            Err(failure) => self.stay_with_the_old(&failure.to_string()),
        }
    }

    /// Whether it was the last one. Each program takes the place of its predecessor in one step of the kernel's:
    /// no frame meets none. Where that fails the old one stays at work.
    fn next_step(&mut self, loading: &mut Loading, now: Instant) -> Result<bool, Failure> {
        if let Some(programs) = &loading.programs {
            match programs.try_recv() {
                Ok(loaded) => {
                    let programs = loaded.map_err(Failure::of)?;
                    let log = self.datapath.replace(programs).map_err(Failure::of)?;
                    kernel_log::follow(log).map_err(Failure::of)?;
                    loading.programs = None;
                }
                Err(TryRecvError::Empty) => loading.look_at = now + LOOK,
                Err(TryRecvError::Disconnected) => {
                    return Err(Failure::other("the loader panicked".to_owned()));
                }
            }
            return Ok(false);
        }
        if let Some(interface) = loading.gates.pop() {
            self.attach_gate(&interface)?;
            return Ok(false);
        }
        let management = &self.plan.management().interface;
        let management = self.netlink.link(management).map_err(Failure::of)?;
        self.attach_responders(&management)?;
        Ok(true)
    }

    fn stay_with_the_old(&self, why: &str) {
        error!(why, "the kernel programs of the last process stay at work");
        self.facts.warn(format!(
            "kernel programs of the last heartbeatd are still at work, since new ones could not be put in their place: \
             {why}; cure that, then `heartbeatctl restart`"
        ));
    }
}
