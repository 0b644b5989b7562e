//! A web server, and how it is told from another one.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;

use super::path::absolute;
use crate::config::fault::Fault;
use crate::config::file::Value;
use crate::config::service::Tls;
use crate::config::value::Url;
use crate::net::authorities;

/// What is written of it.
pub(super) struct Written<'a> {
    pub(super) url: &'a Url,
    pub(super) ca_file: &'a Value<String>,
    pub(super) server_name: &'a Value<String>,
}

/// What is meant.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// What it is called in requests: servers that have several names, and those that compare, go by it.
    pub(super) host: String,
    pub(super) path: String,
    pub(super) tls: Option<Tls>,
}

/// `None` only together with a fault.
pub(super) fn server(written: &Written<'_>, faults: &mut Vec<Fault>) -> Option<Server> {
    let url = written.url;
    let tls = if url.is_tls {
        Some(tls(written, faults)?)
    } else {
        in_plain_text(written, faults);
        None
    };
    Some(Server {
        address: url.address,
        host: host(url, tls.as_ref()),
        path: url.path.clone(),
        tls,
    })
}

fn in_plain_text(written: &Written<'_>, faults: &mut Vec<Fault>) {
    for key in [written.ca_file, written.server_name].into_iter().flatten() {
        let cause = "a page that is asked for by http:// proves nothing by a certificate";
        faults.push(Fault::new(
            key.span(),
            cause,
            "write https:// in the page's address, or take this out",
        ));
    }
}

fn tls(written: &Written<'_>, faults: &mut Vec<Fault>) -> Option<Tls> {
    let ca_file = match written.ca_file {
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
    let server_name = match written.server_name {
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
        None => ServerName::from(written.url.address.ip()),
    };
    Some(Tls {
        ca_file,
        server_name,
    })
}

fn host(url: &Url, tls: Option<&Tls>) -> String {
    match tls.map(|tls| &tls.server_name) {
        Some(ServerName::DnsName(name)) => format!("{}:{}", name.as_ref(), url.address.port()),
        Some(_) | None => url.host.clone(),
    }
}
