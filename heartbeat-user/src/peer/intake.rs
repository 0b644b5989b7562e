//! Who takes what comes over links.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use heartbeat_core::Slot;
use tokio::sync::mpsc;

use super::bounds::{INBOX_DEPTH, MAX_BODY};
use super::message::Kind;

type Answering = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send>>;
type Answerer = Arc<dyn Fn(Slot, Bytes) -> Answering + Send + Sync>;

/// A one-way message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The slot that sent it.
    pub from: Slot,
    /// What it says.
    pub body: Bytes,
}

/// By kind: who answers requests, and who takes one-way messages.
#[derive(Default)]
pub(super) struct Intake(Mutex<Takers>);

#[derive(Default)]
struct Takers {
    answerers: BTreeMap<Kind, Answerer>,
    inboxes: BTreeMap<Kind, mpsc::Sender<Received>>,
}

impl Intake {
    pub(super) fn answer<F, A>(&self, kind: Kind, answerer: F)
    where
        F: Fn(Slot, Bytes) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Bytes, String>> + Send + 'static,
    {
        let boxed = move |from, body| -> Answering { Box::pin(answerer(from, body)) };
        self.lock().answerers.insert(kind, Arc::new(boxed));
    }

    pub(super) fn receive(&self, kind: Kind) -> mpsc::Receiver<Received> {
        let (inbox, received) = mpsc::channel(INBOX_DEPTH);
        self.lock().inboxes.insert(kind, inbox);
        received
    }

    /// The answer to a request, or in words why there is none.
    pub(super) async fn answered(
        &self,
        kind: Option<Kind>,
        from: Slot,
        body: Bytes,
    ) -> Result<Bytes, String> {
        let answerer = kind.and_then(|kind| self.lock().answerers.get(&kind).cloned());
        let Some(answerer) = answerer else {
            return Err(match kind {
                Some(kind) => format!("this daemon does not answer {} yet", kind.as_str()),
                None => format!(
                    "this daemon ({}) does not know such a question: it is of another version",
                    env!("CARGO_PKG_VERSION")
                ),
            });
        };
        let answer = answerer(from, body).await?;
        if answer.len() > MAX_BODY {
            let length = answer.len();
            return Err(format!(
                "the answer has {length} bytes, and {MAX_BODY} are the most"
            ));
        }
        Ok(answer)
    }

    /// Waits until there is room for it. Whether anybody takes such messages.
    pub(super) async fn deliver(&self, kind: Option<Kind>, received: Received) -> bool {
        let inbox = kind.and_then(|kind| self.lock().inboxes.get(&kind).cloned());
        match inbox {
            Some(inbox) => inbox.send(received).await.is_ok(),
            None => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Takers> {
        // Each change is one insertion: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
