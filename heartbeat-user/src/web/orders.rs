//! What changes something: only for who has the token, and over TLS.

use std::net::SocketAddr;
use std::time::Duration;

use heartbeat_core::Slot;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::timeout;
use tracing::info;

use super::access::may_change;
use super::content::{Content, Refusal, json, refusal};
use super::route::Site;
use crate::control::Handler;

/// Longest body, in bytes: the longest order there is has less than forty.
const MAX_BODY: usize = 1024;
/// How long a viewer may take to send it.
const BODY_TIME: Duration = Duration::from_secs(5);
/// How long the daemon may take to carry it out.
const ORDER_TIME: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switchover {
    #[serde(default)]
    to: Option<Slot>,
    #[serde(default)]
    at: Option<Slot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Maintenance {
    on: bool,
    #[serde(default)]
    at: Option<Slot>,
}

#[derive(Serialize)]
struct Done {
    done: String,
}

/// Which order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Switchover,
    Maintenance,
}

/// Carries it out, if this viewer may have it carried out.
pub(super) async fn carry_out<B>(
    site: &Site<impl Handler>,
    viewer: SocketAddr,
    order: Order,
    lines: &HeaderMap,
    body: B,
) -> Response<Content>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let outcome = match given(site, order, lines, body).await {
        Ok(outcome) => outcome,
        Err(refusal) => return refusal.answer(),
    };
    info!(%viewer, ?order, ?outcome, "ordered by the status page's API");
    match outcome {
        Ok(done) => json(StatusCode::OK, &Done { done }),
        Err(why) => refusal(StatusCode::CONFLICT, why),
    }
}

/// What the daemon made of it, or why it was not told.
async fn given<B>(
    site: &Site<impl Handler>,
    order: Order,
    lines: &HeaderMap,
    body: B,
) -> Result<Result<String, String>, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    may_change(&site.page, lines)?;
    let handler = &*site.handler;
    let outcome = match order {
        Order::Switchover => {
            let order: Switchover = read(lines, body).await?;
            is_meant(handler, order.at).await?;
            timeout(ORDER_TIME, handler.switchover(order.to)).await
        }
        Order::Maintenance => {
            let order: Maintenance = read(lines, body).await?;
            is_meant(handler, order.at).await?;
            timeout(ORDER_TIME, handler.maintenance(order.on)).await
        }
    };
    Ok(outcome.unwrap_or_else(|_| Err("the daemon did not finish in time".to_owned())))
}

/// A browser sends once more, by itself, what it had no answer to on a connection that ended. By a virtual address that
/// reaches the next master, and the order was not for that one.
async fn is_meant(handler: &impl Handler, at: Option<Slot>) -> Result<(), Refusal> {
    let Some(at) = at else { return Ok(()) };
    let known = handler.status().await;
    let own = known
        .map_err(|why| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))?
        .slot;
    if own == at {
        return Ok(());
    }
    let why = format!(
        "this is slot {own}, and the order is for slot {at}: nothing was changed here; see who is master"
    );
    Err(Refusal::new(StatusCode::PRECONDITION_FAILED, why))
}

async fn read<T, B>(lines: &HeaderMap, body: B) -> Result<T, Refusal>
where
    T: DeserializeOwned,
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let kind = lines.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_none_or(|kind| !kind.starts_with(b"application/json")) {
        let why = "an order is JSON: send `Content-Type: application/json`";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let body = timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await;
    let body =
        body.map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the order does not end"))?;
    let body = body.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("the order is none: {error}"),
        )
    })
}
