//! What is recorded is stepped through to the same commands; what is lost, cut short or damaged is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use heartbeat_core::Command;
use heartbeat_core::snapshot::Role;
use heartbeat_user::recorder::{
    Cause, Gap, ReadError, Record, Recorder, Replay, ReplayError, Told, What, older,
};
use tempfile::TempDir;

use crate::world::World;

/// A node that is recorded.
struct Recorded {
    world: World,
    recorder: Recorder,
    turns: u32,
    folder: TempDir,
}

impl Recorded {
    fn new(max_size: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let told = |told| panic!("{told:?}");
        let (recorder, tap) =
            Recorder::start(folder.path().join("record"), max_size, World::birth(), told)
                .expect("a thread");
        Self {
            world: World::new(Some(tap)),
            recorder,
            turns: 0,
            folder,
        }
    }

    fn turns(&mut self, count: u32) {
        self.world.turns(count);
        self.turns += count;
    }

    /// Elected, at work, deserted, and elected once more.
    fn lives(&mut self) {
        self.world.until(Role::Master);
        self.turns(200);
        self.world.is_answered = false;
        self.turns(50);
        self.world.is_answered = true;
        self.turns(200);
    }

    /// Ends it; the file.
    fn end(self) -> (TempDir, PathBuf) {
        drop(self.world);
        assert!(self.recorder.finish(), "all is written");
        let file = self.folder.path().join("record");
        (self.folder, file)
    }
}

/// What a replay came to.
#[derive(Debug, Default)]
struct Seen {
    entries: u64,
    commands: u64,
    changes: Vec<(Role, Role)>,
    gaps: Vec<Gap>,
    checkpoints: u64,
    torn: u64,
}

fn replay(file: &Path) -> Result<Seen, ReplayError> {
    let mut replay = Replay::new(Record::open(file)?);
    let mut seen = Seen::default();
    while let Some(step) = replay.step()? {
        seen.entries = step.number;
        match step.what {
            What::Command(Command::RoleChanged { from, to, .. }) => {
                seen.commands += 1;
                seen.changes.push((from, to));
            }
            What::Command(_) => seen.commands += 1,
            What::Gap(gap) => seen.gaps.push(gap),
            What::Checkpoint => seen.checkpoints += 1,
            What::Ended(ended) => seen.torn += ended.torn,
            What::Start(_) | What::Event(_) | What::Timeout => {}
        }
    }
    Ok(seen)
}

fn reads(file: &Path) -> Seen {
    replay(file).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_command_comes_out_again() {
    let mut recorded = Recorded::new(1 << 30);
    recorded.lives();
    let (_folder, file) = recorded.end();
    let seen = reads(&file);
    let times = |change| seen.changes.iter().filter(|it| **it == change).count();
    assert_eq!(times((Role::Candidate, Role::Master)), 2, "{seen:?}");
    assert_eq!(times((Role::Master, Role::Slave)), 1, "{seen:?}");
    assert!(seen.commands > 400 && seen.gaps.is_empty(), "{seen:?}");
}

#[test]
fn a_file_that_is_cut_short_is_read_to_its_last_whole_entry() {
    let mut recorded = Recorded::new(1 << 30);
    recorded.lives();
    let (folder, file) = recorded.end();
    let bytes = fs::read(&file).expect("it was written");
    let (whole, cut) = (reads(&file), folder.path().join("cut"));
    let (mut entries, mut torn) = (0, 0);
    for length in (40..bytes.len()).step_by(97) {
        fs::write(&cut, &bytes[..length]).expect("writable");
        let seen = reads(&cut);
        assert!(seen.entries >= entries && seen.entries <= whole.entries);
        entries = seen.entries;
        torn += u64::from(seen.torn > 0);
    }
    assert!(entries > whole.entries / 2 && torn > 10, "{entries} {torn}");
}

#[test]
fn a_flipped_bit_is_never_taken_for_what_was_written() {
    let mut recorded = Recorded::new(1 << 30);
    recorded.lives();
    let (folder, file) = recorded.end();
    let bytes = fs::read(&file).expect("it was written");
    let header = b"heartbeatd record\n".len() + 3 + env!("CARGO_PKG_VERSION").len();
    let (whole, flipped) = (reads(&file), folder.path().join("flipped"));
    let mut damaged = 0;
    for place in (header..bytes.len()).step_by(61) {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1 << (place % 8);
        fs::write(&flipped, bytes).expect("writable");
        match replay(&flipped) {
            // Its length is longer than what follows: as if it had been cut short.
            Ok(seen) => assert!(seen.torn > 0 && seen.entries < whole.entries, "at {place}"),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("damaged at byte"), "at {place}: {text}");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 20, "{damaged}");
}

#[test]
fn what_is_no_record_or_anothers_is_refused_with_a_cure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    for (bytes, words) in [
        (&b""[..], "is no record"),
        (b"[cluster]\nname = \"storage-a\"\n", "is no record"),
        (
            b"heartbeatd record\n\x09\x00\x059.9.9",
            "use the heartbeatctl of that version",
        ),
    ] {
        fs::write(&file, bytes).expect("writable");
        let error = replay(&file).expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = replay(&folder.path().join("none"))
        .expect_err("no file")
        .to_string();
    assert!(error.contains("cannot read"), "{error}");
}

#[test]
fn two_files_stay_within_their_size_and_hold_the_newest() {
    const MAX_SIZE: u64 = 64 * 1024;
    let mut recorded = Recorded::new(MAX_SIZE);
    recorded.world.until(Role::Master);
    let mut most = 0;
    while !older(&recorded.folder.path().join("record")).exists() || recorded.turns < 4_000 {
        recorded.turns(100);
        let length = |path: PathBuf| fs::metadata(path).map_or(0, |facts| facts.len());
        let file = recorded.folder.path().join("record");
        most = most.max(length(older(&file)) + length(file));
        assert!(recorded.turns < 100_000, "never a second file");
    }
    recorded.world.is_answered = false;
    recorded.turns(100);
    let (_folder, file) = recorded.end();
    // What is under way when a new file is asked for is written to the old one.
    assert!(most < MAX_SIZE + MAX_SIZE / 4, "{most} bytes");
    let seen = reads(&file);
    assert!(
        seen.changes.contains(&(Role::Master, Role::Slave)),
        "{seen:?}"
    );
    // The older file begins with one, and where the newer begins the election that was stepped to is the same.
    assert_eq!((seen.checkpoints, seen.gaps.len()), (2, 0), "{seen:?}");
}

/// A daemon that starts, becomes master and ends, and records into this file without a complaint.
fn next_life(file: &Path) {
    let (recorder, tap) = Recorder::start(file.to_owned(), 1 << 30, World::birth(), |told| {
        panic!("{told:?}")
    })
    .expect("a thread");
    let mut world = World::new(Some(tap));
    world.until(Role::Master);
    drop(world);
    assert!(recorder.finish());
}

/// Where the chunk with that byte in it begins: length (u32), checksum (8 bytes), and so many bytes.
fn chunk_at(bytes: &[u8], place: usize) -> usize {
    let version = b"heartbeatd record\n".len() + 2;
    let mut at = version + 1 + usize::from(bytes[version]);
    loop {
        let length = bytes[at..at + 4].try_into().expect("four bytes");
        let next = at + 4 + 8 + u32::from_le_bytes(length) as usize;
        if next > place {
            return at;
        }
        at = next;
    }
}

#[test]
fn behind_a_damaged_file_the_next_one_is_read() {
    let mut recorded = Recorded::new(1 << 30);
    recorded.lives();
    let (folder, file) = recorded.end();
    let mut bytes = fs::read(&file).expect("it was written");
    let chunk = chunk_at(&bytes, bytes.len() / 2);
    // Its checksum: a length that is damaged may say that the file was cut short.
    bytes[chunk + 4] ^= 1;
    fs::write(&file, bytes).expect("writable");
    // What is damaged is kept as the older file.
    next_life(&file);
    let mut replay = Replay::new(Record::open(&file).expect("a record"));
    let (mut damaged, mut starts) = (0, 0);
    loop {
        match replay.step() {
            Ok(Some(step)) => starts += u64::from(matches!(step.what, What::Start(_))),
            Ok(None) => break,
            Err(ReplayError::Read(ReadError::Damaged { path, .. })) => {
                assert_eq!(path, older(&file));
                damaged += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((damaged, starts), (1, 2));
    drop(folder);
}

#[test]
fn the_next_life_goes_on_behind_what_the_last_one_left_whole() {
    let mut recorded = Recorded::new(1 << 30);
    recorded.lives();
    let (folder, file) = recorded.end();
    let first = reads(&file);
    let mut bytes = fs::read(&file).expect("it was written");
    bytes.truncate(bytes.len() - 5);
    fs::write(&file, &bytes).expect("writable");
    let cut = reads(&file);
    assert!(cut.torn > 0 && cut.entries < first.entries, "{cut:?}");
    next_life(&file);
    let both = reads(&file);
    assert!(both.entries > cut.entries && both.torn == 0, "{both:?}");
    assert_eq!(both.changes.len(), cut.changes.len() + 2, "{both:?}");
    drop(folder);
}

/// A recorder that is held up as long as the test likes, in a folder that is not there.
fn held_up(
    file: PathBuf,
) -> (
    World,
    Recorder,
    Receiver<Told>,
    std::sync::mpsc::SyncSender<()>,
) {
    let (tell, told) = channel();
    let (go_on, goes_on) = sync_channel(1);
    let (recorder, tap) = Recorder::start(file, 1 << 30, World::birth(), move |what| {
        let is_failing = matches!(what, Told::Failing(_));
        tell.send(what).expect("the test listens");
        if is_failing {
            goes_on.recv().expect("the test goes on");
        }
    })
    .expect("a thread");
    (World::new(Some(tap)), recorder, told, go_on)
}

#[test]
fn what_a_disk_that_hangs_or_fails_costs_is_said_and_nothing_else_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("later/record");
    let (mut world, recorder, told, go_on) = held_up(file.clone());
    let failing = told.recv().expect("it is told");
    assert!(
        matches!(&failing, Told::Failing(why) if why.contains("No such file")),
        "{failing:?}"
    );
    // The recorder stands still: far more than the queue holds.
    world.until(Role::Master);
    (0..20_000).for_each(|_| world.turn());
    assert_eq!(world.node.snapshot(world.now).role, Role::Master);
    fs::create_dir(folder.path().join("later")).expect("writable");
    go_on.send(()).expect("it waits");
    let begun = Instant::now();
    let works = loop {
        world.turn();
        sleep(Duration::from_millis(1));
        if let Ok(told) = told.try_recv() {
            break told;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "never tried again"
        );
    };
    world.turns(50);
    world.is_answered = false;
    world.turns(20);
    drop(world);
    assert!(recorder.finish());
    let seen = reads(&file);
    let lost = |cause| {
        let gaps = seen.gaps.iter().filter(|gap| gap.cause == cause);
        gaps.map(|gap| gap.lost).sum::<u64>()
    };
    assert!(lost(Cause::Behind) > 10_000, "{seen:?}");
    assert_eq!(
        works,
        Told::Works {
            lost: lost(Cause::Unwritable)
        }
    );
    assert!(
        seen.changes.contains(&(Role::Master, Role::Slave)),
        "{seen:?}"
    );
}
