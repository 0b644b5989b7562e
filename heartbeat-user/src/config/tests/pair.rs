//! Two members alone, and what stands for the absent one.

use std::time::Duration;

use super::load_text;
use crate::config::change::{Difference, Facts, Place, differences};
use crate::config::{Fence, Pair, Program};

/// Two members on both networks, with the evidence that is required by default.
const PAIR: &str = r#"
[cluster]
name = "two"
mode = "pair"
key_file = "cluster.key"

[management]
group = "239.192.7.1"

[pair]
reference = ["203.0.113.254"]

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

[[virtual_address]]
address = "203.0.113.100/24"
network = "business"
"#;

fn report(from: &str, to: &str) -> String {
    assert!(PAIR.contains(from), "{from:?} is in the good configuration");
    load_text(&PAIR.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn by_default_silence_on_both_networks_and_a_reference_are_required() {
    let config = load_text(PAIR).expect("a good pair");
    assert_eq!(
        config.pair,
        Some(Pair {
            business: true,
            references: vec!["203.0.113.254".parse().unwrap()],
            fence: None,
        })
    );
    assert_eq!(config.electors, [1, 2]);
}

#[test]
fn its_lease_stays_until_both_daemons_are_stopped() {
    let node = Place {
        slot: 2,
        electors: vec![1, 2],
        highest_slot: 63,
    };
    let before = load_text(PAIR).expect("a good pair");
    let times = "period = \"20ms\"\ndetect_multiplier = 6\ngroup =";
    let after = load_text(&PAIR.replacen("group =", times, 1)).expect("a good pair");
    let found = differences(&Facts::of(&before), &Facts::of(&after), &node);
    let places: Vec<String> = found.iter().map(Difference::place).collect();
    assert_eq!(
        places,
        ["[management] period", "[management] detect_multiplier"]
    );
    for difference in found {
        let cure = difference.cure().expect("it has one");
        assert!(
            difference.effect.refuses() && cure.contains("stop both"),
            "{cure}"
        );
    }
}

#[test]
fn a_fence_command_may_stand_for_everything_but_the_management_network() {
    let text = PAIR.replace(
        "reference = [\"203.0.113.254\"]",
        "require = [\"management_silent\", \"fence\"]\nfence_command = [\"/bin/true\", \"peer\"]\nfence_delay = \"0s\"",
    );
    let config = load_text(&text).expect("a good pair");
    assert_eq!(
        config.pair,
        Some(Pair {
            business: false,
            references: Vec::new(),
            fence: Some(Fence {
                program: Program {
                    words: vec!["/bin/true".to_owned(), "peer".to_owned()],
                    user: None,
                },
                timeout: Duration::from_secs(30),
                delay: Duration::ZERO,
            }),
        })
    );
}

#[test]
fn the_digest_sees_what_is_required_and_not_by_which_command() {
    let digest = |text: &str| load_text(text).expect(text).digest;
    let with = |keys: &str| digest(&PAIR.replace("reference = [\"203.0.113.254\"]", keys));
    let two = with("reference = [\"203.0.113.254\", \"203.0.113.253\"]");
    assert_ne!(digest(PAIR), two);
    let fenced = |command: &str| {
        with(&format!(
            "require = [\"management_silent\", \"fence\"]\nfence_command = [\"{command}\"]"
        ))
    };
    assert_eq!(fenced("/bin/true"), fenced("/bin/false"));
    assert_ne!(fenced("/bin/true"), digest(PAIR));
}

/// What is replaced in the good pair, by what, and what the report says.
#[rustfmt::skip]
const MISTAKES: &[(&str, &str, &str)] = &[
    ("[pair]\nreference = [\"203.0.113.254\"]", "", "table [pair] is missing"),
    ("reference = [\"203.0.113.254\"]", "", "`reference` is missing in [pair]"),
    ("[\"203.0.113.254\"]", "[]", "0 references"),
    ("[\"203.0.113.254\"]", "\"203.0.113.254\"", "a text where a list of addresses belongs"),
    ("[\"203.0.113.254\"]", "[\"gw\"]", "\"gw\" is no IP address"),
    ("\"203.0.113.254\"", "\"203.0.113.2\"", "is the cluster's own address"),
    ("\"203.0.113.254\"", "\"203.0.113.100\"", "is the cluster's own address"),
    ("\"203.0.113.254\"", "\"127.0.0.1\"", "a loopback address"),
    ("\"203.0.113.254\"", "\"2001:db8::1\"", "the business network speaks IPv4"),
    ("\"203.0.113.254\"", "\"203.0.113.254\", \"203.0.113.254\"", "is listed twice"),
    ("reference =", "require = [\"management_silent\"]\nreference =", "a reference that is not required"),
    ("reference =", "require = [\"business_silent\", \"reference\"]\nreference =", "beside a peer that it hears"),
    ("reference =", "require = [\"silence\"]\nreference =", "write require = ["),
    ("reference =", "require = [\"management_silent\", \"reference\", \"fence\"]\nreference =", "`fence_command` is missing"),
    ("reference =", "fence_delay = \"1s\"\nreference =", "a fence command that is not required"),
    ("reference = [\"203.0.113.254\"]", "require = [\"management_silent\", \"fence\"]\nfence_command = [\"off\"]", "a file by its whole path"),
    ("reference = [\"203.0.113.254\"]", "require = [\"management_silent\", \"fence\"]\nfence_command = [\"/bin/true\"]\nfence_timeout = \"1ms\"", "1ms is not between 1s and"),
    ("reference = [\"203.0.113.254\"]", "require = [\"management_silent\", \"fence\"]\nfence_command = [\"/nowhere/off\"]", "cannot look at /nowhere/off"),
    ("group =", "detect_multiplier = 4\ngroup =", "at least detect_multiplier = 5"),
    ("mode =", "electors = [1, 2]\nmode =", "electors of a pair are both its members"),
    ("business = { address = \"203.0.113.2\", interface = \"biz0\" }", "witness = true", "a witness in a pair"),
    ("business = { address = \"203.0.113.2\", interface = \"biz0\" }", "", "which this member is not on"),
];

#[test]
fn each_mistake_is_named_with_its_cure() {
    for &(from, to, expected) in MISTAKES {
        let report = report(from, to);
        assert!(
            report.contains(expected) && report.contains("= help: "),
            "{to:?} must say {expected:?}:\n{report}"
        );
    }
}

#[test]
fn a_pair_takes_no_slots_address_over() {
    let slots = "network = \"business\"\nfollows = { slot = 1";
    let refused = report(
        "network = \"business\"",
        &format!("{slots}, takeover = true }}"),
    );
    assert!(
        refused.contains("a pair takes no slot's address over"),
        "{refused}"
    );
    let follows = format!("{slots} }}");
    load_text(&PAIR.replacen("network = \"business\"", &follows, 1)).expect("without takeover");
}
