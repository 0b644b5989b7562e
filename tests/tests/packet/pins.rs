//! What outlives a daemon in the pin folder, and what a next one takes up or refuses.

use heartbeat_tests::kernel::frames::probe;
use heartbeat_tests::kernel::{KEYS, Kernel, MAX_LEASE_NS, PinFolder, config, members};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::datapath::{Datapath, DatapathError, Opened, Removed, Setup, detach};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::maps::{Config, Keys, LAYOUT, MAPS, Member};

use crate::verdicts::{EPOCH, NEWER};

fn folder(test: &str) -> Option<PinFolder> {
    if lacks(test, &[Need::Root, Need::KernelProgram]) {
        return None;
    }
    Some(PinFolder::new().expect("a folder for pins"))
}

fn open(pins: &PinFolder, config: Config) -> Result<Opened, DatapathError> {
    open_with(pins, config, &members(), 5)
}

fn open_with(
    pins: &PinFolder,
    config: Config,
    members: &[(u16, Member)],
    max_slot: u16,
) -> Result<Opened, DatapathError> {
    Datapath::open(
        &pins.0,
        &Setup {
            config,
            keys: Keys { slots: KEYS },
            members,
            vips: &[],
            max_slot,
            abstention_ns: config.max_lease_ns + config.max_lease_ns / 5,
        },
    )
}

fn refusal(pins: &PinFolder, config: Config) -> DatapathError {
    match open(pins, config) {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error,
    }
}

type Change = fn(&mut Config);

#[test]
fn new_maps_abstain_before_anything_can_be_attached() {
    let Some(pins) = folder("new_maps_abstain") else {
        return;
    };
    let before_ns = boot_ns();
    let opened = open(&pins, config()).expect("a new folder");
    assert!(!opened.kept.maps_kept);
    assert_ne!(opened.kept.incarnation, 0);
    assert!((before_ns..=boot_ns()).contains(&opened.kept.created_ns));
    assert_eq!(
        opened.words.control().abstain_until_ns,
        opened.kept.created_ns + MAX_LEASE_NS + MAX_LEASE_NS / 5
    );
    for map in MAPS {
        assert!(
            pins.0
                .join(format!("maps/v{LAYOUT}"))
                .join(map.name)
                .exists(),
            "{} is pinned",
            map.name
        );
    }
}

#[test]
fn a_next_daemon_takes_up_words_incarnation_and_age() {
    let Some(pins) = folder("a_next_daemon_takes_up") else {
        return;
    };
    let first = open(&pins, config()).expect("a new folder");
    first.words.promise(EPOCH);
    first.words.set_vote(EPOCH, 5, 12_345);
    let (kept, control) = (first.kept, first.words.control());
    drop(first);
    let mut changed = config();
    changed.config_digest ^= 1;
    let second = open(&pins, changed).expect("the same node");
    assert!(second.kept.maps_kept);
    assert_eq!(second.kept.incarnation, kept.incarnation);
    assert_eq!(second.kept.created_ns, kept.created_ns);
    assert_eq!(second.words.control(), control);
}

#[test]
fn what_happened_while_there_was_no_daemon_is_no_news_to_the_next_one() {
    let Some(mut kernel) = crate::kernel("what_happened_while_there_was_no_daemon") else {
        return;
    };
    let run = |kernel: &Kernel, epoch| {
        let packet = probe(epoch, 1).packet();
        kernel.responder(&packet).expect("the program runs");
    };
    run(&kernel, EPOCH);
    assert!(kernel.opened.events.next_event().is_some(), "the witness");
    run(&kernel, NEWER);
    let mut next = Kernel::load_in(kernel.abandon(), config()).expect("the next daemon loads");
    assert_eq!(next.opened.events.next_event(), None);
    assert_eq!(
        next.opened.words.grant().probed_epoch,
        NEWER.0,
        "it stands in the words"
    );
}

#[test]
fn maps_of_another_slot_cluster_or_electors_set_are_refused_with_the_cure() {
    let Some(pins) = folder("maps_of_another_slot") else {
        return;
    };
    drop(open(&pins, config()).expect("a new folder"));
    let others: [(&str, Change); 4] = [
        ("cluster", |config| config.cluster_id ^= 1),
        ("slot", |config| config.slot = 3),
        ("electors' version", |config| config.elector_version -= 1),
        ("electors' digest", |config| config.elector_digest ^= 1),
    ];
    for (what, change) in others {
        let mut other = config();
        change(&mut other);
        let error = refusal(&pins, other);
        assert!(
            matches!(error, DatapathError::OtherOwner { what: found, .. } if found == what),
            "{error}"
        );
        assert!(error.to_string().contains("heartbeatctl detach"));
    }
    drop(open(&pins, config()).expect("the witness: the same node is taken up"));
    let mut changed = config();
    changed.elector_version += 1;
    changed.elector_digest ^= 1;
    drop(open(&pins, changed).expect("a set that was saved a moment before the daemon died"));
}

#[test]
fn a_missing_map_is_refused_and_maps_never_configured_are_made_anew() {
    let Some(pins) = folder("a_missing_map_is_refused") else {
        return;
    };
    drop(open(&pins, config()).expect("a new folder"));
    let map = |name: &str| pins.0.join(format!("maps/v{LAYOUT}")).join(name);
    std::fs::remove_file(map("hb_grant")).expect("it is pinned");
    let error = refusal(&pins, config());
    assert!(
        matches!(
            error,
            DatapathError::PinsMissing {
                missing: "hb_grant",
                ..
            }
        ),
        "{error}"
    );
    // As a start leaves it that was killed before it had pinned the configuration.
    std::fs::remove_file(map("hb_config")).expect("it is pinned");
    let opened = open(&pins, config()).expect("nothing in force is lost");
    assert!(!opened.kept.maps_kept);
}

#[test]
fn a_pinned_map_of_another_shape_is_refused() {
    let Some(pins) = folder("a_pinned_map_of_another_shape") else {
        return;
    };
    drop(open(&pins, config()).expect("a new folder"));
    let map = |name: &str| pins.0.join(format!("maps/v{LAYOUT}")).join(name);
    std::fs::remove_file(map("hb_grant")).expect("it is pinned");
    std::fs::rename(map("hb_keys"), map("hb_grant")).expect("pins can be renamed");
    let error = refusal(&pins, config());
    assert!(
        matches!(
            error,
            DatapathError::OtherLayout {
                what: "value size",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_cluster_can_grow_within_its_maps_and_beyond_them_only_with_new_ones() {
    let Some(pins) = folder("a_cluster_can_grow") else {
        return;
    };
    drop(open(&pins, config()).expect("a new folder"));
    let opened = open_with(&pins, config(), &members(), 63).expect("there is room for 63");
    assert!(opened.kept.maps_kept);
    let error = match open_with(&pins, config(), &members(), 64) {
        Ok(_) => panic!("there is none for 64"),
        Err(error) => error,
    };
    assert!(
        matches!(error, DatapathError::OtherLayout { .. }),
        "{error}"
    );
}

#[test]
fn the_largest_cluster_loads() {
    let Some(pins) = folder("the_largest_cluster_loads") else {
        return;
    };
    let mut opened = open_with(&pins, config(), &members(), 10_000).expect("it loads");
    let mut merged = [1, 9, 10_000].map(|slot| heartbeat_user::datapath::MergedReply {
        slot,
        ..Default::default()
    });
    opened
        .replies
        .read(&mut merged)
        .expect("every slot can be read");
}

#[test]
fn detach_leaves_nothing_and_says_what_it_removed() {
    let Some(pins) = folder("detach_leaves_nothing") else {
        return;
    };
    drop(open(&pins, config()).expect("a new folder"));
    let removed = detach(&pins.0).expect("everything can be removed");
    assert_eq!(removed.pins.len(), MAPS.len());
    assert!(removed.pins.contains(&format!("maps/v{LAYOUT}/hb_grant")));
    let left: Vec<_> = std::fs::read_dir(&pins.0)
        .expect("the root stays")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(detach(&pins.0).expect("again"), Removed::default());
}

#[test]
fn maps_show_their_fields_by_name() {
    if lacks("maps_show_their_fields_by_name", &[Need::Bpftool]) {
        return;
    }
    let Some(kernel) = crate::kernel("maps_show_their_fields_by_name") else {
        return;
    };
    kernel
        .responder(&probe(EPOCH, 1).packet())
        .expect("the program runs");
    let dump = |map: &str| {
        let output = std::process::Command::new("bpftool")
            .args(["map", "dump", "pinned"])
            .arg(kernel.pins().0.join(format!("maps/v{LAYOUT}")).join(map))
            .output()
            .expect("bpftool runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // One field of each map that has an entry by now.
    let fields = [
        ("hb_config", "\"cluster_id\""),
        ("hb_keys", "\"slots\""),
        ("hb_members", "\"address\""),
        ("hb_interfaces", "\"mac\""),
        ("hb_control", "\"lease_deadline_ns\""),
        ("hb_grant", "\"probed_epoch\""),
        ("hb_sent", "\"sent_ns\""),
        ("hb_replies", "\"granted_sequence\""),
        ("hb_verdicts", "\"counts\""),
        ("hb_rtt", "\"buckets\""),
        ("hb_gap", "\"buckets\""),
        ("hb_vips", "\"follows_slot\""),
        ("hb_gate", "\"counts\""),
        ("hb_limits", "\"lost_events\""),
    ];
    for (map, field) in fields {
        let dump = dump(map);
        assert!(dump.contains(field), "{map}: {dump}");
    }
    let grant = dump("hb_grant");
    assert!(grant.contains(&EPOCH.0.to_string()), "{grant}");
}
