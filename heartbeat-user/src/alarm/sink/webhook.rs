//! One POST of JSON for each notice.

use hyper::Request;
use hyper::header::CONTENT_TYPE;

use super::{accepted, server};
use crate::alarm::notice::Notice;
use crate::config::Connection;
use crate::config::alarms::Url;
use crate::net::http::Server;

pub(super) struct Webhook {
    url: Url,
    server: Server,
}

impl Webhook {
    pub(super) fn new(url: &Url, from: Option<Connection>) -> Self {
        Self {
            server: server(url, from),
            url: url.clone(),
        }
    }

    pub(super) async fn deliver(&mut self, notice: &Notice) -> Result<(), String> {
        let body = serde_json::to_vec(notice).map_err(|error| error.to_string())?;
        let request = Request::post(&self.url.path).header(CONTENT_TYPE, "application/json");
        let answer = self.server.ask(request, body.into()).await?;
        accepted(&self.url, &answer)
    }
}
