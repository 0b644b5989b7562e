//! Without root, or without one of root's rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

use crate::rig::{Order, Rig};

const NOBODY: u32 = 65_534;

/// Has it started by somebody without any right, who may read its configuration and its program.
fn by_nobody<'a>(rig: &'a Rig) -> Order<'a> {
    let mut order = rig.daemon(1);
    let copy = rig.path("heartbeatd");
    fs::copy(&order.program, &copy).expect("room for a copy");
    order.program = copy;
    for file in ["heartbeatd.toml", "cluster.key"] {
        chown(rig.path(file), Some(NOBODY), None).expect("root may");
    }
    let words = [
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
    ];
    order.before = words.map(str::to_owned).to_vec();
    order
}

#[test]
fn an_ordinary_user_gets_one_line_with_all_that_is_missing_and_77() {
    let Some(rig) = Rig::new("an_ordinary_user") else {
        return;
    };
    fs::set_permissions(rig.lab().folder(), Permissions::from_mode(0o755)).expect("own folder");
    by_nobody(&rig).refused().check(
        77,
        &[
            "CAP_NET_ADMIN",
            "CAP_NET_RAW",
            "CAP_PERFMON",
            "CAP_BPF",
            "as root",
        ],
    );
    assert!(
        !rig.pins("n1").exists(),
        "it stops before it makes anything"
    );
}

#[test]
fn root_without_one_of_its_rights_gets_one_line_that_names_it_and_77() {
    let Some(rig) = Rig::new("root_without_one_of_its_rights") else {
        return;
    };
    for (lost, named) in [
        ("-sys_admin,-bpf", "the rights CAP_BPF ("),
        ("-sys_admin,-perfmon", "the rights CAP_PERFMON ("),
        ("-net_admin", "the rights CAP_NET_ADMIN ("),
        ("-net_raw", "the rights CAP_NET_RAW ("),
    ] {
        let mut order = rig.daemon(1);
        order.before = ["setpriv", "--bounding-set", lost, "--inh-caps", lost]
            .map(str::to_owned)
            .to_vec();
        order.refused().check(77, &[named, "as root"]);
    }
}

#[test]
fn root_of_a_container_without_rights_outside_is_told_by_the_kernel_and_gets_77() {
    let Some(rig) = Rig::new("root_of_a_container") else {
        return;
    };
    let mut order = rig.daemon(1);
    order.before = ["unshare", "--user", "--map-root-user"]
        .map(str::to_owned)
        .to_vec();
    order.refused().check(77, &["no right to", "as root"]);
}

#[test]
fn without_real_time_and_locked_memory_it_runs_and_status_says_what_is_lost() {
    let Some(rig) = Rig::new("without_real_time") else {
        return;
    };
    let lost = "-sys_nice,-ipc_lock";
    let mut order = rig.daemon(1);
    order.before = [
        "prlimit",
        "--rtprio=0",
        "--memlock=65536",
        "setpriv",
        "--bounding-set",
        lost,
        "--inh-caps",
        lost,
    ]
    .map(str::to_owned)
    .to_vec();
    let mut daemon = order.start();
    let status = daemon.wait_for("its warnings", |status| {
        status["warnings"]
            .as_array()
            .is_some_and(|all| all.len() >= 3)
    });
    let warnings = status["warnings"].to_string();
    for part in [
        "thread pulse at SCHED_FIFO",
        "thread hands at SCHED_FIFO",
        "lock this process's memory",
        "CAP_SYS_NICE",
        "CAP_IPC_LOCK",
    ] {
        assert!(warnings.contains(part), "{part} is missing in {warnings}");
    }
    let whole = rig.daemon(2).start().wait_for("no warnings", |_| true);
    assert_eq!(
        whole["warnings"].as_array().map(Vec::len),
        Some(0),
        "{whole}"
    );
}
