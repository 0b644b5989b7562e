//! What is accepted, and what it means.

mod alarms;
mod changes;
mod digests;
mod hooks;
mod http;
mod key_file;
mod metrics;
mod pages;
mod pair;
mod refused;
mod services;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::{Attach, Config, OwnSlotError, Place, check_file, load};

/// Three members, of which the third is a witness without business network.
const GOOD: &str = r#"
[cluster]
name = "storage-a"
mode = "quorum"
key_file = "cluster.key"

[management]
group = "239.192.7.1"

[[member]]
slot = 1
name = "n1"
management = { address = "198.51.100.1", interface = "mgmt0" }
business = { address = "203.0.113.1", interface = "biz0" }

[[member]]
slot = 2
name = "n2"
management = { address = "198.51.100.2", interface = "mgmt0" }
business = { address = "203.0.113.2", interface = "biz0" }

[[member]]
slot = 3
name = "w"
management = { address = "198.51.100.3", interface = "mgmt0" }
witness = true

[[virtual_address]]
address = "203.0.113.100/24"
network = "business"
"#;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

/// A folder with this configuration and a key file beside it.
fn folder(text: &str, key: &str, key_mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("heartbeatd.toml"), text).expect("written");
    let key_file = folder.path().join("cluster.key");
    fs::write(&key_file, key).expect("written");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(key_mode)).expect("set");
    folder
}

fn load_text(text: &str) -> Result<Config, String> {
    let folder = folder(text, KEY, 0o600);
    load(&folder.path().join("heartbeatd.toml")).map_err(|errors| {
        let path = format!("{}/", folder.path().display());
        errors.to_string().replace(&path, "")
    })
}

fn good() -> Config {
    load_text(GOOD).expect("the good configuration is good")
}

#[test]
fn the_defaults_are_those_of_the_protocol() {
    let config = good();
    assert_eq!(config.timing.period, Duration::from_millis(10));
    assert_eq!(config.timing.multiplier, 5);
    assert_eq!(config.timing.lease(), Duration::from_millis(50));
    assert_eq!(config.timing.max_lease, Duration::from_millis(500));
    assert_eq!(config.timing.restart_lease, Duration::from_millis(500));
    assert_eq!((config.port, config.control_port), (7405, 7406));
    assert_eq!(config.replication_port, 7407);
    assert_eq!(config.attach, Attach::Auto);
    assert_eq!(config.electors, [1, 2, 3]);
    assert_eq!(config.preempt_after, None);
    assert_eq!(config.virtual_addresses[0].place, Place::Business);
    assert!(config.members[&3].witness);
}

#[test]
fn every_key_of_the_shape_is_read() {
    let text = GOOD
        .replace(
            "key_file = \"cluster.key\"",
            "key_file = \"cluster.key\"\nelectors = [3, 1, 2]\nmax_lease = \"100ms\"\nrestart_lease = \"90ms\"\npreempt_after = \"10m\"",
        )
        .replace(
            "group = \"239.192.7.1\"",
            "group = \"239.192.7.9\"\ntransport = \"multicast\"\nport = 1\ncontrol_port = 2\nreplication_port = 3\nperiod = \"1ms\"\n\
             detect_multiplier = 3\nattach = \"generic\"",
        )
        .replace(
            "network = \"business\"",
            "interface = \"vlan30\"\nfollows = \"master\"",
        );
    let config = load_text(&text).expect("all of it is known");
    assert_eq!(config.electors, [1, 2, 3]);
    assert_eq!(config.timing.max_lease, Duration::from_millis(100));
    assert_eq!(config.timing.restart_lease, Duration::from_millis(90));
    assert_eq!(config.preempt_after, Some(Duration::from_secs(600)));
    assert_eq!(
        config.group,
        Some(IpAddr::V4(Ipv4Addr::new(239, 192, 7, 9)))
    );
    assert_eq!((config.port, config.control_port), (1, 2));
    assert_eq!(config.replication_port, 3);
    assert_eq!(config.timing.lease(), Duration::from_millis(3));
    assert_eq!(config.attach, Attach::Generic);
    let address = &config.virtual_addresses[0];
    assert_eq!(address.place, Place::Interface("vlan30".to_owned()));
    assert_eq!(config.interface_of(address, 2), Some("vlan30"));
}

#[test]
fn each_network_speaks_its_own_family_and_virtual_addresses_any() {
    let over_6 = |text: &str| {
        text.replace("\"239.192.7.1\"", "\"ff02::7405\"")
            .replace("\"198.51.100.", "\"fe80::")
    };
    let mixed = over_6(GOOD);
    let config = load_text(&mixed).expect("management over IPv6, the rest over IPv4");
    assert_eq!(config.members[&1].management.address.to_string(), "fe80::1");
    let address_6 = "\"2001:db8:113::100/64\"";
    for text in [GOOD, &mixed] {
        let config = load_text(&text.replace("\"203.0.113.100/24\"", address_6));
        let address = &config.expect("an IPv6 virtual address").virtual_addresses[0];
        assert_eq!(
            (address.address.to_string().as_str(), address.prefix),
            ("2001:db8:113::100", 64)
        );
    }
    let only_6 = mixed
        .replace("\"203.0.113.100/24\"", address_6)
        .replace("\"203.0.113.", "\"2001:db8:113::");
    load_text(&only_6).expect("nothing but IPv6");
}

#[test]
fn nothing_is_recorded_unless_the_file_says_where() {
    assert_eq!(good().recorder, None);
    let with = |keys: &str| load_text(&format!("{GOOD}\n[recorder]\n{keys}"));
    let recorder = |keys: &str| with(keys).expect(keys).recorder.expect("wanted");
    let default = recorder("file = \"record\"");
    assert_eq!(
        (default.file.to_str(), default.max_size),
        (Some("record"), 256 << 20)
    );
    let given = recorder("file = \"/var/log/hb\"\nmax_size = \"16 MiB\"");
    assert_eq!(
        (given.file.to_str(), given.max_size),
        (Some("/var/log/hb"), 16 << 20)
    );
    for (keys, words) in [
        ("max_size = \"16 MiB\"", "`file` is missing in [recorder]"),
        ("file = \"/\"", "this is no file's name"),
        ("file = \"record\"\nmax_size = \"16\"", "\"16\" is no size"),
        (
            "file = \"record\"\nmax_size = 16",
            "a size is a text with its unit",
        ),
        (
            "file = \"record\"\nmax_size = \"1023 KiB\"",
            "write 1 MiB to 1024 GiB",
        ),
    ] {
        let report = with(keys).expect_err(keys);
        assert!(report.contains(words), "{report}");
    }
}

#[test]
fn heartbeats_by_unicast_need_no_group_and_have_nine_members_at_most() {
    let unicast = GOOD.replace("group = \"239.192.7.1\"", "transport = \"unicast\"");
    assert_eq!(load_text(&unicast).expect("fine").group, None);
    let more: String = (4..=10)
        .map(|slot| {
            format!(
                "[[member]]\nslot = {slot}\nname = \"m{slot}\"\n\
                 management = {{ address = \"198.51.100.{slot}\", interface = \"m\" }}\n"
            )
        })
        .collect();
    let report = load_text(&(unicast + &more)).expect_err("ten members");
    assert!(
        report.contains("unicast heartbeats for 10 members"),
        "{report}"
    );
    assert!(report.contains("keep to 9 members"), "{report}");
}

#[test]
fn more_than_nine_members_elect_by_the_lowest_nine_slots() {
    let member = |slot: u16| {
        format!(
            "[[member]]\nslot = {slot}\nname = \"m{slot}\"\n\
             management = {{ address = \"198.51.100.{slot}\", interface = \"m\" }}\n"
        )
    };
    let head = &GOOD[..GOOD.find("[[member]]").expect("it is there")];
    let text = head.to_owned() + &(2..=13).rev().map(member).collect::<String>();
    let config = load_text(&text).expect("twelve members are fine");
    assert_eq!(config.electors, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let core = config.for_core(11, 1);
    assert_eq!(core.majority(), 5);
    assert!(!core.may_be_master(11));
}

#[test]
fn the_own_slot_is_the_member_with_a_local_address() {
    let config = good();
    let address = |last| IpAddr::V4(Ipv4Addr::new(198, 51, 100, last));
    let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(config.own_slot(&[elsewhere, address(2)], None), Ok(2));
    assert_eq!(config.own_slot(&[], Some(3)), Ok(3));
    let nowhere = config.own_slot(&[elsewhere], None).expect_err("not here");
    let text = nowhere.to_string();
    for member in ["slot 1 n1 198.51.100.1", "slot 3 w 198.51.100.3", "--slot"] {
        assert!(text.contains(member), "{text}");
    }
    let several = config
        .own_slot(&[address(1), address(3)], None)
        .expect_err("two");
    assert!(matches!(several, OwnSlotError::Several { .. }), "{several}");
    let nobody = config
        .own_slot(&[address(1)], Some(9))
        .expect_err("no slot 9");
    assert!(nobody.to_string().contains("--slot 9"), "{nobody}");
}

#[test]
fn a_check_says_ok_in_one_sentence() {
    let folder = folder(GOOD, KEY, 0o600);
    let path = folder.path().join("heartbeatd.toml");
    let sentence = check_file(&path).expect("good");
    assert!(
        sentence.contains("ok: cluster storage-a with 3 members, 3 of them electors"),
        "{sentence}"
    );
    assert_eq!(sentence.lines().count(), 1);
}
