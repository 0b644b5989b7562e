//! A state of a search: how the nodes are, what is on its way, and what may still happen.

use super::Scope;
use super::moves::Move;
use super::table::{Event, MessageId, NodeId, Step, Table};
use crate::digest;
use crate::oracle::{Acknowledged, Violation};

/// How the nodes are, what is on its way, and what may still happen.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) nodes: Vec<NodeId>,
    /// What was sent and may still arrive, in order.
    pub(super) net: Vec<MessageId>,
    /// What clients were told is stored, in order.
    acknowledged: Vec<Acknowledged>,
    pub(super) left: Left,
    /// Whether any node starts with another disk, before or after.
    pub(super) has_wipes: bool,
    /// Whether nothing is done at once or left out.
    pub(super) is_whole: bool,
}

/// What may still happen.
#[derive(Clone, Debug, Hash)]
pub(super) struct Left {
    /// Leaderships that have not begun, by their place in the scope.
    pub(super) leaders: Vec<usize>,
    pub(super) writes: u8,
    pub(super) crashes: u8,
    pub(super) failures: u8,
    pub(super) wipes: u8,
}

impl State {
    pub(super) fn first(scope: &Scope, table: &mut Table) -> Self {
        Self {
            nodes: table.first(&scope.start),
            net: Vec::new(),
            acknowledged: Vec::new(),
            has_wipes: scope.wipes > 0,
            is_whole: scope.is_whole,
            left: Left {
                leaders: (0..scope.leaders.len()).collect(),
                writes: scope.writes,
                crashes: scope.crashes,
                failures: scope.failures,
                wipes: scope.wipes,
            },
        }
    }

    /// Two states with one fingerprint differ at most by what is on its way.
    pub(super) fn fingerprint(&self, table: &Table) -> u64 {
        let nodes = self.nodes.iter().map(|node| table.node(*node).digest);
        let nodes: Vec<u64> = nodes.collect();
        digest::of(&(nodes, &self.acknowledged, &self.left))
    }

    /// Makes a move, and looks at what is then.
    pub(super) fn make(
        &mut self,
        made: &Move,
        step: &Step,
        table: &mut Table,
    ) -> Result<(), Violation> {
        if let Some(violation) = &step.violation {
            return Err(violation.clone());
        }
        self.spend(made.event);
        self.nodes[made.at] = step.node;
        if let Event::Wiped(_) = made.event {
            self.connect_anew(made.at, table);
        }
        self.add_to_net(&step.sent);
        for told in &step.acknowledged {
            if let Err(at) = self.acknowledged.binary_search(told) {
                self.acknowledged.insert(at, told.clone());
            }
        }
        self.judge(table)?;
        if !self.is_whole {
            self.settle(table);
        }
        Ok(())
    }

    /// A node has another disk: what was on its way to it is lost, and what the store before said arrived before or is lost.
    /// For who starts again is another end of a connection. What that node said as a leader may still arrive.
    fn connect_anew(&mut self, place: usize, table: &mut Table) {
        let slot = table.slot(place);
        self.net.retain(|message| {
            let envelope = table.message(*message);
            envelope.to != slot && (envelope.from != slot || envelope.is_order())
        });
        for other in (0..self.nodes.len()).filter(|other| *other != place) {
            let step = table.step(self.nodes[other], Event::Connects(slot));
            self.nodes[other] = step.node;
            self.add_to_net(&step.sent);
        }
    }

    /// Whether any of it is new.
    pub(super) fn add_to_net(&mut self, sent: &[MessageId]) -> bool {
        let before = self.net.len();
        for message in sent {
            if let Err(at) = self.net.binary_search(message) {
                self.net.insert(at, *message);
            }
        }
        self.net.len() > before
    }

    fn spend(&mut self, event: Event) {
        match event {
            Event::Hears(_) | Event::Written | Event::Connects(_) => {}
            Event::HearsInVain(_) | Event::Fails => self.left.failures -= 1,
            Event::Leads(place) => self.left.leaders.retain(|left| *left != place),
            Event::Writes(_) => self.left.writes -= 1,
            Event::Restarts => self.left.crashes -= 1,
            Event::Wiped(_) => self.left.wipes -= 1,
        }
    }

    fn judge(&self, table: &Table) -> Result<(), Violation> {
        for (place, node) in self.nodes.iter().enumerate() {
            let known = table.node(*node);
            known.judge(&self.acknowledged)?;
            for other in &self.nodes[..place] {
                known.judge_stamps(table.node(*other))?;
            }
        }
        Ok(())
    }
}
