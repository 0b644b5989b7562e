//! How the maps must look, so that pinned ones can be taken up.

use std::path::Path;

use aya::maps::{MapInfo, MapType};
use heartbeat_wire::maps::{
    Address, Config, Control, EVENTS_BYTES, GateCounts, Grant, Guard, HEARD_GROUP, HeardGroup,
    Histogram, Interface, Keys, Limits, MAX_INTERFACES, MAX_VIPS, Member, REPLIES_CHUNK, Replies,
    SENT_RECORDS, Sent, Verdicts, Vip, name,
};
use heartbeat_wire::tag::Beginning;

use super::error::DatapathError;

/// BPF_F_MMAPABLE (linux/bpf.h).
const MMAPABLE: u32 = 1 << 10;

/// How one map must look, so that a pinned one can be taken up: aya compares nothing by itself.
pub(super) struct MapShape {
    pub(super) name: &'static str,
    kind: MapType,
    key_bytes: usize,
    value_bytes: usize,
    /// A pinned map may have more.
    pub(super) entries: u32,
    flags: u32,
}

/// The shapes of all maps in a cluster whose highest slot is `max_slot`.
pub(super) fn shapes(max_slot: u16) -> [MapShape; 20] {
    let slots = slot_entries(max_slot);
    let chunks = slots / REPLIES_CHUNK as u32;
    let groups = slots / HEARD_GROUP as u32;
    let one = |name, kind, value_bytes| MapShape::new(name, kind, 4, value_bytes, 1);
    let array = MapType::Array;
    let per_cpu = MapType::PerCpuArray;
    [
        one(name::CONFIG, array, size_of::<Config>()),
        one(name::KEYS, array, size_of::<Keys>()),
        MapShape::new(name::MEMBERS, array, 4, size_of::<Member>(), slots),
        MapShape::new(name::BEGINNINGS, per_cpu, 4, size_of::<Beginning>(), slots),
        MapShape::new(
            name::INTERFACES,
            array,
            4,
            size_of::<Interface>(),
            MAX_INTERFACES as u32,
        ),
        one(name::CONTROL, array, size_of::<Control>()).mmapable(),
        one(name::GRANT, array, size_of::<Grant>()).mmapable(),
        MapShape::new(name::SENT, array, 4, size_of::<Sent>(), SENT_RECORDS as u32).mmapable(),
        MapShape::new(name::REPLIES, per_cpu, 4, size_of::<Replies>(), chunks),
        MapShape::new(name::HEARD, array, 4, size_of::<HeardGroup>(), groups).mmapable(),
        one(name::VERDICTS, per_cpu, size_of::<Verdicts>()),
        one(name::RTT, per_cpu, size_of::<Histogram>()),
        one(name::GAP, per_cpu, size_of::<Histogram>()),
        MapShape::new(name::EVENTS, MapType::RingBuf, 0, 0, EVENTS_BYTES as u32),
        MapShape::new(
            name::VIPS,
            MapType::Hash,
            size_of::<Address>(),
            size_of::<Vip>(),
            MAX_VIPS as u32,
        ),
        one(name::GUARD, array, size_of::<Guard>()),
        MapShape::new(name::TAKEN, array, 4, size_of::<u64>(), slots).mmapable(),
        one(name::GATE, per_cpu, size_of::<GateCounts>()),
        one(name::LIMITS, per_cpu, size_of::<Limits>()),
        MapShape::new(name::REFUSALS, per_cpu, 4, size_of::<u64>(), slots),
    ]
}

/// Entries of the maps by slot: slot 0 is nobody's. A power of two and never few, so that a cluster can
/// grow without new maps; not always the most possible, since a per-CPU map costs this on every CPU.
fn slot_entries(max_slot: u16) -> u32 {
    const FEWEST: u32 = 64;
    (u32::from(max_slot) + 1).next_power_of_two().max(FEWEST)
}

/// The highest slot that maps made for `max_slot` have room for.
pub(super) fn highest_slot(max_slot: u16) -> u16 {
    // Slots end at 10,000, so it fits.
    (slot_entries(max_slot) - 1) as u16
}

impl MapShape {
    const fn new(
        name: &'static str,
        kind: MapType,
        key_bytes: usize,
        value_bytes: usize,
        entries: u32,
    ) -> Self {
        Self {
            name,
            kind,
            key_bytes,
            value_bytes,
            entries,
            flags: 0,
        }
    }

    const fn mmapable(mut self) -> Self {
        self.flags = MMAPABLE;
        self
    }

    pub(super) fn check(&self, path: &Path, info: &MapInfo) -> Result<(), DatapathError> {
        let differs = |what, found: u64, expected: u64| DatapathError::OtherLayout {
            path: path.to_owned(),
            what,
            found,
            expected,
        };
        let kind = info.map_type().map_or(u64::MAX, |kind| kind as u64);
        let exact = [
            ("type", kind, self.kind as u64),
            ("key size", info.key_size().into(), self.key_bytes as u64),
            (
                "value size",
                info.value_size().into(),
                self.value_bytes as u64,
            ),
            ("flags", info.map_flags().into(), self.flags.into()),
        ];
        for (what, found, expected) in exact {
            if found != expected {
                return Err(differs(what, found, expected));
            }
        }
        if info.max_entries() < self.entries {
            return Err(differs(
                "number of entries",
                info.max_entries().into(),
                self.entries.into(),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heartbeat_wire::maps::MAPS;

    #[test]
    fn every_map_has_a_shape_and_no_other() {
        let shapes = shapes(3);
        let mut shaped: Vec<&str> = shapes.iter().map(|shape| shape.name).collect();
        let mut named: Vec<&str> = MAPS.iter().map(|map| map.name).collect();
        shaped.sort_unstable();
        named.sort_unstable();
        assert_eq!(shaped, named);
    }

    #[test]
    fn maps_by_slot_have_room_for_the_highest_slot_and_for_growth() {
        assert_eq!(slot_entries(1), 64);
        assert_eq!(slot_entries(63), 64);
        assert_eq!(slot_entries(64), 128);
        assert_eq!(slot_entries(10_000), 16_384);
    }
}
