//! What the machine itself says: kernel, interfaces, settings, maps, journal.

use std::fs;
use std::path::{Path, PathBuf};

use heartbeat_wire::maps::name;
use tokio::runtime::Runtime;

use super::part::Part;
use crate::control::pinned_maps;

/// Maps that hold keys, or what can be made of them.
const SECRET_MAPS: [&str; 2] = [name::KEYS, name::BEGINNINGS];
/// Lines of the journal.
const JOURNAL_LINES: &str = "5000";
/// What systemd knows of the daemon, without its environment.
const UNIT_PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,Result,StatusText,NRestarts,\
                               ExecMainStartTimestamp,ExecMainStatus,FragmentPath,DropInPaths,MemoryCurrent";
/// Programs, each with the name of its part.
const COMMANDS: [(&str, &[&str]); 12] = [
    ("machine/uname.txt", &["uname", "-a"]),
    ("machine/uptime.txt", &["uptime"]),
    (
        "machine/links.txt",
        &["ip", "-d", "-s", "-s", "link", "show"],
    ),
    ("machine/addresses.txt", &["ip", "-d", "address", "show"]),
    (
        "machine/routes.txt",
        &["ip", "route", "show", "table", "all"],
    ),
    ("machine/neighbours.txt", &["ip", "neighbour", "show"]),
    ("machine/groups.txt", &["ip", "maddress", "show"]),
    (
        "machine/programs-on-interfaces.txt",
        &["bpftool", "net", "show"],
    ),
    ("machine/rules.txt", &["nft", "list", "ruleset"]),
    ("machine/sockets.txt", &["ss", "-anut"]),
    (
        "machine/unit.txt",
        &["systemctl", "show", "heartbeatd", UNIT_PROPERTIES],
    ),
    (
        "journal.txt",
        &[
            "journalctl",
            "--no-pager",
            "--unit",
            "heartbeatd",
            "--lines",
            JOURNAL_LINES,
            "--output",
            "short-iso-precise",
        ],
    ),
];
/// Files of the machine, as they are.
const FILES: [(&str, &str); 5] = [
    ("machine/os-release.txt", "/etc/os-release"),
    ("machine/interrupts.txt", "/proc/interrupts"),
    ("machine/softnet.txt", "/proc/net/softnet_stat"),
    (
        "machine/clock-source.txt",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    ),
    ("machine/pressure.txt", "/proc/pressure/cpu"),
];
/// Settings that decide what becomes of frames and of real-time threads.
const SETTINGS: [&str; 9] = [
    "/proc/sys/net/core/bpf_jit_enable",
    "/proc/sys/net/core/netdev_max_backlog",
    "/proc/sys/kernel/sched_rt_runtime_us",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/net/ipv4/conf/*/arp_ignore",
    "/proc/sys/net/ipv4/conf/*/arp_announce",
    "/proc/sys/net/ipv4/conf/*/rp_filter",
    "/proc/sys/net/ipv6/conf/*/disable_ipv6",
    "/proc/sys/net/ipv6/conf/*/accept_dad",
];

pub(super) fn look(runtime: &Runtime) -> Vec<Part> {
    let programs = COMMANDS
        .iter()
        .map(|(name, words)| Part::command(runtime, name, words));
    let files = FILES
        .iter()
        .map(|(name, path)| Part::text(name, read(Path::new(path))));
    programs.chain(files).chain([settings()]).collect()
}

fn settings() -> Part {
    let files = SETTINGS.iter().flat_map(|pattern| files(pattern));
    let line = |path: PathBuf| match fs::read_to_string(&path) {
        Ok(value) => format!("{} = {}\n", path.display(), value.trim()),
        Err(error) => format!("{}: {error}\n", path.display()),
    };
    Part::text("machine/settings.txt", Ok(files.map(line).collect()))
}

/// A pattern's files; one without a star as it is, so that a missing one is named.
fn files(pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains('*') {
        return vec![pattern.into()];
    }
    glob::glob(pattern)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .collect()
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Every pinned map but those that hold keys.
pub(super) fn maps(runtime: &Runtime, bpf_dir: &Path) -> Vec<Part> {
    let told = |map: &crate::control::PinnedMap| {
        let name = format!("maps/{}.json", map.name);
        if SECRET_MAPS.contains(&&*map.name) {
            let why = "it holds keys, and is left out".to_owned();
            return Part::text(&name, Err(why));
        }
        let path = map.path.to_string_lossy();
        let words = ["bpftool", "--json", "map", "dump", "pinned", &path];
        Part::command(runtime, &name, &words)
    };
    pinned_maps(bpf_dir).iter().map(told).collect()
}
