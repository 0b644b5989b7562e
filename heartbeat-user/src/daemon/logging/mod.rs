//! Where the log goes: into systemd's journal with fields, or to standard error as text.

mod journal;

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::stat::fstat;
use tracing::warn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::sys::journal::SOCKET;
use journal::Journal;

/// Set by systemd where standard output or standard error is the journal's: device and inode.
const STREAM: &str = "JOURNAL_STREAM";

/// Starts the log of the daemon of this cluster.
pub(super) fn start(cluster: &str) {
    let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let stream = std::env::var(STREAM).unwrap_or_default();
    let mut fault = None;
    if is_journals(&stream, &io::stderr()) {
        match Journal::connect(Path::new(SOCKET), cluster) {
            Ok(journal) => {
                let log = tracing_subscriber::registry().with(filter());
                return log.with(journal).init();
            }
            Err(error) => fault = Some(error),
        }
    }
    fmt()
        .with_env_filter(filter())
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    if let Some(error) = fault {
        warn!(%error, "nobody takes entries at {SOCKET}: the log goes to standard error, without fields");
    }
}

/// Whether what systemd said of the journal's stream is this descriptor's, and not one's that was replaced since.
fn is_journals(stream: &str, descriptor: &impl AsFd) -> bool {
    let told = stream.split_once(':');
    let told = told.and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    told.is_some()
        && told
            == fstat(descriptor)
                .ok()
                .map(|stat| (stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_taken_only_where_the_descriptor_is_the_one_that_systemd_named() {
        let file = tempfile::tempfile().expect("a file");
        let stat = fstat(&file).expect("its numbers");
        let of = |device, inode| format!("{device}:{inode}");
        assert!(is_journals(&of(stat.st_dev, stat.st_ino), &file));
        assert!(!is_journals(&of(stat.st_dev, stat.st_ino + 1), &file));
        for stream in ["", ":", "8", "x:y"] {
            assert!(!is_journals(stream, &file), "{stream:?}");
        }
    }
}
