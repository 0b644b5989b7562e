//! `heartbeatctl convert`: keepalived's configuration as heartbeatd's.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use nix::sys::utsname::uname;

use super::{Failure, new_file, print};
use crate::cli::Exit;
use crate::convert::{self, Options};

/// Where from, and where to.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) file: PathBuf,
    pub(super) output: Option<PathBuf>,
    pub(super) config_id: Option<String>,
    pub(super) witness: Option<IpAddr>,
}

/// The report goes to the standard error where the configuration goes to the standard output.
pub(super) fn convert(asked: Asked) -> Result<Exit, Failure> {
    let options = Options {
        config_id: asked.config_id.unwrap_or_else(host),
        witness: asked.witness,
    };
    let converted = convert::convert(&asked.file, &options)?;
    match &asked.output {
        Some(output) => {
            write(output, &converted.toml)?;
            print(&format!(
                "wrote {0}: check it with `heartbeatd --check --config {0}`\n{1}",
                output.display(),
                converted.report
            ))
        }
        None => {
            eprint!("{}", converted.report);
            print(&converted.toml)
        }
    }
}

fn write(output: &Path, toml: &str) -> Result<(), Failure> {
    const MODE: u32 = 0o644;
    let mut file = new_file::create(output, MODE)?;
    let written = file.write_all(toml.as_bytes());
    Ok(written.map_err(|source| new_file::give_up(output, source))?)
}

/// keepalived's own default: the host's name up to its first dot.
fn host() -> String {
    let name = uname().map(|it| it.nodename().to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}
