//! What was seen, in a file of fixed records that can be read while it is written.
//!
//! Times are CLOCK_BOOTTIME in nanoseconds, which all namespaces of a machine share.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Length of a record in bytes.
const RECORD_LEN: usize = 20;
/// How long a record waits at most before a reader can see it.
const FLUSH: Duration = Duration::from_millis(20);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A numbered question is about to leave.
    Asked,
    /// All copies of a numbered question have left.
    AskedAll,
    /// A node answered that question.
    Answered,
    /// An ARP request for the virtual address is about to leave.
    ArpAsked,
    /// A node answered that ARP request.
    ArpAnswered,
    /// A node announced the virtual address by gratuitous ARP.
    Announced,
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When, in nanoseconds of CLOCK_BOOTTIME.
    pub at_ns: u64,
    /// The question's number; 0 for an announcement.
    pub number: u64,
    /// The node's slot; 0 if none belongs to it, or nobody known has that hardware address.
    pub node: u16,
    /// What it was.
    pub what: What,
}

impl Event {
    fn to_bytes(self) -> [u8; RECORD_LEN] {
        let mut bytes = [0; RECORD_LEN];
        bytes[..8].copy_from_slice(&self.at_ns.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..18].copy_from_slice(&self.node.to_le_bytes());
        bytes[18] = self.what.code();
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_LEN]) -> Option<Self> {
        let word = |from: usize| {
            bytes[from..]
                .first_chunk()
                .map(|word| u64::from_le_bytes(*word))
        };
        Some(Self {
            at_ns: word(0)?,
            number: word(8)?,
            node: u16::from_le_bytes([bytes[16], bytes[17]]),
            what: What::from_code(bytes[18])?,
        })
    }
}

impl What {
    const ALL: [Self; 6] = [
        Self::Asked,
        Self::AskedAll,
        Self::Answered,
        Self::ArpAsked,
        Self::ArpAnswered,
        Self::Announced,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Asked => 1,
            Self::AskedAll => 2,
            Self::Answered => 3,
            Self::ArpAsked => 4,
            Self::ArpAnswered => 5,
            Self::Announced => 6,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.code() == code)
    }
}

/// Takes events from any thread without ever waiting for the disk.
#[derive(Debug, Clone)]
pub struct Recorder(Sender<Event>);

impl Recorder {
    /// Makes the file, and a thread that fills it until the last recorder is dropped.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<(Self, JoinHandle<Result<()>>)> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        let (sender, receiver) = mpsc::channel();
        let writer = thread::spawn(move || write_all(file, &receiver));
        Ok((Self(sender), writer))
    }

    /// Notes that `what` happened to question `number` at `at_ns`, by `node`.
    pub fn note(&self, at_ns: u64, what: What, number: u64, node: u16) {
        // The writer is gone only if the disk failed, which ends the program by its own road.
        let _ = self.0.send(Event {
            at_ns,
            number,
            node,
            what,
        });
    }
}

fn write_all(file: File, events: &Receiver<Event>) -> Result<()> {
    let mut file = BufWriter::new(file);
    loop {
        match events.recv_timeout(FLUSH) {
            Ok(event) => {
                file.write_all(&event.to_bytes())?;
                // A steady stream of events never times out: what is there goes out in one piece.
                for event in events.try_iter().take(1_000) {
                    file.write_all(&event.to_bytes())?;
                }
                thread::sleep(FLUSH / 4);
                file.flush()?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(file.flush()?),
        }
    }
}

/// Reads a journal while it grows.
#[derive(Debug)]
pub struct Journal {
    file: File,
    rest: Vec<u8>,
    events: Vec<Event>,
}

impl Journal {
    /// Opens the file; nothing is read yet.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self {
            file,
            rest: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Everything that is in the file by now, in the order it was noted.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn events(&mut self) -> Result<&[Event]> {
        self.file.read_to_end(&mut self.rest)?;
        let (records, rest) = self.rest.as_chunks::<RECORD_LEN>();
        for record in records {
            let Some(event) = Event::from_bytes(record) else {
                bail!("the journal holds a record of no known kind: {record:?}");
            };
            self.events.push(event);
        }
        self.rest = rest.to_vec();
        Ok(&self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_back_also_from_a_file_that_still_grows() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let (recorder, writer) = Recorder::create(&path).expect("the file can be made");
        let mut journal = Journal::open(&path).expect("the file is there");
        for (number, what) in (0u64..).zip(What::ALL) {
            recorder.note(1_000 + number, what, number, 2);
        }
        drop(recorder);
        writer
            .join()
            .expect("the writer ends")
            .expect("the disk works");
        let events = journal.events().expect("the file can be read");
        let expected: Vec<Event> = (0u64..)
            .zip(What::ALL)
            .map(|(number, what)| Event {
                at_ns: 1_000 + number,
                number,
                node: 2,
                what,
            })
            .collect();
        assert_eq!(events, expected);
    }

    #[test]
    fn half_a_record_waits_for_its_other_half() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let event = Event {
            at_ns: 5,
            number: 6,
            node: 1,
            what: What::Answered,
        };
        let bytes = event.to_bytes();
        let mut file = File::create(&path).expect("the file can be made");
        let mut journal = Journal::open(&path).expect("the file is there");
        file.write_all(&bytes[..7]).expect("the disk works");
        assert_eq!(journal.events().expect("readable"), &[]);
        file.write_all(&bytes[7..]).expect("the disk works");
        assert_eq!(journal.events().expect("readable"), &[event]);
    }
}
