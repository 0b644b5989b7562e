//! A state of the whole cluster, and the steps that lead from it to others.

use std::fmt;
use std::sync::Arc;

use heartbeat_core::event::Order;
use heartbeat_core::message::{Message, Network};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::frame::Kind;

use crate::digest::Mix;
use crate::hold::Hold;
use crate::kernel::CPUS;
use crate::machine::{Machine, Outcome, Wake};
use crate::packet::{Body, Packet, Soup};
use crate::scope::{Budget, Scope};
use crate::watch::{self, Violation};

/// One step. Numbers are places: of a packet, of a machine, of a processor.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// True time goes on by one tick.
    Tick,
    /// A frame reaches a kernel, and this one packet is gone by that, or comes again.
    Arrive(usize, bool),
    /// A control message reaches a daemon that read its clock at this tick; likewise.
    Take(usize, u32, bool),
    /// A frame that was held up in a kernel goes on.
    Cross(usize, usize),
    /// A daemon wakes, having read its clock at this tick.
    Wake(usize, Wake, u32),
    /// A daemon that was stopped goes on.
    GoOn(usize),
    /// A daemon is killed; its kernel goes on.
    Kill(usize),
    /// A daemon starts with the maps of its last run.
    Start(usize),
    /// A machine loses its maps, and its daemon starts anew.
    Lose(usize),
}

/// A machine and its fingerprint.
#[derive(Clone, Debug)]
struct Cell {
    machine: Machine,
    digest: u64,
}

/// What was seen on the way, so that a search that saw nothing proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Masterships begun.
    pub masterships: u64,
    /// Leases renewed by a majority's grants.
    pub renewals: u64,
    /// Votes given to others.
    pub votes: u64,
    /// Masterships that ended because of a higher epoch.
    pub overtaken: u64,
    /// Probes refused.
    pub refusals: u64,
}

impl Seen {
    /// Adds what another one saw.
    pub fn add(&mut self, other: &Self) {
        self.masterships += other.masterships;
        self.renewals += other.renewals;
        self.votes += other.votes;
        self.overtaken += other.overtaken;
        self.refusals += other.refusals;
    }
}

/// One state.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) at: u32,
    cells: Vec<Arc<Cell>>,
    pub(crate) soup: Soup,
    /// Every mastership that began on this path.
    begun: Vec<Epoch>,
    /// Ticks that may pass between a daemon's reading of its clock and its acting on it.
    stale: u32,
    pub(crate) budget: Budget,
    pub(crate) seen: Seen,
    /// Whether fingerprints are kept.
    is_hashed: bool,
}

impl World {
    /// Daemons start at tick 0, and the first one that may stand does so at once.
    pub(crate) fn new(scope: &Scope) -> Self {
        let cell = |&(slot, rate): &(Slot, _)| {
            let mut machine = Machine::new(scope, slot, rate);
            let (mut never, mut outcome) = (Hold::NEVER, Outcome::default());
            machine.start(scope, 0, true);
            machine.go_on(0, &mut never, &mut outcome);
            machine.wake(Wake::Turn, (0, 0), &mut never, &mut outcome);
            let digest = Mix::of(&machine);
            Arc::new(Cell { machine, digest })
        };
        Self {
            at: scope.multiplier * scope.period,
            cells: scope.members.iter().map(cell).collect(),
            soup: Soup::default(),
            begun: Vec::new(),
            stale: scope.stale,
            budget: scope.budget,
            seen: Seen::default(),
            is_hashed: true,
        }
    }

    /// The same for a walk, which takes no fingerprints.
    pub(crate) fn unhashed(scope: &Scope) -> Self {
        Self {
            is_hashed: false,
            ..Self::new(scope)
        }
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.cells.iter().map(|cell| &cell.machine)
    }

    pub(crate) fn machine(&self, place: usize) -> &Machine {
        &self.cells[place].machine
    }

    pub(crate) fn place_of(&self, slot: Slot) -> Option<usize> {
        self.machines().position(|machine| machine.slot == slot)
    }

    pub(crate) fn begun(&self) -> &[Epoch] {
        &self.begun
    }

    /// The state's fingerprint: what was seen on the way is no part of it.
    pub(crate) fn fingerprint(&self) -> u64 {
        let cells = self.cells.iter().map(|cell| cell.digest);
        let all: Vec<u64> = cells.collect();
        let readings = self.machines().map(|machine| self.earliest(machine));
        let readings: Vec<u32> = readings.collect();
        let mut begun = self.begun.clone();
        begun.sort_unstable();
        Mix::of(&(
            self.at,
            all,
            readings,
            self.soup.digest(),
            begun,
            self.budget,
        ))
    }

    /// Whether the path has gone as far as it is followed.
    pub(crate) fn is_beyond(&self, scope: &Scope) -> bool {
        let promised = |machine: &Machine| Epoch(machine.kernel.control.promised_epoch).round();
        self.at > scope.horizon
            || self
                .machines()
                .any(|machine| promised(machine) > scope.rounds)
    }

    /// Everything that could be next.
    pub(crate) fn actions(&self, scope: &Scope, into: &mut Vec<Action>) {
        into.clear();
        for (place, packet) in self.soup.iter().enumerate() {
            self.deliveries(place, packet, into);
        }
        for place in 0..self.cells.len() {
            self.steps(scope, place, into);
            self.faults(scope, place, into);
        }
        if self.at < scope.horizon {
            into.push(Action::Tick);
        }
    }

    fn deliveries(&self, place: usize, packet: &Arc<Packet>, into: &mut Vec<Action>) {
        let Some(to) = self.place_of(packet.to) else {
            return;
        };
        let machine = self.machine(to);
        match &packet.body {
            Body::Frame(frame) => {
                let is_probe = frame.kind == Kind::Probe as u8;
                if !is_probe || machine.kernel.has_free_cpu() {
                    into.extend(
                        self.copies()
                            .map(|comes_again| Action::Arrive(place, comes_again)),
                    );
                }
            }
            Body::Message { .. } if machine.is_idle() => {
                for read_at in self.readings(machine) {
                    into.extend(
                        self.copies()
                            .map(|comes_again| Action::Take(place, read_at, comes_again)),
                    );
                }
            }
            Body::Message { .. } => {}
        }
    }

    fn steps(&self, scope: &Scope, place: usize, into: &mut Vec<Action>) {
        let machine = self.machine(place);
        for cpu in (0..CPUS).filter(|cpu| machine.kernel.cpus[*cpu].is_some()) {
            into.push(Action::Cross(place, cpu));
        }
        if machine.is_held() {
            into.push(Action::GoOn(place));
        }
        if !machine.is_idle() {
            return;
        }
        for read_at in self.readings(machine) {
            for wake in machine.wakes(machine.now(read_at), scope.is_whole) {
                into.push(Action::Wake(place, wake, read_at));
            }
        }
        for order in self.orders(scope, machine) {
            into.push(Action::Wake(place, Wake::Order(order), self.at));
        }
    }

    /// The earliest tick at which it may have done so.
    fn earliest(&self, machine: &Machine) -> u32 {
        machine.idle_since().max(self.at.saturating_sub(self.stale))
    }

    /// When a daemon that acts now may have read its clock, the latest first.
    fn readings(&self, machine: &Machine) -> impl Iterator<Item = u32> + use<> {
        (self.earliest(machine)..=self.at).rev()
    }

    fn orders(&self, scope: &Scope, machine: &Machine) -> impl Iterator<Item = Order> + use<> {
        let budget = &self.budget;
        let is_any = budget.switchovers > 0 || budget.restarts > 0 || budget.changes > 0;
        let is_master = is_any && machine.role() == Some(Role::Master);
        let if_left = |left: u8, order| (is_master && left > 0).then_some(order);
        [
            if_left(budget.switchovers, Order::Switchover(None)),
            if_left(budget.restarts, Order::Restart),
            if_left(budget.changes, Order::Electors(scope.target_set())),
        ]
        .into_iter()
        .flatten()
    }

    fn faults(&self, scope: &Scope, place: usize, into: &mut Vec<Action>) {
        let runs = self.machine(place).daemon.is_some();
        if !runs {
            into.push(Action::Start(place));
        } else if self.budget.kills > 0 {
            into.push(Action::Kill(place));
        }
        if self.budget.losses > 0 && scope.budget.losses > 0 {
            into.push(Action::Lose(place));
        }
    }

    /// Takes a step as far as `hold` lets it.
    ///
    /// # Errors
    /// What must never happen has happened.
    pub(crate) fn apply(
        &mut self,
        scope: &Scope,
        action: &Action,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        let at = self.at;
        let place = match action {
            Action::Tick => {
                self.at += 1;
                self.forget();
                return watch::look(self);
            }
            Action::Arrive(packet, comes_again) => {
                let packet = self.take(*packet, *comes_again);
                return self.arrive(scope, &packet, hold);
            }
            Action::Take(packet, read_at, comes_again) => {
                let packet = self.take(*packet, *comes_again);
                let place = self.place_of(packet.to).expect("it was enabled");
                let wake = Action::Wake(place, Wake::Message(packet), *read_at);
                return self.apply(scope, &wake, hold);
            }
            Action::Cross(place, _)
            | Action::Wake(place, ..)
            | Action::GoOn(place)
            | Action::Kill(place)
            | Action::Start(place)
            | Action::Lose(place) => *place,
        };
        let before = watch::Words::of(self.machine(place));
        let mut outcome = Outcome::default();
        let (budget, machine) = (
            &mut self.budget,
            &mut Arc::make_mut(&mut self.cells[place]).machine,
        );
        match action {
            Action::Cross(_, cpu) => {
                let answer = machine.kernel.go_on(*cpu, hold);
                outcome.answer = answered(machine, answer);
                outcome.replied_twice = machine.kernel.has_replied_twice;
            }
            Action::Wake(_, wake, read_at) => {
                match wake {
                    Wake::Order(Order::Switchover(_)) => budget.switchovers -= 1,
                    Wake::Order(Order::Restart) => budget.restarts -= 1,
                    Wake::Order(_) => budget.changes -= 1,
                    _ => {}
                }
                machine.wake(wake.clone(), (*read_at, at), hold, &mut outcome);
            }
            Action::GoOn(_) => machine.go_on(at, hold, &mut outcome),
            Action::Kill(_) => {
                budget.kills -= 1;
                machine.daemon = None;
            }
            Action::Start(_) => {
                machine.start(scope, at, true);
                machine.go_on(at, hold, &mut outcome);
            }
            Action::Lose(_) => {
                budget.losses -= 1;
                machine.start(scope, at, false);
                machine.go_on(at, hold, &mut outcome);
            }
            Action::Tick | Action::Arrive(..) | Action::Take(..) => {}
        }
        self.note(scope, place, before, outcome, *hold)
    }

    fn arrive(&mut self, scope: &Scope, packet: &Packet, hold: &mut Hold) -> Result<(), Violation> {
        let (Some(place), Body::Frame(frame)) = (self.place_of(packet.to), &packet.body) else {
            return Ok(());
        };
        let at = self.at;
        let before = watch::Words::of(self.machine(place));
        let machine = &mut Arc::make_mut(&mut self.cells[place]).machine;
        let now_ns = machine.now(at).0;
        let answer = machine
            .kernel
            .receive(frame, (packet.from, packet.network), now_ns, hold);
        let answer = answered(machine, answer);
        if let Some(answer) = &answer {
            watch::answers_a_question(frame, answer)?;
        }
        let mut outcome = Outcome::default();
        if packet.is_of(Kind::Probe) {
            outcome.answer = answer;
            outcome.replied_twice = self.machine(place).kernel.has_replied_twice;
        } else {
            outcome.packets.extend(answer);
        }
        self.note(scope, place, before, outcome, *hold)
    }

    /// Carries what was sent, notes what began and ended, and looks whether all is well.
    fn note(
        &mut self,
        scope: &Scope,
        place: usize,
        before: watch::Words,
        outcome: Outcome,
        hold: Hold,
    ) -> Result<(), Violation> {
        if hold.has_stopped() {
            self.budget.pauses -= 1;
        }
        let cell = Arc::make_mut(&mut self.cells[place]);
        if self.is_hashed {
            cell.digest = Mix::of(&cell.machine);
        }
        watch::went_back(before, self.machine(place))?;
        self.seen.renewals += u64::from(outcome.renewals);
        self.seen.votes += u64::from(outcome.votes);
        self.seen.masterships += outcome.begun.len() as u64;
        if outcome.replied_twice {
            return Err(Violation::RepliedTwice(self.machine(place).slot));
        }
        if let Some(epoch) = outcome.revived {
            return Err(Violation::Revived(epoch));
        }
        for epoch in outcome.begun {
            if self.begun.contains(&epoch) {
                return Err(Violation::EpochTwice(epoch));
            }
            self.begun.push(epoch);
        }
        for (epoch, reason) in outcome.ended {
            self.seen.overtaken += u64::from(watch::ended(self, epoch, reason)?);
        }
        if let Some(answer) = &outcome.answer {
            self.seen.refusals += u64::from(answer.is_of(Kind::Refusal));
        }
        for packet in outcome.answer.into_iter().chain(outcome.packets) {
            if scope.is_whole || packet.bears_on_a_lease() {
                self.soup.add(packet);
            }
        }
        if self.is_hashed {
            self.forget();
        }
        watch::look(self)
    }

    /// Forgets packets that can have no effect any more.
    fn forget(&mut self) {
        let (cells, at, can_lose) = (&self.cells, self.at, self.budget.losses > 0);
        let find = |slot: Slot| {
            cells
                .iter()
                .map(|cell| &cell.machine)
                .find(|machine| machine.slot == slot)
        };
        self.soup.retain(|packet| {
            let (Some(from), Some(to)) = (find(packet.from), find(packet.to)) else {
                return false;
            };
            match &packet.body {
                Body::Frame(frame) if packet.is_of(Kind::Probe) => {
                    can_lose
                        || from.kernel.awaits(frame, packet.to, from.now(at).0)
                        || to.kernel.could_accept(frame)
                }
                Body::Frame(frame) if packet.is_of(Kind::Query) => {
                    from.kernel.awaits(frame, packet.to, from.now(at).0)
                }
                Body::Frame(frame) => to.kernel.awaits(frame, packet.from, to.now(at).0),
                Body::Message {
                    message: Message::Release { epoch, .. },
                    ..
                } => can_lose || to.kernel.highest() <= *epoch,
                Body::Message {
                    message: Message::Promote { epoch },
                    ..
                } => can_lose || to.kernel.grant.probed_epoch < epoch.0,
                Body::Message { .. } => true,
            }
        });
    }
}

fn answered(machine: &Machine, answer: Option<crate::kernel::Answer>) -> Option<Packet> {
    answer.map(|(to, network, frame)| Packet {
        from: machine.slot,
        to,
        network,
        body: Body::Frame(frame),
    })
}

impl Packet {
    pub(crate) fn is_of(&self, kind: Kind) -> bool {
        matches!(&self.body, Body::Frame(frame) if frame.kind == kind as u8)
    }

    /// Whether it could matter to a lease. What goes by both networks is one packet here, since each may come twice.
    fn bears_on_a_lease(&self) -> bool {
        let is_chat = |message: &Message| {
            matches!(
                message,
                Message::Poll { .. } | Message::PollAnswer { .. } | Message::Health { .. }
            )
        };
        match &self.body {
            Body::Frame(_) => self.network == Network::Management,
            Body::Message { message, .. } => {
                self.network == Network::Management && !is_chat(message)
            }
        }
    }
}

impl World {
    /// Whether a packet that arrives may be gone by that, and whether it may come again.
    fn copies(&self) -> impl Iterator<Item = bool> + use<> {
        let left = self.budget.copies;
        let gone = (left != u8::MAX).then_some(false);
        gone.into_iter().chain((left > 0).then_some(true))
    }

    fn take(&mut self, packet: usize, comes_again: bool) -> Arc<Packet> {
        let taken = Arc::clone(self.soup.get(packet));
        if !comes_again {
            self.soup.remove(packet);
        } else if self.budget.copies != u8::MAX {
            self.budget.copies -= 1;
        }
        taken
    }

    /// A step in words.
    pub(crate) fn tell(&self, action: &Action) -> String {
        let slot = |place: &usize| self.machine(*place).slot;
        let text = match action {
            Action::Tick => return format!("tick {}", self.at + 1),
            Action::Arrive(place, comes_again) => {
                format!("{}{}", self.soup.get(*place), again(*comes_again))
            }
            Action::Cross(place, cpu) => format!("slot {}'s CPU {cpu} goes on", slot(place)),
            Action::Take(place, read_at, comes_again) => {
                let (packet, again) = (self.soup.get(*place), again(*comes_again));
                format!("{packet} (clock of tick {read_at}){again}")
            }
            Action::Wake(place, wake, read_at) => {
                format!(
                    "slot {} (clock of tick {read_at}) wakes: {wake:?}",
                    slot(place)
                )
            }
            Action::GoOn(place) => format!("slot {}'s daemon goes on", slot(place)),
            Action::Kill(place) => format!("slot {}'s daemon is killed", slot(place)),
            Action::Start(place) => format!("slot {}'s daemon starts", slot(place)),
            Action::Lose(place) => format!("slot {} loses its maps and starts", slot(place)),
        };
        format!("tick {}: {text}", self.at)
    }
}

const fn again(comes_again: bool) -> &'static str {
    if comes_again { ", and comes again" } else { "" }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} ", self.from, self.to)?;
        match &self.body {
            Body::Frame(frame) => {
                let epoch = Epoch(frame.epoch);
                let (round, slot) = (epoch.round(), epoch.slot());
                let kind = Kind::from_u8(frame.kind);
                write!(
                    f,
                    "{kind:?} {} of ({round}, {slot}), flags {}",
                    frame.sequence, frame.flags
                )
            }
            Body::Message { message, .. } => write!(f, "{message:?}"),
        }
    }
}
