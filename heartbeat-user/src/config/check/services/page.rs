//! A page, what is expected of it, and how its server is known.

use rustls::pki_types::ServerName;

use super::how::absolute;
use crate::config::fault::Fault;
use crate::config::file::services::Http as Written;
use crate::config::service::{Http, Tls};
use crate::config::value::Url;
use crate::net::authorities;

/// `None` only together with a fault.
pub(super) fn page(written: &Written, faults: &mut Vec<Fault>) -> Option<Http> {
    let equals = match (&written.pointer, &written.equals) {
        (Some(pointer), Some(equals)) => {
            if !pointer.get_ref().starts_with('/') {
                let cause = "a JSON pointer begins with /";
                faults.push(Fault::new(
                    pointer.span(),
                    cause,
                    "write \"/beans/0/State\"",
                ));
            }
            Some((pointer.get_ref().clone(), equals.get_ref().clone()))
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let cause = "`pointer` and `equals` belong together";
            let cure = "write both: pointer = \"/beans/0/State\", equals = \"active\"";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            None
        }
    };
    let url = written.url.as_ref()?.get_ref();
    let tls = if url.is_tls {
        Some(tls(written, url, faults)?)
    } else {
        in_plain_text(written, faults);
        None
    };
    Some(Http {
        address: url.address,
        host: host(url, tls.as_ref()),
        path: url.path.clone(),
        tls,
        status: written.status.as_ref().map(|it| it.get_ref().clone()),
        contains: written.contains.as_ref().map(|it| it.get_ref().clone()),
        equals,
    })
}

fn in_plain_text(written: &Written, faults: &mut Vec<Fault>) {
    for key in [&written.ca_file, &written.server_name]
        .into_iter()
        .flatten()
    {
        let cause = "a page that is asked for by http:// proves nothing by a certificate";
        faults.push(Fault::new(
            key.span(),
            cause,
            "write https:// in `url`, or take this out",
        ));
    }
}

fn tls(written: &Written, url: &Url, faults: &mut Vec<Fault>) -> Option<Tls> {
    let ca_file = match &written.ca_file {
        Some(file) => {
            let path = absolute(file, faults)?;
            if let Err(error) = authorities::own(&path) {
                faults.push(Fault::new(file.span(), error.to_string(), error.cure()));
                return None;
            }
            Some(path)
        }
        None => None,
    };
    let server_name = match &written.server_name {
        Some(name) => match ServerName::try_from(name.get_ref().clone()) {
            Ok(name) => name,
            Err(_) => {
                let cause = format!(
                    "\"{}\" is no name that a certificate can be for",
                    name.get_ref()
                );
                let cure = "write a host's name, or an IP address, as the certificate has it";
                faults.push(Fault::new(name.span(), cause, cure));
                return None;
            }
        },
        None => ServerName::from(url.address.ip()),
    };
    Some(Tls {
        ca_file,
        server_name,
    })
}

/// What the server is called in the request: servers that have several names, and those that compare, go by it.
fn host(url: &Url, tls: Option<&Tls>) -> String {
    match tls.map(|tls| &tls.server_name) {
        Some(ServerName::DnsName(name)) => format!("{}:{}", name.as_ref(), url.address.port()),
        Some(_) | None => url.host.clone(),
    }
}
