//! Signals: TERM and INT stop in order, a second one at once; HUP and USR2 are told apart from death.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use heartbeat_core::event::Order;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::pulse::{OrderSender, PulseOrder};

/// Whether the daemon was told to stop, and whom to tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: AtomicBool,
    pulse: OnceLock<OrderSender>,
}

impl Stop {
    /// Whether a stop was asked for.
    #[must_use]
    pub(super) fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// From now on the pulse is told; at once, if a stop was asked for already.
    pub(super) fn tell(&self, pulse: OrderSender) {
        let _ = self.0.pulse.set(pulse);
        if self.is_asked() {
            self.forward();
        }
    }

    fn ask(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.forward();
    }

    fn forward(&self) {
        let Some(pulse) = self.0.pulse.get() else {
            return;
        };
        if let Err(reason) = pulse.send(PulseOrder::Election(Order::Stop, None)) {
            warn!(reason, "the stop could not be handed to the pulse");
        }
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
                () = received(&mut hangup) => {
                    warn!("SIGHUP: this version does not reload; stop and start the daemon to read the configuration again");
                }
                () = received(&mut user2) => {
                    warn!("SIGUSR2: this version has no restart that keeps mastership; SIGTERM hands it over");
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
    if stop.is_asked() {
        warn!("told to stop a second time: exiting at once; the gate shuts when the lease ends");
        std::process::exit(1);
    }
    info!("told to stop: handing over in order");
    stop.ask();
}
