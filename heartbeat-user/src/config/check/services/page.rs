//! A page, and what is expected of it.

use crate::config::check::server::{self, server};
use crate::config::fault::Fault;
use crate::config::file::services::Http as Written;
use crate::config::service::Http;

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
    let server = server(
        &server::Written {
            url: written.url.as_ref()?.get_ref(),
            ca_file: &written.ca_file,
            server_name: &written.server_name,
        },
        faults,
    )?;
    Some(Http {
        address: server.address,
        host: server.host,
        path: server.path,
        tls: server.tls,
        status: written.status.as_ref().map(|it| it.get_ref().clone()),
        contains: written.contains.as_ref().map(|it| it.get_ref().clone()),
        equals,
    })
}
