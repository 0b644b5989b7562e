//! `cargo xtask soak`: campaigns in the simulator for as long as somebody likes, or one case with all its events.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heartbeat_sim::campaign::{Case, Failure, Kind, Limits, Tally, campaign};

/// How long each kind has before the other one has its turn.
const TURN: Duration = Duration::from_secs(20);

/// What was asked for.
enum Asked {
    Soak {
        minutes: u64,
        seed: u64,
        members: Option<usize>,
    },
    Case(Case),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match parse(&arguments) {
        Ok(Asked::Soak {
            minutes,
            seed,
            members,
        }) => soak(Duration::from_secs(60 * minutes), seed, members),
        Ok(Asked::Case(case)) => case
            .run(true)
            .map(|tally| println!("{tally}\n{case} went well")),
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            println!("the same again: cargo xtask soak --case {}", failure.case);
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Asked, String> {
    let (mut minutes, mut seed, mut members, mut case) = (None, None, None, None);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("{} wants a value", pair[0]));
        };
        let number = || {
            let parsed = value.parse::<u64>();
            parsed.map_err(|_| format!("{name} wants a whole number, not {value:?}"))
        };
        match name.as_str() {
            "--minutes" => minutes = Some(number()?),
            "--seed" => seed = Some(number()?),
            "--members" => members = Some(number()?),
            "--case" => case = Some(value.parse::<Case>()?),
            _ => {
                return Err(format!(
                    "{name} is none of --minutes, --seed, --members, --case"
                ));
            }
        }
    }
    match (minutes, case) {
        (_, Some(case)) => Ok(Asked::Case(case)),
        (Some(minutes), None) => {
            let members = match members {
                None => None,
                Some(3) => Some(3),
                Some(5) => Some(5),
                Some(other) => return Err(format!("clusters have 3 or 5 members, never {other}")),
            };
            let seed = seed.unwrap_or_else(any_seed);
            Ok(Asked::Soak {
                minutes,
                seed,
                members,
            })
        }
        (None, None) => Err("say --minutes or --case".to_owned()),
    }
}

/// Another one each time: what is told at the start leads back to it.
fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(1, |since| since.as_secs() << 24)
}

fn soak(time: Duration, seed: u64, members: Option<usize>) -> Result<(), Box<Failure>> {
    println!("seeds from {seed} on, for {} minutes", time.as_secs() / 60);
    let begin = Instant::now();
    let (mut failovers, mut chaos) = ((Tally::default(), 0.0), (Tally::default(), 0.0));
    // A turn has far fewer cases than there are seeds between it and the next one.
    for first in (0..).map(|turn: u64| seed.wrapping_add(turn << 24)) {
        if begin.elapsed() >= time {
            break;
        }
        for (kind, seen) in [(Kind::Failover, &mut failovers), (Kind::Chaos, &mut chaos)] {
            let left = time.saturating_sub(begin.elapsed());
            let limits = Limits {
                members,
                ..Limits::time(left.min(TURN))
            };
            let (tally, took) = campaign(kind, first, limits)?;
            seen.0.merge(&tally);
            seen.1 += took.as_secs_f64();
        }
    }
    for (name, (tally, seconds)) in [("failovers", failovers), ("chaos", chaos)] {
        let ratio = Duration::from_nanos(tally.lived).as_secs_f64() / seconds;
        println!("\n{name}\n{tally}\n{ratio:>12.0}  times real time, on all processors");
    }
    Ok(())
}
