//! The daemon: brings its parts up in order, lets them run, and takes them down in order.

mod addresses;
mod alarms;
mod carrier;
mod chronicle;
mod current;
mod details;
mod differing;
mod dynamic;
mod electors;
mod failure;
mod fence;
mod first_master;
mod front;
mod ground;
mod handing;
mod happened;
mod history;
mod interfaces;
mod kernel_log;
mod last_run;
mod linked;
mod logging;
mod looking_after;
mod macvlan;
mod manager;
mod members;
mod nodes;
mod operator;
mod plan;
mod recorder;
mod relink;
mod reload;
mod renewal;
mod restarting;
mod rights;
mod scribe;
mod shared;
mod signals;
mod stale;
mod start;
mod vlan;
mod watched;
mod wiring;

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::runtime::Runtime;
use tracing::{info, warn};

use crate::cli::daemon::Args;
use crate::cli::default_bpf_dir;
use crate::config;
use crate::control::ControlSocket;
use crate::pulse::{self, Ending};
use crate::recorder::Recorder;
use crate::sys::lock::FolderLock;
use crate::sys::realtime;
use crate::takeover::Takeover;
use crate::web::{Exporter, Page};

pub use rights::missing_rights;

use failure::Failure;
use front::Front;
use ground::Ground;
use history::History;
use manager::Manager;
use scribe::Scribe;
use shared::Facts;
use signals::Stop;

/// Threads of the runtime for everything that is not the pulse, the hands or the scribe.
const WORKERS: usize = 2;

/// Runs `heartbeatd` until it is told to stop.
#[must_use]
pub fn main(args: &Args) -> ExitCode {
    let done = if args.check { check(args) } else { run(args) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn check(args: &Args) -> Result<(), Failure> {
    println!(
        "{}",
        config::check_file(&args.config).map_err(Failure::config)?
    );
    Ok(())
}

fn run(args: &Args) -> Result<(), Failure> {
    let config = config::load(&args.config).map_err(Failure::config)?;
    logging::start(&config.cluster);
    rights::check(&config)?;
    // Without the right to it the start is only slower on a busy machine; the pulse tells that it lacks it.
    let hurry = realtime::enter(realtime::START).ok();
    let runtime = runtime().map_err(Failure::of)?;
    let stop = Stop::default();
    let _inside = runtime.enter();
    signals::install(stop.clone()).map_err(Failure::of)?;
    let bpf_dir = args
        .bpf_dir
        .clone()
        .unwrap_or_else(|| default_bpf_dir(&config.cluster));
    let history = Arc::new(Mutex::new(History::open(&args.state)));
    let front = Front::new(Arc::clone(&history), bpf_dir.clone());
    let socket = ControlSocket::bind(&args.control).map_err(Failure::of)?;
    let serving = Arc::new(front.clone());
    let clients = socket.clients();
    runtime.spawn(async move { socket.serve(serving).await });
    let page = Page::new(Arc::new(front.clone()));
    let exporter = Exporter::new(Arc::new(front.clone()));
    let facts = Facts::default();
    let mut ground = Ground::find(args, &bpf_dir, config, &facts, page, exporter)?;
    let manager = Manager::new(&ground.plan.config.cluster, ground.plan.slot, &facts);
    let waits = |what: String| {
        manager.waits_for(&what);
        front.waits_for(what);
    };
    let Some(management) = ground.interfaces(&stop, waits)? else {
        info!("stopped while waiting");
        return Ok(());
    };
    let (daemon, operator) = Daemon::start(
        ground,
        &bpf_dir,
        &management,
        &facts,
        history,
        manager,
        hurry,
    )?;
    stop.tell(daemon.scribe.pulse.clone(), operator.restarting.clone());
    front.open(operator);
    let done = daemon.work();
    runtime.block_on(clients.served());
    done
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
}

/// The parts of a daemon that runs.
struct Daemon {
    scribe: Scribe,
    notes: pulse::Notes,
    pulse: JoinHandle<()>,
    takeover: Takeover,
    recorder: Option<Recorder>,
    _locks: [FolderLock; 2],
}

impl Daemon {
    /// Works until the pulse has stopped, then takes down what was attached, unless the next process goes on
    /// with it.
    fn work(mut self) -> Result<(), Failure> {
        let ending = self.scribe.run(&self.notes);
        self.scribe.manager.stopping();
        if let Some(recorder) = &self.recorder
            && !recorder.finish()
        {
            warn!("the end of the record is not written: its disk is too slow");
        }
        let end = End {
            pulse_panicked: self.pulse.join().is_err(),
            hands_ended: self.scribe.hands_ended,
        };
        if end.pulse_panicked {
            // The gates stay, and shut by themselves when the lease ends.
            self.scribe.relink.remove_masters_addresses()?;
        }
        // Behind the gates: a connection's end must not be heard from here. (Addresses that stay for the next
        // process keep their connections.)
        self.takeover.finish(end.pulse_panicked);
        // A mastership that the next process takes up is not over; what its hooks owe is in their journal.
        if let Some(hooks) = self.scribe.hooks.take()
            && ending != Some(Ending::Restart)
        {
            hooks.finish();
        }
        self.scribe.alarms.finish();
        if ending == Some(Ending::Restart) {
            info!("exiting for the next process; programs, maps, lease and addresses stay");
            return end.judge();
        }
        if !end.pulse_panicked {
            self.scribe.relink.detach()?;
        }
        info!("stopped");
        end.judge()
    }
}

/// How the real-time threads ended.
#[derive(Clone, Copy, Debug)]
struct End {
    pulse_panicked: bool,
    hands_ended: bool,
}

impl End {
    /// A service manager starts a failed daemon again, and one that stopped in order not.
    fn judge(self) -> Result<(), Failure> {
        let fault = match self {
            Self {
                pulse_panicked: true,
                ..
            } => "the pulse thread panicked",
            Self {
                hands_ended: true, ..
            } => "the hands' thread ended by itself",
            Self {
                pulse_panicked: false,
                hands_ended: false,
            } => return Ok(()),
        };
        Err(Failure::other(format!(
            "{fault}: this is a fault of heartbeatd; the lines above say more, and starting it again is safe"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_in_order_of_both_threads_is_a_success() {
        let end = |pulse_panicked, hands_ended| {
            let end = End {
                pulse_panicked,
                hands_ended,
            };
            end.judge().map_err(|failure| failure.to_string())
        };
        assert_eq!(end(false, false), Ok(()));
        assert!(end(true, false).is_err_and(|why| why.contains("pulse thread panicked")));
        assert!(end(false, true).is_err_and(|why| why.contains("hands' thread ended")));
    }
}
