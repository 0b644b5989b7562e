//! The parts in one file.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::part::Part;

/// A bundle is for whoever owns it.
const MODE: u32 = 0o600;

/// Writes them below `folder`, with a list of those that could not be had first.
pub(super) fn write(out: impl Write, folder: &str, parts: &[Part]) -> io::Result<()> {
    let now_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let mut archive = Builder::new(GzEncoder::new(out, Compression::default()));
    let mut file = |name: &str, bytes: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(MODE);
        header.set_mtime(now_s);
        archive.append_data(&mut header, format!("{folder}/{name}"), bytes)
    };
    file("CONTENTS.txt", contents(parts).as_bytes())?;
    for part in parts {
        if let Ok(bytes) = &part.found {
            file(&part.name, bytes)?;
        }
    }
    archive.into_inner()?.finish()?.flush()
}

fn contents(parts: &[Part]) -> String {
    let mut text = format!(
        "heartbeatd's bundle, made by heartbeatctl {}. What each part holds, or why it could not be had.\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for part in parts {
        text += &match &part.found {
            Ok(bytes) => format!("{}: {} bytes\n", part.name, bytes.len()),
            Err(why) => format!("{}: not there: {why}\n", part.name),
        };
    }
    text
}
