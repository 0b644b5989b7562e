//! What a new master finds before it knows what the one before it said: an alarm that was said already is the same one.

use std::time::{Duration, SystemTime};

use heartbeat_core::Instant;

use super::board::{Clock, Said};
use crate::control::Scope;

/// After so long it is said, whatever the one before said: dynamic information that cannot be read delays no alarm more.
const LONGEST: Duration = Duration::from_secs(3);

/// What is held back, and until when.
#[derive(Debug, Default)]
pub(super) struct Withheld {
    until: Option<Instant>,
    raised: Vec<Said>,
}

impl Withheld {
    /// A mastership began.
    pub(super) fn begin(&mut self, clock: Clock) {
        self.until = Some(clock.now + LONGEST);
    }

    /// Until when something is held back, if anything is.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// What of this is to be said now. What is over before it was said is nobody's concern.
    pub(super) fn pass(&mut self, said: Said) -> Option<Said> {
        if self.until.is_none() || said.alarm.scope == Scope::Node {
            return Some(said);
        }
        if said.over_at.is_none() {
            self.raised.push(said);
            return None;
        }
        let before = self.raised.len();
        self.raised.retain(|it| it.alarm.key != said.alarm.key);
        (self.raised.len() == before).then_some(said)
    }

    /// Whether this alarm was found and not said.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.raised.iter().any(|said| said.alarm.key == key)
    }

    /// Nothing is held back any more, and nothing of it said: the keys.
    pub(super) fn forget(&mut self) -> Vec<String> {
        self.until = None;
        let unsaid = self.raised.drain(..);
        unsaid.map(|said| said.alarm.key).collect()
    }

    /// Nothing is held back any more: what was, but for what `is_known` was said before.
    pub(super) fn end(&mut self, is_known: impl Fn(&str) -> Option<SystemTime>) -> Released {
        self.until = None;
        let mut released = Released::default();
        for said in self.raised.drain(..) {
            match is_known(&said.alarm.key) {
                Some(since) => released.known.push((said.alarm.key, since)),
                None => released.news.push(said),
            }
        }
        released
    }
}

/// What became of what was held back.
#[derive(Debug, Default)]
pub(super) struct Released {
    /// Said before, since then.
    pub(super) known: Vec<(String, SystemTime)>,
    /// To be said now.
    pub(super) news: Vec<Said>,
}
