//! Who may read, and who may change.

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};

use super::content::Refusal;
use crate::config::StatusPage;
use crate::config::http::{Access, Token};

/// # Errors
/// Why this viewer may not.
pub(super) fn may_read(page: &StatusPage, lines: &HeaderMap) -> Result<(), Refusal> {
    match (page.access, &page.token) {
        (Access::Read, _) => Ok(()),
        (Access::Token, Some(token)) => has_token(token, lines),
        // The configuration's check keeps it from happening; here it lets nobody in.
        (Access::Token, None) => Err(Refusal::new(StatusCode::FORBIDDEN, "there is no token")),
    }
}

/// # Errors
/// Why this viewer may not.
pub(super) fn may_change(page: &StatusPage, lines: &HeaderMap) -> Result<(), Refusal> {
    match (page.read_only(), &page.token) {
        (None, Some(token)) => has_token(token, lines),
        (why, _) => {
            let why = why.unwrap_or("there is no token");
            Err(Refusal::new(StatusCode::FORBIDDEN, why))
        }
    }
}

fn has_token(token: &Token, lines: &HeaderMap) -> Result<(), Refusal> {
    let shown = lines.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let why = match shown {
        Some(shown) if token.is(shown.trim()) => return Ok(()),
        Some(_) => "this is not the token in the node's `token_file`",
        None => "the node's token is needed: send it as `Authorization: Bearer TOKEN`",
    };
    Err(Refusal::new(StatusCode::UNAUTHORIZED, why))
}
