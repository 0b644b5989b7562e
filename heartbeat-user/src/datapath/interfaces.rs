//! The interfaces that the responder answers on, as it knows them.

use aya::maps::{Array, MapData, MapError};
use heartbeat_wire::maps::Interface;

use super::interface;

/// A few places, searched from the first one on.
pub(super) struct Interfaces(Array<MapData, Interface>);

impl Interfaces {
    pub(super) const fn new(map: Array<MapData, Interface>) -> Self {
        Self(map)
    }

    /// Enters an interface, or what is new about it. An interface that comes back has another index, so the
    /// place of one that is gone counts as free.
    pub(super) fn enter(&mut self, entry: Interface) -> Result<(), MapError> {
        let place = match self.find(|found| found.index == entry.index)? {
            Some(place) => Some(place),
            None => self.find(|found| found.index == 0 || !interface::exists(found.index))?,
        };
        let place = place.ok_or(MapError::OutOfBounds {
            index: self.0.len(),
            max_entries: self.0.len(),
        })?;
        self.0.set(place, entry, 0)
    }

    fn find(&self, fits: impl Fn(&Interface) -> bool) -> Result<Option<u32>, MapError> {
        for place in 0..self.0.len() {
            if fits(&self.0.get(&place, 0)?) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}
