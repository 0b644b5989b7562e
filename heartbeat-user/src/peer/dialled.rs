//! A link that this node dialled: its own messages and calls leave by it, and answers come back.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use heartbeat_core::Slot;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::bounds::{BEAT, IDLE, MAX_CALLS};
use super::error::{CallError, LinkError};
use super::handshake::Linked;
use super::message::{Kind, Message};
use super::sealed::{Opener, Sealer};

/// What waits for a link.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) kind: Kind,
    pub(super) body: Bytes,
    /// Who waits for the answer; `None`: it goes one way.
    pub(super) answer: Option<oneshot::Sender<Result<Bytes, CallError>>>,
    /// Its place in the queue, given back once it is written.
    pub(super) room: OwnedSemaphorePermit,
}

/// Works until the link ends. `is_kept` says whether it stands while nobody asks anything.
pub(super) async fn run<R, W>(
    link: &mut Linked<R, W>,
    queue: &mut mpsc::Receiver<Outgoing>,
    is_kept: impl Fn() -> bool,
) -> LinkError
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let calls = Calls::new(link.facts.peer);
    let ended = tokio::select! {
        ended = write(&mut link.sealer, queue, &calls, is_kept) => ended,
        ended = read(&mut link.opener, &calls) => ended,
    };
    match ended {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn write<W: AsyncWrite + Unpin>(
    sealer: &mut Sealer<W>,
    queue: &mut mpsc::Receiver<Outgoing>,
    calls: &Calls,
    is_kept: impl Fn() -> bool,
) -> Result<Never, LinkError> {
    let mut used = Instant::now();
    loop {
        match timeout(BEAT, queue.recv()).await {
            Ok(Some(outgoing)) => {
                used = Instant::now();
                if let Some((message, room)) = calls.begin(outgoing) {
                    sealer.write(&message).await?;
                    drop(room);
                }
            }
            // The member is none any more.
            Ok(None) => return Err(LinkError::Outdated),
            Err(_) if !is_kept() && calls.is_empty() && used.elapsed() > IDLE => {
                return Err(LinkError::Idle);
            }
            Err(_) => sealer.write(&Message::Alive).await?,
        }
    }
}

async fn read<R: AsyncRead + Unpin>(
    opener: &mut Opener<R>,
    calls: &Calls,
) -> Result<Never, LinkError> {
    loop {
        match opener.read().await? {
            Message::Alive => {}
            Message::Answer { id, body } => calls.end(id, Ok(body)),
            Message::Refusal { id, body } => {
                let why = String::from_utf8_lossy(&body).into_owned();
                let peer = calls.peer;
                calls.end(id, Err(CallError::Refused { peer, why }));
            }
            Message::OneWay { .. } | Message::Request { .. } => {
                return Err(LinkError::Malformed("what only the other direction has"));
            }
        }
    }
}

/// Neither loop ends by itself.
enum Never {}

/// Calls whose answers are not there yet. Those that are left when the link ends are told so by being dropped.
struct Calls {
    peer: Slot,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u32,
    by_id: BTreeMap<u32, oneshot::Sender<Result<Bytes, CallError>>>,
}

impl Calls {
    fn new(peer: Slot) -> Self {
        Self {
            peer,
            waiting: Mutex::default(),
        }
    }

    /// What is to be written; `None` if nobody waits for it any more, or too many do.
    fn begin(&self, outgoing: Outgoing) -> Option<(Message, OwnedSemaphorePermit)> {
        let Outgoing {
            kind,
            body,
            answer,
            room,
        } = outgoing;
        let kind = Some(kind);
        let Some(answer) = answer else {
            return Some((Message::OneWay { kind, body }, room));
        };
        if answer.is_closed() {
            return None;
        }
        let mut waiting = self.lock();
        if waiting.by_id.len() >= MAX_CALLS {
            waiting.by_id.retain(|_, answer| !answer.is_closed());
        }
        if waiting.by_id.len() >= MAX_CALLS {
            // Who asked may have gone away.
            let _ = answer.send(Err(CallError::Busy(self.peer)));
            return None;
        }
        waiting.last = waiting.last.wrapping_add(1);
        let id = waiting.last;
        waiting.by_id.insert(id, answer);
        Some((Message::Request { kind, id, body }, room))
    }

    fn end(&self, id: u32, outcome: Result<Bytes, CallError>) {
        // An answer that nobody waits for any more is late.
        if let Some(answer) = self.lock().by_id.remove(&id) {
            let _ = answer.send(outcome);
        }
    }

    fn is_empty(&self) -> bool {
        self.lock().by_id.values().all(oneshot::Sender::is_closed)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each change is one insertion or removal: a panic elsewhere leaves nothing half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
