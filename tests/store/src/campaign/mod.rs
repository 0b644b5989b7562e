//! Random faults, by seed: leaderships that begin anywhere and at any time, on a network that loses, repeats and reorders,
//! and disks that are slow, full, unplugged or replaced.

pub mod campaigns;
mod dice;
mod step;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::{Epoch, Slot};

use crate::oracle::{Stamps, Violation};
use crate::search::{caught, told};
use crate::seen::Seen;
use crate::world::{Envelope, World};
use dice::Dice;

/// Lines that a failing run is told in.
const TOLD: usize = 120;
/// Bytes of each.
const WORDS: usize = 400;

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// In a few words.
    pub name: &'static str,
    /// Nodes, of slots 1 and up; the first so many of them are electors at first.
    pub nodes: Slot,
    /// Electors at first.
    pub electors: Slot,
    /// Runs in the short form.
    pub runs: u64,
    /// Leaderships that begin in each run, before the faults end.
    pub leaderships: u64,
    /// Whether values are so long that a state comes in several parts.
    pub is_long: bool,
    /// Whether electors come and go.
    pub has_changes: bool,
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// Steps taken.
    pub steps: u64,
    /// What happened.
    pub seen: Seen,
    /// What must never happen and did, with the steps that led to it.
    pub violation: Option<(Violation, Vec<String>)>,
}

/// A run on its way.
struct Course {
    campaign: Campaign,
    world: World,
    dice: Dice,
    round: u64,
    told: VecDeque<Line>,
}

/// Something that happened.
enum Line {
    Said(String),
    Heard(Arc<Envelope>),
}

impl Campaign {
    /// Takes random steps by this seed until so many leaderships have begun; then the faults end, and the next leadership
    /// must serve.
    #[must_use]
    pub fn run(self, seed: u64) -> Run {
        let slots: Vec<Slot> = (1..=self.nodes).collect();
        let mut world = World::new(&slots);
        world.electors = (1..=self.electors).collect();
        world.stamps = Some(Stamps::default());
        let mut course = Course {
            campaign: self,
            world,
            dice: Dice::new(seed),
            round: 1,
            told: VecDeque::new(),
        };
        let mut steps = 0;
        let result = caught(|| {
            while course.round <= self.leaderships {
                steps += 1;
                course.step()?;
            }
            course.end_faults()
        });
        let told = course.told.iter().map(Line::told).collect();
        Run {
            steps,
            seen: course.world.seen,
            violation: result.err().map(|violation| (violation, told)),
        }
    }
}

impl Line {
    /// In words, as many as are read.
    fn told(&self) -> String {
        let mut words = match self {
            Self::Said(words) => words.clone(),
            Self::Heard(envelope) if envelope.is_long() => {
                format!("{} hears something long of {}", envelope.to, envelope.from)
            }
            Self::Heard(envelope) => told(envelope),
        };
        words.truncate(WORDS);
        words
    }
}

impl Course {
    fn tell(&mut self, line: String) {
        self.note(Line::Said(line));
    }

    fn note(&mut self, line: Line) {
        self.told.push_back(line);
        if self.told.len() > TOLD {
            self.told.pop_front();
        }
    }

    /// Begins a leadership at a node, under an epoch that nobody had.
    fn lead(&mut self, slot: Slot) -> Result<(), Violation> {
        self.round += 1;
        // Some are late: they were elected before others of which the stores know already.
        let late = [0, 0, 0, 1, 3][self.dice.below(5)];
        let round = self.round.saturating_sub(late).max(2);
        self.tell(format!("{slot} leads {round}, begun {}", self.round));
        self.world.now = self.world.now + Duration::from_millis(1);
        self.world.lead(slot, Epoch::new(round, slot))
    }

    /// Everybody runs and hears everybody; then the highest leadership serves.
    fn end_faults(&mut self) -> Result<(), Violation> {
        self.tell("the faults end".to_owned());
        let slots: Vec<Slot> = self.world.nodes.keys().copied().collect();
        for slot in &slots {
            if self.world.store(*slot).is_none() {
                self.world.start(*slot);
            }
        }
        let slot = *self.world.electors.first().expect("there are electors");
        self.round += 1;
        let round = self.round;
        self.world.lose();
        self.world.lead(slot, Epoch::new(round, slot))?;
        self.world.reconnect()?;
        self.world.among(&slots)?;
        // Whose disk did not take something, and was not asked again yet, is now.
        self.world.time_out(slot)?;
        self.world.among(&slots)?;
        let before = self.world.acknowledged();
        self.world.write(slot)?;
        self.world.among(&slots)?;
        let status = self.world.store(slot).map(heartbeat_store::Store::status);
        assert!(
            self.world.acknowledged() > before,
            "{slot} does not serve: {status:?}"
        );
        Ok(())
    }
}
