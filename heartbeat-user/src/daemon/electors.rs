//! Which electors' set this node goes by: the saved one; the configuration file only proposes.

use heartbeat_core::time::nanos;

use crate::config::Config;
use crate::state::{ElectorSet, StateError, StateFolder};

/// The set in force, and whether the configuration file proposes another one.
#[derive(Debug)]
pub(super) struct InForce {
    /// The set that every frame and vote names.
    pub(super) set: ElectorSet,
    /// A warning, if the file differs from it.
    pub(super) differs: Option<String>,
}

/// The saved set; on a node's first start the configuration's, saved before it is used.
///
/// # Errors
/// When the state folder cannot be read or written.
pub(super) fn in_force(state: &StateFolder, config: &Config) -> Result<InForce, StateError> {
    let max_lease_us = nanos(config.timing.max_lease) / 1_000;
    let proposed = ElectorSet {
        version: 1,
        digest: config.elector_digest,
        slots: config.electors.clone(),
        max_lease_us,
    };
    let Some(saved) = state.electors()? else {
        state.save_electors(&proposed)?;
        return Ok(InForce {
            set: proposed,
            differs: None,
        });
    };
    let same = saved.digest == proposed.digest;
    let differs = (!same).then(|| {
        format!(
            "the configuration's electors {:?} with max_lease {} us are only a proposal: this node goes by the saved \
             set version {} {:?} with max_lease {} us in {}; while all nodes are stopped, moving the saved sets away \
             on every one of them puts the file's in force",
            proposed.slots,
            proposed.max_lease_us,
            saved.version,
            saved.slots,
            saved.max_lease_us,
            state.path().display(),
        )
    });
    Ok(InForce {
        set: saved,
        differs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_only_a_proposal() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        let saved = ElectorSet {
            version: 4,
            digest: 99,
            slots: vec![1, 2, 3],
            max_lease_us: 200_000,
        };
        state.save_electors(&saved).unwrap();
        let config = crate::config::tests_support::three_nodes();
        let found = in_force(&state, &config).unwrap();
        assert_eq!(found.set, saved);
        assert!(found.differs.unwrap().contains("only a proposal"));
    }
}
