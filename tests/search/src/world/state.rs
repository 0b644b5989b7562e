//! The cluster as a state of a search.

use super::{Action, World};
use crate::explore::State;
use crate::hold::Hold;
use crate::scope::Scope;
use crate::seen::Seen;
use crate::watch::Violation;

impl State for World {
    type Scope = Scope;
    type Action = Action;

    fn first(scope: &Scope) -> Self {
        Self::new(scope)
    }

    fn fingerprint(&self, scope: &Scope) -> u64 {
        Self::fingerprint(self, scope)
    }

    fn actions(&self, scope: &Scope, into: &mut Vec<Action>) {
        Self::actions(self, scope, into);
    }

    fn may_stop(&self) -> bool {
        self.budget.pauses > 0
    }

    fn apply(&mut self, scope: &Scope, action: &Action, hold: &mut Hold) -> Result<(), Violation> {
        Self::apply(self, scope, action, hold)
    }

    fn tell(&self, action: &Action) -> String {
        Self::tell(self, action)
    }

    fn is_beyond(&self, scope: &Scope) -> bool {
        Self::is_beyond(self, scope)
    }

    fn take_seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }
}
