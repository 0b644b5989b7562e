//! When the thread runs what, by its token and without: with real programs, and disks that have what a test says.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::config::Program;
use crate::config::hooks::{Address, Arguments};
use crate::control::HookWord;
use crate::pulse::{Orders, orders};

/// Time for something that must not happen.
const WHILE: Duration = Duration::from_millis(300);
/// What a busy machine may take for anything.
const SOON: Duration = Duration::from_secs(20);

/// The hooks of slot 1, which votes alone.
struct World {
    folder: TempDir,
    /// The election's floor: the disk has it as soon as it is looked for.
    floor: Arc<AtomicU64>,
    told: mpsc::Sender<Told>,
    view: View,
    standing: Standing,
    _pulse: Orders,
    thread: JoinHandle<()>,
}

impl World {
    /// `on_promote` notes its token, and so does `on_demote` if there is one.
    fn new(has_demote: bool, timeout: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = StateFolder::open(&folder.path().join("state")).expect("made");
        let line = "echo $HEARTBEATD_HOOK $HEARTBEATD_EPOCH >>";
        let line = format!("{line}{}", notes(&folder).display());
        let program = Program {
            words: ["/bin/sh", "-c", &line].map(str::to_owned).to_vec(),
            user: None,
        };
        let floor = Arc::new(AtomicU64::new(0));
        let known = Arc::clone(&floor);
        let known = move || Epoch(known.load(Ordering::SeqCst));
        let (pulse, orders) = orders().expect("an event descriptor");
        let (view, standing) = (View::default(), Standing::unheard());
        let setup = Setup {
            hooks: Configured {
                on_promote: Some(program.clone()),
                on_demote: has_demote.then_some(program),
                on_fault: None,
                timeout,
                address: Address::Before,
                retry_after: SOON,
                arguments: Arguments::None,
            },
            cluster: "a".to_owned(),
            slot: 1,
            state: state.clone(),
            goes_on: None,
            floors: Floors::of_one(1, state, known),
            pulse,
            standing: standing.clone(),
            view: view.clone(),
            rest: Rest::default(),
            diary: Diary::begin().0,
        };
        let (told, taken) = mpsc::channel(DEPTH);
        let hooks = signal::channel(setup.hooks.clone()).1;
        let thread = tokio::spawn(Runner::new(setup, hooks).run(taken));
        Self {
            folder,
            floor,
            told,
            view,
            standing,
            _pulse: orders,
            thread,
        }
    }

    async fn changes(&self, from: Role, to: Role, epoch: Epoch) {
        let change = RoleChange {
            from,
            to,
            reason: "a test".to_owned(),
            epoch,
        };
        let told = self.told.send(Told::Role(change)).await;
        told.expect("the thread listens");
    }

    async fn is_master(&self, epoch: Epoch) {
        self.changes(Role::Candidate, Role::Master, epoch).await;
    }

    async fn is_slave(&self, epoch: Epoch) {
        self.changes(Role::Master, Role::Slave, epoch).await;
    }

    /// The election goes by this epoch, and so the disk may have it.
    fn heard_of(&self, epoch: Epoch) {
        self.floor.store(epoch.0, Ordering::SeqCst);
    }

    fn notes(&self) -> String {
        let text = fs::read_to_string(notes(&self.folder)).unwrap_or_default();
        text.lines().collect::<Vec<_>>().join(", ")
    }

    /// Whether a hook is shown as being at this, with these words of a fault.
    fn shows(&self, state: HookWord, words: &str) -> bool {
        let fits = |fault: Option<String>| fault.unwrap_or_default().contains(words);
        let mut all = self.view.statuses().into_iter();
        all.any(|hook| hook.state == state && fits(hook.fault))
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < SOON, "{what}: {:?}", self.view);
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_noted(&self, expected: &str) {
        self.until(expected, |world| world.notes() == expected)
            .await;
    }

    /// Ends the thread, and what it waits for with it.
    async fn end(self) {
        self.thread.abort();
        let ended = self.thread.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it ran on");
    }
}

fn notes(folder: &TempDir) -> PathBuf {
    folder.path().join("notes")
}

fn round(round: u64) -> Epoch {
    Epoch::new(round, 1)
}

#[tokio::test]
async fn on_promote_waits_for_its_own_mastership_s_token_and_on_demote_for_none() {
    let world = World::new(true, SOON);
    world.is_master(round(5)).await;
    world
        .until("it waits", |it| it.shows(HookWord::Waiting, ""))
        .await;
    sleep(WHILE).await;
    assert_eq!(world.notes(), "", "no disk has the token");
    world.heard_of(round(5));
    let fifth = format!("on_promote {}", round(5).0);
    world.until_noted(&fifth).await;

    world.is_slave(round(5)).await;
    world.is_master(round(7)).await;
    let demoted = format!("{fifth}, on_demote {}", round(5).0);
    world.until_noted(&demoted).await;
    world
        .until("it waits", |it| it.shows(HookWord::Waiting, ""))
        .await;
    sleep(WHILE).await;
    assert_eq!(world.notes(), demoted, "the disk has an older one's token");
    // It waits no more, and is passed over: what made this node fit to serve is not run after the end.
    world.is_slave(round(7)).await;
    let over = format!("{demoted}, on_demote {}", round(7).0);
    world.until_noted(&over).await;
    world.heard_of(round(8));
    world.is_master(round(8)).await;
    let all = format!("{over}, on_promote {}", round(8).0);
    world.until_noted(&all).await;
    world.end().await;
}

#[tokio::test]
async fn a_token_that_no_disk_takes_in_time_is_not_handed_out_and_the_hook_has_failed() {
    let world = World::new(true, WHILE);
    world.is_master(round(5)).await;
    let says = "was not run: after 300 ms a majority of the electors' disks did not have its token";
    world
        .until(says, |it| it.shows(HookWord::Failed, says))
        .await;
    assert!(!world.standing.has_promoted(), "it is handed on");
    world.heard_of(round(5));
    world.is_slave(round(5)).await;
    // It is run with whatever became of the one before.
    world
        .until_noted(&format!("on_demote {}", round(5).0))
        .await;
    world.end().await;
}

#[tokio::test]
async fn a_mastership_that_nobody_waits_for_any_more_takes_no_time_of_the_next_one() {
    let limit = Duration::from_secs(2);
    let world = World::new(false, limit);
    world.is_master(round(5)).await;
    world
        .until("it waits", |it| it.shows(HookWord::Waiting, ""))
        .await;
    sleep(limit * 3 / 4).await;
    world.is_slave(round(5)).await;
    world.is_master(round(7)).await;
    sleep(limit / 2).await;
    world.heard_of(round(7));
    world
        .until_noted(&format!("on_promote {}", round(7).0))
        .await;
    assert!(world.standing.has_promoted());
    world.end().await;
}
