//! The real programs from outside: what they print, and how they exit.

mod assuming;
mod bundling;
mod checking;
mod converting;
mod detaching;
mod info;
mod keys;
mod replaying;
mod served;
mod unreachable;
mod usage;

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use heartbeat_tests::paths::program;
use heartbeat_tests::skip::{Need, lacks};
use tempfile::TempDir;

/// What a program said and how it ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("programs print UTF-8"),
            err: String::from_utf8(output.stderr).expect("programs print UTF-8"),
        }
    }
}

/// Runs `name` with these arguments. Only after [`is_built`] said so.
fn run(name: &str, arguments: &[&str]) -> Ran {
    command(name)
        .args(arguments)
        .output()
        .expect("it can be started")
        .into()
}

fn command(name: &str) -> Command {
    Command::new(program(name).expect("it is built"))
}

fn is_built(test: &str, name: &'static str) -> bool {
    !lacks(test, &[Need::Program(name)])
}

/// Somebody without any right: not the owner of anything here. Needs root to become that.
struct Nobody {
    folder: TempDir,
}

impl Nobody {
    const ID: u32 = 65_534;

    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("own folder");
        Self { folder }
    }

    /// Runs a copy of the program, since the build folder may be closed to others.
    fn run(&self, name: &str, arguments: &[&str]) -> Ran {
        let copy = self.path(name);
        fs::copy(program(name).expect("it is built"), &copy).expect("room for a copy");
        let mut command = Command::new(copy);
        command.args(arguments).uid(Self::ID).gid(Self::ID);
        loop {
            match command.output() {
                // Another test's child has the copy's descriptor until it runs its own program.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    sleep(Duration::from_millis(1));
                }
                output => return output.expect("it can be started").into(),
            }
        }
    }

    /// A path in a folder that they may enter and not write.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
