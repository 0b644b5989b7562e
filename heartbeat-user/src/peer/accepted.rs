//! A link that another node dialled: its messages are delivered in their order, its requests answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use heartbeat_core::Slot;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bounds::{ANSWERS_DEPTH, BEAT, MAX_REQUESTS};
use super::error::LinkError;
use super::handshake::Linked;
use super::intake::Received;
use super::message::Message;
use super::sealed::{Opener, Sealer};
use super::shared::Shared;

/// One place a member: the newest link has it, so that what is sent over one comes before what is sent over the next.
#[derive(Default)]
pub(super) struct Seats(Mutex<BTreeMap<Slot, Arc<Seat>>>);

#[derive(Default)]
struct Seat {
    newest: watch::Sender<u64>,
    turn: tokio::sync::Mutex<()>,
}

impl Seats {
    fn of(&self, slot: Slot) -> Arc<Seat> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seats.entry(slot).or_default())
    }
}

/// Serves a link until it ends.
pub(super) async fn serve<R, W>(
    shared: &Arc<Shared>,
    seats: &Seats,
    link: Linked<R, W>,
) -> LinkError
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (facts, seat) = (link.facts, seats.of(link.facts.peer));
    let mut own = 0;
    seat.newest.send_modify(|newest| {
        *newest += 1;
        own = *newest;
    });
    let mut newest = seat.newest.subscribe();
    let in_turn = async {
        let _turn = seat.turn.lock().await;
        both_ways(shared, link).await
    };
    tokio::select! {
        ended = in_turn => ended,
        _ = newest.wait_for(|newest| *newest != own) => LinkError::Replaced,
        () = shared.outdated(facts) => LinkError::Outdated,
    }
}

async fn both_ways<R, W>(shared: &Arc<Shared>, mut link: Linked<R, W>) -> LinkError
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (answers, waiting) = mpsc::channel(ANSWERS_DEPTH);
    let peer = link.facts.peer;
    let ended = tokio::select! {
        ended = write(&mut link.sealer, waiting) => ended,
        ended = read(shared, peer, &mut link.opener, answers) => ended,
    };
    match ended {
        Ok(()) => LinkError::Idle,
        Err(error) => error,
    }
}

async fn write<W: AsyncWrite + Unpin>(
    sealer: &mut Sealer<W>,
    mut waiting: mpsc::Receiver<Message>,
) -> Result<(), LinkError> {
    loop {
        match timeout(BEAT, waiting.recv()).await {
            Ok(Some(answer)) => sealer.write(&answer).await?,
            Ok(None) => return Ok(()),
            Err(_) => sealer.write(&Message::Alive).await?,
        }
    }
}

async fn read<R: AsyncRead + Unpin>(
    shared: &Arc<Shared>,
    from: Slot,
    opener: &mut Opener<R>,
    answers: mpsc::Sender<Message>,
) -> Result<(), LinkError> {
    // What is being answered ends with the link: nobody would hear of it.
    let mut at_work = JoinSet::new();
    loop {
        let message = opener.read().await?;
        while at_work.try_join_next().is_some() {}
        match message {
            Message::Alive => {}
            Message::OneWay { kind, body } => {
                if !shared.intake.deliver(kind, Received { from, body }).await {
                    shared.tally.undelivered();
                }
            }
            Message::Request { id, .. } if at_work.len() >= MAX_REQUESTS => {
                let why = format!("{MAX_REQUESTS} of your requests are being answered already");
                let refusal = refusal(id, why);
                if answers.send(refusal).await.is_err() {
                    return Ok(());
                }
            }
            Message::Request { kind, id, body } => {
                let (shared, answers) = (Arc::clone(shared), answers.clone());
                at_work.spawn(async move {
                    let answer = match shared.intake.answered(kind, from, body).await {
                        Ok(body) => Message::Answer { id, body },
                        Err(why) => refusal(id, why),
                    };
                    // The link may have ended meanwhile.
                    let _ = answers.send(answer).await;
                });
            }
            Message::Answer { .. } | Message::Refusal { .. } => {
                return Err(LinkError::Malformed("what only the other direction has"));
            }
        }
    }
}

/// Longest reason that is given, in bytes.
const MAX_WHY: usize = 4096;

fn refusal(id: u32, mut why: String) -> Message {
    why.truncate(why.floor_char_boundary(MAX_WHY));
    let body = Bytes::from(why);
    Message::Refusal { id, body }
}
