//! What a node of a pair keeps about itself: what it was last, and when it was last active as master.
//!
//! A point in time outlives the process by the boot-time clock and a boot by the wall clock, so both are written;
//! an age that only the wall clock can tell is marked. The file bears its own checksum: what a disk returns in
//! place of what was written must not decide who is master.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heartbeat_core::pair::{Age, LastRole, PairRecord};
use heartbeat_core::{Epoch, Slot};
use serde::{Deserialize, Serialize};

use super::StateError;
use crate::sys::clock::boot_ns;

/// Where the kernel tells boots apart (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// What a wall clock that went back since says of an age: older than any other.
const OLDEST: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// The clocks, read at one point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Another one after each boot (/proc/sys/kernel/random/boot_id).
    pub boot_id: String,
    /// CLOCK_BOOTTIME, nanoseconds.
    pub boot_ns: u64,
    /// The wall clock.
    pub wall: SystemTime,
}

impl Clocks {
    /// Reads them now.
    ///
    /// # Errors
    /// When the kernel does not tell which boot this is.
    pub fn read() -> Result<Self, StateError> {
        let boot_id = fs::read_to_string(BOOT_ID).map_err(|source| StateError::Io {
            path: BOOT_ID.into(),
            source,
        })?;
        Ok(Self {
            boot_id: boot_id.trim().to_owned(),
            boot_ns: boot_ns(),
            wall: SystemTime::now(),
        })
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedPair {
    record: Saved,
    /// BLAKE3 of the record as JSON, in hexadecimal.
    checksum: String,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    was_master: bool,
    round: u64,
    slot: Slot,
    /// `None`: never active.
    active: Option<Active>,
}

/// When it was last active.
#[derive(Serialize, Deserialize)]
struct Active {
    /// The boot, and its clock; `None` if it lay before that boot already.
    boot: Option<(String, u64)>,
    /// The wall clock, milliseconds since 1970.
    wall_ms: u64,
}

impl SavedPair {
    pub(super) fn of(record: &PairRecord, now: &Clocks) -> Self {
        let record = Saved {
            was_master: record.last == LastRole::Master,
            round: record.epoch.round(),
            slot: record.epoch.slot(),
            active: record.active.map(|age| Active::of(age, now)),
        };
        Self {
            checksum: record.checksum(),
            record,
        }
    }

    /// `None` if this is not what was written.
    pub(super) fn record(&self, now: &Clocks) -> Option<PairRecord> {
        let saved = &self.record;
        (saved.checksum() == self.checksum).then(|| PairRecord {
            last: if saved.was_master {
                LastRole::Master
            } else {
                LastRole::Slave
            },
            epoch: Epoch::new(saved.round, saved.slot),
            active: saved.active.as_ref().map(|active| active.age(now)),
        })
    }
}

impl Saved {
    fn checksum(&self) -> String {
        let text = serde_json::to_vec(self).expect("plain numbers and texts always serialise");
        blake3::hash(&text).to_string()
    }
}

impl Active {
    fn of(age: Age, now: &Clocks) -> Self {
        let boot_ns = now.boot_ns.saturating_sub(nanos(age.ago));
        Self {
            boot: (!age.is_marked).then(|| (now.boot_id.clone(), boot_ns)),
            wall_ms: wall_ms(now.wall).saturating_sub(millis(age.ago)),
        }
    }

    fn age(&self, now: &Clocks) -> Age {
        match &self.boot {
            Some((boot_id, boot_ns)) if *boot_id == now.boot_id => Age {
                ago: Duration::from_nanos(now.boot_ns.saturating_sub(*boot_ns)),
                is_marked: false,
            },
            Some(_) | None => Age {
                ago: wall_ms(now.wall)
                    .checked_sub(self.wall_ms)
                    .map_or(OLDEST, Duration::from_millis),
                is_marked: true,
            },
        }
    }
}

fn wall_ms(wall: SystemTime) -> u64 {
    wall.duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clocks(boot_id: &str, boot: u32, wall: u32) -> Clocks {
        Clocks {
            boot_id: boot_id.to_owned(),
            boot_ns: nanos(SECOND * boot),
            wall: UNIX_EPOCH + SECOND * wall,
        }
    }

    fn master(ago: u32, is_marked: bool) -> PairRecord {
        PairRecord {
            last: LastRole::Master,
            epoch: Epoch::new(7, 2),
            active: Some(Age {
                ago: SECOND * ago,
                is_marked,
            }),
        }
    }

    /// The record after the way through a file.
    fn again(record: &PairRecord, written: &Clocks, read: &Clocks) -> PairRecord {
        let text = serde_json::to_vec(&SavedPair::of(record, written)).unwrap();
        let saved: SavedPair = serde_json::from_slice(&text).unwrap();
        saved.record(read).unwrap()
    }

    #[test]
    fn within_one_boot_the_age_grows_by_the_boot_time_clock_whatever_the_wall_clock_does() {
        let written = clocks("a", 100, 5_000);
        for wall in [1_400, 5_010, 8_600] {
            let read = clocks("a", 110, wall);
            assert_eq!(again(&master(3, false), &written, &read), master(13, false));
        }
    }

    #[test]
    fn after_a_boot_the_wall_clock_tells_the_age_with_a_mark() {
        let read = clocks("b", 20, 5_060);
        let written = clocks("a", 100, 5_000);
        assert_eq!(again(&master(3, false), &written, &read), master(63, true));
        // A mark stays, within the next boot too.
        let later = clocks("b", 30, 5_070);
        assert_eq!(again(&master(63, true), &read, &later), master(73, true));
        // A wall clock that went back tells nothing: it loses.
        let back = clocks("b", 20, 1_000);
        let age = again(&master(3, false), &written, &back).active;
        assert_eq!(
            age.map(|age| (age.ago, age.is_marked)),
            Some((OLDEST, true))
        );
    }

    #[test]
    fn a_slave_that_was_never_master_has_no_age() {
        let never = PairRecord {
            last: LastRole::Slave,
            epoch: Epoch::NONE,
            active: None,
        };
        let now = clocks("a", 1, 1);
        assert_eq!(again(&never, &now, &now), never);
    }

    #[test]
    fn a_record_with_any_byte_changed_is_none() {
        let now = clocks("a", 100, 5_000);
        let text = serde_json::to_vec(&SavedPair::of(&master(3, false), &now)).unwrap();
        let whole: SavedPair = serde_json::from_slice(&text).unwrap();
        assert!(whole.record(&now).is_some());
        for place in 0..text.len() {
            let mut torn = text.clone();
            torn[place] ^= 1;
            let read = serde_json::from_slice::<SavedPair>(&torn);
            let record = read.ok().and_then(|saved| saved.record(&now));
            assert_eq!(record, None, "{}", String::from_utf8_lossy(&torn));
        }
    }
}
