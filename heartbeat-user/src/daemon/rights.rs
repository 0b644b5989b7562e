//! Root's rights that a daemon cannot do without, looked for before anything is done.

use std::fs;

use super::failure::Failure;
use crate::config::Config;

/// The effective set of this process stands in this file (proc_pid_status(5)).
const STATUS_FILE: &str = "/proc/self/status";

/// CAP_SYS_ADMIN (linux/capability.h), which stands for the newer, narrower ones too.
const SYS_ADMIN: u32 = 21;

/// Number, name, and what it is for.
const NEEDED: [(u32, &str, &str); 4] = [
    (
        12,
        "CAP_NET_ADMIN",
        "to change addresses and attach programs",
    ),
    (13, "CAP_NET_RAW", "to send probes"),
    // Linux 5.8 has both; SYS_ADMIN was needed before, and is enough still.
    (
        38,
        "CAP_PERFMON",
        "to load programs that compare packets' ends",
    ),
    (39, "CAP_BPF", "to load programs"),
];

/// What it takes to run a program as somebody else, and to end it if it hangs.
const NEEDED_FOR_OTHERS: [(u32, &str, &str); 3] = [
    (5, "CAP_KILL", "to end a program of another user that hangs"),
    (6, "CAP_SETGID", "to run programs as another user"),
    (7, "CAP_SETUID", "to run programs as another user"),
];

/// The rights that a daemon needs and this process lacks; `None` where the kernel does not tell.
#[must_use]
pub fn missing_rights() -> Option<Vec<String>> {
    let status = fs::read_to_string(STATUS_FILE).ok()?;
    Some(missing(effective(&status)?, &NEEDED))
}

/// Fails with all that is missing, where the kernel tells; it has the last word in any case.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let status = fs::read_to_string(STATUS_FILE).unwrap_or_default();
    let Some(effective) = effective(&status) else {
        return Ok(());
    };
    let missing = missing(effective, &NEEDED);
    if !missing.is_empty() {
        return Err(Failure::permission(format!(
            "heartbeatd lacks the rights {}: run it as root, or give it these",
            missing.join(", ")
        )));
    }
    let other = config.programs().find_map(|program| {
        let user = program.user.as_ref()?;
        (user.uid != 0).then_some((&program.words[0], &user.name))
    });
    let missing = self::missing(effective, &NEEDED_FOR_OTHERS);
    match other {
        Some((program, user)) if !missing.is_empty() => Err(Failure::permission(format!(
            "heartbeatd lacks the rights {} and is to run {program} as user {user}: give it these (under systemd by the \
             drop-in other-users.conf), or take `user` out of the configuration",
            missing.join(", ")
        ))),
        Some(_) | None => Ok(()),
    }
}

fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn missing(effective: u64, needed: &[(u32, &str, &str)]) -> Vec<String> {
    let has = |number: u32| effective & (1 << number) != 0;
    needed
        .iter()
        .filter(|(number, ..)| !has(*number) && (*number < SYS_ADMIN || !has(SYS_ADMIN)))
        .map(|(_, name, purpose)| format!("{name} ({purpose})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_rights_are_part_of_the_old_one() {
        let status = "Name:\theartbeatd\nCapPrm:\t0\nCapEff:\t0000000000203000\nCapBnd:\tff\n";
        assert_eq!(effective(status), Some(0x20_3000));
        assert_eq!(missing(0x20_3000, &NEEDED), Vec::<String>::new());
        assert_eq!(
            missing(1 << 12 | 1 << 13 | 1 << 38 | 1 << 39, &NEEDED),
            Vec::<String>::new()
        );
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let names = missing(1 << 12 | 1 << 39, &NEEDED).join(" ");
        assert!(
            names.contains("CAP_NET_RAW") && names.contains("CAP_PERFMON"),
            "{names}"
        );
        assert!(
            !names.contains("CAP_BPF") && !names.contains("CAP_NET_ADMIN"),
            "{names}"
        );
    }
}
