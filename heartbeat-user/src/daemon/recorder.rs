//! The recorder, if the configuration wants one.

use std::path::Path;

use tracing::{info, warn};

use super::failure::Failure;
use super::plan::Plan;
use super::shared::Facts;
use crate::recorder::{Birth, Recorder, Tap, Told};

/// Where in `status` it stands that nothing is recorded.
const NAME: &str = "recorder";

/// Starts it. A file that is named without a folder, or with one that does not begin at the root, is in the folder of
/// this node's state: the configuration is the same on every node.
pub(super) fn start(
    plan: &Plan,
    state: &Path,
    birth: Birth,
    facts: &Facts,
) -> Result<Option<(Recorder, Tap)>, Failure> {
    let Some(wanted) = &plan.config.recorder else {
        return Ok(None);
    };
    let facts = facts.clone();
    let tell = move |told: Told| match told {
        Told::Failing(why) => {
            let why = format!("nothing is recorded: {why}");
            warn!("{why}; told once until it is again");
            facts.lacks(NAME, why);
        }
        Told::Works { lost } => {
            facts.whole(NAME);
            info!(lost, "recording again; entries were lost meanwhile");
        }
    };
    Recorder::start(state.join(&wanted.file), wanted.max_size, birth, tell)
        .map(Some)
        .map_err(Failure::of)
}
