//! Serving what is wanted, anew whenever something else is.

use std::fmt::Debug;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// What is wanted; cheap to clone. When nobody can want anything more, nothing is served.
#[derive(Clone, Debug)]
pub(super) struct Kept<W>(watch::Sender<W>);

impl<W: Clone + Debug + PartialEq + Send + Sync + 'static> Kept<W> {
    /// Serves what is wanted by spawning it. Must run inside tokio.
    pub(super) fn new(first: W, serve: impl Fn(&mut JoinSet<()>, W) + Send + 'static) -> Self {
        let (wanted, wishes) = watch::channel(first);
        tokio::spawn(keep(wishes, serve));
        Self(wanted)
    }

    /// From now on this is wanted. What is served ends if it is something else.
    pub(super) fn go_by(&self, wanted: W) {
        self.0.send_if_modified(|now| {
            let differs = *now != wanted;
            *now = wanted;
            differs
        });
    }
}

async fn keep<W: Clone>(mut wishes: watch::Receiver<W>, serve: impl Fn(&mut JoinSet<()>, W)) {
    let mut serving = JoinSet::new();
    loop {
        serving.shutdown().await;
        let wanted = wishes.borrow_and_update().clone();
        serve(&mut serving, wanted);
        if wishes.changed().await.is_err() {
            serving.shutdown().await;
            return;
        }
    }
}
