//! Addresses and interfaces.

use std::net::{IpAddr, SocketAddr};

use toml::Spanned;
use toml::de::DeValue;

use super::{Wrong, list, text};

/// An address and a port.
pub(in crate::config) fn socket(value: &DeValue<'_>) -> Result<SocketAddr, Wrong> {
    let text = text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(
            format!("\"{text}\" is no address with a port"),
            "write \"127.0.0.1:80\" or \"[::1]:80\"",
        )
    })
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Url {
    pub(in crate::config) is_tls: bool,
    /// The host as written, with its port if that is written.
    pub(in crate::config) host: String,
    pub(in crate::config) address: SocketAddr,
    /// With its query.
    pub(in crate::config) path: String,
}

/// The address of a page.
pub(in crate::config) fn url(value: &DeValue<'_>) -> Result<Url, Wrong> {
    const CURE: &str = "write an address, not a name: nothing here may wait for a name service: \"http://127.0.0.1:9870/jmx\"";
    let text = text(value)?;
    let wrong = |cause: &str| Wrong::new(format!("\"{text}\" {cause}"), CURE);
    let (rest, is_tls, port) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (rest, false, 80),
        (None, Some(rest)) => (rest, true, 443),
        (None, None) => return Err(wrong("does not begin with http:// or https://")),
    };
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, "/".to_owned()),
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii();
    if path.contains(odd) {
        return Err(wrong("has characters that no address of a page has"));
    }
    let with_port = || format!("{host}:{port}").parse();
    let address = host.parse().or_else(|_| with_port());
    Ok(Url {
        is_tls,
        host: host.to_owned(),
        address: address.map_err(|_| wrong("names no IP address"))?,
        path,
    })
}

/// An address alone.
pub(in crate::config) fn address(value: &DeValue<'_>) -> Result<IpAddr, Wrong> {
    let text = text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(
            format!("\"{text}\" is no IP address"),
            "write the address alone, without name, prefix length or port: \"198.51.100.1\"",
        )
    })
}

/// Addresses of devices on the business network, each with its place.
pub(in crate::config) fn references(value: &DeValue<'_>) -> Result<Vec<Spanned<IpAddr>>, Wrong> {
    const CURE: &str = "list addresses of the business network: reference = [\"203.0.113.254\"]";
    list(value, "addresses", CURE, address)
}

/// An address with its network's prefix length.
pub(in crate::config) fn address_and_prefix(value: &DeValue<'_>) -> Result<(IpAddr, u8), Wrong> {
    const CURE: &str = "write the address and its network's prefix length: \"203.0.113.100/24\"";
    let text = text(value)?;
    let Some((address, prefix)) = text.split_once('/') else {
        return Err(Wrong::new(format!("\"{text}\" has no prefix length"), CURE));
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(Wrong::new(format!("\"{address}\" is no IP address"), CURE));
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    match prefix.parse() {
        Ok(prefix) if (1..=longest).contains(&prefix) => Ok((address, prefix)),
        Ok(_) | Err(_) => Err(Wrong::new(
            format!("\"{prefix}\" is no prefix length from 1 to {longest}"),
            CURE,
        )),
    }
}

/// A name that the kernel takes for an interface (dev_valid_name, net/core/dev.c).
pub(in crate::config) fn interface(value: &DeValue<'_>) -> Result<String, Wrong> {
    const CURE: &str = "write an interface's name as `ip link` shows it";
    let name = text(value)?;
    let wrong = |cause: String| Err(Wrong::new(cause, CURE));
    if name.is_empty() {
        return wrong("an interface's name is not empty".to_owned());
    }
    if name.len() > 15 {
        return wrong(format!(
            "\"{name}\" has {} bytes, an interface's name at most 15",
            name.len()
        ));
    }
    let odd = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if name == "." || name == ".." || name.contains(odd) {
        return wrong(format!("\"{name}\" cannot be an interface's name"));
    }
    Ok(name)
}
