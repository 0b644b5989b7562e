//! `[[service]]`: what was tracked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::text::{absolute, line, list, name, quoted};
use super::vrrp::{Process, Script, Track, Tracks, Vrrp};
use super::{Report, words};
use crate::config::duration;

/// Longest name of a service.
const LONGEST_NAME: usize = 32;
/// Longest command name of a process.
const LONGEST_COMM: usize = 15;
const WEIGHT: &str = "there are no weights: a master whose service fails hands over to a member whose services are well, and stays where there is none";
/// What only a shell understands.
const OF_SHELLS: [char; 8] = ['|', '&', ';', '<', '>', '`', '$', '*'];

/// How a service is looked at.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Process(String),
    Tcp(SocketAddr),
    Command(Vec<String>),
}

pub(super) fn write(toml: &mut String, vrrp: &Vrrp, report: &mut Report) {
    let tracks = || {
        let groups = vrrp.groups.iter().map(|it| &it.tracks);
        groups.chain(vrrp.instances.iter().map(|it| &it.tracks))
    };
    let mut used = BTreeSet::new();
    for track in tracks().flat_map(|it: &Tracks| &it.scripts) {
        let Some(script) = vrrp.scripts.iter().find(|it| it.name == track.name) else {
            report.lost(
                &track.at,
                &track.name,
                "there is no vrrp_script of this name",
            );
            continue;
        };
        if used.insert(&script.name) {
            of_script(toml, vrrp, script, track, report);
        }
    }
    let mut used = BTreeSet::new();
    for track in tracks().flat_map(|it| &it.processes) {
        let Some(process) = vrrp.processes.iter().find(|it| it.name == track.name) else {
            report.lost(
                &track.at,
                &track.name,
                "there is no vrrp_track_process of this name",
            );
            continue;
        };
        if used.insert(&process.name) {
            of_process(toml, process, track, report);
        }
    }
}

fn of_script(toml: &mut String, vrrp: &Vrrp, script: &Script, track: &Track, report: &mut Report) {
    if is_reversed(track, script.is_reversed, report) {
        return;
    }
    if script.is_weighed || track.is_weighed {
        report.changed(&track.at, &format!("weight of {}", script.name), WEIGHT);
    }
    begin(toml, &script.name, &format!("vrrp_script ({})", script.at));
    match look(&script.command) {
        Look::Process(name) => {
            line(toml, "process", &named_process(&name), &script.command);
            return;
        }
        Look::Tcp(address) => line(toml, "tcp", &quoted(&address.to_string()), &script.command),
        Look::Command(command) => {
            line(toml, "command", &list(&command), "");
            absolute(&command, &format!("service {}", script.name), report);
            if let Some(user) = script.user.as_ref().or(vrrp.script_user.as_ref()) {
                line(toml, "user", &quoted(user), "");
            }
        }
    }
    pace(toml, script);
}

fn pace(toml: &mut String, script: &Script) {
    let time = |time: Duration| quoted(&duration::format(time));
    line(toml, "interval", &time(script.interval), "");
    let timeout = script.timeout.unwrap_or(script.interval);
    line(toml, "timeout", &time(timeout), "");
    line(toml, "rise", &script.rise.to_string(), "");
    line(toml, "fall", &script.fall.to_string(), "");
}

fn of_process(toml: &mut String, process: &Process, track: &Track, report: &mut Report) {
    if is_reversed(track, false, report) {
        return;
    }
    if process.is_weighed || track.is_weighed {
        report.changed(&track.at, &format!("weight of {}", process.name), WEIGHT);
    }
    let command = base_name(&process.command);
    begin(
        toml,
        &process.name,
        &format!("vrrp_track_process ({})", process.at),
    );
    let comm: String = command.chars().take(LONGEST_COMM).collect();
    line(toml, "process", &named_process(&comm), "");
}

fn begin(toml: &mut String, named: &str, comment: &str) {
    *toml += "\n[[service]]\n";
    line(toml, "name", &quoted(&name(named, LONGEST_NAME)), comment);
}

fn named_process(name: &str) -> String {
    format!("{{ name = {} }}", quoted(name))
}

fn is_reversed(track: &Track, by_script: bool, report: &mut Report) -> bool {
    let is_reversed = track.is_reversed || by_script;
    if is_reversed {
        let why = "a service is well while its check succeeds: make a command that fails where this one succeeds";
        report.lost(&track.at, &format!("{} reverse", track.name), why);
    }
    is_reversed
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What keepalived's manual does with programs, heartbeatd does itself: it hears of a process's end at once, and
/// connects without a shell.
fn look(command: &str) -> Look {
    if let Some(address) = connection(command) {
        return Look::Tcp(address);
    }
    let words = words::command(command);
    let plain: Vec<_> = words.iter().map(|it| base_name(it)).collect();
    match plain[..] {
        ["killall", "-0", name] | ["pidof", name] | ["pgrep", "-x", name]
            if name.len() <= LONGEST_COMM =>
        {
            Look::Process(name.to_owned())
        }
        _ if command.contains(OF_SHELLS) && !command.contains('\'') => {
            Look::Command(["/bin/sh", "-c", command].map(str::to_owned).to_vec())
        }
        _ => Look::Command(words),
    }
}

/// `</dev/tcp/ADDRESS/PORT`, which bash reads as a connection.
fn connection(command: &str) -> Option<SocketAddr> {
    let (_, path) = command.split_once("</dev/tcp/")?;
    let (address, port) = path.trim_end_matches('\'').split_once('/')?;
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_only_looks_up_is_watched_without_it() {
        let process = |name: &str| Look::Process(name.to_owned());
        assert_eq!(look("killall -0 haproxy"), process("haproxy"));
        assert_eq!(look("/usr/bin/pidof nginx"), process("nginx"));
        let tcp = Look::Tcp(([127, 0, 0, 1], 80).into());
        assert_eq!(look("</dev/tcp/127.0.0.1/80"), tcp);
        assert_eq!(look("bash -c '</dev/tcp/127.0.0.1/80'"), tcp);
    }

    #[test]
    fn other_scripts_are_run_as_they_were() {
        let command =
            |words: &[&str]| Look::Command(words.iter().map(ToString::to_string).collect());
        assert_eq!(
            look("/etc/check 'a b' c"),
            command(&["/etc/check", "a b", "c"])
        );
        let pipe = "/bin/ps | /bin/grep x";
        assert_eq!(look(pipe), command(&["/bin/sh", "-c", pipe]));
        let long = "killall -0 a-name-of-17-bytes";
        assert_eq!(
            look(long),
            command(&["killall", "-0", "a-name-of-17-bytes"])
        );
    }
}
