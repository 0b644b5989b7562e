//! `[http]`: a page that everybody may read, or that proves itself to those who must prove themselves.

use std::path::Path;

use crate::config::fault::Fault;
use crate::config::file::http::Http as Written;
use crate::config::file::{Member, Value};
use crate::config::http::{Access, Identity, StatusPage, Token};
use crate::config::secret;
use crate::config::service::Network;
use crate::net::identity;

/// Characters of a token: too many to be guessed, and few enough to be pasted.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 16..=256;
/// More than any token file has.
const MAX_TOKEN_FILE: u64 = 1024;
const MAKE_TOKEN: &str = "make one: `umask 077; openssl rand -hex 32 > FILE`";

/// `None` only together with a fault; `Some(None)`: there is no page.
pub(super) fn check(
    written: Option<&Written>,
    members: &[Member],
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Option<StatusPage>> {
    let Some(written) = written else {
        return Some(None);
    };
    let before = faults.len();
    let identity = identity(written, folder, faults);
    let token = token(&written.token_file, folder, faults);
    if let (Some(file), None) = (&written.token_file, &written.certificate) {
        let cause = "a token that is sent without TLS is everybody's who listens";
        let cure = "name `certificate` and `private_key` too, or take `token_file` out";
        faults.push(Fault::new(file.span(), cause, cure));
    }
    let access = written.access.as_ref();
    if let (Some(access), None) = (
        access.filter(|it| *it.get_ref() == Access::Token),
        &written.token_file,
    ) {
        let cause = "access = \"token\" lets nobody in without a token";
        faults.push(Fault::new(
            access.span(),
            cause,
            "name `token_file`, or write access = \"read\"",
        ));
    }
    let listen = written.listen.as_ref()?;
    let (network, port) = *listen.get_ref();
    if network == Network::Business && members.iter().all(|member| member.business.is_none()) {
        let cause = "no member is on a business network";
        let cure = "give the members `business`, or write \"management:7480\"";
        faults.push(Fault::new(listen.span(), cause, cure));
    }
    (faults.len() == before).then(|| {
        Some(StatusPage {
            network,
            port,
            access: access.map_or(Access::Read, |it| *it.get_ref()),
            identity,
            token,
        })
    })
}

fn identity(written: &Written, folder: &Path, faults: &mut Vec<Fault>) -> Option<Identity> {
    let (certificate, private_key) = match (&written.certificate, &written.private_key) {
        (Some(certificate), Some(private_key)) => (certificate, private_key),
        (None, None) => return None,
        (Some(_), None) | (None, Some(_)) => {
            let cause = "`certificate` and `private_key` belong together";
            let cure = "name both PEM files, or take the one out";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            return None;
        }
    };
    let of = |name: &toml::Spanned<String>| folder.join(name.get_ref());
    match identity::read(&of(certificate), &of(private_key)) {
        Ok(identity) => Some(identity),
        Err(error) => {
            let at = if error.is_of_key() {
                private_key
            } else {
                certificate
            };
            faults.push(Fault::new(at.span(), error.to_string(), error.cure()));
            None
        }
    }
}

fn token(file: &Value<String>, folder: &Path, faults: &mut Vec<Fault>) -> Option<Token> {
    let file = file.as_ref()?;
    let path = folder.join(file.get_ref());
    let text = match secret::read("token file", &path, MAX_TOKEN_FILE) {
        Ok(text) => text,
        Err(error) => {
            faults.push(Fault::new(
                file.span(),
                error.to_string(),
                error.cure(MAKE_TOKEN),
            ));
            return None;
        }
    };
    let text = String::from_utf8_lossy(&text);
    let token = text.trim();
    if !TOKEN_LENGTHS.contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let cause = format!(
            "token file {} has no token: one line of {} to {} letters, digits and signs",
            path.display(),
            TOKEN_LENGTHS.start(),
            TOKEN_LENGTHS.end()
        );
        faults.push(Fault::new(file.span(), cause, MAKE_TOKEN));
        return None;
    }
    Some(Token::new(token))
}
