//! How one configuration becomes another.

use super::{GOOD, folder, good, load, load_text};
use crate::config::Config;
use crate::config::change::{Facts, Place, differences};

/// The differences between two, one line each, as the node in slot 2 sees them.
fn lines(before: &Config, after: &Config) -> Vec<String> {
    let node = Place {
        slot: 2,
        electors: vec![1, 2, 3],
        highest_slot: 63,
    };
    differences(&Facts::of(before), &Facts::of(after), &node)
        .iter()
        .map(|it| format!("{}: {}: {}", it.effect.as_str(), it.place(), it.what()))
        .collect()
}

#[test]
fn nothing_differs_from_itself() {
    assert_eq!(lines(&good(), &good()), Vec::<String>::new());
}

/// Each with what it says, and whether all nodes need it.
#[test]
fn each_difference_says_what_brings_it_into_force_and_whom_it_concerns() {
    let changes = [
        (
            "mode =",
            "restart_lease = \"300ms\"\nmode =",
            "reload: [cluster] restart_lease: 500ms -> 300ms",
            false,
        ),
        (
            "mode =",
            "preempt_after = \"1s\"\nmode =",
            "reload: [cluster] preempt_after: new: 1s",
            true,
        ),
        (
            "mode =",
            "max_lease = \"2s\"\nrestart_lease = \"500ms\"\nmode =",
            "members apply: [cluster] max_lease: 500ms -> 2s",
            false,
        ),
        (
            "group =",
            "port = 7408\ngroup =",
            "restart: [management] port: 7405 -> 7408",
            true,
        ),
        (
            "group =",
            "detect_multiplier = 4\ngroup =",
            "reload: [management] detect_multiplier: 5 -> 4",
            true,
        ),
        (
            "\"n2\"",
            "\"n3\"",
            "reload: [[member]] slot 2: name: n2 -> n3",
            true,
        ),
        (
            "\"198.51.100.1\", interface = \"mgmt0\"",
            "\"198.51.100.1\", interface = \"eth1\"",
            "reload: [[member]] slot 1: management: 198.51.100.1 on mgmt0 -> 198.51.100.1 on eth1",
            false,
        ),
        (
            "\"198.51.100.2\", interface = \"mgmt0\"",
            "\"198.51.100.2\", interface = \"eth1\"",
            "restart: [[member]] slot 2: management: 198.51.100.2 on mgmt0 -> 198.51.100.2 on eth1",
            false,
        ),
        (
            "[management]",
            "[handovers]\nmost = 9\n[management]",
            "reload: [handovers] most: 3 -> 9",
            false,
        ),
        (
            "[management]",
            "[[service]]\nname = \"web\"\ntcp = \"127.0.0.1:80\"\n[management]",
            "reload: [[service]] web: name: new: web",
            true,
        ),
    ];
    let before = good();
    for (from, to, expected, is_shared) in changes {
        let after = load_text(&GOOD.replacen(from, to, 1)).expect(to);
        assert_eq!(lines(&before, &after), [expected]);
        assert_eq!(before.digest != after.digest, is_shared, "{expected}");
        let back = &lines(&after, &before)[0];
        let by = expected.split(':').next().unwrap_or_default();
        assert!(back.starts_with(by), "{back}");
    }
}

#[test]
fn an_entry_that_comes_and_a_key_in_one_that_stays_are_told_apart() {
    let service = |keys: &str| {
        let table = format!("[[service]]\nname = \"web\"\n{keys}\n[management]");
        load_text(&GOOD.replacen("[management]", &table, 1)).expect("fine")
    };
    let (tcp, file) = (
        service("tcp = \"127.0.0.1:80\""),
        service("file = { path = \"/run/web\", max_age = \"1s\" }\nrise = 3"),
    );
    assert_eq!(
        lines(&tcp, &file),
        [
            "reload: [[service]] web: tcp: gone: 127.0.0.1:80",
            "reload: [[service]] web: file: new: /run/web of 1s",
            "reload: [[service]] web: rise: 2 -> 3",
        ]
    );
}

#[test]
fn members_come_and_go_but_for_electors_and_for_those_without_room() {
    let with = |slot: u16| {
        let member = format!(
            "[[member]]\nslot = {slot}\nname = \"more\"\nmanagement = {{ address = \"198.51.100.9\", interface = \"mgmt0\" }}\n\
             business = {{ address = \"203.0.113.9\", interface = \"biz0\" }}\n[[virtual_address]]"
        );
        let text = GOOD.replacen("[[virtual_address]]", &member, 1);
        load_text(&text.replace("mode =", "electors = [1, 2, 3]\nmode =")).expect("fine")
    };
    assert_eq!(
        lines(&good(), &with(9)),
        ["reload: [[member]] slot 9: slot: new: member"]
    );
    assert_eq!(
        lines(&with(9), &good()),
        ["reload: [[member]] slot 9: slot: gone: member"]
    );
    assert_eq!(
        lines(&good(), &with(64)),
        ["restart: [[member]] slot 64: slot: new: member"]
    );
    let moved = load_text(&GOOD.replace("198.51.100.3", "198.51.100.4")).expect("fine");
    assert!(lines(&good(), &moved)[0].starts_with("restart: [[member]] slot 3: management"));
    // Slot 3 elects still: it is no member's to be taken out.
    let without = load_text(&GOOD.replace("slot = 3", "slot = 4")).expect("fine");
    let told = lines(&good(), &without);
    assert!(
        told.contains(&"steps: [[member]] slot 3: slot: gone: member".to_owned()),
        "{told:?}"
    );
}

#[test]
fn an_address_comes_moves_and_goes_but_changes_whom_it_follows_in_two_steps() {
    let of = |keys: &str| load_text(&GOOD.replace("network = \"business\"", keys)).expect("fine");
    let (here, there) = (of("network = \"business\""), of("network = \"management\""));
    assert_eq!(
        lines(&here, &there),
        ["reload: [[virtual_address]] 203.0.113.100: network: business -> management"]
    );
    let follows = of("network = \"business\"\nfollows = { slot = 1 }");
    let told = lines(&here, &follows);
    assert_eq!(
        told,
        ["steps: [[virtual_address]] 203.0.113.100: follows: master -> slot 1"]
    );
    let taken_over = of("network = \"business\"\nfollows = { slot = 1, takeover = true }");
    assert_eq!(
        lines(&follows, &taken_over),
        ["steps: [[virtual_address]] 203.0.113.100: follows: slot 1 -> slot 1 with takeover"]
    );
    let none = GOOD.split("[[virtual_address]]").next().unwrap_or_default();
    let gone = lines(&follows, &load_text(none).expect("fine"));
    assert_eq!(
        gone,
        ["reload: [[virtual_address]] 203.0.113.100: address: gone: 203.0.113.100/24"]
    );
}

#[test]
fn a_key_is_replaced_only_so_that_the_one_that_signs_stays_accepted() {
    let (old, new, other) = ("5a".repeat(32), "a5".repeat(32), "3c".repeat(32));
    let with = |keys: &[&String]| {
        let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
        let folder = folder(GOOD, &text, 0o600);
        load(&folder.path().join("heartbeatd.toml")).expect("fine")
    };
    let by = |from: &[&String], to: &[&String]| {
        let told = lines(&with(from), &with(to));
        told[0].split(':').next().unwrap_or_default().to_owned()
    };
    for (from, to, expected) in [
        (&[&old][..], &[&old, &new][..], "reload"),
        (&[&old, &new], &[&new, &old], "reload"),
        (&[&new, &old], &[&new], "reload"),
        (&[&old, &new], &[&old], "reload"),
        (&[&new, &old], &[&old, &new], "reload"),
        (&[&old], &[&new], "steps"),
        (&[&old], &[&new, &old], "steps"),
        (&[&old, &new], &[&new], "steps"),
        (&[&old, &new], &[&other, &old], "steps"),
    ] {
        assert_eq!(by(from, to), expected);
    }
}

#[test]
fn keys_are_shown_as_what_says_nothing_of_them() {
    const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
    let folder = folder(GOOD, &KEY.replace('0', "f"), 0o600);
    let other = load(&folder.path().join("heartbeatd.toml")).expect("fine");
    let told = lines(&good(), &other);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("[cluster] key_file: ") && !told[0].contains("aabb"),
        "{told:?}"
    );
}
