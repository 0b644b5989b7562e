//! Clients that write dynamic information all the time, through every node, and remember what they were told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use heartbeat_user::control::{
    Client, Expected, InfoAnswer, InfoRequest, Request, Response, Value,
};

use crate::lab::contact::Contact;

/// Beginning of every key.
const PREFIX: &str = "notebook/";
/// Pause after a write that was refused.
const PAUSE: Duration = Duration::from_millis(5);

/// Writers that run, one a node.
#[derive(Debug)]
pub struct Notebook {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Noted>>,
}

/// What writers were told. Every write has a key of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Keys of writes that were acknowledged.
    pub acknowledged: BTreeSet<String>,
    /// Keys of writes of which nobody knows what became.
    pub unknown: BTreeSet<String>,
    /// Writes that were refused.
    pub refused: u64,
}

impl Notebook {
    /// Begins to write.
    #[must_use]
    pub fn begin(contacts: &[Contact]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let writer = |contact: &Contact| {
            let (client, slot, stop) = (
                Client::new(&contact.socket),
                contact.slot,
                Arc::clone(&stop),
            );
            thread::spawn(move || write(&client, slot, &stop))
        };
        Self {
            writers: contacts.iter().map(writer).collect(),
            stop,
        }
    }

    /// Ends the writing, and gives what all of them were told.
    ///
    /// # Errors
    /// When a writer panicked.
    pub fn end(self) -> Result<Noted> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Noted::default();
        for writer in self.writers {
            let Ok(noted) = writer.join() else {
                bail!("a writer panicked");
            };
            all.acknowledged.extend(noted.acknowledged);
            all.unknown.extend(noted.unknown);
            all.refused += noted.refused;
        }
        Ok(all)
    }
}

impl Noted {
    /// Holds it against what `contact`'s node has to say: all that was acknowledged is there, and nothing that was refused.
    ///
    /// # Errors
    /// When it is not so, with the keys; or the node does not answer.
    pub fn check(&self, contact: &Contact) -> Result<()> {
        let found = everything(contact)?;
        let lost: Vec<_> = self.acknowledged.difference(&found).collect();
        ensure!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let known: BTreeSet<String> = self.acknowledged.union(&self.unknown).cloned().collect();
        let invented: Vec<_> = found.difference(&known).collect();
        ensure!(
            invented.is_empty(),
            "refused and there all the same: {invented:?}"
        );
        Ok(())
    }
}

fn write(client: &Client, slot: u16, stop: &AtomicBool) -> Noted {
    let mut noted = Noted::default();
    for number in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("{PREFIX}{slot}/{number}");
        let request = InfoRequest::Put {
            key: key.clone(),
            value: Value(key.clone().into_bytes().into()),
            expect: Expected::Nothing,
        };
        match client.ask(Request::Info(request)) {
            Ok(Response::Info(InfoAnswer::Written { .. })) => {
                noted.acknowledged.insert(key);
            }
            Ok(Response::Refused(why) | Response::Info(InfoAnswer::Refused(why)))
                if !may_be_written(&why) =>
            {
                noted.refused += 1;
                sleep(PAUSE);
            }
            // The daemon that was asked died, hangs, or does not know.
            Ok(_) | Err(_) => {
                noted.unknown.insert(key);
                sleep(PAUSE);
            }
        }
    }
    noted
}

/// The control socket's own patience ended, whatever became of the write.
fn may_be_written(why: &str) -> bool {
    why.contains("did not finish within")
}

/// The keys of all writes that the master knows, through `contact`.
fn everything(contact: &Contact) -> Result<BTreeSet<String>> {
    let client = Client::new(&contact.socket);
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let request = InfoRequest::List {
            prefix: PREFIX.to_owned(),
            after: after.take(),
            local: false,
        };
        match client
            .ask(Request::Info(request))
            .context("the list of entries")?
        {
            Response::Info(InfoAnswer::Entries { entries, more, .. }) => {
                for entry in entries {
                    ensure!(
                        entry.value.0 == entry.key.as_bytes(),
                        "another value under {}",
                        entry.key
                    );
                    after = Some(entry.key.clone());
                    found.insert(entry.key);
                }
                if !more {
                    return Ok(found);
                }
            }
            other => bail!("instead of a list: {other:?}"),
        }
    }
}
