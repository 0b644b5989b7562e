//! The pulse: the real-time thread that runs one turn a period, and at once when a frame, a message
//! or an order arrives.
//!
//! Nothing in it waits for disk, name service, hook or lock. What takes time is handed to others over
//! bounded channels; what they find full is counted and told, never waited for.

mod answers;
mod carry_out;
pub mod convert;
mod durations;
pub mod frames;
mod intake;
mod note;
mod order;
mod ready;
mod reconfigure;
mod rewire;
mod stamps;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use heartbeat_core::event::KernelWords;
use heartbeat_core::message::Network;
use heartbeat_core::{ElectorRecord, Epoch, Event, Instant, Slot};
use heartbeat_wire::frame::FRAME_LEN;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

pub use answers::Answers;
use answers::Whose;
pub use durations::Durations;
pub use note::{Ending, NOTES_DEPTH, Note, Notes};
pub use order::{Asked, OrderSender, Orders, Published, PulseOrder, Retired, Rewire, orders};
pub use reconfigure::{Offer, Reconfigure, offer};
pub use stamps::Stamps;

use crate::datapath::{Events, Sets, Words};
use crate::hands::{Hands, VirtualAddress};
use crate::net::datagrams::Datagrams;
use crate::net::probe_socket::ProbeSocket;
use crate::net::references::References;
use crate::net::unicast_socket::UnicastSocket;
use crate::recorder::RecordedNode;
use crate::sys::clock::{BootTimer, boot_ns, raw_ns};
use crate::sys::notify::Watchdog;
use crate::sys::realtime::RealtimeError;
use crate::sys::{memory, realtime};
use crate::takeover::Tasks;

use frames::Standing;
use ready::{Ready, Source};

/// How long after a probe the answers to it are read, as a part of the period: a round trip is far
/// shorter on any network that this is made for, and three quarters are left for those that are late.
const ANSWERS_AFTER: u32 = 4;

/// Descriptors the pulse waits on: timer, ring, two control sockets, references, orders, hands.
const MOST_SOURCES: usize = 8;

/// Everything the pulse owns.
pub struct Parts {
    /// The election.
    pub node: RecordedNode,
    /// The mapped words of the kernel's maps.
    pub words: Words,
    /// The members' answers.
    pub answers: Answers,
    /// What the kernel tells at once.
    pub ring: Events,
    /// Which electors' sets the kernel grants by.
    pub sets: Sets,
    /// How they are filled in and signed.
    pub signer: frames::FrameSigner,
    /// Where frames and messages leave and come in.
    pub wiring: Wiring,
    /// The thread that carries out address changes.
    pub hands: Hands,
    /// The thread that looks after takeovers.
    pub takeover: Tasks,
    /// The addresses that follow the master.
    pub addresses: Arc<[VirtualAddress]>,
    /// By slot, those that go by the slot's lease.
    pub leased: Arc<BTreeMap<Slot, Arc<[VirtualAddress]>>>,
    /// This node's slot.
    pub slot: Slot,
    /// Whether those that follow the master are taken only once a hook has made this node fit to serve ([`PulseOrder::Promoted`]).
    pub addresses_wait: bool,
    /// What operators and signals ask for.
    pub orders: Orders,
    /// The service manager's watch over this thread, if there is one.
    pub watchdog: Option<Watchdog>,
    /// The scribe.
    pub notes: SyncSender<Note>,
}

/// The sockets that hang on one life of the interfaces.
#[derive(Debug)]
pub struct Wiring {
    /// Who is asked over the business network: the electors, those of a set that was agreed to included.
    pub electors: ElectorRecord,
    /// Where probes and queries leave to all at once, unless each member is sent its own.
    pub probes: Option<Box<ProbeSocket>>,
    /// What comes and goes by each network.
    pub control: Vec<Channel>,
}

impl Wiring {
    /// Sends a heartbeat's body over this network, as it is done there; nothing where this node is not on it.
    fn heartbeat(&mut self, network: Network, body: &[u8; FRAME_LEN]) -> io::Result<()> {
        let mut channels = self.control.iter();
        let unicast = channels
            .find(|channel| channel.network == network)
            .and_then(|channel| channel.heartbeats.as_ref());
        let electors = &self.electors;
        match (network, unicast, &mut self.probes) {
            (Network::Management, Some(unicast), _) => unicast.send(body, |_| true),
            (Network::Business, Some(unicast), _) => {
                unicast.send(body, |slot| electors.has_elector(slot))
            }
            (Network::Management, None, Some(probes)) => probes.send(body),
            (Network::Management, None, None) | (Network::Business, None, _) => Ok(()),
        }
    }
}

/// One network's datagrams.
#[derive(Debug)]
pub struct Channel {
    /// Which network.
    pub network: Network,
    /// Votes and commands.
    pub datagrams: Box<Datagrams>,
    /// Heartbeats to single members, where there are any.
    pub heartbeats: Option<UnicastSocket>,
    /// Who tells one of a pair whether it is the one that is cut off.
    pub references: Option<Box<References>>,
}

/// The pulse's state while it runs.
pub(crate) struct Pulse {
    parts: Parts,
    epoll: Epoll,
    timer: BootTimer,
    next_turn: Instant,
    /// When the answers to the newest probe are read, between two turns.
    answers_at: Option<Instant>,
    lateness: Durations,
    /// How long the wake-ups took that were turns, all that was done in them included.
    taken: Durations,
    stamps: Stamps,
    notes_lost: u64,
    send_failing: bool,
    drop_told: Instant,
    pending_asks: VecDeque<Option<Asked>>,
    standing: Standing,
    /// The mastership whose addresses wait.
    waiting: Option<Epoch>,
    /// The hands have ended: addresses cannot be moved any more.
    without_hands: bool,
    /// The order to exit that was carried out.
    ending: Option<Ending>,
}

/// The pulse thread.
#[derive(Debug)]
pub struct Running {
    /// Ends when a stop is complete, or with a panic.
    pub thread: JoinHandle<()>,
    /// Why it runs at ordinary priority, if it does: worth a warning.
    pub not_realtime: Option<RealtimeError>,
}

/// Starts the pulse thread.
///
/// # Errors
/// When the thread, its timer or its epoll instance cannot be made.
pub fn spawn(parts: Parts) -> io::Result<Running> {
    let mut pulse = Pulse::new(parts)?;
    let (ready, is_ready) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("pulse".into())
        .spawn(move || {
            let (_realtime, refused) = match realtime::enter(realtime::PULSE) {
                Ok(guard) => (Some(guard), None),
                Err(refused) => (None, Some(refused)),
            };
            memory::prefault_stack();
            // The starter waits for it.
            let _ = ready.send(refused);
            pulse.run();
        })?;
    let not_realtime = is_ready.recv().ok().flatten();
    Ok(Running {
        thread,
        not_realtime,
    })
}

impl Pulse {
    fn new(parts: Parts) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = BootTimer::new()?;
        let pulse = Self {
            next_turn: Instant(boot_ns()),
            answers_at: None,
            lateness: Durations::default(),
            taken: Durations::default(),
            stamps: Stamps::default(),
            notes_lost: 0,
            send_failing: false,
            drop_told: Instant::ZERO,
            pending_asks: VecDeque::with_capacity(order::ORDERS_DEPTH),
            standing: Standing::default(),
            waiting: None,
            without_hands: false,
            ending: None,
            epoll,
            timer,
            parts,
        };
        pulse.watch(Source::Timer, pulse.timer.as_fd())?;
        pulse.watch(Source::Ring, pulse.parts.ring.as_fd())?;
        pulse.watch(Source::Orders, pulse.parts.orders.as_fd())?;
        pulse.watch(Source::Hands, pulse.parts.hands.as_fd())?;
        for channel in &pulse.parts.wiring.control {
            pulse.watch_channel(channel)?;
        }
        Ok(pulse)
    }

    fn watch_channel(&self, channel: &Channel) -> io::Result<()> {
        self.watch(Source::control(channel.network), channel.datagrams.as_fd())?;
        match &channel.references {
            Some(references) => self.watch(Source::References, references.as_fd()),
            None => Ok(()),
        }
    }

    fn watch(&self, source: Source, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let readable = EpollEvent::new(EpollFlags::EPOLLIN, source as u64);
        self.epoll.add(descriptor, readable)?;
        Ok(())
    }

    fn run(&mut self) {
        self.carry_out();
        let mut events = [EpollEvent::empty(); MOST_SOURCES];
        let ending = loop {
            if let Some(ending) = self.ending {
                break ending;
            }
            self.set_timer();
            let waited = self.epoll.wait(&mut events, EpollTimeout::NONE);
            self.wake(waited.map_or(Ready::ALL, |count| Ready::of(&events[..count])));
        };
        self.note(Note::Ended(ending));
    }

    /// The next turn, the answers, or what the node waits for, whichever is first.
    fn set_timer(&self) {
        let sooner = [self.answers_at, self.parts.node.poll_timeout()];
        let at = sooner
            .into_iter()
            .flatten()
            .fold(self.next_turn, Instant::min);
        // Only a bad descriptor or a negative time can fail here, and neither occurs.
        let _ = self.timer.set(at.0.max(1));
    }

    fn wake(&mut self, ready: Ready) {
        let now = Instant(boot_ns());
        let woken = now;
        let is_turn = now >= self.next_turn;
        if is_turn {
            self.turn(now);
        } else if self.answers_at.is_some_and(|at| at <= now) {
            self.take_answers(now);
        } else {
            let kernel = self.kernel();
            self.handle(Event::Kernel(kernel), now);
        }
        self.take_kernel_events();
        self.take_messages(ready);
        if ready.has(Source::References) {
            self.take_reference_answers();
        }
        if ready.has(Source::Orders) {
            self.take_orders();
        }
        if ready.has(Source::Hands) {
            self.take_reports();
        }
        let now = Instant(boot_ns());
        if self.parts.node.poll_timeout().is_some_and(|at| at <= now) {
            let kernel = self.kernel();
            self.handle(Event::Kernel(kernel), now);
            self.parts.node.handle_timeout(now);
            self.carry_out();
        }
        self.parts.node.settle();
        if is_turn {
            self.taken.record(Instant(boot_ns()).since(woken));
        }
    }

    /// Between two turns: the lease is renewed by what was answered so far.
    fn take_answers(&mut self, now: Instant) {
        self.answers_at = None;
        self.read_answers(Whose::SomeOthersToo);
        self.hear(now);
        let kernel = self.kernel();
        let replies = self.parts.answers.newest();
        self.parts
            .node
            .handle(Event::Answers { kernel, replies }, now);
        self.carry_out();
    }

    /// Of those that are no electors, who answered: most of them have by the time at which answers are taken, so that few
    /// are left for the turn.
    fn hear(&mut self, now: Instant) {
        let heard = self.parts.answers.heard();
        if !heard.is_empty() {
            self.parts.node.handle(Event::Heard(heard), now);
        }
    }

    fn read_answers(&mut self, whose: Whose) {
        if let Err(error) = self.parts.answers.read(whose) {
            self.note(Note::ReadFailed(error));
        }
    }

    /// One period: the kernel's words and the answers go in, commands come out.
    fn turn(&mut self, now: Instant) {
        let lateness = now.since(self.next_turn);
        let raw_ns = raw_ns();
        self.lateness.record(lateness);
        self.parts.words.beat(now.0);
        if let Some(watchdog) = &mut self.parts.watchdog {
            watchdog.feed(now);
        }
        let kernel = self.kernel();
        // What takes time and can wait is done between two turns, if this thread was awake there.
        let whose = match self.answers_at.take() {
            Some(_) => Whose::SomeOthersToo,
            None => Whose::Electors,
        };
        self.read_answers(whose);
        self.hear(now);
        let replies = self.parts.answers.newest();
        self.parts.node.handle(
            Event::Turn {
                kernel,
                replies,
                lateness,
                raw_ns,
            },
            now,
        );
        self.carry_out();
        let period = self.parts.node.period();
        self.next_turn = self.next_turn + period;
        if self.next_turn <= now {
            // Turns that were slept through are not made up for: their probes would prove nothing.
            self.next_turn = now + period;
        }
    }

    fn kernel(&self) -> KernelWords {
        convert::kernel_words(&self.parts.words.grant())
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) {
        self.parts.node.handle(event, now);
        self.carry_out();
    }
}
