//! `[alarms]`: what is read, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::{GOOD, good, load_text};
use crate::config::Alarms;
use crate::config::alarms::{Facility, Severity, Way};

fn read(lines: &str) -> Result<Alarms, String> {
    load_text(&format!("{GOOD}\n{lines}")).map(|config| config.alarms)
}

/// A sink of this name that is reached by this.
fn sink(name: &str, way: &str) -> String {
    format!("[[alarms.sink]]\nname = \"{name}\"\n{way}\n")
}

#[test]
fn every_way_is_read_and_has_its_defaults() {
    assert_eq!(good().alarms, Alarms::NONE);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("page");
    fs::write(&file, "#!/bin/sh\n").expect("writable");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("own file");
    let command = format!("command = [\"{}\"]\nuser = \"root\"", file.display());
    let lines = sink(
        "a",
        "webhook = \"http://203.0.113.9:81/x?y\"\nleast = \"critical\"",
    ) + &sink(
        "b",
        "alertmanager = \"https://203.0.113.9/am/\"\nserver_name = \"am.example\"\nresend = \"5s\"",
    ) + &sink("c", &command)
        + &sink("d", "syslog = \"local3\"\ntimeout = \"1s\"")
        + &sink("e", "journal = true");
    let alarms = read(&format!("[alarms]\nhold = \"30s\"\n{lines}")).expect("good");
    assert_eq!(alarms.hold, Duration::from_secs(30));
    let [a, b, c, d, e] = &alarms.sinks[..] else {
        panic!("five sinks")
    };
    let Way::Webhook(url) = &a.way else {
        panic!("{a:?}")
    };
    assert_eq!(
        (url.path.as_str(), url.host.as_str()),
        ("/x?y", "203.0.113.9:81")
    );
    assert_eq!(
        (a.least, a.timeout),
        (Severity::Critical, Duration::from_secs(5))
    );
    let Way::Alertmanager { url, resend } = &b.way else {
        panic!("{b:?}")
    };
    assert_eq!(
        (url.path.as_str(), url.host.as_str()),
        ("/am/api/v2/alerts", "am.example:443")
    );
    assert_eq!(*resend, Duration::from_secs(5));
    let user = |way: &Way| match way {
        Way::Command(program) => program.user.as_ref().map(|user| user.uid),
        _ => None,
    };
    assert_eq!(user(&c.way), Some(0));
    assert_eq!(d.way, Way::Syslog(Facility::Local3));
    assert_eq!((e.way.clone(), e.least), (Way::Journal, Severity::Warning));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_cure() {
    let twice = sink("a", "journal = true").repeat(2);
    let many: String = (0..17)
        .map(|it| sink(&format!("s{it}"), "journal = true"))
        .collect();
    for (lines, words) in [
        (sink("a", ""), "nothing says how this sink is reached"),
        (
            sink("a", "journal = true\nsyslog = \"daemon\""),
            "a sink is reached in one way",
        ),
        (sink("a", "journal = false"), "reached in no way"),
        (
            sink("a b", "journal = true"),
            "this cannot be a sink's name",
        ),
        (twice, "two sinks are called a"),
        (many, "more than 16 sinks"),
        (
            sink("a", "webhook = \"http://pager.example/\""),
            "names no IP address",
        ),
        (
            sink("a", "webhook = \"http://203.0.113.9/\"\nca_file = \"/x\""),
            "proves nothing by a certificate",
        ),
        (
            sink("a", "command = [\"page\"]"),
            "a file by its whole path",
        ),
        (sink("a", "command = [\"/nowhere/page\"]"), "No such file"),
        (
            sink("a", "journal = true\nuser = \"root\""),
            "`user` belongs to `command`",
        ),
        (
            sink("a", "journal = true\nresend = \"1m\""),
            "`resend` belongs to `alertmanager`",
        ),
        (
            sink("a", "journal = true\nserver_name = \"x\""),
            "`server_name` belongs to a web server",
        ),
        (sink("a", "syslog = \"kern\""), "means nothing here"),
        (
            sink("a", "journal = true\ntimeout = \"2m\""),
            "write 100ms to 1m",
        ),
        ("[alarms]\nhold = \"0s\"\n".to_owned(), "write 1s to"),
        (sink("a", "jurnal = true"), "did you mean `journal`?"),
    ] {
        let report = read(&lines).expect_err(&lines);
        assert!(report.contains(words), "{words:?} is missing in: {report}");
    }
}
