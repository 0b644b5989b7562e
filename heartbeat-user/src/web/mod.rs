//! The status page and the API behind it, and the metrics: what one node knows, shown to whoever is on its network.
//!
//! It lives in the runtime beside the pulse and asks the daemon as the control socket does; all its viewers share one
//! look at a time. Everything that a viewer can use up is bounded here.

mod access;
mod api;
mod assets;
mod connection;
mod content;
mod events;
mod exporter;
mod feed;
mod kept;
mod listen;
mod masterships;
mod orders;
mod paced;
mod route;
mod served;
mod textfile;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::config::StatusPage;
use crate::control::Handler;
pub use exporter::{Exported, Exporter};
use feed::Feed;
use kept::Kept;
use route::Site;

/// Where a node serves its page, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// This node's own address on the page's network, and the virtual addresses there.
    pub places: Vec<SocketAddr>,
    /// All else.
    pub page: StatusPage,
}

/// The page of one node; cheap to clone.
#[derive(Clone, Debug)]
pub struct Page(Kept<Option<Wanted>>);

impl Page {
    /// Nothing is served until it is wanted. Must run inside tokio.
    #[must_use]
    pub fn new(handler: Arc<impl Handler>) -> Self {
        let serve = move |serving: &mut JoinSet<()>, wanted: Option<Wanted>| {
            if let Some(wanted) = wanted {
                serve(serving, &handler, wanted);
            }
        };
        Self(Kept::new(None, serve))
    }

    /// From now on it is served so, or not at all. Whoever looks at it has to come again if that is another way.
    pub fn go_by(&self, wanted: Option<Wanted>) {
        self.0.go_by(wanted);
    }
}

fn serve(serving: &mut JoinSet<()>, handler: &Arc<impl Handler>, wanted: Wanted) {
    let feed = Feed::default();
    serving.spawn(feed.clone().look(Arc::clone(handler)));
    let site = Arc::new(Site::new(Arc::clone(handler), feed, wanted.page));
    for place in wanted.places {
        serving.spawn(listen::listen(place, Arc::clone(&site)));
    }
}

#[cfg(test)]
mod tests;
