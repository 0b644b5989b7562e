//! What a listener needs to know of what it serves.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::{Body, Bytes};
use hyper::{Request, Response};
use tokio::sync::Semaphore;

use super::content::Content;
use crate::config::http::Identity;

/// Something that is served at a place.
pub(super) trait Served: Send + Sync + 'static {
    /// What it is called in the log.
    const NAME: &'static str;
    /// The configuration's table that says where.
    const TABLE: &'static str;

    /// One for each connection there may be.
    fn rooms(&self) -> &Arc<Semaphore>;

    /// What it proves itself with; `None`: it is served without TLS.
    fn identity(&self) -> Option<&Identity>;

    /// Answers one request.
    fn answer<B>(
        &self,
        viewer: SocketAddr,
        request: Request<B>,
    ) -> impl Future<Output = Response<Content>> + Send
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>;
}
