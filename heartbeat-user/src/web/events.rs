//! What is seen, told to one viewer as it is seen.

use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::feed::{Feed, Look};

/// Viewers told at once. They keep their connections, so some of all must be left for who asks and goes.
pub(super) const MAX_VIEWERS: usize = 32;
/// Frames on their way to one viewer. One who takes them slowly is told of fewer looks, always of the newest.
const FRAMES_DEPTH: usize = 1;
/// What is seen is told at once if it is another thing than before, and again after this time, so that a viewer sees
/// that it is still told, and how old each age is.
const AGAIN: Duration = Duration::from_secs(1);
/// Says no more than that the connection lives.
const COMMENT: &str = ": heartbeat\n\n";

/// The frames for one viewer.
pub(super) struct Events {
    frames: mpsc::Receiver<Bytes>,
    teller: JoinHandle<()>,
    _place: OwnedSemaphorePermit,
}

impl Events {
    /// Begins with what is known. Who comes again after a while is told the newest: nothing that was missed is told
    /// later, since nothing of it is true any more.
    pub(super) fn begin(feed: &Feed, place: OwnedSemaphorePermit) -> Self {
        let (sender, frames) = mpsc::channel(FRAMES_DEPTH);
        Self {
            frames,
            teller: tokio::spawn(tell(feed.follow(), sender)),
            _place: place,
        }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.frames.poll_recv(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.teller.abort();
    }
}

async fn tell(mut looks: watch::Receiver<Look>, frames: mpsc::Sender<Bytes>) {
    let mut told = None;
    if looks.borrow().is_fresh() {
        looks.mark_changed();
    }
    loop {
        let frame = match timeout(AGAIN, looks.changed()).await {
            Ok(Ok(())) => {
                let look = looks.borrow_and_update().clone();
                let is_news = told.is_none_or(|(change, at): (u64, Instant)| {
                    change != look.change || at.elapsed() >= AGAIN
                });
                if !is_news {
                    continue;
                }
                told = Some((look.change, Instant::now()));
                frame(&look)
            }
            Ok(Err(_)) => return,
            Err(_) => Bytes::from_static(COMMENT.as_bytes()),
        };
        if frames.send(frame).await.is_err() {
            return;
        }
    }
}

/// `status` with what the API's status has, or `trouble` with `error`.
fn frame(look: &Look) -> Bytes {
    let mut frame = format!("id: {}\n", look.number).into_bytes();
    match &look.status {
        Ok(status) => {
            frame.extend_from_slice(b"event: status\ndata: ");
            frame.extend_from_slice(status);
        }
        Err(why) => {
            let text = json!({ "error": why });
            frame.extend_from_slice(format!("event: trouble\ndata: {text}").as_bytes());
        }
    }
    frame.extend_from_slice(b"\n\n");
    frame.into()
}
