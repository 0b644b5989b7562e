//! What a keepalived.conf(5) says of one machine, as the configuration of a whole cluster; and what of it is lost.
//!
//! The file is read as keepalived reads it (lines, blocks, words), its VRRP part is gathered, and each table of
//! heartbeatd.toml is written by one file here. Nothing is guessed: what keepalived's file does not know becomes a
//! placeholder that `heartbeatd --check` refuses.

mod addresses;
mod cluster;
mod gather;
mod hooks;
mod keywords;
mod lines;
mod report;
mod services;
mod text;
mod tree;
mod values;
mod vrrp;
mod words;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use report::{Note, Placeholder, Report};
pub use tree::Place;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}; name keepalived's configuration file")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is longer than any that people write.
    #[error(
        "{path} is longer than {} bytes: it is no configuration of keepalived",
        lines::LONGEST
    )]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Files include each other, or too many.
    #[error(
        "{at}: more than {} files are included: does one include itself?",
        lines::MOST_FILES
    )]
    TooManyFiles {
        /// Where the last one is named.
        at: Place,
    },
    /// A brace too many or too few, or a quotation without an end.
    #[error("{at}: {cause}; `keepalived --config-test` says whether keepalived takes the file")]
    Syntax {
        /// Where.
        at: Place,
        /// What is wrong.
        cause: &'static str,
    },
    /// Nothing in it is for heartbeatd.
    #[error(
        "{path} has no vrrp_instance: heartbeatd replaces keepalived's VRRP, and nothing else of it"
    )]
    NoInstance {
        /// The file.
        path: PathBuf,
    },
}

/// What keepalived's file does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The name that lines beginning with `@` are for (`keepalived --config-id`).
    pub config_id: String,
    /// Address of a third machine that only votes, for clusters of two.
    pub witness: Option<IpAddr>,
}

/// A configuration, and what became of the first one.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The text of heartbeatd.toml.
    pub toml: String,
    /// What is different, what was lost, what is to be filled in.
    pub report: Report,
}

/// Reads keepalived's configuration in `path`, with all that it includes.
///
/// # Errors
/// If a file cannot be read or is no configuration of keepalived, or if it has no VRRP instance.
pub fn convert(path: &Path, options: &Options) -> Result<Converted, ConvertError> {
    let mut report = Report::default();
    let lines = lines::read(path, &options.config_id, &mut report)?;
    let items = tree::build(&lines)?;
    let vrrp = gather::gather(&items, &mut report);
    let Some(first) = vrrp.instances.first() else {
        return Err(ConvertError::NoInstance {
            path: path.to_owned(),
        });
    };
    let mut toml = text::head(path);
    let named = cluster::write(&mut toml, &vrrp, first, options, &mut report);
    addresses::write(&mut toml, &vrrp, first, &mut report);
    services::write(&mut toml, &vrrp, &mut report);
    hooks::write(&mut toml, &vrrp, &named, &mut report);
    Ok(Converted { toml, report })
}
