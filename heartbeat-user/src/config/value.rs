//! What a value in the file may be, and what to write instead.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::{Follows, duration, size};

/// Why a value cannot be used, without its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) cause: String,
    pub(super) cure: String,
}

impl Wrong {
    pub(super) fn new(cause: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            cure: cure.into(),
        }
    }
}

/// What a value is, in the operator's words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A text in quotes.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, Wrong> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        other => Err(Wrong::new(
            format!("{} where a text belongs", kind(other)),
            "write it in quotes",
        )),
    }
}

/// `true` or `false`.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, Wrong> {
    match value {
        DeValue::Boolean(flag) => Ok(*flag),
        other => Err(Wrong::new(
            format!("{} where true or false belongs", kind(other)),
            "write true or false, without quotes",
        )),
    }
}

/// A whole number in a range; `what` names the quantity.
pub(super) fn whole(
    value: &DeValue<'_>,
    what: &str,
    range: RangeInclusive<u16>,
) -> Result<u16, Wrong> {
    let cure = format!(
        "write a whole number from {} to {}",
        range.start(),
        range.end()
    );
    let DeValue::Integer(number) = value else {
        let cause = format!("{} where {what} belongs", kind(value));
        return Err(Wrong::new(cause, cure + ", without quotes"));
    };
    i128::from_str_radix(number.as_str(), number.radix())
        .ok()
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| Wrong::new(format!("{number} is no {what}"), cure))
}

/// A text that is one of a few words.
pub(super) fn one_of<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Result<T, Wrong> {
    let text = text(value)?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let known: Vec<String> = words
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    Err(Wrong::new(
        format!("\"{text}\" means nothing here"),
        format!("write {}", known.join(" or ")),
    ))
}

/// A list of items of one kind, each with its place; `what` says what the list is of.
pub(super) fn list<T>(
    value: &DeValue<'_>,
    what: &str,
    cure: &str,
    item: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
) -> Result<Vec<Spanned<T>>, Wrong> {
    let DeValue::Array(items) = value else {
        let cause = format!("{} where a list of {what} belongs", kind(value));
        return Err(Wrong::new(cause, cure));
    };
    let read = |it: &Spanned<DeValue<'_>>| {
        item(it.get_ref())
            .map(|read| Spanned::new(it.span(), read))
            .map_err(|wrong| Wrong::new(wrong.cause, cure))
    };
    items.iter().map(read).collect()
}

/// What a virtual address follows: the master, or the machine in a slot.
pub(super) fn follows(value: &DeValue<'_>) -> Result<Follows, Wrong> {
    const CURE: &str = "write follows = \"master\" or follows = { slot = 1 }";
    let DeValue::Table(table) = value else {
        return one_of(value, &[("master", Follows::Master)])
            .map_err(|wrong| Wrong::new(wrong.cause, CURE));
    };
    match (table.len(), table.get("slot")) {
        (1, Some(slot)) => whole(slot.get_ref(), "slot", 1..=u16::MAX)
            .map(Follows::Slot)
            .map_err(|wrong| Wrong::new(wrong.cause, CURE)),
        _ => Err(Wrong::new("a table that is not { slot = NUMBER }", CURE)),
    }
}

/// A duration.
pub(super) fn time(value: &DeValue<'_>) -> Result<Duration, Wrong> {
    let DeValue::String(text) = value else {
        return Err(Wrong::new(
            "a duration is a text with its unit",
            duration::CURE,
        ));
    };
    duration::parse(text)
        .ok_or_else(|| Wrong::new(format!("\"{text}\" is no duration"), duration::CURE))
}

/// A size in bytes.
pub(super) fn bytes(value: &DeValue<'_>) -> Result<u64, Wrong> {
    let DeValue::String(text) = value else {
        return Err(Wrong::new("a size is a text with its unit", size::CURE));
    };
    size::parse(text).ok_or_else(|| Wrong::new(format!("\"{text}\" is no size"), size::CURE))
}

/// A list of slots, each with its place.
pub(super) fn slots(value: &DeValue<'_>) -> Result<Vec<Spanned<u16>>, Wrong> {
    const CURE: &str = "list slots of members: electors = [1, 2, 3]";
    list(value, "slots", CURE, |item| {
        whole(item, "slot", 1..=u16::MAX)
    })
}

/// A list of texts, at least one.
pub(super) fn words(value: &DeValue<'_>) -> Result<Vec<String>, Wrong> {
    const CURE: &str = "write a list of texts: [\"/usr/bin/program\", \"argument\"]";
    let wrong = |cause: &str| Wrong::new(cause, CURE);
    let DeValue::Array(items) = value else {
        return Err(wrong("a program and its arguments are a list"));
    };
    if items.is_empty() {
        return Err(wrong("an empty list names no program"));
    }
    let word =
        |item: &Spanned<DeValue<'_>>| text(item.get_ref()).map_err(|it| Wrong::new(it.cause, CURE));
    items.iter().map(word).collect()
}

/// An address and a port.
pub(super) fn socket(value: &DeValue<'_>) -> Result<SocketAddr, Wrong> {
    let text = text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(
            format!("\"{text}\" is no address with a port"),
            "write \"127.0.0.1:80\" or \"[::1]:80\"",
        )
    })
}

/// A page: its host as written, its address, and path with query.
pub(super) fn url(value: &DeValue<'_>) -> Result<(String, SocketAddr, String), Wrong> {
    const CURE: &str = "write an address, not a name: a check must not wait for a name service: \"http://127.0.0.1:9870/jmx\"";
    let text = text(value)?;
    let wrong = |cause: &str| Wrong::new(format!("\"{text}\" {cause}"), CURE);
    let rest =
        (text.strip_prefix("http://")).ok_or_else(|| wrong("does not begin with http://"))?;
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, "/".to_owned()),
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii();
    if path.contains(odd) {
        return Err(wrong("has characters that no address of a page has"));
    }
    let with_port = || format!("{host}:80").parse();
    let address = host.parse().or_else(|_| with_port());
    let address = address.map_err(|_| wrong("names no IP address"))?;
    Ok((host.to_owned(), address, path))
}

/// An address alone.
pub(super) fn address(value: &DeValue<'_>) -> Result<IpAddr, Wrong> {
    let text = text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(
            format!("\"{text}\" is no IP address"),
            "write the address alone, without name, prefix length or port: \"198.51.100.1\"",
        )
    })
}

/// An address with its network's prefix length.
pub(super) fn address_and_prefix(value: &DeValue<'_>) -> Result<(IpAddr, u8), Wrong> {
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
pub(super) fn interface(value: &DeValue<'_>) -> Result<String, Wrong> {
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
