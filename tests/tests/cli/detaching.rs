//! `heartbeatctl detach` after a daemon's death, on real pins and addresses.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::thread;

use heartbeat_tests::kernel::{KEYS, PinFolder, config, members};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::datapath::{Datapath, Setup};
use heartbeat_user::net::netlink::{Netlink, OwnerMark};
use heartbeat_user::sys::lock::FolderLock;
use heartbeat_wire::maps::Keys;
use nix::sched::{CloneFlags, unshare};

use crate::{Ran, is_built, run};

const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 100));
const ANOTHER_CLUSTERS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 101));

fn detach(folder: &Path) -> Ran {
    run(
        "heartbeatctl",
        &["detach", "--bpf-dir", folder.to_str().expect("plain")],
    )
}

/// Runs `work` in a network namespace that ends with it.
fn in_own_network(work: impl FnOnce() + Send) {
    let done = thread::scope(|scope| {
        scope
            .spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET).expect("root may make a network namespace");
                work();
            })
            .join()
    });
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

/// What a master leaves that was killed: maps, a gate on `lo`, its address; and beside them the
/// address of another cluster's master.
fn leave_remains(pins: &PinFolder) {
    let setup = Setup {
        config: config(),
        keys: Keys { slots: KEYS },
        members: &members(),
        vips: &[],
        max_slot: 5,
        abstention_ns: 240_000_000,
    };
    let mut opened = Datapath::open(&pins.0, &setup).expect("the kernel takes the programs");
    opened
        .datapath
        .attach_gate("lo")
        .expect("lo has no gate yet");
    let mut netlink = Netlink::open().expect("netlink is there");
    let lo = netlink.link("lo").expect("every namespace has it");
    for (address, cluster) in [
        (OURS, config().cluster_id),
        (ANOTHER_CLUSTERS, config().cluster_id + 1),
    ] {
        netlink
            .add_address(&lo, address, OwnerMark::of_cluster(cluster))
            .expect("nobody has it");
    }
}

fn addresses() -> Vec<IpAddr> {
    let mut netlink = Netlink::open().expect("netlink is there");
    let all = netlink.addresses().expect("listed");
    all.iter().map(|entry| entry.address).collect()
}

#[test]
fn a_dead_daemons_addresses_go_before_its_gate_and_nothing_of_it_stays() {
    let needs = [
        Need::Root,
        Need::KernelProgram,
        Need::Program("heartbeatctl"),
    ];
    if lacks("a_dead_daemons_addresses", &needs) {
        return;
    }
    in_own_network(|| {
        let pins = PinFolder::new().expect("a folder for pins");
        leave_remains(&pins);
        assert!(addresses().contains(&OURS));
        let ran = detach(&pins.0);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let place = |text: &str| {
            ran.out
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {ran:?}"))
        };
        assert!(place("removed address 203.0.113.100") < place("/links/"));
        assert!(place("/links/gate_out-lo") < place("/maps/v"));
        assert!(place("hb_control") < place(&format!("removed {}\n", pins.0.display())));
        assert!(!pins.0.exists());
        assert_eq!(addresses(), [ANOTHER_CLUSTERS], "another cluster's stays");
        let again = detach(&pins.0);
        assert_eq!(again.code, Some(0), "{again:?}");
        assert!(again.out.starts_with("nothing is pinned"), "{again:?}");
    });
}

#[test]
fn a_live_daemon_is_left_alone() {
    let needs = [
        Need::Root,
        Need::KernelProgram,
        Need::Program("heartbeatctl"),
    ];
    if lacks("a_live_daemon", &needs) {
        return;
    }
    in_own_network(|| {
        let pins = PinFolder::new().expect("a folder for pins");
        leave_remains(&pins);
        let _alive = FolderLock::take(&pins.0).expect("nobody else has it");
        let ran = detach(&pins.0);
        assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{ran:?}");
        assert!(ran.err.contains("a live daemon (process "), "{ran:?}");
        assert!(addresses().contains(&OURS));
        assert!(pins.0.join("links/gate_out-lo").exists());
    });
}

#[test]
fn a_folder_that_no_daemon_can_have_pinned_in_is_refused() {
    if !is_built("a_folder_that_no_daemon", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("links")).expect("made");
    let precious = folder.path().join("links/precious");
    File::create(&precious).expect("made");
    let ran = detach(folder.path());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("is on no bpf file system"), "{ran:?}");
    assert!(precious.exists());
}

#[test]
fn without_a_folder_named_the_configuration_must_be_good() {
    if !is_built("without_a_folder_named", "heartbeatctl") {
        return;
    }
    let ran = run(
        "heartbeatctl",
        &["detach", "--config", "/nonexistent/x.toml"],
    );
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.err.contains("/nonexistent/x.toml"), "{ran:?}");
}
