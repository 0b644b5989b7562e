//! Signals: TERM and INT stop in order, a second one at once; USR2 makes room for the next process; HUP reloads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use heartbeat_core::event::Order;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::restarting::{Restarting, Waits};
use crate::pulse::{OrderSender, PulseOrder};

/// Whether the daemon was told to end, and whom to tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: AtomicBool,
    restart: AtomicBool,
    pulse: OnceLock<OrderSender>,
    restarting: OnceLock<Restarting>,
}

impl Stop {
    /// Whether a daemon that does not run yet was told to end: it has nothing to hand over or to keep.
    #[must_use]
    pub(super) fn is_asked(&self) -> bool {
        self.stops() || self.0.restart.load(Ordering::SeqCst)
    }

    fn stops(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// From now on the pulse is told; at once, if something was asked for already.
    pub(super) fn tell(&self, pulse: OrderSender, restarting: Restarting) {
        let _ = self.0.pulse.set(pulse);
        let _ = self.0.restarting.set(restarting);
        if self.stops() {
            self.forward_stop();
        } else if self.is_asked() {
            self.forward_restart();
        }
    }

    fn stop(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.forward_stop();
    }

    fn restart(&self) {
        self.0.restart.store(true, Ordering::SeqCst);
        self.forward_restart();
    }

    /// A daemon that does not run yet goes by the file as it was when it was started.
    fn reload(&self) {
        let Some(pulse) = self.0.pulse.get() else {
            return warn!("told to reload before this daemon runs: send SIGHUP again once it does");
        };
        info!("told to reload");
        if let Err(reason) = pulse.send(PulseOrder::Reload(None)) {
            warn!(reason, "the order to reload could not be handed on");
        }
    }

    fn forward_stop(&self) {
        let Some(pulse) = self.0.pulse.get() else {
            return;
        };
        if let Err(reason) = pulse.send(PulseOrder::Election(Order::Stop, None)) {
            warn!(reason, "the order to stop could not be handed to the pulse");
        }
    }

    /// Nobody waits for the answer, so a hook that runs is waited for.
    fn forward_restart(&self) {
        let Some(restarting) = self.0.restarting.get().cloned() else {
            return;
        };
        tokio::spawn(async move {
            if let Err(reason) = restarting.order(Waits::ToTheEnd).await {
                warn!(reason, "not restarting");
            }
        });
    }
}

/// Handles signals until the process ends.
///
/// # Errors
/// When a handler cannot be installed.
pub(super) fn install(stop: Stop) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut user2 = signal(SignalKind::user_defined2())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = received(&mut terminate) => stop_or_exit(&stop),
                () = received(&mut interrupt) => stop_or_exit(&stop),
                () = received(&mut hangup) => stop.reload(),
                () = received(&mut user2) => {
                    info!("told to restart: making room for the next process");
                    stop.restart();
                }
            }
        }
    });
    Ok(())
}

async fn received(signal: &mut Signal) {
    // `None` would mean that the runtime shuts down, and this task with it.
    let _ = signal.recv().await;
}

fn stop_or_exit(stop: &Stop) {
    if stop.stops() {
        warn!("told to stop a second time: exiting at once; the gate shuts when the lease ends");
        std::process::exit(1);
    }
    info!("told to stop: handing over in order");
    stop.stop();
}
