//! Everything that is known of alarms and their sinks, as one value without clock, disk or network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use heartbeat_core::Instant;
use tracing::warn;

use super::board::{Board, Clock, Said, Source, Standing};
use super::notice::{Identity, Notice};
use super::queue::{DEPTH, Queue};
use super::saved::Saved;
use super::withheld::Withheld;
use crate::config::Alarms;
use crate::config::alarms::{Severity, Sink};
use crate::control::{Alarm, Scope, SinkStatus, rfc3339};

/// Most alarms that are left to the next master: of a cluster in which more is wrong it says the rest anew.
const MOST_LEFT: usize = 256;

/// What happened.
#[derive(Debug)]
pub enum Told {
    /// An alarm is in force.
    Raised(Alarm),
    /// It is over.
    Cleared(Alarm),
    /// These are all that are in force by that judge.
    Whole(Source, Vec<Alarm>),
    /// This node became master, or ceased to be.
    Stands(bool),
    /// What the master before this one said, and could not deliver, of those alarms that a master says.
    Inherited(Saved),
}

/// Alarms, and who is to hear of them.
#[derive(Debug)]
pub(super) struct Ledger {
    board: Board,
    /// In the configuration's order.
    sinks: Vec<Listener>,
    withheld: Withheld,
    identity: Identity,
}

/// A sink, and what it is to hear.
#[derive(Debug)]
struct Listener {
    name: String,
    kind: &'static str,
    least: Severity,
    queue: Queue,
}

impl Ledger {
    pub(super) fn new(
        saved: Saved,
        is_master: bool,
        wanted: &Alarms,
        settle: Duration,
        identity: Identity,
        clock: Clock,
    ) -> Self {
        let (standing, mut queues) = saved.open();
        let known: Vec<String> = queues.keys().cloned().collect();
        let sinks = (wanted.sinks.iter())
            .map(|sink| Listener::new(sink, queues.remove(&sink.name)))
            .collect();
        let mut ledger = Self {
            board: Board::new(standing, is_master, [wanted.hold, settle], clock),
            sinks,
            withheld: Withheld::default(),
            identity,
        };
        tell_forgotten(queues);
        ledger.leave_unheard();
        ledger.tell_newcomers(&known, clock.wall);
        ledger
    }

    /// Something happened.
    pub(super) fn hear(&mut self, told: Told, clock: Clock) {
        match told {
            Told::Raised(alarm) => {
                let said = self.board.raise(Source::Election, alarm, clock);
                self.say(said, clock);
            }
            Told::Cleared(alarm) => self.board.clear(&alarm.key, clock),
            Told::Whole(source, alarms) => {
                let said = self.board.whole(source, alarms, clock);
                self.say(said, clock);
            }
            Told::Stands(is_master) => {
                let is_new = is_master && !self.board.is_master();
                for key in self.withheld.forget() {
                    self.board.forget(&key);
                }
                let said = self.board.stand(is_master, clock);
                self.leave_unheard();
                self.say(said, clock);
                if is_new {
                    self.withheld.begin(clock);
                }
            }
            Told::Inherited(left) => self.inherit(left, clock),
        }
    }

    fn inherit(&mut self, left: Saved, clock: Clock) {
        let (standing, mut queues) = left.open();
        let said: BTreeMap<String, SystemTime> = (standing.iter())
            .map(|standing| (standing.alarm.key.clone(), standing.since))
            .collect();
        self.board.inherit(standing, clock);
        for sink in &mut self.sinks {
            if let Some(queue) = queues.remove(&sink.name) {
                sink.queue.inherit(queue, clock.wall);
            }
        }
        let released = self.withheld.end(|key| said.get(key).copied());
        for (key, since) in released.known {
            self.board.date(&key, since);
        }
        self.say(released.news, clock);
    }

    /// What became due is said.
    pub(super) fn tick(&mut self, clock: Clock) {
        let said = self.board.tick(clock);
        self.say(said, clock);
        if self.withheld.until().is_some_and(|at| at <= clock.now) {
            let released = self.withheld.end(|_| None);
            self.say(released.news, clock);
        }
    }

    /// When something becomes due next.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.board
            .next_at()
            .into_iter()
            .chain(self.withheld.until())
            .min()
    }

    /// These are the sinks from now on. One that is new hears of all that is in force.
    pub(super) fn change(&mut self, wanted: &Alarms, settle: Duration, now: SystemTime) {
        (self.board.hold, self.board.settle) = (wanted.hold, settle);
        let mut before: BTreeMap<String, Queue> = (self.sinks.drain(..))
            .map(|sink| (sink.name, sink.queue))
            .collect();
        let known: Vec<String> = before.keys().cloned().collect();
        self.sinks = (wanted.sinks.iter())
            .map(|sink| Listener::new(sink, before.remove(&sink.name)))
            .collect();
        tell_forgotten(before);
        self.tell_newcomers(&known, now);
    }

    /// What that sink is to hear next.
    pub(super) fn next_of(&self, name: &str) -> Option<Arc<Notice>> {
        let queue = &self.listener(name)?.queue;
        match queue.dropped {
            Some(dropped) => Some(Arc::new(self.identity.dropped(dropped.count, dropped.at))),
            None => queue.waiting.front().map(Arc::clone),
        }
    }

    /// What that sink was told of and is in force.
    pub(super) fn in_force_for(&self, name: &str) -> Vec<Notice> {
        let Some(sink) = self.listener(name) else {
            return Vec::new();
        };
        (self.board.in_force())
            .filter(|standing| standing.alarm.severity >= sink.least)
            .map(|standing| self.identity.notice(&standing.alarm, standing.since, None))
            .collect()
    }

    /// That sink took this.
    pub(super) fn took(&mut self, name: &str, notice: &Notice, now: SystemTime) {
        if let Some(sink) = self.listener_mut(name) {
            sink.queue.took(notice, now);
        }
    }

    /// That sink works, though there was nothing to hear.
    pub(super) fn works(&mut self, name: &str) {
        if let Some(sink) = self.listener_mut(name) {
            sink.queue.fault = None;
        }
    }

    /// That sink took nothing, and is tried again then.
    pub(super) fn failed(
        &mut self,
        name: &str,
        fault: String,
        now: SystemTime,
        next_at: SystemTime,
    ) {
        if let Some(sink) = self.listener_mut(name) {
            sink.queue.failed(fault, now, next_at);
        }
    }

    /// What is to outlive this daemon.
    pub(super) fn saved(&self) -> Saved {
        let is_said = |standing: &&Standing| !self.withheld.holds(&standing.alarm.key);
        let standing = self.board.standing().filter(is_said).cloned().collect();
        let queues = self.sinks.iter().map(|sink| (&*sink.name, &sink.queue));
        Saved::new(standing, queues)
    }

    /// When each alarm was raised that is in force or not over for long, by its key.
    pub(super) fn raised_at(&self) -> BTreeMap<String, SystemTime> {
        (self.board.standing())
            .map(|standing| (standing.alarm.key.clone(), standing.since))
            .collect()
    }

    /// What the next master is to go on from, as far as one value holds it; `None` while this node does not know yet what
    /// was left to it.
    pub(super) fn left(&self) -> Option<Saved> {
        if self.withheld.until().is_some() {
            return None;
        }
        let of_master = |standing: &&Standing| standing.alarm.scope == Scope::Cluster;
        let standing = self.board.ours().filter(of_master);
        let queues: Vec<(&str, Queue)> = (self.sinks.iter())
            .map(|sink| (&*sink.name, sink.queue.of_master()))
            .collect();
        let queues = queues.iter().map(|(name, queue)| (*name, queue));
        Some(Saved::new(
            standing.take(MOST_LEFT).cloned().collect(),
            queues,
        ))
    }

    /// The sinks as operators see them.
    pub(super) fn statuses(&self) -> Vec<SinkStatus> {
        self.sinks.iter().map(Listener::status).collect()
    }

    fn say(&mut self, said: impl IntoIterator<Item = Said>, clock: Clock) {
        for said in said {
            let Some(said) = self.withheld.pass(said) else {
                continue;
            };
            let notice = (self.identity).notice(&said.alarm, said.since, said.over_at);
            let notice = Arc::new(notice);
            for sink in &mut self.sinks {
                if said.alarm.severity >= sink.least {
                    sink.push(Arc::clone(&notice), clock.wall);
                }
            }
        }
    }

    /// Who is new hears of what the others heard of already.
    fn tell_newcomers(&mut self, known: &[String], now: SystemTime) {
        let said: Vec<Arc<Notice>> = (self.board.ours())
            .map(|standing| self.identity.notice(&standing.alarm, standing.since, None))
            .map(Arc::new)
            .collect();
        for sink in (self.sinks.iter_mut()).filter(|sink| !known.contains(&sink.name)) {
            let least = sink.least;
            for notice in said.iter().filter(|it| it.severity >= least) {
                sink.push(Arc::clone(notice), now);
            }
        }
    }

    /// What a sink has not heard yet of an alarm that is another node's to say, it hears from that one; and from this
    /// one anew, should it ever judge so again.
    fn leave_unheard(&mut self) {
        for key in self.board.others() {
            let mut is_unheard = false;
            for sink in &mut self.sinks {
                is_unheard |= sink.queue.hand_over(&key);
            }
            if is_unheard {
                self.board.forget(&key);
            }
        }
    }

    fn listener(&self, name: &str) -> Option<&Listener> {
        self.sinks.iter().find(|sink| sink.name == name)
    }

    fn listener_mut(&mut self, name: &str) -> Option<&mut Listener> {
        self.sinks.iter_mut().find(|sink| sink.name == name)
    }
}

impl Listener {
    fn new(sink: &Sink, queue: Option<Queue>) -> Self {
        Self {
            name: sink.name.clone(),
            kind: sink.way.as_str(),
            least: sink.least,
            queue: queue.unwrap_or_default(),
        }
    }

    fn push(&mut self, notice: Arc<Notice>, now: SystemTime) {
        let had_room = self.queue.dropped.is_none();
        if self.queue.push(notice, now) && had_room {
            warn!(
                sink = self.name,
                "alarms are dropped, the oldest first: {DEPTH} wait for this sink; it is told how many when it hears again"
            );
        }
    }

    fn status(&self) -> SinkStatus {
        let queue = &self.queue;
        let failing = queue.fault.as_ref();
        SinkStatus {
            name: self.name.clone(),
            kind: self.kind.to_owned(),
            least: self.least,
            delivered: queue.delivered,
            last_delivered: queue.delivered_at.map(rfc3339),
            waiting: queue.waiting.len(),
            dropped: queue.dropped.map_or(0, |dropped| dropped.count),
            fault: failing.map(|failing| failing.fault.clone()),
            failing_since: failing.map(|failing| rfc3339(failing.since)),
            attempts: failing.map_or(0, |failing| failing.attempts),
            next_attempt: failing.map(|failing| rfc3339(failing.next_at)),
        }
    }
}

/// A sink that is configured no more takes what waited for it along.
fn tell_forgotten(queues: BTreeMap<String, Queue>) {
    for (sink, queue) in queues {
        let waiting = queue.waiting.len();
        if waiting > 0 {
            warn!(
                sink,
                waiting, "a sink was taken out, and what waited for it with it"
            );
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
