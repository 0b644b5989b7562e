//! `[recorder]`: where, and how much.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::config::Recorder;
use crate::config::fault::Fault;
use crate::config::file::Recorder as Written;

/// Of the file and the older one beside it, unless the file says otherwise: a master of three nodes fills it in some
/// hours.
const DEFAULT_MAX_SIZE: u64 = 256 << 20;
/// What `max_size` may be, in bytes.
const MAX_SIZES: RangeInclusive<u64> = 1 << 20..=1 << 40;

/// `None` only together with a fault.
pub(super) fn check(written: &Written, faults: &mut Vec<Fault>) -> Option<Recorder> {
    let max_size = written.max_size.as_ref();
    if let Some(size) = max_size.filter(|size| !MAX_SIZES.contains(size.get_ref())) {
        let cause = "max_size is the most that is kept of a record, and this cannot be";
        faults.push(Fault::new(size.span(), cause, "write 1 MiB to 1024 GiB"));
    }
    let file = written.file.as_ref()?;
    if Path::new(file.get_ref()).file_name().is_none() {
        let cause = "this is no file's name";
        faults.push(Fault::new(
            file.span(),
            cause,
            "name a file: file = \"record\"",
        ));
        return None;
    }
    Some(Recorder {
        file: PathBuf::from(file.get_ref()),
        max_size: max_size.map_or(DEFAULT_MAX_SIZE, |size| *Spanned::get_ref(size)),
    })
}
