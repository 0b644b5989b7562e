//! The alarms go from one master to the next, in the dynamic information.

use std::time::Duration;

use tokio::time::sleep;

use super::chronicle::{AGAIN, Author};
use crate::alarm::{Saved, Teller, Told, View};
use crate::control::ALARMS_KEY;

/// Time between two writes: a sink that takes one notice after the other is no reason for as many.
const PACE: Duration = Duration::from_millis(100);

/// How a mastership began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// After another one: what that one left is taken over.
    Anew,
    /// In the process before this one, whose disk knows better.
    InTheLastLife,
}

/// What handing on needs.
#[derive(Clone)]
pub(super) struct Handing {
    pub(super) view: View,
    pub(super) teller: Teller,
}

impl Handing {
    /// Takes over what the master before left, then keeps what is to be left to the next one, for as long as this
    /// mastership lasts.
    pub(super) async fn work(self, author: Author, begun: Begun) {
        if begun == Begun::Anew {
            let left: Option<Saved> = author.read(ALARMS_KEY).await;
            self.teller.tell(Told::Inherited(left.unwrap_or_default()));
        }
        let mut changes = self.view.changes();
        let mut kept = None;
        loop {
            changes.mark_unchanged();
            let left = self.view.left();
            let is_kept = match &left {
                Some(left) if kept.as_ref() != Some(left) => author.keep(ALARMS_KEY, left).await,
                Some(_) | None => true,
            };
            if !is_kept {
                sleep(AGAIN).await;
                continue;
            }
            kept = left.or(kept);
            sleep(PACE).await;
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
