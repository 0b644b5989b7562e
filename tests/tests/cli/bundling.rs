//! `heartbeatctl bundle`: what is in it, what is said of what is not, and that no secret is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::checking::GOOD;
use crate::{Ran, is_built, run};

/// Words that would be secret where they stand in [`SINKS`] and in the files beside it.
const IN_CONFIGURATION: [&str; 4] = [
    "plantedcomment",
    "planteduser",
    "plantedpath",
    "plantedargument",
];
const TOKEN: &str = "plantedtokenplantedtoken";
const SINKS: &str = r#"
# plantedcomment
[[alarms.sink]]
name = "pager"
webhook = "http://planteduser:planteduser@203.0.113.9:8080/plantedpath"

[[service]]
name = "program"
command = ["/bin/true", "plantedargument"]
"#;
const PAGE: &str = r#"
[http]
listen = "business:7480"
certificate = "none.pem"
private_key = "page.key"
token_file = "token"
"#;

struct Made {
    folder: TempDir,
    key: String,
    ran: Ran,
}

impl Made {
    /// Of a machine without a daemon, with this behind the good configuration.
    fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = "5a".repeat(32);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("own file");
        };
        write("heartbeatd.toml", &format!("{GOOD}{more}"));
        write("cluster.key", &format!("{key}\n"));
        write("token", TOKEN);
        write("page.key", TOKEN);
        let ran = ask(folder.path());
        Self { folder, key, ran }
    }

    /// The archive without its compression.
    fn bytes(&self) -> Vec<u8> {
        let archive = self.folder.path().join("bundle.tar.gz");
        let output = Command::new("gzip").arg("-dc").arg(archive).output();
        let output = output.expect("gzip is on every machine");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    fn has(&self, bytes: &[u8], word: &str) -> bool {
        bytes.windows(word.len()).any(|it| it == word.as_bytes())
    }
}

fn ask(folder: &Path) -> Ran {
    let path = |name: &str| folder.join(name).to_str().expect("plain").to_owned();
    let (output, config) = (path("bundle.tar.gz"), path("heartbeatd.toml"));
    let (control, pins) = (path("none.sock"), path("no-pins"));
    let arguments = [
        "--control",
        &control,
        "bundle",
        "--output",
        &output,
        "--config",
        &config,
        "--slot",
        "1",
        "--bpf-dir",
        &pins,
    ];
    run("heartbeatctl", &arguments)
}

#[test]
fn no_planted_secret_is_in_the_archive_and_what_is_no_secret_is() {
    if !is_built("no_planted_secret", "heartbeatctl") {
        return;
    }
    for more in [SINKS.to_owned(), format!("{SINKS}{PAGE}")] {
        let made = Made::with(&more);
        assert_eq!(made.ran.code, Some(0), "{:?}", made.ran);
        let bytes = made.bytes();
        for word in ["storage-a", "203.0.113.9:8080", "/bin/true", "CONTENTS.txt"] {
            assert!(made.has(&bytes, word), "{word} is not there");
        }
        for secret in IN_CONFIGURATION.iter().chain([&TOKEN, &&*made.key]) {
            assert!(!made.has(&bytes, secret), "{secret} is there");
            assert!(!made.ran.out.contains(secret), "{secret}: {:?}", made.ran);
        }
    }
}

#[test]
fn without_a_daemon_the_rest_is_there_and_what_is_missing_is_named() {
    if !is_built("without_a_daemon", "heartbeatctl") {
        return;
    }
    let made = Made::with("");
    let bytes = made.bytes();
    for part in [
        "daemon/status.json: not there: daemon unreachable",
        "maps/hb_keys.json: not there: it holds keys",
        "maps/hb_grant.json: not there: bpftool",
    ] {
        assert!(made.has(&bytes, part), "{part}");
    }
    assert!(
        made.ran.out.contains("without daemon/status.json"),
        "{:?}",
        made.ran
    );
    for part in ["doctor.json", "machine/uname.txt", "machine/settings.txt"] {
        assert!(made.has(&bytes, &format!("{part}: ")), "{part} is listed");
        assert!(
            !made.ran.out.contains(&format!("without {part}")),
            "{:?}",
            made.ran
        );
    }
    let mode = fs::metadata(made.folder.path().join("bundle.tar.gz")).expect("made");
    assert_eq!(mode.permissions().mode() & 0o7777, 0o600);
    let again = ask(made.folder.path());
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("exists and is not touched"), "{again:?}");
}
