//! `[hooks]`: programs that nobody else can change.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::program::trusted;
use super::services::span;
use crate::config::Program;
use crate::config::fault::Fault;
use crate::config::file::Value;
use crate::config::file::hooks::Hooks as Written;
use crate::config::hooks::{Address, Arguments, Hooks};

const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3_600);
const RETRIES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// `None` only together with a fault; `Some(None)`: there are none.
pub(super) fn check(written: Option<&Written>, faults: &mut Vec<Fault>) -> Option<Option<Hooks>> {
    let Some(written) = written else {
        return Some(None);
    };
    let address = written
        .address
        .as_ref()
        .map_or(Address::Before, |it| *it.get_ref());
    if address == Address::After && written.on_promote.is_none() {
        let cause = "address = \"after\" waits for on_promote, and there is none";
        let cure = "name on_promote, or take `address` out";
        faults.push(Fault::new(written.at.clone(), cause, cure));
    }
    let mut one = |words| hook(words, &written.user, faults);
    let programs = (
        one(&written.on_promote),
        one(&written.on_demote),
        one(&written.on_fault),
    );
    let timeout = span(&written.timeout, Hooks::NONE.timeout, TIMEOUTS, faults);
    let retry_after = span(
        &written.retry_after,
        Hooks::NONE.retry_after,
        RETRIES,
        faults,
    );
    Some(Some(Hooks {
        on_promote: programs.0?,
        on_demote: programs.1?,
        on_fault: programs.2?,
        timeout: timeout?,
        address,
        retry_after: retry_after?,
        arguments: written
            .arguments
            .as_ref()
            .map_or(Arguments::None, |it| *it.get_ref()),
    }))
}

fn hook(
    words: &Value<Vec<String>>,
    user: &Value<String>,
    faults: &mut Vec<Fault>,
) -> Option<Option<Program>> {
    let Some(words) = words else {
        return Some(None);
    };
    trusted(words, user, faults).map(Some)
}
