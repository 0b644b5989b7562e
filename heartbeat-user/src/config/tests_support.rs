//! A configuration for the tests of other modules.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Config, parse};

/// Slots 1 to 3 (n1 to n3, management 198.51.100.x on mgmt0, business 203.0.113.x on biz0), period and
/// lease by default, one virtual address 203.0.113.100/24 on the business network.
pub(crate) fn three_nodes() -> Config {
    let member = |slot: u8| {
        format!(
            "[[member]]\nslot = {slot}\nname = \"n{slot}\"\n\
             management = {{ address = \"198.51.100.{slot}\", interface = \"mgmt0\" }}\n\
             business = {{ address = \"203.0.113.{slot}\", interface = \"biz0\" }}\n"
        )
    };
    let head = "[cluster]\nname = \"storage-a\"\nmode = \"quorum\"\nkey_file = \"cluster.key\"\n\
                [management]\ngroup = \"239.192.7.1\"\n";
    let tail = "[[virtual_address]]\naddress = \"203.0.113.100/24\"\nnetwork = \"business\"\n";
    let text = head.to_owned() + &(1..=3).map(member).collect::<String>() + tail;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key_file = folder.path().join("cluster.key");
    fs::write(&key_file, "0123456789abcdef".repeat(4)).expect("written");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).expect("set");
    parse(&text, folder.path()).expect("a good configuration")
}
