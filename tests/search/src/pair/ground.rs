//! What lies around the two: links, and who reaches the reference.

use heartbeat_core::message::Network;

/// Ticks without a word of the other one after which a node may have found it silent: a fast clock's three periods
/// and a quarter.
const SILENT: u8 = 6;

/// Something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// One network, both ways.
    Network(Network),
    /// Both networks, both ways.
    Both,
    /// Everything that goes one way, from this place.
    OneWay(usize),
    /// Whether this place reaches the reference.
    Reference(usize),
}

impl Change {
    pub(super) const ALL: [Self; 7] = [
        Self::Network(Network::Management),
        Self::Network(Network::Business),
        Self::Both,
        Self::OneWay(0),
        Self::OneWay(1),
        Self::Reference(0),
        Self::Reference(1),
    ];
}

/// Who reached the reference, by turns, while neither heard the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Turns {
    #[default]
    Never,
    /// It did.
    Reached,
    /// And then the other one did.
    OtherToo,
    /// And then it did again: the named case.
    Again,
}

/// As seen from one of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Side {
    /// What it sends by the management and the business network is lost.
    is_cut: [bool; 2],
    is_without_reference: bool,
    /// Ticks since it was sent something that arrived, as many as are told apart.
    silent: u8,
    turns: Turns,
}

/// As seen from both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ground([Side; 2]);

impl Ground {
    pub(super) fn change(&mut self, change: Change) {
        let flip = |it: &mut bool| *it = !*it;
        match change {
            Change::Network(network) => {
                let was_cut = self.0[0].is_cut[network as usize];
                for side in &mut self.0 {
                    side.is_cut[network as usize] = !was_cut;
                }
            }
            Change::Both => {
                let was_cut = self.0[0].is_cut[0];
                for side in &mut self.0 {
                    side.is_cut = [!was_cut; 2];
                }
            }
            Change::OneWay(place) => {
                let was_cut = self.0[place].is_cut[0];
                self.0[place].is_cut = [!was_cut; 2];
            }
            Change::Reference(place) => flip(&mut self.0[place].is_without_reference),
        }
    }

    /// Whether what `from` sends by this network arrives.
    pub(super) const fn carries(&self, from: usize, network: Network) -> bool {
        !self.0[from].is_cut[network as usize]
    }

    pub(super) const fn reaches(&self, place: usize) -> bool {
        !self.0[place].is_without_reference
    }

    /// Something of the other one's arrived at `place`.
    pub(super) const fn heard(&mut self, place: usize) {
        self.0[place].silent = 0;
        self.0[place].turns = Turns::Never;
    }

    /// A tick is over: who reached the reference in it.
    pub(super) fn pass(&mut self) {
        let may_count = |side: &Side| side.silent >= SILENT && !side.is_without_reference;
        let reached = self.0.each_ref().map(may_count);
        for (place, side) in self.0.iter_mut().enumerate() {
            side.silent = (side.silent + 1).min(SILENT);
            side.turns = side.turns.after(reached[place], reached[1 - place]);
        }
    }

    /// Whether neither hears the other and both reach the reference, by turns or at a time: one did, then the other,
    /// then the first one again.
    pub(super) fn is_named_case(&self) -> bool {
        self.0.iter().any(|side| side.turns == Turns::Again)
    }
}

impl Turns {
    fn after(self, reached: bool, other: bool) -> Self {
        let own = if self == Self::Never && reached {
            Self::Reached
        } else {
            self
        };
        let both = if own == Self::Reached && other {
            Self::OtherToo
        } else {
            own
        };
        if both == Self::OtherToo && reached {
            Self::Again
        } else {
            both
        }
    }
}
