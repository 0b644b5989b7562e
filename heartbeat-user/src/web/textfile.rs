//! The metrics in a file, for node_exporter's textfile collector: whole, or as it was.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::exporter::Scraped;
use crate::config::Textfile;
use crate::metrics::{Format, Source};

/// Whoever may enter the folder may read it.
const MODE: u32 = 0o644;

/// Writes the file until it is dropped, then takes it away: what nobody renews must not pass for the present. A node that
/// cannot say what it knows has none either.
pub(super) async fn write_again_and_again(file: Textfile, scraped: Arc<Scraped<impl Source>>) {
    let kept = Kept(file.path);
    let mut ticks = interval(file.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fault = None;
    loop {
        ticks.tick().await;
        let written = match scraped.text(Format::Text).await {
            Ok(text) => kept.write(&text).await.map_err(|error| error.to_string()),
            Err(_) => {
                kept.remove();
                continue;
            }
        };
        tell(&kept.0, &mut fault, written.err());
    }
}

/// In the log, once until it is otherwise.
fn tell(path: &Path, before: &mut Option<String>, now: Option<String>) {
    let path = path.display();
    match (&*before, &now) {
        (was, Some(error)) if was.as_ref() != Some(error) => warn!(
            %path, error,
            "the metrics cannot be written there; tried again and again: the folder must be there, and the unit must \
             be allowed to write to it (ReadWritePaths=)"
        ),
        (Some(_), None) => info!(%path, "the metrics can be written again"),
        (None, None) | (_, Some(_)) => {}
    }
    *before = now;
}

/// A file that is there as long as this is.
struct Kept(PathBuf);

impl Kept {
    /// Beside it first; a reader sees the old text or the new one.
    async fn write(&self, text: &str) -> io::Result<()> {
        let mut beside = self.0.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        // Of a life that was killed while it wrote. Made anew and not opened: others may write in that folder, and what
        // they put there may be a link.
        match fs::remove_file(&beside).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(MODE);
        let mut file = options.open(&beside).await?;
        file.write_all(text.as_bytes()).await?;
        file.flush().await?;
        fs::rename(&beside, &self.0).await
    }

    fn remove(&self) {
        // Nothing is there, or nothing can be done.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.remove();
    }
}
