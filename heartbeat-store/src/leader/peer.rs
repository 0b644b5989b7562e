//! What a leader knows of another node's store, or of its own.

use std::time::Duration;

use heartbeat_core::{Aside, Instant};

use crate::bounds::{RESEND, RESEND_MOST};
use crate::disk::{Note, Trouble};
use crate::message::Standing;
use crate::state::Holders;

/// What a leader knows of a store.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Peer {
    /// Where it stands, since it promised.
    pub(super) standing: Option<Standing>,
    /// Whose stores count in the state that it had when it promised.
    pub(super) holders: Option<Holders>,
    /// Why its disk did not take what it was asked to write last.
    pub(super) trouble: Aside<Option<Trouble>>,
    /// Another store may be in its place by now.
    pub(super) is_unsure: bool,
    /// It is sent a whole state.
    pub(super) is_filling: bool,
    asked: Option<Asked>,
    waits: Aside<Duration>,
}

/// An order without an answer yet.
#[derive(Clone, Copy, Debug, Hash)]
struct Asked {
    /// When it is sent again.
    again: Aside<Instant>,
}

impl Peer {
    /// It has not promised: it is another store than the one that did, or its disk did not take the promise.
    pub(super) fn has_not_promised(&mut self, standing: &Standing) {
        let is_late = self
            .standing
            .as_ref()
            .is_some_and(|known| known.store == standing.store);
        if !is_late {
            self.standing = None;
            self.holders = None;
            self.heard(standing.trouble);
        }
    }

    /// Where it stands. `false`: this was said long ago.
    pub(super) fn stands(&mut self, standing: &Standing) -> bool {
        let known = self
            .standing
            .as_ref()
            .filter(|known| known.store == standing.store);
        let is_late = known.is_some_and(|known| known.stamp > standing.stamp);
        if known.is_none() {
            self.holders = None;
        }
        self.heard(standing.trouble);
        if !is_late {
            self.standing = Some(standing.clone());
        }
        !is_late
    }

    fn heard(&mut self, trouble: Option<Trouble>) {
        self.is_unsure = false;
        self.trouble = Aside(trouble);
        // A disk in trouble is asked again when the time has come, not at once.
        if trouble.is_none() {
            self.asked = None;
            self.waits = Aside(Duration::ZERO);
        }
    }

    /// Which store, and what it has.
    pub(super) fn note(&self) -> Option<Note> {
        self.standing.as_ref().map(|standing| Note {
            store: standing.store,
            stamp: standing.stamp,
        })
    }

    pub(super) const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// It is asked for something now.
    pub(super) fn ask(&mut self, now: Instant) {
        self.waits = Aside((2 * *self.waits).clamp(RESEND, RESEND_MOST));
        self.asked = Some(Asked {
            again: Aside(now + *self.waits),
        });
    }

    /// When it is asked again.
    pub(super) fn again(&self) -> Option<Instant> {
        self.asked.map(|asked| *asked.again)
    }

    /// It does not seem to have heard: it is asked again.
    pub(super) fn forget_asking(&mut self) {
        self.asked = None;
    }

    /// How long it has not answered, about.
    pub(super) const fn waits(&self) -> Duration {
        self.waits.0
    }
}
