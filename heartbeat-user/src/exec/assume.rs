//! The second life of this executable: become a user, then a program.

use std::env;
use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use nix::unistd::{Gid, Uid, initgroups, setgid, setuid};

/// What the executable is called as then.
pub(super) const NAME: &str = "heartbeatd-assume";
/// As a shell says it of a program that it cannot run.
const CANNOT_RUN: u8 = 126;

/// Becomes the user and the program that the arguments name, if this process was started for that; returns
/// only if it was not, or with the exit code of one that failed.
#[must_use]
pub fn assume() -> Option<ExitCode> {
    let mut arguments = env::args_os();
    if arguments.next().is_none_or(|name| name != NAME) {
        return None;
    }
    let error = match become_user(&mut arguments) {
        Ok(program) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    };
    eprintln!("{NAME}: {error}");
    Some(ExitCode::from(CANNOT_RUN))
}

/// The program to become.
fn become_user(arguments: &mut impl Iterator<Item = OsString>) -> io::Result<OsString> {
    let mut next = || arguments.next().ok_or(io::ErrorKind::InvalidInput);
    let name = CString::new(next()?.as_bytes())?;
    let (uid, gid) = (number(&next()?)?, number(&next()?)?);
    let gid = Gid::from_raw(gid);
    initgroups(&name, gid)?;
    setgid(gid)?;
    // Last: without root's rights the others cannot be changed any more.
    setuid(Uid::from_raw(uid))?;
    Ok(next()?)
}

fn number(word: &OsString) -> io::Result<u32> {
    let word = word.to_str().and_then(|word| word.parse().ok());
    word.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
