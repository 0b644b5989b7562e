//! Without root, or without one of root's rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::thread::sleep;
use std::time::Duration;

use crate::ending::attached;
use crate::rig::{Order, Rig};

/// Longer than the daemon leaves its gates unwatched.
const GATES_LOOKED_AT: Duration = Duration::from_secs(2);
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

/// The rights that the unit leaves, in setpriv's words, and real time and locked memory, which it gives by limits that
/// not every machine that tests may set.
fn unit_rights() -> Vec<String> {
    let unit = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/systemd/heartbeatd.service"
    );
    let unit = fs::read_to_string(unit).expect("the unit is there");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("CapabilityBoundingSet="))
        .expect("it bounds the rights");
    let names = line.split_whitespace().map(|name| {
        let name = name.strip_prefix("CAP_").expect("a capability");
        format!("+{}", name.to_ascii_lowercase())
    });
    let kept: Vec<String> = ["-all", "+sys_nice", "+ipc_lock"]
        .map(str::to_owned)
        .into_iter()
        .chain(names)
        .collect();
    [
        "setpriv",
        "--bounding-set",
        &kept.join(","),
        "--inh-caps",
        "-all",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn with_the_units_rights_it_is_master_and_the_next_process_takes_its_programs_over() {
    let Some(rig) = Rig::new("with_the_units_rights") else {
        return;
    };
    let mut order = rig.daemon(1);
    order.before = unit_rights();
    let others = [rig.daemon(2).start(), rig.daemon(3).start()];
    let mut first = order.start();
    first.wait_for("any master", |status| status["master_slot"].is_u64());
    if first
        .status()
        .is_some_and(|status| status["role"] != "master")
    {
        others[0].ask(&["switchover", "--to", "1"]);
        others[1].ask(&["switchover", "--to", "1"]);
    }
    let holds = |status: &serde_json::Value| status["virtual_addresses"][0]["held"] == true;
    first.wait_for("the address here", holds);
    first.kill();
    let mut next = order.start();
    next.wait_for_line("kernel programs replaced");
    let status = next.wait_for("no warning", |status| status["datapath"].is_object());
    assert_eq!(status["warnings"], serde_json::json!([]), "{}", next.log());
    // Who cannot ask what is attached would take its gates for lost, and attach them again and again.
    sleep(GATES_LOOKED_AT * 2);
    let gates = attached(&rig, 1);
    assert!(gates.starts_with("6 gates"), "{gates}");
    assert!(
        !next.log().contains("the gate was missing"),
        "{}",
        next.log()
    );
    let ended = next.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(attached(&rig, 1), "0 gates");
}

#[test]
fn a_program_of_another_user_without_the_rights_for_it_is_named_at_the_start() {
    let Some(rig) = Rig::new("a_program_of_another_user") else {
        return;
    };
    let good = fs::read_to_string(rig.config()).expect("it is there");
    let with_hook = format!("{good}\n[hooks]\non_fault = [\"/bin/true\"]\nuser = \"nobody\"\n");
    let path = rig.path("other-user.toml");
    fs::write(&path, with_hook).expect("own folder");
    let mut order = rig.daemon(1);
    order.config = path;
    order.before = unit_rights();
    let named = [
        "CAP_SETUID",
        "CAP_KILL",
        "/bin/true as user nobody",
        "other-users.conf",
    ];
    order.refused().check(77, &named);
}
