//! What operators and signals ask of the pulse, and how it is woken for it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use heartbeat_core::event::{Order, Reply};
use heartbeat_core::message::Network;
use heartbeat_core::service::Services;
use heartbeat_core::{ElectorRecord, Epoch, Snapshot};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::oneshot;

use super::reconfigure::Offer;
use super::{Channel, Durations};
use crate::hands::Whose;
use crate::net::probe_socket::ProbeSocket;

/// Orders not yet taken. They come from people and signals: more than a few at once is a fault of the
/// asker, who is told so.
pub(super) const ORDERS_DEPTH: usize = 16;

/// What the pulse tells of itself when asked.
#[derive(Debug, Clone)]
pub struct Published {
    /// The election's view.
    pub snapshot: Snapshot,
    /// The newest answers of those members that are not well.
    pub replies: Vec<Reply>,
    /// How late the turns ran.
    pub lateness: Durations,
    /// How long they took.
    pub taken: Durations,
    /// Notes that were lost because the scribe did not keep up.
    pub notes_lost: u64,
}

/// Answer to an operator's order: what was done, or why not.
pub(crate) type Answer = Result<String, String>;

/// Who waits for an order's answer.
pub type Asked = oneshot::Sender<Answer>;

/// One order.
#[derive(Debug)]
pub enum PulseOrder {
    /// For the election; the answer comes when it has decided.
    Election(Order, Option<Asked>),
    /// This record of the electors' sets is on disk.
    ElectorsSaved(Box<ElectorRecord>),
    /// The fence command with this id has ended, well or not.
    Fenced(u64, bool),
    /// The gate stands on this interface, which had vanished and came back.
    Gated(String),
    /// These addresses are to be announced once more, from the start.
    Announce(Whose),
    /// For the first time in this mastership another member saw this node answer for every address, at this
    /// time of CLOCK_BOOTTIME in nanoseconds: to be noted. (Nobody else may hold the notes' sending end,
    /// since its closing tells of the pulse's death.)
    Verified(Epoch, u64),
    /// An interface vanished or came back.
    Rewire(Rewire),
    /// What makes this node fit to serve has been done in this mastership: addresses that wait for it are taken.
    Promoted(Epoch),
    /// How the services on this node are.
    Services(Services),
    /// Whether this node's interface on the business network has its carrier.
    Carrier(bool),
    /// Read the configuration anew: handed on to the scribe (see [`PulseOrder::Verified`]), who answers.
    Reload(Option<Asked>),
    /// Go by this from now on, if it is not taken back.
    Reconfigure(Offer),
    /// Tell what you know.
    Publish(oneshot::Sender<Published>),
}

/// Which socket takes the place of which.
#[derive(Debug)]
pub enum Rewire {
    /// Probes and queries leave here from now on.
    Probes(Box<ProbeSocket>),
    /// This network's control datagrams come and go here from now on.
    Control(Channel),
    /// This network's interface is gone, and its control datagrams with it.
    NoControl(Network),
}

impl Rewire {
    /// The network whose control datagrams come and go by it, if any do.
    #[must_use]
    pub const fn network(&self) -> Option<Network> {
        match self {
            Self::Control(channel) => Some(channel.network),
            Self::Probes(_) | Self::NoControl(_) => None,
        }
    }
}

/// Sockets that are no longer used, for somebody else to close: closing a packet socket waits until every
/// CPU has let go of it (packet_release() in the kernel), which takes milliseconds.
#[derive(Debug)]
pub enum Retired {
    /// Of probes.
    Probes(Box<ProbeSocket>),
    /// Of a network's control datagrams.
    Control(Channel),
}

/// The pulse's end.
#[derive(Debug)]
pub struct Orders {
    receiver: Receiver<PulseOrder>,
    wake: Arc<EventFd>,
}

/// The asking end; cloned for every asker.
#[derive(Clone, Debug)]
pub struct OrderSender {
    sender: SyncSender<PulseOrder>,
    wake: Arc<EventFd>,
}

/// Makes the two ends.
///
/// # Errors
/// When no event descriptor can be made.
pub fn orders() -> io::Result<(OrderSender, Orders)> {
    let (sender, receiver) = sync_channel(ORDERS_DEPTH);
    let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
    let wake = Arc::new(EventFd::from_value_and_flags(0, flags)?);
    let asking = OrderSender {
        sender,
        wake: Arc::clone(&wake),
    };
    Ok((asking, Orders { receiver, wake }))
}

impl OrderSender {
    /// Hands an order to the pulse and wakes it.
    ///
    /// # Errors
    /// A sentence for the asker, when the pulse has ended or has too many orders waiting.
    pub fn send(&self, order: PulseOrder) -> Result<(), String> {
        self.sender.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => {
                "the pulse thread has too many orders waiting; try again".to_owned()
            }
            TrySendError::Disconnected(_) => {
                "the pulse thread has ended; the daemon is stopping".to_owned()
            }
        })?;
        // A full event counter already wakes it.
        let _ = self.wake.write(1);
        Ok(())
    }
}

impl Orders {
    pub(crate) fn take(&self) -> Option<PulseOrder> {
        self.receiver.try_recv().ok()
    }

    /// Takes the wake-up back, before the orders are taken.
    pub(crate) fn clear(&self) {
        let _ = self.wake.read();
    }
}

impl AsFd for Orders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
