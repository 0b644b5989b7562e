//! What a value in the file may be, and what to write instead.

mod places;

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

pub(super) use places::{Url, address, address_and_prefix, interface, references, socket, url};

use super::service::{Network, PerRole};
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
    const CURE: &str = "write follows = \"master\" or follows = { slot = 1 }, with takeover = true beside the slot if the \
                        master shall have it meanwhile";
    let DeValue::Table(table) = value else {
        return one_of(value, &[("master", Follows::Master)])
            .map_err(|wrong| Wrong::new(wrong.cause, CURE));
    };
    let in_place = |wrong: Wrong| Wrong::new(wrong.cause, CURE);
    let takeover = match (table.len(), table.get("takeover")) {
        (1, None) => false,
        (2, Some(takeover)) => flag(takeover.get_ref()).map_err(in_place)?,
        _ => return Err(Wrong::new("a table that is not { slot = NUMBER }", CURE)),
    };
    let Some(slot) = table.get("slot") else {
        return Err(Wrong::new("a table that is not { slot = NUMBER }", CURE));
    };
    let slot = whole(slot.get_ref(), "slot", 1..=u16::MAX).map_err(in_place)?;
    Ok(if takeover {
        Follows::SlotElseMaster(slot)
    } else {
        Follows::Slot(slot)
    })
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

/// One value, or one for the master and one for every other node.
pub(super) fn per_role<T: Clone>(
    value: &DeValue<'_>,
    read: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
) -> Result<PerRole<T>, Wrong> {
    let DeValue::Table(table) = value else {
        let both = read(value)?;
        return Ok(PerRole {
            master: both.clone(),
            slave: both,
        });
    };
    match (table.len(), table.get("master"), table.get("slave")) {
        (2, Some(master), Some(slave)) => Ok(PerRole {
            master: read(master.get_ref())?,
            slave: read(slave.get_ref())?,
        }),
        _ => Err(Wrong::new(
            "a table that is not { master = VALUE, slave = VALUE }",
            "write one value, or one for the master and one for every other node: { master = \"active\", slave = \"standby\" }",
        )),
    }
}

/// One of a node's networks.
pub(super) fn network(value: &DeValue<'_>) -> Result<Network, Wrong> {
    one_of(
        value,
        &[
            ("business", Network::Business),
            ("management", Network::Management),
        ],
    )
}
