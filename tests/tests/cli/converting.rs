//! `heartbeatctl convert`: keepalived's configuration, word for word what becomes of it, and that heartbeatd takes it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::checking::Folder;
use crate::{Ran, command, is_built, run};

/// A configuration of keepalived's, with what it is converted to beside it.
struct Case {
    name: &'static str,
    arguments: &'static [&'static str],
    /// What is written in place of what keepalived does not know.
    filled: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 5] = [
    Case {
        name: "simple",
        arguments: &[],
        filled: &[
            ("ADDRESS-OF-SLOT-1", "192.0.2.1"),
            ("ADDRESS-OF-SLOT-2", "192.0.2.2"),
            ("ADDRESS-OF-SLOT-3", "192.0.2.3"),
        ],
    },
    Case {
        name: "unicast",
        arguments: &[],
        filled: &[],
    },
    Case {
        name: "ipv6",
        arguments: &["--witness", "fe80::13"],
        filled: &[("ADDRESS-OF-SLOT-1", "fe80::12")],
    },
    Case {
        name: "groups",
        arguments: &["--witness", "10.0.0.4"],
        filled: &[],
    },
    Case {
        name: "balancer",
        arguments: &["--config-id", "lb2", "--witness", "192.0.2.4"],
        filled: &[],
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/convert")
}

/// In the samples' folder, so that the report names them without it.
fn convert(case: &Case, more: &[&str]) -> Ran {
    let file = format!("{}.conf", case.name);
    command("heartbeatctl")
        .current_dir(folder())
        .args(["convert", &file])
        .args(case.arguments)
        .args(more)
        .output()
        .expect("it can be started")
        .into()
}

/// What stands in the file of this ending; HEARTBEAT_BLESS=1 has it written first.
fn expected(case: &Case, ending: &str, found: &str) -> String {
    let path = folder().join(case.name).with_extension(ending);
    if std::env::var_os("HEARTBEAT_BLESS").is_some() {
        fs::write(&path, found).expect("writable");
    }
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_sample_is_converted_word_for_word() {
    if !is_built("every_sample", "heartbeatctl") {
        return;
    }
    for case in &CASES {
        let ran = convert(case, &[]);
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", case.name);
        for (ending, found) in [("toml", &ran.out), ("report", &ran.err)] {
            assert_eq!(
                &expected(case, ending, found),
                found,
                "{}.{ending}",
                case.name
            );
        }
    }
}

#[test]
fn heartbeatd_takes_what_is_written_once_the_named_places_are_filled_in() {
    if !is_built("heartbeatd_takes", "heartbeatctl") {
        return;
    }
    for case in &CASES {
        let ran = convert(case, &[]);
        for (word, _) in case.filled {
            assert!(ran.err.contains(word), "{}: {word} is not named", case.name);
        }
        let unfilled = Folder::new(&with_programs(&ran.out)).check();
        let refused = unfilled.code != Some(0);
        assert_eq!(
            refused,
            !case.filled.is_empty(),
            "{}: {}",
            case.name,
            unfilled.err
        );
        let fill = |text: String, (word, with): &(&str, &str)| text.replace(word, with);
        let text = case.filled.iter().fold(ran.out, fill);
        let checked = Folder::new(&with_programs(&text)).check();
        assert_eq!(checked.code, Some(0), "{}: {}", case.name, checked.err);
    }
}

/// keepalived's scripts are on no machine of ours, and heartbeatd refuses hooks that are not there.
fn with_programs(toml: &str) -> String {
    let mut words: Vec<_> = toml.split('"').collect();
    for word in &mut words {
        if word.starts_with("/etc/keepalived/") {
            *word = "/bin/true";
        }
    }
    words.join("\"")
}

#[test]
fn no_password_is_in_the_result_or_the_report() {
    if !is_built("no_password", "heartbeatctl") {
        return;
    }
    let secret = "sesame42";
    let source = fs::read_to_string(folder().join("simple.conf")).expect("there");
    assert!(source.contains(secret), "the sample has one");
    let ran = convert(&CASES[0], &[]);
    assert!(ran.err.contains("authentication"), "it is told of: {ran:?}");
    assert!(!ran.out.contains(secret) && !ran.err.contains(secret));
}

#[test]
fn a_file_is_written_once_and_the_report_shown() {
    if !is_built("a_file_is_written", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("new.toml");
    let more = ["--output", output.to_str().expect("plain")];
    let ran = convert(&CASES[1], &more);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
    assert!(ran.out.contains("Not carried over:"), "{ran:?}");
    let toml = fs::read_to_string(&output).expect("written");
    assert_eq!(toml, convert(&CASES[1], &[]).out);
    let again = convert(&CASES[1], &more);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("exists and is not touched"), "{again:?}");
}

#[test]
fn what_is_no_configuration_of_vrrp_is_refused_with_the_cause() {
    if !is_built("what_is_no_configuration", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("k.conf");
    for (text, cause) in [
        ("global_defs {\n}\n", "has no vrrp_instance"),
        (
            "vrrp_instance a {\n",
            "k.conf:1: the block that begins here is not closed",
        ),
        ("include k.conf\n", "does one include itself?"),
    ] {
        fs::write(&file, text).expect("written");
        let ran = run("heartbeatctl", &["convert", file.to_str().expect("plain")]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(cause), "{cause}: {ran:?}");
    }
    let ran = run("heartbeatctl", &["convert", "/nonexistent/k.conf"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("name keepalived's configuration file"),
        "{ran:?}"
    );
}

#[test]
fn the_page_on_keepalived_leads_to_a_configuration_that_is_taken() {
    const PAGE: &str = include_str!("../../../docs/migration-keepalived.md");
    if !is_built("the_page_on_keepalived", "heartbeatctl") {
        return;
    }
    let new = tempfile::tempdir().expect("a temporary folder");
    let conf = folder().join("balancer.conf");
    let mut exits = Vec::new();
    // Those that need no daemon; the others are only read.
    for line in PAGE.lines().filter(|it| it.starts_with("heartbeatctl ")) {
        let here = line
            .replace(
                "/etc/keepalived/keepalived.conf",
                conf.to_str().expect("plain"),
            )
            .replace("/etc/heartbeatd", new.path().to_str().expect("plain"));
        let mut words: Vec<&str> = here.split_whitespace().skip(1).collect();
        match words[0] {
            "convert" => words.extend(["--config-id", "lb1", "--witness", "192.0.2.4"]),
            "keygen" | "check-config" => {}
            _ => continue,
        }
        let ran = run("heartbeatctl", &words);
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        exits.push(words[0].to_owned());
    }
    assert_eq!(exits, ["convert", "keygen", "check-config"]);
}
