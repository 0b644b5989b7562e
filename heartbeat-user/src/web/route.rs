//! From what is asked to who answers it.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::access::may_read;
use super::api;
use super::assets::ASSETS;
use super::connection::MAX_CONNECTIONS;
use super::content::{self, Content, refusal};
use super::events::{Events, MAX_VIEWERS};
use super::feed::{Feed, PACE};
use super::orders::{Order, carry_out};
use super::served::Served;
use crate::config::StatusPage;
use crate::config::http::Identity;
use crate::control::{Details, Handler, Status};

/// What all connections share.
pub(super) struct Site<H> {
    pub(super) handler: Arc<H>,
    pub(super) feed: Feed,
    pub(super) page: StatusPage,
    rooms: Arc<Semaphore>,
    /// One for each viewer who may be told of what happens.
    viewers: Arc<Semaphore>,
    seen: Mutex<Option<Seen>>,
}

/// Details, and when they were read.
struct Seen {
    at: Instant,
    known: Arc<Known>,
}

/// Both of about the same moment.
pub(super) struct Known {
    pub(super) status: Status,
    pub(super) details: Details,
}

impl<H: Handler> Site<H> {
    pub(super) fn new(handler: Arc<H>, feed: Feed, page: StatusPage) -> Self {
        Self {
            handler,
            feed,
            page,
            rooms: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            viewers: Arc::new(Semaphore::new(MAX_VIEWERS)),
            seen: Mutex::new(None),
        }
    }

    /// All details, read once for all who ask at about the same time.
    pub(super) async fn details(&self) -> Result<Arc<Known>, String> {
        let mut seen = self.seen.lock().await;
        if let Some(seen) = seen.as_ref().filter(|seen| seen.at.elapsed() <= PACE) {
            return Ok(Arc::clone(&seen.known));
        }
        let known = Arc::new(Known {
            status: self.handler.status().await?,
            details: self.handler.details().await?,
        });
        *seen = Some(Seen {
            at: Instant::now(),
            known: Arc::clone(&known),
        });
        Ok(known)
    }

    fn events(&self) -> Response<Content> {
        match Arc::clone(&self.viewers).try_acquire_owned() {
            Ok(place) => content::events(Events::begin(&self.feed, place)),
            Err(_) => refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "{MAX_VIEWERS} viewers are told of what happens already: close a page, or ask for \
                         /api/v1/status now and then"
                ),
            ),
        }
    }
}

/// What there is besides the page's files.
enum Asked<'a> {
    Status,
    History,
    Events,
    Member(&'a str),
    Orders,
    Order(Order),
}

impl<'a> Asked<'a> {
    fn of(path: &'a str) -> Option<Self> {
        Some(match path.strip_prefix("/api/v1/")? {
            "status" => Self::Status,
            "history" => Self::History,
            "events" => Self::Events,
            "orders" => Self::Orders,
            "switchover" => Self::Order(Order::Switchover),
            "maintenance" => Self::Order(Order::Maintenance),
            other => Self::Member(other.strip_prefix("members/")?),
        })
    }
}

impl<H: Handler> Served for Site<H> {
    const NAME: &'static str = "status page";
    const TABLE: &'static str = "[http]";

    fn rooms(&self) -> &Arc<Semaphore> {
        &self.rooms
    }

    fn identity(&self) -> Option<&Identity> {
        self.page.identity.as_ref()
    }

    async fn answer<B>(&self, viewer: SocketAddr, request: Request<B>) -> Response<Content>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        answer(self, viewer, request).await
    }
}

async fn answer<B>(
    site: &Site<impl Handler>,
    viewer: SocketAddr,
    request: Request<B>,
) -> Response<Content>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    if let Some(asset) = ASSETS.iter().find(|it| it.path == head.uri.path()) {
        return if is_read {
            let bytes = Bytes::from_static(asset.text.as_bytes());
            content::bytes(StatusCode::OK, asset.kind, bytes)
        } else {
            wrong_method("GET, HEAD")
        };
    }
    match Asked::of(head.uri.path()) {
        None => refusal(
            StatusCode::NOT_FOUND,
            "there is no such thing here: docs/api.md has what there is",
        ),
        Some(Asked::Order(order)) if head.method == Method::POST => {
            carry_out(site, viewer, order, &head.headers, body).await
        }
        Some(Asked::Order(_)) => wrong_method("POST"),
        Some(_) if !is_read => wrong_method("GET, HEAD"),
        Some(asked) => read(site, &asked, &head.headers).await,
    }
}

async fn read(
    site: &Site<impl Handler>,
    asked: &Asked<'_>,
    lines: &HeaderMap,
) -> Response<Content> {
    if let Err(refusal) = may_read(&site.page, lines) {
        return refusal.answer();
    }
    match asked {
        Asked::Status => api::status(site).await,
        Asked::History => api::history(site).await,
        Asked::Events => site.events(),
        Asked::Member(slot) => api::member(site, slot).await,
        Asked::Orders => api::orders(site, lines),
        Asked::Order(_) => wrong_method("POST"),
    }
}

/// That method is not for it; these are.
pub(super) fn wrong_method(allowed: &'static str) -> Response<Content> {
    let mut response = refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("this is asked for by {allowed}"),
    );
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}
