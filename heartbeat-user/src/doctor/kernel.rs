//! The kernel, and what this process may ask of it.

use std::fs;
use std::path::Path;

use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use nix::sys::utsname::uname;

use super::Finding;
use crate::daemon::missing_rights;

/// The oldest kernel that heartbeatd was tried with.
const OLDEST: (u32, u32) = (6, 1);
/// The first with tcx (Linux 6.6); older ones get the gate as a clsact filter.
const TCX: (u32, u32) = (6, 6);
/// The kernel's own type information, by which programs are loaded.
const BTF: &str = "/sys/kernel/btf/vmlinux";
/// Where pins are kept.
const BPFFS: &str = "/sys/fs/bpf";
/// 0: off; then every frame costs several times as much.
const JIT: &str = "/proc/sys/net/core/bpf_jit_enable";

pub(super) fn look() -> Vec<Finding> {
    let release = uname()
        .map(|names| names.release().to_string_lossy().into_owned())
        .unwrap_or_default();
    vec![
        version(&release),
        types(Path::new(BTF).exists()),
        pins(statfs(BPFFS).is_ok_and(|it| it.filesystem_type() == BPF_FS_MAGIC)),
        compiler(&fs::read_to_string(JIT).unwrap_or_default()),
        rights(),
    ]
}

fn version(release: &str) -> Finding {
    const SUBJECT: &str = "kernel";
    let mut numbers = release.split(['.', '-']).map(|part| part.parse().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else {
        return Finding::note(
            SUBJECT,
            format!("Linux {release}: an unknown kind of version"),
        );
    };
    let found: (u32, u32) = (major, minor);
    if found < OLDEST {
        Finding::fault(
            SUBJECT,
            format!("Linux {release} is older than any that heartbeatd was tried with"),
            format!("Linux {}.{} or later", OLDEST.0, OLDEST.1),
        )
    } else if found < TCX {
        Finding::note(
            SUBJECT,
            format!(
                "Linux {release} has no tcx: the gate hangs on the interfaces as a filter, which others can remove; it is \
                 put back within 2 s"
            ),
        )
    } else {
        Finding::good(SUBJECT, format!("Linux {release}"))
    }
}

fn types(are_there: bool) -> Finding {
    const SUBJECT: &str = "type information";
    if are_there {
        Finding::good(SUBJECT, format!("{BTF} is there"))
    } else {
        Finding::fault(
            SUBJECT,
            format!("{BTF} is missing: the kernel programs cannot be loaded"),
            "a kernel built with CONFIG_DEBUG_INFO_BTF, as distributions' are; in a container, /sys of the host",
        )
    }
}

fn pins(can_be_made: bool) -> Finding {
    const SUBJECT: &str = "bpf file system";
    if can_be_made {
        Finding::good(SUBJECT, format!("mounted at {BPFFS}"))
    } else {
        Finding::warning(
            SUBJECT,
            format!(
                "{BPFFS} is no bpf file system: pins there do not outlive the daemon, and it does not start"
            ),
            format!("mount -t bpf bpf {BPFFS}, or name another place with --bpf-dir"),
        )
    }
}

fn compiler(setting: &str) -> Finding {
    const SUBJECT: &str = "bpf compiler";
    if setting.trim() == "0" {
        Finding::warning(
            SUBJECT,
            "it is off: every frame costs several times as much",
            "sysctl net.core.bpf_jit_enable=1",
        )
    } else {
        // Without the file the kernel has no interpreter, so it always compiles.
        Finding::good(SUBJECT, "on")
    }
}

fn rights() -> Finding {
    const SUBJECT: &str = "rights";
    match missing_rights() {
        None => Finding::note(
            SUBJECT,
            "the kernel does not tell which rights this process has",
        ),
        Some(missing) if missing.is_empty() => {
            Finding::good(SUBJECT, "this user has all that are needed")
        }
        Some(missing) => Finding::note(
            SUBJECT,
            format!(
                "this user lacks {}, which heartbeatd needs; run this as the user that heartbeatd runs as",
                missing.join(", ")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn a_kernel_is_judged_by_its_version() {
        for (release, weight) in [
            ("6.18.0", Weight::Good),
            ("6.6.0-1-amd64", Weight::Good),
            ("6.1.0-38-amd64", Weight::Note),
            ("5.15.0", Weight::Fault),
            ("10.0-rc1", Weight::Good),
            ("nonsense", Weight::Note),
        ] {
            assert_eq!(version(release).weight, weight, "{release}");
        }
    }

    #[test]
    fn what_is_missing_has_a_cure() {
        for finding in [types(false), pins(false), compiler("0\n")] {
            assert!(
                finding.weight > Weight::Note && finding.cure.is_some(),
                "{finding:?}"
            );
        }
        for finding in [types(true), pins(true), compiler("1\n"), compiler("")] {
            assert_eq!(finding.weight, Weight::Good, "{finding:?}");
        }
    }
}
