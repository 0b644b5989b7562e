//! One role change as history keeps it and shows it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::snapshot::EpochParts;
use super::words::Role;

/// One role change of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When, by the wall clock, as RFC 3339 in UTC.
    pub at: String,
    /// The node's slot.
    pub slot: Slot,
    /// The role it left.
    pub from: Role,
    /// The role it took.
    pub to: Role,
    /// The mastership concerned.
    pub epoch: EpochParts,
    /// Why, in one clause.
    pub reason: String,
    /// How long the role left had lasted, in microseconds.
    pub duration_us: u64,
    /// When each step of the takeover was done; only for a promotion, once it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takeover: Option<TakeoverStamps>,
}

/// The steps of one takeover, each on the node's own CLOCK_BOOTTIME in nanoseconds; null for a step that
/// was not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeoverStamps {
    /// The last probe of the first master arrived.
    pub last_probe_ns: Option<u64>,
    /// The grant given to it ended, or it released it.
    pub orphaned_ns: Option<u64>,
    /// The first query left.
    pub queried_ns: Option<u64>,
    /// The vote requests that won left.
    pub requested_ns: Option<u64>,
    /// The majority was there: lease written, gate open.
    pub elected_ns: Option<u64>,
    /// The addresses were added.
    pub added_ns: Option<u64>,
    /// The first announcement left.
    pub announced_ns: Option<u64>,
    /// Another member saw this node answer for every address.
    #[serde(default)]
    pub verified_ns: Option<u64>,
}

impl TakeoverStamps {
    /// How long after the last probe of the first master that step was done, in nanoseconds, if both are known.
    #[must_use]
    pub fn after_ns(&self, step_ns: Option<u64>) -> Option<u64> {
        Some(step_ns?.saturating_sub(self.last_probe_ns?))
    }

    /// Every step with the name of what led up to it, in order.
    #[must_use]
    pub fn steps(&self) -> [(&'static str, Option<u64>); 8] {
        [
            ("last probe", self.last_probe_ns),
            ("grant over", self.orphaned_ns),
            ("query", self.queried_ns),
            ("vote request", self.requested_ns),
            ("elected", self.elected_ns),
            ("addresses", self.added_ns),
            ("announced", self.announced_ns),
            ("verified", self.verified_ns),
        ]
    }
}

/// A point in time as RFC 3339 in UTC with milliseconds: `2025-01-31T12:00:00.123Z`.
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    )
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Counts years from
/// March, so that the leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    // 0000-03-01 lies this many days before 1970-01-01.
    let days = days + 719_468;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / (DAYS_OF_400_YEARS - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_times_are_written_as_date_1_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (951_868_800, "2000-03-01T00:00:00.007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
        ] {
            let at = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(7);
            assert_eq!(rfc3339(at), text);
        }
    }

    #[test]
    fn an_entry_without_takeover_is_read_back_as_it_was() {
        let entry = HistoryEntry {
            at: rfc3339(UNIX_EPOCH),
            slot: 2,
            from: Role::Candidate,
            to: Role::Slave,
            epoch: EpochParts { round: 3, slot: 1 },
            reason: "slot 1 probes as master".to_owned(),
            duration_us: 12,
            takeover: None,
        };
        let line = serde_json::to_string(&entry).expect("writable");
        assert!(!line.contains("takeover"), "{line}");
        assert_eq!(
            serde_json::from_str::<HistoryEntry>(&line).expect("readable"),
            entry
        );
    }
}
