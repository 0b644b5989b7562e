//! A file that was written of late.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::task::{JoinHandle, spawn_blocking};

/// A file, and a look at it that may hang: it may lie on another machine's disk.
#[derive(Debug)]
pub(super) struct FileLook {
    path: PathBuf,
    max_age: Duration,
    /// A look that was given up and still hangs: no second one is begun beside it.
    hanging: Option<JoinHandle<Result<(), String>>>,
}

impl FileLook {
    pub(super) const fn new(path: PathBuf, max_age: Duration) -> Self {
        Self {
            path,
            max_age,
            hanging: None,
        }
    }

    /// Looks, or goes on with the look that was given up.
    pub(super) async fn look(&mut self) -> Result<(), String> {
        let (path, max_age) = (self.path.clone(), self.max_age);
        let look = self
            .hanging
            .get_or_insert_with(|| spawn_blocking(move || is_fresh(&path, max_age)));
        let found = look.await;
        self.hanging = None;
        found.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn is_fresh(path: &std::path::Path, max_age: Duration) -> Result<(), String> {
    let written = fs::metadata(path).and_then(|facts| facts.modified());
    let written = written.map_err(|error| format!("{}: {error}", path.display()))?;
    // A time that lies ahead is that of a clock which was set back since: the file is no older for it.
    let age = SystemTime::now()
        .duration_since(written)
        .unwrap_or_default();
    if age <= max_age {
        return Ok(());
    }
    Err(format!(
        "{} was written {} s ago",
        path.display(),
        age.as_secs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_well_while_it_is_young_enough() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("alive");
        let hour = Duration::from_secs(3_600);
        let mut look = FileLook::new(path.clone(), hour);
        let fault = look.look().await.expect_err("it is not there");
        assert!(fault.contains("No such file"), "{fault}");
        let file = fs::File::create(&path).expect("writable");
        assert_eq!(look.look().await, Ok(()));
        file.set_modified(SystemTime::now() - hour * 2)
            .expect("own file");
        let fault = look.look().await.expect_err("it is old");
        assert!(fault.contains("7200 s ago"), "{fault}");
    }
}
