//! What is sent back, and the lines above it that keep a browser to this page alone.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::events::Events;

const JSON: &str = "application/json";
const SECURITY: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    // What was true a moment ago is not to be shown as the present.
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Of known length, or as it happens.
pub(super) enum Content {
    Whole(Full<Bytes>),
    Events(Events),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(context),
            Self::Events(events) => events
                .poll_next(context)
                .map(|next| next.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// These bytes, of this type.
pub(super) fn bytes(status: StatusCode, kind: &'static str, bytes: Bytes) -> Response<Content> {
    with_lines(status, kind, Content::Whole(Full::new(bytes)))
}

/// This value as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Content> {
    let text = serde_json::to_vec(value).expect("plain values with texts for keys");
    bytes(status, JSON, text.into())
}

/// JSON that is written already.
pub(super) fn written(text: Bytes) -> Response<Content> {
    bytes(StatusCode::OK, JSON, text)
}

/// Events as they happen.
pub(super) fn events(events: Events) -> Response<Content> {
    with_lines(StatusCode::OK, "text/event-stream", Content::Events(events))
}

/// Why something is not done.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    error: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self {
            status,
            error: why.into(),
        }
    }

    /// The reason alone.
    pub(super) fn into_why(self) -> String {
        self.error
    }

    pub(super) fn answer(&self) -> Response<Content> {
        let mut response = json(self.status, self);
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            let lines = response.headers_mut();
            lines.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// Why not.
pub(super) fn refusal(status: StatusCode, why: impl Into<String>) -> Response<Content> {
    Refusal::new(status, why).answer()
}

fn with_lines(status: StatusCode, kind: &'static str, content: Content) -> Response<Content> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    let lines = response.headers_mut();
    lines.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in SECURITY {
        lines.insert(name, HeaderValue::from_static(value));
    }
    response
}
