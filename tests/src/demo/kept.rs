//! Something is stored before the first fault, and read from the master after the last one.

use anyhow::{Result, ensure};

use crate::lab::cluster::{Cluster, PATIENCE};

const KEY: &str = "demo/stored";
const VALUE: &str = "before the first fault";

/// Stores it through slot 1, once its master serves dynamic information.
///
/// # Errors
/// When no master takes it in time.
pub fn store(cluster: &Cluster) -> Result<()> {
    let contact = cluster.daemon(1).contact();
    cluster.wait_for("dynamic information can be written", PATIENCE, |_| {
        let output = contact.control(&["info", "put", KEY, VALUE]).ok()?;
        output.status.success().then_some(())
    })
}

/// What the master of now says of it, in a sentence.
///
/// # Errors
/// When it is lost, or no master can be read in time.
pub fn read(cluster: &Cluster) -> Result<String> {
    let master = cluster.settle()?;
    let contact = cluster.daemon(master).contact();
    let found = cluster.wait_for("dynamic information can be read", PATIENCE, |_| {
        let output = contact.control(&["info", "get", KEY]).ok()?;
        (output.status.success()).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    })?;
    ensure!(found == VALUE, "{KEY} was {VALUE:?} and is {found:?}");
    Ok(format!(
        "what was stored {found} is in the master of now, slot {master}"
    ))
}
