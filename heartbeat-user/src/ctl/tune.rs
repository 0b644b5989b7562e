//! `heartbeatctl tune`: which timers will do, with the measured tails as pictures.

use std::time::Duration;

use heartbeat_core::config::PairRules;

use super::{Failure, print, print_json, unexpected};
use crate::cli::Exit;
use crate::config::duration as written;
use crate::control::human::duration;
use crate::control::{Bucket, Client, Details, Request, Response, Status};
use crate::tune::{Advice, Cluster, Counted, Outcome, Setting, Wanted, advise};

/// The longest bar of a picture, in characters.
const WIDTH: f64 = 40.0;
/// A quorum's multiplier may be as small.
const LEAST_OF_QUORUM: u32 = 2;
const PAIR: usize = 2;

pub(super) fn tune(client: &Client, wanted: Wanted, json: bool) -> Result<Exit, Failure> {
    let status = match client.ask(Request::Status)? {
        Response::Status(status) => *status,
        other => return Err(unexpected(other)),
    };
    let details = match client.ask(Request::Details)? {
        Response::Details(details) => *details,
        other => return Err(unexpected(other)),
    };
    let lateness = match client.ask(Request::Lateness)? {
        Response::Lateness(lateness) => lateness,
        other => return Err(unexpected(other)),
    };
    let cluster = cluster(&status)?;
    let counted = counted(details, lateness);
    let advice = advise(&counted, &cluster, wanted).ok_or_else(|| {
        Failure::Refused(format!(
            "slot {} has heard no gap between two probes: ask an elector that is no master, a while after its start",
            status.slot
        ))
    })?;
    if json {
        print_json(&advice)?;
    } else {
        print(&(pictures(&counted) + &say(&advice)))?;
    }
    Ok(match advice.outcome {
        Outcome::Recommended(_) => Exit::Ok,
        Outcome::TooShort { .. } | Outcome::OtherPeriod | Outcome::NoneWithin { .. } => {
            Exit::Failure
        }
    })
}

fn counted(details: Details, lateness: Vec<Bucket>) -> Counted {
    Counted {
        gaps: details.gaps,
        round_trips: details.round_trips,
        lateness,
    }
}

fn cluster(status: &Status) -> Result<Cluster, Failure> {
    if !status.electors.contains(&status.slot) {
        return Err(Failure::Refused(format!(
            "slot {} is no elector, which a large cluster's master asks more seldom: ask one of {:?}",
            status.slot, status.electors
        )));
    }
    let least_multiplier = if status.electors.len() == PAIR {
        PairRules::LEAST_MULTIPLIER
    } else {
        LEAST_OF_QUORUM
    };
    let multiplier = status.lease_us / status.period_us.max(1);
    Ok(Cluster {
        period: Duration::from_micros(status.period_us),
        multiplier: u32::try_from(multiplier).unwrap_or(u32::MAX),
        electors: status.electors.len(),
        majority: status.majority,
        least_multiplier,
    })
}

fn pictures(counted: &Counted) -> String {
    [
        (
            "gaps between a master's probes, as this node heard them",
            &counted.gaps,
        ),
        (
            "round trips of the answers to this node",
            &counted.round_trips,
        ),
        ("how late this node's turns began", &counted.lateness),
    ]
    .map(|(head, buckets)| picture(head, buckets))
    .concat()
}

/// A line a range. Ten times as many make a bar longer by the same, so that one in a million is seen.
fn picture(head: &str, buckets: &[Bucket]) -> String {
    let mut text = format!("{head}:\n");
    let most = buckets.iter().map(|it| it.count).max().unwrap_or_default();
    if most == 0 {
        return text + "  none yet\n";
    }
    let height = |count: u64| (count as f64 + 1.0).log10();
    for it in buckets {
        let length = (height(it.count) / height(most) * WIDTH).ceil() as usize;
        text += &format!(
            "  from {:>9} {:>12}  {}\n",
            duration(it.from_ns / 1_000),
            it.count,
            "#".repeat(length)
        );
    }
    text
}

fn say(advice: &Advice) -> String {
    let mut text = format!("\n{} gaps in {}", advice.gaps, seconds(advice.measured_s));
    if advice.outlived > 0 {
        text += &format!(
            "; {} more were longer than the lease and no mastership ended by them (planned restarts, outages of this node \
             alone), and are left out",
            advice.outlived
        );
    }
    text += &format!("\nnow:  {}\n", setting(&advice.now, advice.confidence));
    text += &outcome(advice);
    text + &format!(
        "By the counts alone, what was never seen in this time may come {} times a year ({:.0} %): the rest rests on the \
         tail's model (docs/operations.md, Tune). Ask the other electors too, and take the longest lease.\n",
        rate(advice.unseen_per_year),
        advice.confidence * 100.0
    )
}

fn outcome(advice: &Advice) -> String {
    match &advice.outcome {
        Outcome::Recommended(it) => format!(
            "for at most {}:  {}\n",
            advice.wanted,
            setting(it, advice.confidence)
        ),
        Outcome::TooShort { needed_s } => format!(
            "for at most {}: nothing can be said. That needs {} of counting, which is {} more; or ask for less with \
             --false-failovers\n",
            advice.wanted,
            seconds(*needed_s),
            seconds(needed_s - advice.measured_s)
        ),
        Outcome::OtherPeriod => format!(
            "for at most {}: nothing can be said. Many gaps are of another period than the one in force: they were counted \
             before it was changed, or probes are lost. A reboot, or `heartbeatctl detach` while the daemon is stopped, \
             begins anew\n",
            advice.wanted
        ),
        Outcome::NoneWithin { best } => format!(
            "for at most {}: no timers near the present ones will do. The best: {}\n",
            advice.wanted,
            setting(best, advice.confidence)
        ),
    }
}

fn setting(it: &Setting, confidence: f64) -> String {
    format!(
        "period = \"{}\", detect_multiplier = {}: a lease of {}, which bears a delay of {}; at most {} false failovers a \
         year ({:.0} %)",
        written::format(Duration::from_micros(it.timers.period_us)),
        it.timers.multiplier,
        duration(it.lease_us),
        duration(it.bears_us),
        rate(it.per_year),
        confidence * 100.0
    )
}

/// Two digits that mean something.
fn rate(number: f64) -> String {
    if number >= 10.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

fn seconds(number: f64) -> String {
    duration((number * 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(from_ns: u64, below_ns: u64, count: u64) -> Bucket {
        Bucket {
            from_ns,
            below_ns: Some(below_ns),
            count,
        }
    }

    #[test]
    fn one_in_a_million_is_seen_in_the_picture() {
        let text = picture(
            "gaps",
            &[
                bucket(8_388_608, 12_582_912, 1_000_000),
                bucket(33_554_432, 50_331_648, 1),
            ],
        );
        let bars: Vec<usize> = text.lines().map(|it| it.matches('#').count()).collect();
        assert_eq!(bars, [0, 40, 3], "{text}");
        assert!(picture("gaps", &[]).contains("none yet"));
    }

    #[test]
    fn too_few_counts_say_how_long_to_wait() {
        let counted = Counted {
            gaps: vec![bucket(8_388_608, 12_582_912, 100_000)],
            round_trips: vec![bucket(98_304, 131_072, 5)],
            lateness: Vec::new(),
        };
        let cluster = Cluster {
            period: Duration::from_millis(10),
            multiplier: 5,
            electors: 3,
            majority: 2,
            least_multiplier: LEAST_OF_QUORUM,
        };
        let wanted: Wanted = "1/year".parse().expect("a rate");
        let advice = advise(&counted, &cluster, wanted).expect("there are gaps");
        let text = say(&advice);
        assert!(text.contains("100000 gaps in 17 min 28 s"), "{text}");
        assert!(text.contains("needs 3 d 15 h of counting"), "{text}");
        assert!(
            text.contains("now:  period = \"10ms\", detect_multiplier = 5"),
            "{text}"
        );
    }
}
