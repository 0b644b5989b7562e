//! How a random path leans: what happens often on it, who hears whom, and who sleeps.

use std::collections::BTreeSet;

use heartbeat_core::Slot;

use crate::dice::Dice;
use crate::world::{Action, World};

/// How one path leans.
#[derive(Debug)]
pub(crate) struct Leaning {
    /// Steps a tick, about.
    pub(crate) steps_per_tick: u64,
    /// One step in so many is stopped in the middle.
    pub(crate) stops: u64,
    /// One packet in so many comes again.
    copies: u64,
    /// One step in so many is a fault, while there are any left.
    faults: u64,
    /// Among packets, how often of four the newest is taken rather than any.
    newest: u64,
    /// Links that carry nothing now.
    cut: BTreeSet<(Slot, Slot)>,
    /// Whether links are cut at times.
    cuts: bool,
    /// Whose daemon does nothing now, wherever it was stopped.
    asleep: Option<Slot>,
    /// Whether daemons fall asleep at times.
    sleeps: bool,
}

impl Leaning {
    pub(crate) const fn drawn(dice: &mut Dice) -> Self {
        Self {
            steps_per_tick: 4 + dice.below(24),
            stops: 3 + dice.below(60),
            copies: 2 + dice.below(20),
            faults: 20 + dice.below(400),
            newest: dice.below(4),
            cut: BTreeSet::new(),
            cuts: dice.one_in(2),
            asleep: None,
            sleeps: dice.one_in(2),
        }
    }

    /// Time goes on: other links may carry nothing now, and others sleep.
    pub(crate) fn turn(&mut self, dice: &mut Dice, slots: &[Slot]) {
        if self.cuts && dice.one_in(6) {
            self.cut_anew(dice, slots);
        }
        if self.sleeps && dice.one_in(5) {
            self.asleep = dice.one_in(2).then(|| dice.one_of(slots));
        }
    }

    /// Around one node, or one way between two.
    fn cut_anew(&mut self, dice: &mut Dice, slots: &[Slot]) {
        self.cut.clear();
        for _ in 0..dice.below(4) {
            let (one, other) = (dice.one_of(slots), dice.one_of(slots));
            if one == other {
                for slot in slots {
                    self.cut.extend([(one, *slot), (*slot, one)]);
                }
            } else {
                self.cut.insert((one, other));
            }
        }
    }

    fn is_asleep(&self, world: &World, place: usize) -> bool {
        self.asleep == Some(world.machine(place).slot)
    }

    /// One of the steps that could be next; `None`: time goes on.
    pub(crate) fn draw(
        &self,
        world: &World,
        actions: &[Action],
        dice: &mut Dice,
    ) -> Option<Action> {
        let wants_fault = dice.one_in(self.faults);
        let wants_copy = dice.one_in(self.copies);
        let packet_fits = |place: usize, again: bool| {
            let packet = world.soup.get(place);
            again == wants_copy && !self.cut.contains(&(packet.from, packet.to))
        };
        let fits = |action: &&Action| match action {
            Action::Tick => false,
            Action::Kill(_) | Action::Lose(_) => wants_fault,
            _ if wants_fault => false,
            Action::Start(_) | Action::Cross(..) => true,
            Action::GoOn(place) | Action::Wake(place, ..) => !self.is_asleep(world, *place),
            Action::Arrive(place, again) => packet_fits(*place, *again),
            Action::Take(place, _, again) => {
                let to = world.soup.get(*place).to;
                self.asleep != Some(to) && packet_fits(*place, *again)
            }
        };
        let fitting = actions.iter().filter(fits).count() as u64;
        let is_newest = dice.below(4) < self.newest;
        let packets = |action: &&Action| matches!(action, Action::Arrive(..) | Action::Take(..));
        if is_newest && let Some(newest) = actions.iter().filter(fits).rfind(packets) {
            return Some(newest.clone());
        }
        let drawn = usize::try_from(dice.below(fitting)).unwrap_or(0);
        actions.iter().filter(fits).nth(drawn).cloned()
    }
}
