//! The metrics of one node, for who scrapes it and for who reads files.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::content::{self, Content, refusal};
use super::kept::Kept;
use super::listen::listen;
use super::route::wrong_method;
use super::served::Served;
use super::textfile::write_again_and_again;
use crate::config::Textfile;
use crate::config::http::Identity;
use crate::metrics::{Format, Measured, Source, exposition};

/// Scrapers connected at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8;
/// All who scrape at about the same time get the same look at the daemon.
const PACE: Duration = Duration::from_millis(200);
/// And so many times as long as it took: of 10,000 members too, whoever scrapes takes no more than a twentieth of a
/// processor.
const REST: u32 = 20;
/// How long a look may take: less than any scraper waits.
const MOST_WAIT: Duration = Duration::from_secs(4);
const PATH: &str = "/metrics";

/// How a node's metrics are to be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Where they are served, if they are.
    pub place: Option<SocketAddr>,
    /// Where they are written to, if they are.
    pub textfile: Option<Textfile>,
}

/// The metrics of one node; cheap to clone.
#[derive(Clone, Debug)]
pub struct Exporter(Kept<Exported>);

impl Exporter {
    /// Nothing is exported until it is wanted. Must run inside tokio.
    #[must_use]
    pub fn new(source: Arc<impl Source>) -> Self {
        let serve = move |serving: &mut JoinSet<()>, wanted: Exported| {
            let scraped = Arc::new(Scraped::new(Arc::clone(&source)));
            if let Some(place) = wanted.place {
                serving.spawn(listen(place, Arc::clone(&scraped)));
            }
            if let Some(file) = wanted.textfile {
                serving.spawn(write_again_and_again(file, scraped));
            }
        };
        Self(Kept::new(Exported::default(), serve))
    }

    /// From now on they are exported so, or not at all.
    pub fn go_by(&self, wanted: Exported) {
        self.0.go_by(wanted);
    }
}

/// The newest look, for all who ask.
pub(super) struct Scraped<S> {
    source: Arc<S>,
    rooms: Arc<Semaphore>,
    seen: Mutex<Option<Seen>>,
}

struct Seen {
    /// Until then it is new enough.
    until: Instant,
    measured: Measured,
}

impl<S: Source> Scraped<S> {
    fn new(source: Arc<S>) -> Self {
        Self {
            source,
            rooms: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            seen: Mutex::new(None),
        }
    }

    /// All metrics, as they are now.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) async fn text(&self, format: Format) -> Result<String, String> {
        let mut seen = self.seen.lock().await;
        let measured = match &*seen {
            Some(seen) if Instant::now() <= seen.until => seen.measured.clone(),
            Some(_) | None => {
                let begun = Instant::now();
                let measured = self.look().await?;
                *seen = Some(Seen {
                    until: begun + PACE.max(begun.elapsed() * REST),
                    measured: measured.clone(),
                });
                measured
            }
        };
        drop(seen);
        Ok(exposition(measured, format))
    }

    async fn look(&self) -> Result<Measured, String> {
        timeout(MOST_WAIT, self.source.measured())
            .await
            .map_err(|_| "the daemon did not tell what it knows in time".to_owned())?
    }

    async fn metrics(&self, lines: &HeaderMap) -> Response<Content> {
        let accept = lines.get(header::ACCEPT);
        let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("");
        let format = Format::accepted(accept);
        match self.text(format).await {
            Ok(text) => content::bytes(StatusCode::OK, format.content_type(), text.into()),
            Err(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, why),
        }
    }
}

impl<S: Source> Served for Scraped<S> {
    const NAME: &'static str = "metrics";
    const TABLE: &'static str = "[metrics]";

    fn rooms(&self) -> &Arc<Semaphore> {
        &self.rooms
    }

    fn identity(&self) -> Option<&Identity> {
        None
    }

    async fn answer<B>(&self, _: SocketAddr, request: Request<B>) -> Response<Content>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if request.uri().path() != PATH {
            let what = format!("there is no such thing here: the metrics are at {PATH}");
            return refusal(StatusCode::NOT_FOUND, what);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return wrong_method("GET, HEAD");
        }
        let (head, _) = request.into_parts();
        self.metrics(&head.headers).await
    }
}
