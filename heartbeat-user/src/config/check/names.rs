//! Names of what there may be several of.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::is_name;
use crate::config::fault::Fault;
use crate::config::file::Value;

const MAX_NAME_LEN: usize = 32;

/// Reports a name that two of `what` have.
pub(super) fn twice<'a>(
    names: impl Iterator<Item = &'a Spanned<String>>,
    what: &str,
    faults: &mut Vec<Fault>,
) {
    let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.insert(name.get_ref(), name.span()) {
            let cause = format!("two {what}s are called {}", name.get_ref());
            let fault = Fault::new(name.span(), cause, "give each its own name");
            faults.push(fault.also(first, "first here"));
        }
    }
}

/// `None` only together with a fault.
pub(super) fn name(written: &Value<String>, what: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let name = written.as_ref()?;
    if is_name(name.get_ref(), MAX_NAME_LEN, &['-', '_', '.']) {
        return Some(name.get_ref().clone());
    }
    let cause = format!("this cannot be a {what}'s name");
    let cure = format!(
        "use 1 to {MAX_NAME_LEN} letters (a-z, A-Z), digits, -, _ and ., beginning with a letter or digit"
    );
    faults.push(Fault::new(name.span(), cause, cure));
    None
}
