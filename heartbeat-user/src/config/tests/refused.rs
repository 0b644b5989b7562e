//! What is refused, where, and with which cure.

use std::path::Path;

use super::{GOOD, load_text};
use crate::config::load;

/// The report on the good configuration with `from` replaced by `to`.
fn report(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is in the good configuration");
    load_text(&GOOD.replacen(from, to, 1)).expect_err(to)
}

/// What is replaced in the good configuration, by what, and what the report says.
#[rustfmt::skip]
const MISTAKES: &[(&str, &str, &str)] = &[
    ("[cluster]", "[cluster", "heartbeatd.toml:2:"),
    ("\"storage-a\"", "\"a/b\"", "3:8"),
    ("\"storage-a\"", "\"\"", "this cannot be a cluster's name"),
    ("\"storage-a\"", "5", "a number where a text belongs"),
    ("\"quorum\"", "\"pair\"", "a pair is two members, and here are 3"),
    ("\"quorum\"", "\"quorun\"", "write \"quorum\" or \"pair\""),
    ("mode = \"quorum\"", "", "`mode` is missing in [cluster]"),
    ("[management]", "[sinks]\n[management]", "unknown key `sinks` in the file"),
    ("[management]", "[pair]\n[management]", "[pair] where a quorum decides"),
    ("name = \"n1\"", "nam = \"n1\"", "did you mean `name`?"),
    ("interface = \"biz0\"", "interface = \"biz0\", vlan = 3", "unknown key `vlan` in business of [[member]]"),
    ("\"239.192.7.1\"", "\"198.51.100.9\"", "198.51.100.9 is no multicast group"),
    ("\"239.192.7.1\"", "\"224.0.0.18\"", "reserved for the network's own protocols"),
    ("\"239.192.7.1\"", "\"ff02::7405\"", "198.51.100.1 is IPv4, where the management network speaks IPv6"),
    ("\"239.192.7.1\"", "\"ff05::7405\"", "no group of one link (ff02::/16)"),
    ("\"239.192.7.1\"", "\"ff02::1\"", "ff02::1 is reserved for the network's own protocols"),
    ("\"239.192.7.1\"", "\"ff02::1:2\"", "ff02::1:2 is reserved"),
    ("\"239.192.7.1\"", "\"ff02::1:ff00:7\"", "ff02::1:ff00:7 is reserved"),
    ("\"239.192.7.1\"", "\"2001:db8::7\"", "2001:db8::7 is no multicast group"),
    ("\"239.192.7.1\"", "\"239.192.7\"", "\"239.192.7\" is no IP address"),
    ("group =", "transport = \"unicast\"\ngroup =", "heartbeats go to no group"),
    ("group =", "transport = \"anycast\"\ngroup =", "write \"multicast\" or \"unicast\""),
    ("group =", "period = \"999us\"\ngroup =", "a period of 999us is not between 1ms and 10s"),
    ("group =", "period = \"11s\"\ngroup =", "a period of 11s is not"),
    ("group =", "period = 10\ngroup =", "a duration is a text with its unit"),
    ("group =", "period = \"10\"\ngroup =", "\"10\" is no duration"),
    ("group =", "detect_multiplier = 1\ngroup =", "1 is no detect multiplier"),
    ("group =", "detect_multiplier = 256\ngroup =", "256 is no detect multiplier"),
    ("group =", "port = 0\ngroup =", "0 is no port"),
    ("group =", "port = 65536\ngroup =", "65536 is no port"),
    ("group =", "port = 7406\ngroup =", "both on port 7406"),
    ("group =", "replication_port = 7405\ngroup =", "heartbeats and the daemons' links both on port 7405"),
    ("group =", "control_port = 7407\ngroup =", "votes and the daemons' links both on port 7407"),
    ("group =", "attach = \"offload\"\ngroup =", "write \"auto\" or \"native\" or \"generic\" or \"tc\""),
    ("mode =", "max_lease = \"49ms\"\nmode =", "at least max_lease = \"50ms\""),
    ("mode =", "max_lease = \"2551s\"\nmode =", "at most max_lease = \"2550s\""),
    ("mode =", "restart_lease = \"49ms\"\nmode =", "at least restart_lease = \"50ms\""),
    ("mode =", "restart_lease = \"501ms\"\nmode =", "at most restart_lease = \"500ms\""),
    ("mode =", "preempt_after = \"0s\"\nmode =", "moves it needlessly"),
    ("mode =", "electors = [1, 2]\nmode =", "quorum with two electors"),
    ("mode =", "electors = [1, 2, 4]\nmode =", "elector 4 is no member"),
    ("mode =", "electors = [1, 2, 3, 3]\nmode =", "elector 3 is listed twice"),
    ("mode =", "electors = 3\nmode =", "a number where a list of slots belongs"),
    ("mode =", "electors = [3, 3, 3]\nmode =", "every elector is a witness"),
    ("mode =", "electors = [1, 2]\nmode =", "witness 3 is no elector"),
    ("slot = 2", "slot = 1", "slot 1 is used twice"),
    ("slot = 1", "slot = 0", "0 is no slot"),
    ("slot = 1", "slot = 10001", "10001 is no slot"),
    ("slot = 1", "slot = \"1\"", "a text where slot belongs"),
    ("\"n2\"", "\"n1\"", "two members are called \"n1\""),
    ("\"n2\"", "\"n 2\"", "this cannot be a member's name"),
    ("\"198.51.100.2\"", "\"198.51.100.1\"", "198.51.100.1 is used twice"),
    ("\"198.51.100.2\"", "\"203.0.113.1\"", "203.0.113.1 is used twice"),
    ("\"198.51.100.2\"", "\"fe80::1\"", "fe80::1 is IPv6, where the management network speaks IPv4"),
    ("\"203.0.113.2\"", "\"2001:db8::2\"", "2001:db8::2 is IPv6, where the business network speaks IPv4"),
    ("\"198.51.100.2\"", "\"::1\"", "a loopback address"),
    ("\"198.51.100.2\"", "\"::\"", "an address of no machine"),
    ("\"198.51.100.2\"", "\"ff02::7405\"", "a multicast group"),
    ("\"198.51.100.2\"", "\"::ffff:198.51.100.2\"", "an IPv4 address in IPv6 spelling"),
    ("\"198.51.100.2\"", "\"fe80::1%mgmt0\"", "\"fe80::1%mgmt0\" is no IP address"),
    ("\"198.51.100.2\"", "\"127.0.0.1\"", "a loopback address"),
    ("\"198.51.100.2\"", "\"0.0.0.0\"", "an address of no machine"),
    ("\"198.51.100.2\"", "\"239.1.1.1\"", "a multicast group"),
    ("\"198.51.100.2\"", "\"255.255.255.255\"", "the broadcast address"),
    ("\"198.51.100.2\"", "\"250.1.1.1\"", "a reserved address"),
    ("\"biz0\"", "\"\"", "an interface's name is not empty"),
    ("\"biz0\"", "\"sixteen-bytes-00\"", "has 16 bytes"),
    ("\"biz0\"", "\"a b\"", "cannot be an interface's name"),
    ("\"biz0\"", "\"mgmt0\"", "both networks on interface mgmt0"),
    ("witness = true", "witness = \"yes\"", "a text where true or false belongs"),
    ("witness = true", "", "has no business network to carry this address"),
    ("\"203.0.113.100/24\"", "\"203.0.113.100\"", "has no prefix length"),
    ("\"203.0.113.100/24\"", "\"203.0.113.100/33\"", "\"33\" is no prefix length"),
    ("\"203.0.113.100/24\"", "\"203.0.113/24\"", "\"203.0.113\" is no IP address"),
    ("\"203.0.113.100/24\"", "\"2001:db8::/64\"", "the address of all routers of its network"),
    ("\"203.0.113.100/24\"", "\"2001:db8::1/129\"", "\"129\" is no prefix length from 1 to 128"),
    ("\"203.0.113.100/24\"", "\"203.0.113.1/24\"", "is a member's own address"),
    ("\"203.0.113.100/24\"", "\"203.0.113.0/24\"", "the network's own address"),
    ("\"203.0.113.100/24\"", "\"203.0.113.255/24\"", "the network's broadcast address"),
    ("network = \"business\"", "", "this virtual address has no place"),
    ("network = \"business\"", "network = \"business\"\ninterface = \"x\"", "a network or an interface, not both"),
    ("network = \"business\"", "network = \"storage\"", "write \"business\" or \"management\""),
    ("network = \"business\"", "network = \"business\"\nfollows = { slot = 9 }", "slot 9 has no member"),
    ("network = \"business\"", "network = \"business\"\nfollows = { slot = 0 }", "0 is no slot"),
    ("network = \"business\"", "network = \"business\"\nfollows = { rank = 1 }", "a table that is not { slot = NUMBER }"),
    ("network = \"business\"", "network = \"business\"\nfollows = { slot = 1, takeover = 1 }", "a number where true or false belongs"),
    ("network = \"business\"", "network = \"business\"\nfollows = { takeover = true }", "a table that is not { slot = NUMBER }"),
    ("network = \"business\"", "network = \"business\"\nfollows = { slot = 3, takeover = true }", "the member in this slot, or one that may become master and take it over"),
    ("network = \"business\"", "network = \"business\"\nfollows = \"slot 1\"", "write follows = \"master\" or follows = { slot = 1 }"),
    ("[[virtual_address]]", "[virtual_address]", "begin each one with [[virtual_address]]"),
    ("key_file = \"cluster.key\"", "key_file = \"none.key\"", "heartbeatctl keygen --out none.key"),
];

#[test]
fn each_mistake_is_named_with_its_line() {
    for &(from, to, expected) in MISTAKES {
        let report = report(from, to);
        assert!(
            report.contains(expected),
            "{to:?} must say {expected:?}:\n{report}"
        );
        assert!(
            report.contains("heartbeatd.toml:"),
            "{to:?} must say where:\n{report}"
        );
        assert!(
            report.contains("= help: "),
            "{to:?} must name a cure:\n{report}"
        );
    }
}

#[test]
fn a_mistake_alone_makes_no_second_report() {
    for (from, to) in [
        ("slot = 2", "slot = 0"),
        ("network = \"business\"", "network = \"storage\""),
        ("name = \"n1\"", "name = 1"),
        ("\"198.51.100.2\"", "\"198.51.100\""),
        ("group =", "period = \"1us\"\ngroup ="),
    ] {
        let report = report(from, to);
        assert!(
            report.contains("\n1 error in heartbeatd.toml"),
            "{to:?}:\n{report}"
        );
    }
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_files_order() {
    let text = GOOD
        .replace("mode = \"quorum\"", "mode = \"quorum\"\nmodus = 1")
        .replace("239.192.7.1", "10.0.0.1")
        .replace("slot = 2", "slot = 1")
        .replace("witness = true", "witnes = true")
        .replace("203.0.113.100/24", "203.0.113.2/24");
    let report = load_text(&text).expect_err("five mistakes, and one that follows");
    let places: Vec<&str> = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--> heartbeatd.toml:"))
        .collect();
    assert_eq!(
        places,
        ["5:1", "9:9", "18:8", "27:1", "30:11", "31:11"],
        "{report}"
    );
    assert!(report.ends_with("6 errors in heartbeatd.toml"), "{report}");
}

#[test]
fn every_syntax_error_is_reported() {
    let text = GOOD
        .replace("\"quorum\"", "quorum")
        .replace("slot = 2", "slot 2");
    let report = load_text(&text).expect_err("no TOML");
    assert!(report.contains("heartbeatd.toml:4:"), "{report}");
    assert!(report.contains("heartbeatd.toml:17:"), "{report}");
}

#[test]
fn an_empty_file_says_what_it_needs() {
    let report = load_text("").expect_err("nothing in it");
    for needed in [
        "[cluster] is missing",
        "[management] is missing",
        "no members",
    ] {
        assert!(report.contains(needed), "{report}");
    }
}

#[test]
fn a_missing_file_names_the_flag() {
    let errors = load(Path::new("/nonexistent/heartbeatd.toml")).expect_err("not there");
    let report = errors.to_string();
    assert!(report.contains("/nonexistent/heartbeatd.toml"), "{report}");
    assert!(report.contains("--config"), "{report}");
    assert_eq!(errors.count(), 1);
}

#[test]
fn two_members_alone_are_told_of_witness_and_pair() {
    let third = GOOD.find("\n[[member]]\nslot = 3").expect("it is there");
    let report = load_text(&GOOD[..third]).expect_err("two electors");
    assert!(report.contains("witness = true"), "{report}");
    assert!(report.contains("mode = \"pair\""), "{report}");
}
