//! What a lab leaves on the machine, and how it goes away however the lab ends.
//!
//! Three roads lead to the same removal: the drop of the lab, the guard (a process that waits for
//! the lab's process to be gone, by whatever signal), and the next lab, which removes what is left
//! of labs whose process is dead. All go by the process id in the names, so two labs that run at
//! once never touch each other.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, setsid};

use crate::lab::command::run;
use crate::lab::netns;
use crate::paths;

/// Where BPF objects are pinned.
pub const BPF_FOLDER: &str = "/sys/fs/bpf";

/// Start of every namespace's name; the process id follows.
const NAMESPACE_PREFIX: &str = "hb";
/// Start of the names of a lab's folders, of pins and of files; the process id follows.
const FOLDER_PREFIX: &str = "hblab-";

/// Name of a namespace of lab `number` of this process.
#[must_use]
pub fn namespace_name(number: u32, role: &str) -> String {
    format!("{NAMESPACE_PREFIX}{}-{number}-{role}", std::process::id())
}

/// Name of the folders (pins, and files) of lab `number` of this process.
#[must_use]
pub fn folder_name(number: u32) -> String {
    format!("{FOLDER_PREFIX}{}-{number}", std::process::id())
}

/// Removes what labs of dead processes left, and has a guard look after this process's labs.
/// Does both once in a process; later calls return at once.
///
/// # Errors
/// When the guard cannot be started.
pub fn prepare() -> Result<()> {
    static GUARD: Mutex<Option<Child>> = Mutex::new(None);
    // Held while the guard is started: a second one, let go of at once, would take this process for dead.
    let mut guard_of_all = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if guard_of_all.is_none() {
        remove_dead();
        let guard = Command::new(paths::program("lab-tool")?)
            .args(["guard", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start the lab's guard")?;
        // The write end of its pipe stays open in here until this process ends.
        *guard_of_all = Some(guard);
    }
    Ok(())
}

/// Waits until the process that started this one is gone, then removes what its labs left.
///
/// # Errors
/// When the guard cannot leave the session of the lab it guards.
pub fn guard(owner: i32) -> Result<()> {
    // A Ctrl-C goes to the whole group: the guard must outlive the lab that it ends.
    setsid().context("cannot leave the lab's session")?;
    SigSet::all()
        .thread_block()
        .context("cannot block signals")?;
    // Nobody ever writes: the read ends when the last holder of the other end is gone.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    remove_of(owner);
    Ok(())
}

/// Removes what is left of labs whose process is gone.
pub fn remove_dead() {
    let mut owners: Vec<i32> = remains().into_iter().map(|(owner, _)| owner).collect();
    owners.sort_unstable();
    owners.dedup();
    for owner in owners {
        if kill(Pid::from_raw(owner), None) == Err(nix::errno::Errno::ESRCH) {
            remove_of(owner);
        }
    }
}

/// Everything on this machine that bears a lab's name: the owner's process id, and where it is.
#[must_use]
pub fn remains() -> Vec<(i32, String)> {
    let namespaces = netns::names()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| Some((owner_of(&name, NAMESPACE_PREFIX)?, name)));
    let folders = [Path::new(BPF_FOLDER).to_owned(), std::env::temp_dir()]
        .into_iter()
        .flat_map(|parent| folders_in(&parent));
    namespaces
        .chain(folders.map(|(owner, path)| (owner, path.display().to_string())))
        .collect()
}

fn folders_in(parent: &Path) -> Vec<(i32, PathBuf)> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let owner = owner_of(&entry.file_name().to_string_lossy(), FOLDER_PREFIX)?;
            Some((owner, entry.path()))
        })
        .collect()
}

/// The process id in `<prefix><pid>-<rest>`.
fn owner_of(name: &str, prefix: &str) -> Option<i32> {
    let (pid, _) = name.strip_prefix(prefix)?.split_once('-')?;
    pid.parse().ok().filter(|pid| *pid > 1)
}

/// Ends the processes, and removes the namespaces, pins and files of that process's labs.
fn remove_of(owner: i32) {
    let namespaces: Vec<String> = netns::names()
        .unwrap_or_default()
        .into_iter()
        .filter(|name| owner_of(name, NAMESPACE_PREFIX) == Some(owner))
        .collect();
    for name in &namespaces {
        end_processes_in(name);
    }
    for name in &namespaces {
        if let Err(error) = run("ip", &["netns", "del", name]) {
            eprintln!("lab: {error:#}");
        }
    }
    for parent in [Path::new(BPF_FOLDER).to_owned(), std::env::temp_dir()] {
        for (_, path) in folders_in(&parent)
            .into_iter()
            .filter(|(of, _)| *of == owner)
        {
            remove_folder(&path);
        }
    }
}

/// Removes a folder of the lab with all in it; a missing one is fine.
pub fn remove_folder(path: &Path) {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            eprintln!("lab: cannot remove {}: {error}", path.display());
        }
        Ok(()) | Err(_) => {}
    }
}

/// Kills what runs in a namespace of a lab: only that lab can have started it there.
pub fn end_processes_in(namespace: &str) {
    for _ in 0..50 {
        let Ok(listed) = run("ip", &["netns", "pids", namespace]) else {
            return;
        };
        let pids: Vec<i32> = listed
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            // One that is gone meanwhile is what was wanted.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_lab_have_an_owner() {
        assert_eq!(owner_of("hb4711-2-n1", NAMESPACE_PREFIX), Some(4711));
        assert_eq!(owner_of("hblab-4711-2", FOLDER_PREFIX), Some(4711));
        for foreign in ["hb-2-n1", "hbx-2", "blue", "hb1-2-n1", "hb47112", "hblab-7"] {
            assert_eq!(owner_of(foreign, NAMESPACE_PREFIX), None, "{foreign}");
        }
    }

    #[test]
    fn two_labs_of_one_process_have_different_names() {
        assert_ne!(namespace_name(1, "n1"), namespace_name(2, "n1"));
        assert_ne!(folder_name(1), folder_name(2));
    }
}
