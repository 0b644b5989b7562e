//! Where the status page is served, and what it takes to be more than read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{GOOD, KEY, folder, load_text};
use crate::config::change::Facts;
use crate::config::http::Access;
use crate::config::service::Network;
use crate::config::{Config, load};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What stands in `[http]`, and what the report says.
#[rustfmt::skip]
const MISTAKES: &[(&str, &str)] = &[
    ("", "`listen` is missing in [http]"),
    ("listen = \"business\"", "\"business\" has no port"),
    ("listen = \"0.0.0.0:7480\"", "every address of the machine"),
    ("listen = \"[::]:7480\"", "every address of the machine"),
    ("listen = \":7480\"", "every address of the machine"),
    ("listen = \"203.0.113.1:7480\"", "\"203.0.113.1\" is no network"),
    ("listen = \"business:0\"", "\"0\" is no port"),
    ("listen = \"business:http\"", "\"http\" is no port"),
    ("listen = \"business:7480\"\naccess = \"all\"", "write \"read\" or \"token\""),
    ("listen = \"business:7480\"\naccess = \"token\"", "lets nobody in without a token"),
    ("listen = \"business:7480\"\ntoken = \"x\"", "unknown key `token` in [http]"),
    ("listen = \"business:7480\"\ncertificate = \"n1.crt\"", "belong together"),
    ("listen = \"business:7480\"\ntoken_file = \"token\"", "everybody's who listens"),
    ("listen = \"business:7480\"\ntoken_file = \"none\"", "cannot read token file none"),
    ("listen = \"business:7480\"\ncertificate = \"none\"\nprivate_key = \"n1.key\"", "cannot read certificate none"),
    ("listen = \"business:7480\"\ncertificate = \"n1.key\"\nprivate_key = \"n1.key\"", "no chain of certificates"),
    ("listen = \"business:7480\"\ncertificate = \"n1.crt\"\nprivate_key = \"none\"", "cannot read private key none"),
    ("listen = \"business:7480\"\ncertificate = \"n1.crt\"\nprivate_key = \"open.key\"", "open.key has mode 0644"),
    ("listen = \"business:7480\"\ncertificate = \"n1.crt\"\nprivate_key = \"token\"", "has no private key in it"),
    ("listen = \"business:7480\"\ncertificate = \"n1.crt\"\nprivate_key = \"n2.key\"", "do not go together"),
];

const WHOLE: &str = "listen = \"business:7480\"\naccess = \"token\"\ncertificate = \"n1.crt\"\nprivate_key = \"n1.key\"\ntoken_file = \"token\"";

fn secret(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("own file");
}

/// Writes a new certificate and its key under this name.
fn certify(folder: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed(vec!["203.0.113.1".to_owned()]).expect("made");
    fs::write(folder.join(format!("{name}.crt")), made.cert.pem()).expect("written");
    let key = folder.join(format!("{name}.key"));
    secret(&key, &made.signing_key.serialize_pem(), 0o600);
}

/// A folder with everything that the configuration may name.
fn furnished(http: &str) -> tempfile::TempDir {
    let folder = folder(&format!("{GOOD}\n[http]\n{http}\n"), KEY, 0o600);
    certify(folder.path(), "n1");
    certify(folder.path(), "n2");
    secret(&folder.path().join("open.key"), "", 0o644);
    secret(&folder.path().join("token"), TOKEN, 0o600);
    folder
}

fn loaded(folder: &tempfile::TempDir) -> Result<Config, String> {
    load(&folder.path().join("heartbeatd.toml")).map_err(|errors| {
        let path = format!("{}/", folder.path().display());
        errors.to_string().replace(&path, "")
    })
}

#[test]
fn each_mistake_is_named() {
    for (http, expected) in MISTAKES {
        let report = loaded(&furnished(http)).expect_err(http);
        assert!(report.contains(expected), "{http}: {report}");
        assert!(!report.contains(TOKEN), "the secret is not shown: {report}");
    }
}

#[test]
fn without_the_table_there_is_no_page_and_a_network_is_enough_for_one_that_is_read() {
    assert_eq!(super::good().page, None);
    let config = load_text(&format!("{GOOD}\n[http]\nlisten = \"management:80\"\n")).expect("good");
    let page = config.page.expect("there is one");
    assert_eq!(
        (page.network, page.port, page.access),
        (Network::Management, 80, Access::Read)
    );
    assert!(
        page.read_only()
            .is_some_and(|why| why.contains("TLS and a token"))
    );
}

#[test]
fn a_page_on_a_network_that_nobody_is_on_is_refused() {
    let without = GOOD
        .lines()
        .filter(|line| !line.starts_with("business"))
        .map(|line| {
            format!("{line}\n")
                .replace("\"business\"", "\"management\"")
                .replace("203.0.113.100", "198.51.100.100")
        })
        .collect::<String>();
    let report = load_text(&format!("{without}\n[http]\nlisten = \"business:7480\"\n"));
    let report = report.expect_err("nobody is there");
    assert!(
        report.contains("no member is on a business network"),
        "{report}"
    );
}

#[test]
fn with_certificate_and_token_it_is_more_than_read() {
    let page = loaded(&furnished(WHOLE))
        .expect("good")
        .page
        .expect("there is one");
    assert_eq!(page.read_only(), None);
    let token = page.token.expect("read");
    assert!(token.is(TOKEN) && !token.is(&TOKEN[1..]) && !token.is(""));
    assert_eq!(format!("{token:?}"), "Token(secret)");
}

#[test]
fn a_token_is_a_line_that_nobody_guesses_in_a_file_that_nobody_else_reads() {
    for (text, mode, expected) in [
        ("", 0o600, "has no token"),
        ("short", 0o600, "16 to 256"),
        ("0123456789abcdef with blanks", 0o600, "has no token"),
        (&*"a".repeat(257), 0o600, "has no token"),
        (&*"a".repeat(2_000), 0o600, "longer than 1024 bytes"),
        (TOKEN, 0o640, "has mode 0640"),
    ] {
        let folder = furnished(WHOLE);
        secret(&folder.path().join("token"), text, mode);
        let report = loaded(&folder).expect_err(text);
        assert!(report.contains(expected), "{expected}: {report}");
    }
}

#[test]
fn a_certificate_or_token_that_was_renewed_is_a_difference_though_its_name_stays() {
    let folder = furnished(WHOLE);
    let facts = || Facts::of(&loaded(&folder).expect("good"));
    let before = facts();
    assert_eq!(facts(), before);
    certify(folder.path(), "n1");
    let renewed = facts();
    assert_ne!(renewed, before);
    secret(
        &folder.path().join("token"),
        &TOKEN.replace('0', "f"),
        0o600,
    );
    assert_ne!(facts(), renewed);
    assert!(!format!("{:?}", facts()).contains(TOKEN));
}
