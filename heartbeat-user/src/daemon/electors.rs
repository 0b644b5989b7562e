//! Which electors' set this node goes by: the saved one; the configuration file only proposes.

use std::path::PathBuf;
use std::time::Duration;

use heartbeat_core::time::nanos;
use heartbeat_core::{ElectorRecord, ElectorSet, Slot};

use crate::config::Config;
use crate::config::duration::format;
use crate::state::{StateError, StateFolder};

/// The set in force, and whether the configuration file proposes another one.
#[derive(Debug)]
pub(super) struct InForce {
    /// The set that every frame and vote names, and what else the disk says of the sets.
    pub(super) record: ElectorRecord,
    /// A warning, if the file differs from it.
    pub(super) differs: Option<String>,
}

/// Why this node cannot go by the electors' set that it must go by.
#[derive(Debug, thiserror::Error)]
pub(super) enum ElectorsError {
    /// The set cannot be read or saved.
    #[error(transparent)]
    State(#[from] StateError),
    /// A majority would be counted over fewer electors than the others count it over.
    #[error(
        "slot {slot} is an elector of the saved set version {version} in {path}, and no member in the configuration: \
         keep it as a member until `heartbeatctl members apply` at the master has taken it out of the electors"
    )]
    NoMember {
        /// The elector.
        slot: Slot,
        /// Version of the saved set.
        version: u32,
        /// The state folder.
        path: PathBuf,
    },
    /// No elector would grant such a lease.
    #[error(
        "the configuration's lease (period x detect_multiplier) of {} us is longer than max_lease of {max_lease_us} us \
         in the saved electors' set in {path}: shorten it, or, while all nodes are stopped, move the saved sets away on \
         every one of them", .lease.as_micros()
    )]
    LeaseTooLong {
        /// The configured lease.
        lease: Duration,
        /// The saved set's longest.
        max_lease_us: u64,
        /// The state folder.
        path: PathBuf,
    },
}

/// The saved sets; on a node's first start the configuration's, saved before it is used.
///
/// # Errors
/// [`ElectorsError`].
pub(super) fn in_force(state: &StateFolder, config: &Config) -> Result<InForce, ElectorsError> {
    let proposed = config.elector_set(1);
    let Some(record) = state.electors()? else {
        let record = ElectorRecord::proposed(proposed);
        state.save_electors(&record)?;
        return Ok(InForce {
            record,
            differs: None,
        });
    };
    check_record(&record, state, config)?;
    let set = &record.in_force;
    let differs = (!set.is_like(&proposed)).then(|| {
        format!(
            "the configuration's electors {} with max_lease {} are only a proposal: this node goes by version {}, \
             electors {} with max_lease {}; `heartbeatctl members apply` at the master puts the file's in force",
            proposed.slots,
            format(proposed.max_lease),
            set.version,
            set.slots,
            format(set.max_lease),
        )
    });
    Ok(InForce { record, differs })
}

/// Whether the configuration leaves room for the saved sets.
///
/// # Errors
/// [`ElectorsError::NoMember`], [`ElectorsError::LeaseTooLong`].
pub(super) fn check_record(
    record: &ElectorRecord,
    state: &StateFolder,
    config: &Config,
) -> Result<(), ElectorsError> {
    let mut sets = std::iter::once(&record.in_force).chain(record.next());
    sets.try_for_each(|set| check(set, state, config))
}

/// The file may propose other electors, but it must leave room for those in force.
fn check(set: &ElectorSet, state: &StateFolder, config: &Config) -> Result<(), ElectorsError> {
    let path = || state.path().to_owned();
    let is_missing = |slot: &Slot| !config.members.contains_key(slot);
    if let Some(slot) = set.slots.iter().find(is_missing) {
        return Err(ElectorsError::NoMember {
            slot,
            version: set.version,
            path: path(),
        });
    }
    let lease = config.timing.lease();
    if lease > set.max_lease {
        return Err(ElectorsError::LeaseTooLong {
            lease,
            max_lease_us: nanos(set.max_lease) / 1_000,
            path: path(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use heartbeat_core::Slots;

    fn saved(slots: &[Slot], max_lease_us: u64) -> (tempfile::TempDir, StateFolder, ElectorRecord) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        let saved = ElectorRecord::proposed(ElectorSet {
            version: 4,
            slots: Slots::new(slots.iter().copied()).unwrap(),
            max_lease: Duration::from_micros(max_lease_us),
        });
        state.save_electors(&saved).unwrap();
        (folder, state, saved)
    }

    #[test]
    fn the_first_set_is_the_file_s_and_only_proposed() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        let config = crate::config::tests_support::three_nodes();
        let found = in_force(&state, &config).unwrap();
        assert!(found.record.is_proposed && found.differs.is_none());
        assert_eq!(state.electors().unwrap(), Some(found.record));
    }

    #[test]
    fn a_file_without_an_elector_in_force_is_refused_since_its_majority_would_be_smaller() {
        let (_folder, state, _) = saved(&[1, 2, 3, 4, 5], 200_000);
        let config = crate::config::tests_support::three_nodes();
        let error = in_force(&state, &config).expect_err("slots 4 and 5 are no members");
        assert!(
            matches!(
                error,
                ElectorsError::NoMember {
                    slot: 4,
                    version: 4,
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn a_file_whose_lease_no_elector_would_grant_is_refused() {
        let (_folder, state, _) = saved(&[1, 2, 3], 49_999);
        let config = crate::config::tests_support::three_nodes();
        let error = in_force(&state, &config).expect_err("the lease is 50 ms");
        assert!(
            matches!(error, ElectorsError::LeaseTooLong { .. }),
            "{error}"
        );
        let (_folder, state, _) = saved(&[1, 2, 3], 50_000);
        in_force(&state, &config).expect("exactly as long is granted");
    }

    #[test]
    fn a_changed_file_is_only_a_proposal() {
        let (_folder, state, saved) = saved(&[1, 2], 200_000);
        let config = crate::config::tests_support::three_nodes();
        let found = in_force(&state, &config).unwrap();
        assert_eq!(found.record, saved);
        assert!(found.differs.unwrap().contains("only a proposal"));
    }
}
