//! Files that are named by their whole path.

use std::path::PathBuf;

use toml::Spanned;

use crate::config::fault::Fault;

/// `None` only together with a fault.
pub(super) fn absolute(path: &Spanned<String>, faults: &mut Vec<Fault>) -> Option<PathBuf> {
    let there = PathBuf::from(path.get_ref());
    if there.is_absolute() {
        return Some(there);
    }
    let cause = format!("\"{}\" does not begin at the root", path.get_ref());
    faults.push(Fault::new(path.span(), cause, "write the whole path"));
    None
}
