//! The hands: the second real-time thread, which adds, deletes, guards and announces virtual
//! addresses, in the order in which the pulse says.
//!
//! Addresses are changed under the kernel's RTNL lock, which others may hold for long, so the pulse
//! never does it itself: it gives an [`Order`] without waiting, and a [`Report`] wakes it when there
//! is something to know. The gate stays with the pulse.

mod change;
mod channel;
mod holding;
mod order;
mod schedule;
mod slots;
mod stale;
mod tools;
mod worker;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::net::netlink::OwnerMark;
use crate::sys::realtime::RealtimeError;
use channel::{Receiver, Sender};
use worker::Worker;

pub use channel::NotSent;
pub use order::{Action, Change, Failure, Order, Report, VirtualAddress, Whose};
pub use stale::clean_stale;

/// Orders that may wait. One mastership gives two (take over, release), and one a turn while it takes
/// slots over, so this is several masterships' worth; if even that is full, the hands hang in the kernel
/// and one more order would not help.
const ORDERS_DEPTH: usize = 16;

/// Reports that may wait: an answer to every waiting order, and the links' changes of one burst.
const REPORTS_DEPTH: usize = 64;

/// How often the hands did what, since the start.
#[derive(Debug, Default)]
struct Counters {
    restored: AtomicU64,
    announced: AtomicU64,
    failed: AtomicU64,
    overruns: AtomicU64,
    reports_lost: AtomicU64,
}

/// How often the hands did what, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Held addresses that were missing and were added again.
    pub restored: u64,
    /// Announcements sent (both forms together count once).
    pub announced: u64,
    /// Actions that failed.
    pub failed: u64,
    /// How often the kernel lost events because they came too fast; all is then looked at anew.
    pub overruns: u64,
    /// Reports that nobody read in time; the queue was full.
    pub reports_lost: u64,
}

impl Counters {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The hands, as the pulse holds them. When dropped, the thread first carries out the orders it
/// was given; addresses that are held then stay on their interfaces, behind the gate.
#[derive(Debug)]
pub struct Hands {
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    counters: Arc<Counters>,
    not_realtime: Option<RealtimeError>,
    thread: Option<JoinHandle<()>>,
}

impl Hands {
    /// Starts the thread. `interfaces` are watched: those that carry virtual addresses, and any other
    /// whose changes are to be reported. Every change after this call is reported, so look the
    /// interfaces up after it.
    ///
    /// # Errors
    /// [`Failure`] when a socket cannot be opened or the interfaces cannot be listed.
    pub fn start(
        mark: OwnerMark,
        interfaces: impl IntoIterator<Item = String>,
    ) -> Result<Self, Failure> {
        let (orders, given) = channel::channel(ORDERS_DEPTH)
            .map_err(Failure::system("make the channel of orders"))?;
        let (reporter, reports) = channel::channel(REPORTS_DEPTH)
            .map_err(Failure::system("make the channel of reports"))?;
        let counters = Arc::new(Counters::default());
        let worker = Worker::new(given, reporter, Arc::clone(&counters), mark, interfaces)?;
        let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("hands".into())
            .spawn(move || worker.run(&ready))
            .map_err(Failure::system("start the hands' thread"))?;
        let not_realtime = is_ready.recv().ok().flatten();
        Ok(Self {
            orders: Some(orders),
            reports,
            counters,
            not_realtime,
            thread: Some(thread),
        })
    }

    /// Why the thread runs at ordinary priority, if it does: worth a warning.
    #[must_use]
    pub const fn not_realtime(&self) -> Option<&RealtimeError> {
        self.not_realtime.as_ref()
    }

    /// Gives an order. Neither waits nor allocates.
    ///
    /// # Errors
    /// [`NotSent`] if the hands hang or have ended; the order is not carried out then.
    pub fn order(&self, order: Order) -> Result<(), NotSent> {
        self.orders
            .as_ref()
            .map_or(Err(NotSent::Closed), |orders| orders.send(order))
    }

    /// The next report, if there is one. Never waits.
    pub fn report(&self) -> Option<Report> {
        self.reports.next().ok()
    }

    /// Whether the thread has ended, by [`Report::Broken`] or by a panic: nothing is carried out any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// How often what was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            restored: read(&self.counters.restored),
            announced: read(&self.counters.announced),
            failed: read(&self.counters.failed),
            overruns: read(&self.counters.overruns),
            reports_lost: read(&self.counters.reports_lost),
        }
    }
}

impl AsFd for Hands {
    /// Readable when there is a report.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reports.as_fd()
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by the thread itself; there is nobody to pass it to.
            let _ = thread.join();
        }
    }
}
