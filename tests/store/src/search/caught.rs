//! Assertions of the product, which are violations when they fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::oracle::Violation;

/// Takes a step; an assertion that fails is a violation.
pub(crate) fn caught(step: impl FnOnce() -> Result<(), Violation>) -> Result<(), Violation> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Violation::Assertion(text.unwrap_or_default()))
    })
}
