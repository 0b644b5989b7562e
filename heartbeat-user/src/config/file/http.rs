//! `[http]` as written.

use std::ops::Range;

use toml::de::DeValue;

use super::Value;
use crate::config::fault::Fault;
use crate::config::http::Access;
use crate::config::section::Section;
use crate::config::service::Network;
use crate::config::value::{Wrong, one_of, text};

const CURE: &str = "name the network and a port: listen = \"business:7480\"";

/// `[http]`
pub(in crate::config) struct Http {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) listen: Value<(Network, u16)>,
    pub(in crate::config) access: Value<Access>,
    pub(in crate::config) certificate: Value<String>,
    pub(in crate::config) private_key: Value<String>,
    pub(in crate::config) token_file: Value<String>,
}

/// Reads `[http]`.
pub(super) fn http(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Http {
    let http = Http {
        at: s.at(),
        listen: s.required(faults, "listen", CURE, |value| listen(value, CURE)),
        access: s.optional(faults, "access", |value| {
            one_of(value, &Access::ALL.map(|it| (it.as_str(), it)))
        }),
        certificate: s.optional(faults, "certificate", text),
        private_key: s.optional(faults, "private_key", text),
        token_file: s.optional(faults, "token_file", text),
    };
    s.end(faults);
    http
}

/// A network by its name, and a port. All nodes have the same file, so it names no address.
pub(super) fn listen(value: &DeValue<'_>, cure: &'static str) -> Result<(Network, u16), Wrong> {
    let text = text(value)?;
    let (place, port) = text
        .rsplit_once(':')
        .ok_or_else(|| Wrong::new(format!("\"{text}\" has no port"), cure))?;
    let network = match place {
        "business" => Network::Business,
        "management" => Network::Management,
        "0.0.0.0" | "[::]" | "*" | "" => {
            let cause =
                format!("\"{text}\" is every address of the machine, and this is for one network");
            return Err(Wrong::new(cause, cure));
        }
        _ => return Err(Wrong::new(format!("\"{place}\" is no network"), cure)),
    };
    match port.parse() {
        Ok(port) if port > 0 => Ok((network, port)),
        Ok(_) | Err(_) => Err(Wrong::new(format!("\"{port}\" is no port"), cure)),
    }
}
