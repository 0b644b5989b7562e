//! Steps and packets in words.

use std::fmt;

use heartbeat_core::Epoch;
use heartbeat_wire::frame::Kind;

use super::{Action, World};
use crate::packet::{Body, Packet};

impl World {
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
