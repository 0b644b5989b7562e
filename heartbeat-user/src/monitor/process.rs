//! A process that lives. The kernel tells its end at once.

use std::fs;

use super::look::Fault;
use crate::config::service::Process;
use crate::sys::pidfd::ProcessEnd;
use crate::systemd;

/// A process that is looked for, and held once it is found.
#[derive(Debug)]
pub(super) struct ProcessLook {
    which: Process,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    pid: u32,
    end: ProcessEnd,
}

impl ProcessLook {
    pub(super) const fn new(which: Process) -> Self {
        Self { which, held: None }
    }

    /// Finds it, or looks whether the one that is held goes on.
    pub(super) async fn look(&mut self) -> Result<(), Fault> {
        if let Some(held) = &self.held {
            match state(held.pid) {
                Some('Z' | 'X') | None => self.held = None,
                Some('T' | 't') => {
                    return Err(Fault::Found(format!("process {} is stopped", held.pid)));
                }
                Some(_) => return Ok(()),
            }
        }
        self.held = Some(self.find().await.map_err(Fault::Found)?);
        Ok(())
    }

    /// Ends when the process that is held has ended, however it did, and no other one has taken its place.
    pub(super) async fn gone(&mut self) -> Fault {
        loop {
            let Some(held) = &self.held else {
                return std::future::pending().await;
            };
            held.end.wait().await;
            let pid = held.pid;
            self.held = self.successor(pid).await;
            if self.held.is_none() {
                return Fault::Gone(format!("process {pid} has ended"));
            }
        }
    }

    /// The process whose number the service has written in the place of `before`: who is upgraded while it serves, as nginx
    /// can be, starts the next one before it ends. Names and units are looked for again as after any end: of a name any
    /// child would do, and systemd hears of the end when we do.
    async fn successor(&self, before: u32) -> Option<Held> {
        let Process::PidFile(_) = self.which else {
            return None;
        };
        let next = self.find().await.ok()?;
        let is_alive = !matches!(state(next.pid), Some('Z' | 'X') | None);
        (next.pid != before && is_alive).then_some(next)
    }

    async fn find(&self) -> Result<Held, String> {
        let pid = self.pid().await?;
        let end = ProcessEnd::of(pid).map_err(|error| format!("process {pid}: {error}"))?;
        // Between the two looks its number may have become another one's.
        if self.pid().await? == pid {
            Ok(Held { pid, end })
        } else {
            Err(format!("process {pid} was just replaced by another one"))
        }
    }

    async fn pid(&self) -> Result<u32, String> {
        match &self.which {
            Process::PidFile(path) => {
                let text = fs::read_to_string(path);
                let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
                let number = text.split_ascii_whitespace().next().map(str::parse);
                match number {
                    Some(Ok(pid)) => Ok(pid),
                    Some(Err(_)) | None => {
                        Err(format!("{} has no process's number in it", path.display()))
                    }
                }
            }
            Process::Name(name) => {
                by_name(name).ok_or_else(|| format!("no process is called {name}"))
            }
            Process::MainOf(unit) => match systemd::main_process(unit).await {
                Ok(Some(pid)) => Ok(pid),
                Ok(None) => Err(format!("{unit} has no main process: it does not run")),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

/// The lowest number among the processes with this command name: a service's first process starts the others.
fn by_name(name: &str) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has_name = |pid: &u32| {
        let comm = fs::read_to_string(format!("/proc/{pid}/comm"));
        comm.is_ok_and(|comm| comm.trim_end_matches('\n') == name)
    };
    pids.filter(has_name)
        .filter(|pid| !matches!(state(*pid), Some('Z' | 'X') | None))
        .min()
}

/// The state's letter of a process (proc_pid_stat(5)).
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may have any characters in it, brackets too.
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use tokio::time::timeout;

    use super::*;

    fn sleeper() -> Child {
        Command::new("/bin/sleep")
            .arg("60")
            .spawn()
            .expect("starts")
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_told_without_looking() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pid");
        let mut child = sleeper();
        fs::write(&file, format!("{}\n", child.id())).expect("writable");
        let mut look = ProcessLook::new(Process::PidFile(file.clone()));
        assert_eq!(look.look().await, Ok(()));
        let early = timeout(Duration::from_millis(50), look.gone()).await;
        assert!(early.is_err(), "it lives");
        child.kill().expect("it lives");
        let fault = timeout(Duration::from_secs(10), look.gone()).await;
        assert!(matches!(fault, Ok(Fault::Gone(_))), "{fault:?}");
        child.wait().expect("reaped");
        assert!(
            matches!(look.look().await, Err(Fault::Found(_))),
            "its number is stale"
        );
        let mut next = sleeper();
        fs::write(&file, next.id().to_string()).expect("writable");
        assert_eq!(look.look().await, Ok(()), "the next one is found");
        next.kill().expect("it lives");
        next.wait().expect("reaped");
    }

    #[tokio::test]
    async fn who_has_another_process_in_its_place_before_it_ends_is_not_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pid");
        let mut first = sleeper();
        fs::write(&file, first.id().to_string()).expect("writable");
        let mut look = ProcessLook::new(Process::PidFile(file.clone()));
        assert_eq!(look.look().await, Ok(()));
        let mut second = sleeper();
        fs::write(&file, second.id().to_string()).expect("writable");
        first.kill().expect("it lives");
        first.wait().expect("reaped");
        let early = timeout(Duration::from_millis(50), look.gone()).await;
        assert!(early.is_err(), "the second one lives: {early:?}");
        assert_eq!(look.look().await, Ok(()));
        second.kill().expect("it lives");
        let fault = timeout(Duration::from_secs(10), look.gone()).await;
        let text = format!("process {} has ended", second.id());
        assert_eq!(fault, Ok(Fault::Gone(text)));
        second.wait().expect("reaped");
    }

    /// By the fastest of some: a busy machine runs the others late.
    #[tokio::test]
    async fn the_end_of_a_process_is_noticed_in_under_a_millisecond() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pid");
        let mut fastest = Duration::MAX;
        for _ in 0..20 {
            let mut child = sleeper();
            fs::write(&file, child.id().to_string()).expect("writable");
            let mut look = ProcessLook::new(Process::PidFile(file.clone()));
            assert_eq!(look.look().await, Ok(()));
            let killed = Instant::now();
            child.kill().expect("it lives");
            let fault = timeout(Duration::from_secs(10), look.gone()).await;
            fastest = fastest.min(killed.elapsed());
            assert!(matches!(fault, Ok(Fault::Gone(_))), "{fault:?}");
            child.wait().expect("reaped");
        }
        assert!(fastest < Duration::from_millis(1), "{fastest:?}");
    }

    #[tokio::test]
    async fn a_process_that_is_stopped_is_not_well() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pid");
        let mut child = sleeper();
        fs::write(&file, child.id().to_string()).expect("writable");
        let mut look = ProcessLook::new(Process::PidFile(file));
        assert_eq!(look.look().await, Ok(()));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("small"));
        kill(pid, Signal::SIGSTOP).expect("it lives");
        while state(child.id()) != Some('T') {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let fault = look.look().await;
        assert_eq!(
            fault,
            Err(Fault::Found(format!("process {pid} is stopped")))
        );
        kill(pid, Signal::SIGCONT).expect("it lives");
        while state(child.id()) == Some('T') {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(look.look().await, Ok(()));
        child.kill().expect("it lives");
        child.wait().expect("reaped");
    }

    #[tokio::test]
    async fn a_process_is_found_by_its_name() {
        let own = fs::read_to_string("/proc/self/comm").expect("readable");
        let mut look = ProcessLook::new(Process::Name(own.trim_end().to_owned()));
        assert_eq!(look.look().await, Ok(()));
        let mut nobody = ProcessLook::new(Process::Name("qqqqqqqq".to_owned()));
        assert_eq!(
            nobody.look().await,
            Err(Fault::Found("no process is called qqqqqqqq".to_owned()))
        );
    }
}
