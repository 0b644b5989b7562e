//! A place for real daemons: a lab's namespaces, folders of their own, and what they said and how they ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use heartbeat_tests::lab::Lab;
use heartbeat_tests::lab::clean::{BPF_FOLDER, folder_name, remove_folder};
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::daemon::Daemon;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::paths::program;
use heartbeat_tests::skip::{Need, lacks};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take here; far above what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);

/// Labs may run at once, but they would take the processors from each other's real-time threads.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Three nodes with a configuration and without daemons.
pub(crate) struct Rig {
    lab: Lab,
    config: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    /// None where `test` must be skipped.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let needs = [
            Need::Root,
            Need::Ip,
            Need::LabObject,
            Need::KernelProgram,
            Need::Program("heartbeatd"),
            Need::Program("heartbeatctl"),
        ];
        if lacks(test, &needs) {
            return None;
        }
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = Settings::default();
        let lab = Lab::build(settings.plan).expect("a lab can be built");
        let config = settings.write(lab.folder()).expect("written");
        // Mounts the BPF file system where the distribution did not.
        Daemon::prepare(&lab, 1, &config).expect("a folder and a BPF file system");
        Some(Self {
            lab,
            config,
            _alone: alone,
        })
    }

    pub(crate) const fn lab(&self) -> &Lab {
        &self.lab
    }

    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// A file beside the configuration.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.lab.folder().join(name)
    }

    /// The folder of pins of that name.
    pub(crate) fn pins(&self, name: &str) -> PathBuf {
        Path::new(BPF_FOLDER)
            .join(folder_name(self.lab.number()))
            .join(name)
    }

    /// Runs `ip` with these words in the node's namespace.
    pub(crate) fn ip(&self, slot: u16, words: &str) -> String {
        let node = self.lab.topology().node(slot).name();
        let words: Vec<&str> = ["-netns", node]
            .into_iter()
            .chain(words.split_whitespace())
            .collect();
        run("ip", &words).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// A daemon for that slot with folders of its own, not started yet.
    pub(crate) fn daemon(&self, slot: u16) -> Order<'_> {
        let name = format!("n{slot}");
        Order {
            rig: self,
            slot,
            before: Vec::new(),
            program: program("heartbeatd").expect("it is built"),
            config: self.config.clone(),
            named: Some(slot),
            control: self.path(&format!("{name}.sock")),
            pins: self.pins(&name),
            state: self.path(&format!("{name}.state")),
            log: self.path(&format!("{name}.log")),
        }
    }

    /// Starts the daemons of all slots and waits until they are settled under slot 1.
    pub(crate) fn cluster(&self) -> Vec<Running> {
        let mut all: Vec<Running> = (1..=3).map(|slot| self.daemon(slot).start()).collect();
        let masters: Vec<_> = all
            .iter_mut()
            .map(|daemon| {
                let status = daemon.wait_for("a master", |status| status["master_slot"].is_u64());
                status["master_slot"].as_u64()
            })
            .collect();
        // A machine under load may start slot 1 so late that another one did not wait for it.
        if let Some(other) = masters
            .into_iter()
            .flatten()
            .find_map(|slot| Some(slot).filter(|slot| *slot != 1))
        {
            let other = usize::try_from(other).expect("a slot") - 1;
            until(
                "slot 1 is handed mastership",
                || all[other].log(),
                || {
                    let order = all[other].ask(&["switchover", "--to", "1"]);
                    order.status.success()
                        || all[0].status().is_some_and(|it| it["role"] == "master")
                },
            );
        }
        for daemon in &mut all {
            daemon.wait_for("slot 1 as master of all", |status| {
                status["master_slot"] == 1
                    && (status["role"] == "master" || status["role"] == "slave")
            });
        }
        all
    }
}

/// How a daemon is to be started.
pub(crate) struct Order<'a> {
    rig: &'a Rig,
    slot: u16,
    pub(crate) before: Vec<String>,
    pub(crate) program: PathBuf,
    pub(crate) config: PathBuf,
    /// What `--slot` says, if it is given.
    pub(crate) named: Option<u16>,
    pub(crate) control: PathBuf,
    pub(crate) pins: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) log: PathBuf,
}

impl Order<'_> {
    /// Starts it in its node's namespace, below the programs of `before`.
    pub(crate) fn start(&self) -> Running {
        let log = File::create(&self.log).expect("a log can be made");
        let mut words = self.before.iter().map(String::as_str);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        if let Some(slot) = self.named {
            command.args(["--slot", &slot.to_string()]);
        }
        command
            .arg("--config")
            .arg(&self.config)
            .arg("--control")
            .arg(&self.control)
            .arg("--bpf-dir")
            .arg(&self.pins)
            .arg("--state")
            .arg(&self.state)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        let node = self.rig.lab.topology().node(self.slot);
        let child = node.spawn(&mut command).expect("it can be started");
        Running {
            child,
            control: self.control.clone(),
            log: self.log.clone(),
        }
    }

    /// Starts it and waits for its end.
    pub(crate) fn refused(&self) -> Ended {
        self.start().ended()
    }
}

/// A daemon that was started.
pub(crate) struct Running {
    child: Child,
    control: PathBuf,
    log: PathBuf,
}

/// How a daemon ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Ended {
    /// The one line in which it says why.
    pub(crate) fn why(&self) -> &str {
        let mut lines = self
            .log
            .lines()
            .filter_map(|line| line.strip_prefix("heartbeatd: "));
        let why = lines
            .next()
            .unwrap_or_else(|| panic!("no reason in {self:?}"));
        assert_eq!(lines.next(), None, "one reason: {self:?}");
        assert!(
            self.log.trim_end().ends_with(why),
            "and it is last: {self:?}"
        );
        why
    }

    /// Fails unless it ended with `code` and said all of `parts` in its one line.
    pub(crate) fn check(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(
                self.why().contains(part),
                "{part} is missing in: {}",
                self.why()
            );
        }
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id fits");
        kill(Pid::from_raw(pid), signal).expect("it is our child");
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("it has a log")
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    pub(crate) fn ended(mut self) -> Ended {
        let (child, log) = (&mut self.child, &self.log);
        until(
            "the daemon has ended",
            || fs::read_to_string(log).unwrap_or_default(),
            || child.try_wait().expect("it is our child").is_some(),
        );
        Ended {
            code: self.child.wait().expect("it has ended").code(),
            log: self.log(),
        }
    }

    /// Ends it in order.
    pub(crate) fn terminate(self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Ends it without a chance to clean up.
    pub(crate) fn kill(self) -> Ended {
        self.signal(Signal::SIGKILL);
        self.ended()
    }

    /// Runs heartbeatctl against it.
    pub(crate) fn ask(&self, words: &[&str]) -> Output {
        Command::new(program("heartbeatctl").expect("it is built"))
            .arg("--control")
            .arg(&self.control)
            .args(words)
            .output()
            .expect("it can be started")
    }

    pub(crate) fn status(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.ask(&["status", "--json"]).stdout).ok()
    }

    /// What is wanted of its log.
    pub(crate) fn wait_for_line(&self, part: &str) {
        until(
            &format!("the log has {part:?}"),
            || self.log(),
            || self.log().contains(part),
        );
    }

    /// Asks for the status until it is as wanted, and gives it.
    pub(crate) fn wait_for(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let mut last = None;
        until(
            &format!("status shows {what}"),
            || self.log(),
            || {
                last = self.status();
                last.as_ref().is_some_and(&mut wanted)
            },
        );
        last.expect("it was as wanted")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        remove_folder(&Path::new(BPF_FOLDER).join(folder_name(self.lab.number())));
    }
}

/// Waits until `done`; on failure shows `story`.
pub(crate) fn until(what: &str, story: impl Fn() -> String, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < PATIENCE,
            "waited {PATIENCE:?} until {what}, in vain:\n{}",
            story()
        );
        sleep(LOOK);
    }
}
