//! Every configuration that a page shows is accepted: whole ones as they stand, parts within one of the examples.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use heartbeat_tests::manual::blocks;
use heartbeat_user::config;
use heartbeat_user::config::keys::KEY_LEN;

use crate::links::markdown_files;
use crate::read;

/// What a part of a configuration is added to.
const QUORUM: &str = "docs/examples/three-nodes.toml";
/// And one that has no table of its own, to the table `[pair]` of this.
const PAIR: &str = "docs/examples/pair.toml";
/// Folders that this machine need not have.
const INSTALLED: [&str; 2] = ["/etc/heartbeatd", "/usr/share/heartbeatd"];

#[test]
fn every_configuration_in_the_docs_is_accepted() {
    let mut accepted = 0;
    for page in markdown_files() {
        let text = fs::read_to_string(&page).expect("listed a moment ago");
        let blocks = blocks(&text).into_iter();
        for block in blocks.filter(|it| it.language == "toml") {
            let block = block.text();
            if let Err(errors) = load(&block) {
                panic!("{}:\n{block}\n{errors}", page.display());
            }
            accepted += 1;
        }
    }
    assert!(accepted >= 9, "found only {accepted}: the search is broken");
}

#[test]
fn a_part_with_a_mistake_is_refused() {
    for part in [
        "[hooks]\non_promot = [\"/bin/true\"]\n",
        "fence_delai = \"1s\"\n",
    ] {
        let errors = load(part).expect_err(part);
        assert!(errors.contains("unknown key"), "{errors}");
    }
}

fn load(block: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = whole(block);
    for installed in INSTALLED {
        text = text.replace(
            installed,
            &format!("{}{installed}", folder.path().display()),
        );
    }
    for path in text.split('"').filter(|word| word.starts_with('/')) {
        lay_out(folder.path(), path);
    }
    let file = folder.path().join("heartbeatd.toml");
    fs::write(&file, text).expect("writable");
    write_key(&folder.path().join("cluster.key"));
    config::load(&file)
        .map(drop)
        .map_err(|errors| errors.to_string())
}

/// The block and what it leaves out.
fn whole(block: &str) -> String {
    if block.contains("[cluster]") {
        return block.to_owned();
    }
    if block.starts_with('[') {
        return format!("{}\n{block}", read(QUORUM));
    }
    read(PAIR).replace("[pair]\n", &format!("[pair]\n{block}"))
}

/// Makes what the block names in an installed folder: a program, or the certificate of an authority.
fn lay_out(folder: &Path, path: &str) {
    let path = Path::new(path);
    if !path.starts_with(folder) {
        return;
    }
    fs::create_dir_all(path.parent().expect("it is a file")).expect("writable");
    if path.extension().is_some_and(|end| end == "pem") {
        let made = rcgen::generate_simple_self_signed(["pager".to_owned()]).expect("a certificate");
        fs::write(path, made.cert.pem()).expect("writable");
    } else {
        fs::write(path, "").expect("writable");
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("own file");
    }
}

pub(crate) fn write_key(path: &Path) {
    fs::write(path, "5a".repeat(KEY_LEN)).expect("writable");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("own file");
}
