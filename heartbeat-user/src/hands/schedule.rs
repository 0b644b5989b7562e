//! When an address is announced.

/// When announcements go out after a takeover, in nanoseconds from it: at once; again for whoever
/// missed the first, while switches still learn; and once more when all of them must have.
const AFTER_TAKEOVER_NS: [u64; 4] = [0, 10_000_000, 100_000_000, 1_000_000_000];

/// Pace of the announcements after those, in nanoseconds: a neighbour or a switch that lost the entry
/// has it again within a minute.
const REFRESH_NS: u64 = 60_000_000_000;

/// The announcements of one takeover, by absolute deadlines of CLOCK_BOOTTIME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    start_ns: u64,
    next_ns: u64,
}

/// What is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Announcement,
    /// One of the slow ones: a good time to look whether all is still in order, too.
    Refresh,
}

impl Schedule {
    /// The first announcement is due at once.
    pub(super) const fn starting_at(now_ns: u64) -> Self {
        Self {
            start_ns: now_ns,
            next_ns: now_ns,
        }
    }

    /// When something is due next.
    pub(super) const fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// What is due, and moves on to what follows. Deadlines that passed while the thread was paused
    /// count as one: a burst after the fact helps nobody.
    pub(super) fn take(&mut self, now_ns: u64) -> Due {
        if now_ns < self.next_ns {
            return Due::Nothing;
        }
        let last_of_takeover = self.start_ns + AFTER_TAKEOVER_NS[AFTER_TAKEOVER_NS.len() - 1];
        let due = if self.next_ns > last_of_takeover {
            Due::Refresh
        } else {
            Due::Announcement
        };
        let of_takeover = AFTER_TAKEOVER_NS.iter().map(|after| self.start_ns + after);
        self.next_ns = of_takeover
            .into_iter()
            .find(|at| *at > now_ns)
            .unwrap_or(now_ns + REFRESH_NS);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const START: u64 = 5_000 * MS;

    #[test]
    fn announcements_are_due_at_0_10_100_and_1000_ms_and_then_every_minute() {
        let mut schedule = Schedule::starting_at(START);
        let mut due = Vec::new();
        for _ in 0..6 {
            let at = schedule.next_ns();
            assert_eq!(schedule.take(at - 1), Due::Nothing);
            due.push(((at - START) / MS, schedule.take(at)));
        }
        assert_eq!(
            due,
            [
                (0, Due::Announcement),
                (10, Due::Announcement),
                (100, Due::Announcement),
                (1000, Due::Announcement),
                (61_000, Due::Refresh),
                (121_000, Due::Refresh),
            ]
        );
    }

    #[test]
    fn deadlines_missed_in_a_pause_count_as_one_and_the_later_ones_keep_their_time() {
        let mut schedule = Schedule::starting_at(START);
        assert_eq!(schedule.take(START), Due::Announcement);
        assert_eq!(schedule.take(START + 150 * MS), Due::Announcement);
        assert_eq!(schedule.take(START + 150 * MS), Due::Nothing);
        assert_eq!(schedule.next_ns(), START + 1000 * MS);
    }
}
