//! A configuration file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use heartbeat_user::config::load_text;
use tempfile::TempDir;

/// Every fault has its place in the text, and the report can be written.
pub(super) fn run(bytes: &[u8]) {
    static FOLDER: OnceLock<Option<TempDir>> = OnceLock::new();
    let Some(folder) = FOLDER.get_or_init(folder) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // Every other file of this machine stays unread.
    if text.contains("key_file") && !text.contains("key_file = \"cluster.key\"") {
        return;
    }
    let path: PathBuf = folder.path().join("heartbeatd.toml");
    match load_text(text.to_owned(), &path) {
        Ok(config) => assert!(!config.members.is_empty(), "a cluster has members"),
        Err(report) => assert!(!report.to_string().is_empty(), "a report says something"),
    }
}

/// A folder with the key file that a good configuration names.
fn folder() -> Option<TempDir> {
    let folder = TempDir::new().ok()?;
    let key = folder.path().join("cluster.key");
    fs::write(&key, "00".repeat(31) + "01\n").ok()?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).ok()?;
    Some(folder)
}
