//! Who may read, and who may change.

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::content::{Content, refusal};
use crate::config::StatusPage;
use crate::config::http::{Access, Token};

/// # Errors
/// The answer to who may not.
pub(super) fn may_read(page: &StatusPage, lines: &HeaderMap) -> Result<(), Response<Content>> {
    match (page.access, &page.token) {
        (Access::Read, _) => Ok(()),
        (Access::Token, Some(token)) => has_token(token, lines),
        // The configuration's check keeps it from happening; here it lets nobody in.
        (Access::Token, None) => Err(refusal(StatusCode::FORBIDDEN, "there is no token")),
    }
}

/// # Errors
/// The answer to who may not.
pub(super) fn may_change(page: &StatusPage, lines: &HeaderMap) -> Result<(), Response<Content>> {
    match (page.read_only(), &page.token) {
        (None, Some(token)) => has_token(token, lines),
        (why, _) => Err(refusal(
            StatusCode::FORBIDDEN,
            why.unwrap_or("there is no token"),
        )),
    }
}

fn has_token(token: &Token, lines: &HeaderMap) -> Result<(), Response<Content>> {
    let shown = lines.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let why = match shown {
        Some(shown) if token.is(shown.trim()) => return Ok(()),
        Some(_) => "this is not the token in the node's `token_file`",
        None => "the node's token is needed: send it as `Authorization: Bearer TOKEN`",
    };
    let mut response = refusal(StatusCode::UNAUTHORIZED, why);
    let scheme = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    Err(response)
}
