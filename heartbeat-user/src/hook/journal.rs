//! What is owed, on disk before any of it is run.

use heartbeat_core::Epoch;
use heartbeat_core::snapshot::Role;
use serde::{Deserialize, Serialize};

use super::job::{Job, RoleChange, Which};

/// In the folder of the node's state.
pub(super) const FILE: &str = "hooks.json";

/// Why a daemon runs `on_demote` before anything else.
const UNCLEAN: &str = "the last daemon ended as master without running it";

/// The hooks that are owed, and the mastership that they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// In order; the first one may have been run already, in part or whole.
    owed: Vec<Job>,
    /// The mastership whose `on_demote` has not been run yet.
    serving: Option<Serving>,
}

/// A mastership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Serving {
    epoch: u64,
    /// Its `on_promote` has succeeded.
    promoted: bool,
}

impl Journal {
    /// What the last daemon left is owed by this one, which goes on with that mastership or not.
    ///
    /// What should have made the node fit to serve is not run any more where it does not: it might serve beside the
    /// next master.
    pub(super) fn take_over(&mut self, goes_on: Option<Epoch>) {
        let Some(serving) = &mut self.serving else {
            return;
        };
        if let Some(epoch) = goes_on {
            // A master may have taken a higher round meanwhile: it is the same mastership.
            let promotes = |job: &&mut Job| job.which == Which::Promote;
            for job in self.owed.iter_mut().filter(promotes) {
                job.epoch = epoch.0;
            }
            serving.epoch = epoch.0;
            return;
        }
        self.owed.retain(|job| job.which != Which::Promote);
        let demotes = |job: &Job| job.which == Which::Demote;
        if !self.owed.iter().any(demotes) {
            self.demote(Role::Slave, UNCLEAN.to_owned());
        }
    }

    /// This node's role changed.
    pub(super) fn role_changed(&mut self, change: &RoleChange) {
        if change.to == Role::Master {
            self.promote(change);
        } else {
            self.demote(change.to, change.reason.clone());
        }
    }

    fn promote(&mut self, change: &RoleChange) {
        let epoch = change.epoch.0;
        if self.serving.is_some_and(|serving| serving.epoch == epoch) {
            // Taken up again: what is owed for it is owed already.
            return;
        }
        self.serving = Some(Serving {
            epoch,
            promoted: false,
        });
        self.owed.push(Job {
            which: Which::Promote,
            epoch,
            old_role: change.from.as_str().to_owned(),
            new_role: change.to.as_str().to_owned(),
            reason: change.reason.clone(),
        });
    }

    fn demote(&mut self, to: Role, reason: String) {
        let Some(serving) = self.serving else { return };
        self.owed.push(Job {
            which: Which::Demote,
            epoch: serving.epoch,
            old_role: Role::Master.as_str().to_owned(),
            new_role: to.as_str().to_owned(),
            reason,
        });
    }

    /// Something is wrong with this node.
    pub(super) fn fault(&mut self, role: Role, epoch: Epoch, reason: String) {
        self.owed.push(Job {
            which: Which::Fault,
            epoch: epoch.0,
            old_role: role.as_str().to_owned(),
            new_role: role.as_str().to_owned(),
            reason,
        });
    }

    /// The next one to be run. `on_promote` of a mastership that is over already is passed over.
    pub(super) fn next(&mut self) -> Option<&Job> {
        let is_over = |journal: &Self| {
            let demotes = |job: &Job| job.which == Which::Demote;
            journal
                .owed
                .first()
                .is_some_and(|job| job.which == Which::Promote)
                && journal
                    .owed
                    .iter()
                    .any(|job| demotes(job) && job.epoch == journal.owed[0].epoch)
        };
        while is_over(self) {
            self.owed.remove(0);
        }
        self.owed.first()
    }

    /// How many are owed.
    pub(super) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// The first one has been run.
    pub(super) fn ran(&mut self, well: bool) {
        if self.owed.is_empty() {
            return;
        }
        let job = self.owed.remove(0);
        match (job.which, &mut self.serving) {
            (Which::Promote, Some(serving)) if serving.epoch == job.epoch => {
                serving.promoted = well;
            }
            (Which::Demote, Some(serving)) if serving.epoch == job.epoch => self.serving = None,
            (Which::Promote | Which::Demote | Which::Fault, _) => {}
        }
    }

    /// The mastership for which everything that makes this node fit to serve was run.
    pub(super) fn promoted(&self) -> Option<Epoch> {
        let serving = self.serving.filter(|serving| serving.promoted)?;
        Some(Epoch(serving.epoch))
    }

    /// `on_promote` is to be run once more, for a mastership that goes on.
    pub(super) fn promote_again(&mut self) {
        let Some(serving) = self.serving.filter(|_| self.owed.is_empty()) else {
            return;
        };
        self.owed.push(Job {
            which: Which::Promote,
            epoch: serving.epoch,
            old_role: Role::Master.as_str().to_owned(),
            new_role: Role::Master.as_str().to_owned(),
            reason: "it did not succeed before".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: Role, to: Role, round: u64) -> RoleChange {
        RoleChange {
            from,
            to,
            reason: "a test".to_owned(),
            epoch: Epoch::new(round, 1),
        }
    }

    /// What is run from here on, each well, with its round.
    fn run(journal: &mut Journal) -> String {
        let mut told = Vec::new();
        while let Some(job) = journal.next() {
            told.push(format!("{} {}", job.which.as_str(), job.epoch().round()));
            journal.ran(true);
        }
        told.join(", ")
    }

    #[test]
    fn each_role_change_owes_its_hook_in_order() {
        let mut journal = Journal::default();
        journal.role_changed(&change(Role::Candidate, Role::Master, 4));
        assert_eq!(run(&mut journal), "on_promote 4");
        assert_eq!(journal.promoted(), Some(Epoch::new(4, 1)));
        journal.role_changed(&change(Role::Master, Role::Slave, 4));
        journal.fault(Role::Slave, Epoch::new(4, 1), "a fault".to_owned());
        assert_eq!(run(&mut journal), "on_demote 4, on_fault 4");
        assert_eq!(journal.promoted(), None);
    }

    #[test]
    fn a_promotion_that_is_over_before_its_hook_began_is_only_demoted() {
        let mut journal = Journal::default();
        journal.role_changed(&change(Role::Candidate, Role::Master, 4));
        journal.role_changed(&change(Role::Master, Role::Slave, 4));
        journal.role_changed(&change(Role::Candidate, Role::Master, 6));
        assert_eq!(run(&mut journal), "on_demote 4, on_promote 6");
    }

    #[test]
    fn a_daemon_that_ended_as_master_is_demoted_by_the_next_one_first() {
        for is_promoted in [true, false] {
            let mut journal = Journal::default();
            journal.role_changed(&change(Role::Candidate, Role::Master, 4));
            if is_promoted {
                run(&mut journal);
            }
            journal.take_over(None);
            journal.role_changed(&change(Role::Candidate, Role::Master, 6));
            assert_eq!(run(&mut journal), "on_demote 4, on_promote 6");
        }
    }

    #[test]
    fn a_daemon_that_goes_on_as_master_runs_only_what_was_cut_short() {
        // In a higher round than it began in.
        let taken_up = change(Role::Init, Role::Master, 5);
        let mut cut_short = Journal::default();
        cut_short.role_changed(&change(Role::Candidate, Role::Master, 4));
        let mut whole = cut_short.clone();
        run(&mut whole);
        for (mut journal, expected) in [(cut_short, "on_promote 5"), (whole, "")] {
            journal.take_over(Some(Epoch::new(5, 1)));
            journal.role_changed(&taken_up);
            assert_eq!(run(&mut journal), expected);
            assert_eq!(journal.promoted(), Some(Epoch::new(5, 1)));
        }
    }

    #[test]
    fn a_demotion_that_was_cut_short_is_run_again_once() {
        let mut journal = Journal::default();
        journal.role_changed(&change(Role::Candidate, Role::Master, 4));
        run(&mut journal);
        journal.role_changed(&change(Role::Master, Role::Slave, 4));
        journal.take_over(None);
        assert_eq!(run(&mut journal), "on_demote 4");
    }

    #[test]
    fn a_promotion_that_failed_is_owed_again_only_while_its_mastership_lasts() {
        let mut journal = Journal::default();
        journal.role_changed(&change(Role::Candidate, Role::Master, 4));
        journal.ran(false);
        assert_eq!(journal.promoted(), None);
        journal.promote_again();
        assert_eq!(run(&mut journal), "on_promote 4");
        journal.role_changed(&change(Role::Master, Role::Slave, 4));
        run(&mut journal);
        journal.promote_again();
        assert_eq!(run(&mut journal), "");
    }
}
