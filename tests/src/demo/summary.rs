//! What was promised and what came of it.

use std::time::Duration;

use crate::lab::settings::Settings;
use crate::trial::{Outcome, Trial};

/// On top of one lease, in the median of many: the vote, the takeover and the announcement.
const ON_TOP: Duration = Duration::from_millis(2);
/// A single run may take longer when the machine is busy; beyond this many times the leases that were promised it is
/// a failure.
const AT_MOST_TIMES: u32 = 2;

/// One trial's line of the summary.
#[derive(Debug, Clone)]
pub struct Line {
    trial: Trial,
    from: u16,
    to: u16,
    outage_ms: Option<f64>,
    promised: Duration,
    at_most: Duration,
    moves: usize,
    two_answered: bool,
    two_answer_ms: f64,
    judged: usize,
}

impl Line {
    /// Judges one outcome.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a two-answer time in nanoseconds is exact in a double"
    )]
    pub fn of(trial: Trial, outcome: &Outcome, settings: &Settings) -> Self {
        let lease = settings.lease();
        let (promised, at_most) = match trial {
            // Nothing has to run out: the first master gives its lease up.
            Trial::Switchover => (ON_TOP, lease),
            Trial::Kill | Trial::Freeze | Trial::NodeDeath if settings.pair.is_some() => {
                // One to be surely over, and one in which evidence is gathered.
                (lease * 2 + settings.period, lease * 2 * AT_MOST_TIMES)
            }
            Trial::Kill | Trial::Freeze | Trial::NodeDeath => {
                (lease + ON_TOP, lease * AT_MOST_TIMES)
            }
        };
        let sight = &outcome.sight;
        Self {
            trial,
            from: outcome.from,
            to: outcome.to,
            outage_ms: sight.outage_ms(),
            promised,
            at_most,
            moves: sight.moves.len(),
            two_answered: sight.two_answered(),
            two_answer_ms: sight.two_answer_ns() as f64 / 1e6,
            judged: sight.doubles.judged + sight.doubles.arp_judged,
        }
    }

    /// Whether it went as promised: one move, back within the limit, never two, and somebody looked.
    #[must_use]
    pub fn as_promised(&self) -> bool {
        let in_time = self
            .outage_ms
            .is_some_and(|ms| ms <= self.at_most.as_secs_f64() * 1e3);
        in_time && self.moves == 1 && !self.two_answered && self.judged > 0
    }

    /// It as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let two = if self.two_answered {
            format!("TWO NODES ANSWERED for {:.1} ms", self.two_answer_ms)
        } else {
            format!(
                "never two nodes answered ({} questions to all judged)",
                self.judged
            )
        };
        format!(
            "slot {} -> slot {}: {}; {two}",
            self.from,
            self.to,
            self.outage()
        )
    }

    fn outage(&self) -> String {
        self.outage_ms.map_or_else(
            || "the service never came back".to_owned(),
            |ms| format!("{ms:.1} ms without an answer"),
        )
    }
}

/// The table at the end.
#[must_use]
pub fn table(lines: &[Line], settings: &Settings) -> String {
    let mut text = format!(
        "period {:?}, detect multiplier {}, so one lease is {:?}\n\n{:<13}{:<9}{:>11}{:>22}{:>15}{:>14}\n",
        settings.period,
        settings.detect_multiplier,
        settings.lease(),
        "fault",
        "master",
        "outage",
        "promised (median)",
        "two answered",
        "as promised"
    );
    for line in lines {
        text += &format!(
            "{:<13}{:<9}{:>11}{:>22}{:>15}{:>14}\n",
            line.trial.as_str(),
            format!("{} -> {}", line.from, line.to),
            line.outage_ms
                .map_or_else(|| "no end".to_owned(), |ms| format!("{ms:.1} ms")),
            format!("{:?}", line.promised),
            if line.two_answered { "YES" } else { "never" },
            if line.as_promised() { "yes" } else { "NO" },
        );
    }
    text + &format!(
        "\nThe promise is the median of many runs; a single one counts as failed beyond {AT_MOST_TIMES} times the leases in it (switchover: beyond one lease).\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            trial: Trial::Kill,
            from: 1,
            to: 2,
            outage_ms: Some(51.0),
            promised: Duration::from_millis(52),
            at_most: Duration::from_millis(100),
            moves: 1,
            two_answered: false,
            two_answer_ms: 0.0,
            judged: 100,
        }
    }

    #[test]
    fn a_trial_is_as_promised_only_in_time_with_one_move_one_answerer_and_a_witness() {
        assert!(line().as_promised());
        for broken in [
            Line {
                outage_ms: Some(101.0),
                ..line()
            },
            Line {
                outage_ms: None,
                ..line()
            },
            Line { moves: 2, ..line() },
            Line { moves: 0, ..line() },
            Line {
                two_answered: true,
                ..line()
            },
            Line {
                judged: 0,
                ..line()
            },
        ] {
            assert!(!broken.as_promised(), "{broken:?}");
        }
    }

    #[test]
    fn the_table_says_no_where_it_is_no() {
        let failed = Line {
            two_answered: true,
            two_answer_ms: 3.5,
            ..line()
        };
        assert!(failed.sentence().contains("TWO NODES ANSWERED for 3.5 ms"));
        let text = table(&[line(), failed], &Settings::default());
        assert_eq!(
            (text.matches("never").count(), text.matches("YES").count()),
            (1, 1),
            "{text}"
        );
    }
}
