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

/// Programs that are being loaded.
#[derive(Debug)]
pub(super) struct Loading {
    programs: Receiver<Result<Programs, DatapathError>>,
    /// When to look for them next.
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
            programs,
            look_at: Instant::now() + LOOK,
        });
        Ok(())
    }

    /// Puts the programs in place as soon as they are loaded.
    pub(super) fn look_for_programs(&mut self, now: Instant) {
        let Some(loading) = &mut self.loading else {
            return;
        };
        loading.look_at = now + LOOK;
        match loading.programs.try_recv() {
            Ok(loaded) => {
                self.loading = None;
                self.renew(loaded);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.loading = None;
                self.stay_with_the_old("the loader panicked");
            }
        }
    }

    /// Puts each program into the pinned link of its predecessor, in one step of the kernel's: no frame meets
    /// none. Where that fails the old one stays at work, which is told.
    fn renew(&mut self, loaded: Result<Programs, DatapathError>) {
        match loaded.map_err(Failure::of).and_then(|new| self.put(new)) {
            Ok(()) => info!("kernel programs replaced"),
            Err(failure) => self.stay_with_the_old(&failure.to_string()),
        }
    }

    fn stay_with_the_old(&self, why: &str) {
        error!(why, "the kernel programs of the last process stay at work");
        self.facts.warn(format!(
            "kernel programs of the last heartbeatd are still at work, since new ones could not be put in their place: \
             {why}; cure that, then `heartbeatctl restart`"
        ));
    }

    fn put(&mut self, programs: Programs) -> Result<(), Failure> {
        let log = self.datapath.replace(programs).map_err(Failure::of)?;
        kernel_log::follow(log).map_err(Failure::of)?;
        self.attach_gates()?;
        let management = &self.plan.management().interface;
        let management = self.netlink.link(management).map_err(Failure::of)?;
        self.attach_responder(&management)
    }
}
