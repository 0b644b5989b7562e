//! `[hooks]` as written.

use std::ops::Range;
use std::time::Duration;

use super::Value;
use crate::config::fault::Fault;
use crate::config::hooks::{Address, Arguments};
use crate::config::section::Section;
use crate::config::value::{one_of, text, time, words};

/// `[hooks]`
pub(in crate::config) struct Hooks {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) on_promote: Value<Vec<String>>,
    pub(in crate::config) on_demote: Value<Vec<String>>,
    pub(in crate::config) on_fault: Value<Vec<String>>,
    pub(in crate::config) user: Value<String>,
    pub(in crate::config) timeout: Value<Duration>,
    pub(in crate::config) address: Value<Address>,
    pub(in crate::config) retry_after: Value<Duration>,
    pub(in crate::config) arguments: Value<Arguments>,
}

/// Reads `[hooks]`.
pub(super) fn hooks(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Hooks {
    let hooks = Hooks {
        at: s.at(),
        on_promote: s.optional(faults, "on_promote", words),
        on_demote: s.optional(faults, "on_demote", words),
        on_fault: s.optional(faults, "on_fault", words),
        user: s.optional(faults, "user", text),
        timeout: s.optional(faults, "timeout", time),
        address: s.optional(faults, "address", |value| {
            one_of(value, &Address::ALL.map(|it| (it.as_str(), it)))
        }),
        retry_after: s.optional(faults, "retry_after", time),
        arguments: s.optional(faults, "arguments", |value| {
            one_of(value, &Arguments::ALL.map(|it| (it.as_str(), it)))
        }),
    };
    s.end(faults);
    hooks
}
