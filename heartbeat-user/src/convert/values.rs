//! Single values, as keepalived.conf(5) writes them.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use super::Report;
use super::tree::Item;

/// Longest time that is taken for one, in seconds: a day.
const LONGEST_S: f64 = 86_400.0;

/// The item's first value; one that cannot be read is told of.
pub(super) fn value<T>(
    item: &Item,
    report: &mut Report,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let value = item.values().first().and_then(|text| read(text));
    if value.is_none() {
        report.lost(&item.at, &item.text(), "its value cannot be read");
    }
    value
}

pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Seconds with a fraction, to the microsecond.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    const US_PER_S: f64 = 1e6;
    let seconds: f64 = text.parse().ok()?;
    // No sign and no fraction is lost: it is in range, and rounded.
    (0.0..=LONGEST_S)
        .contains(&seconds)
        .then(|| Duration::from_micros((seconds * US_PER_S).round() as u64))
}

/// An address; the interface of a link-local one is named elsewhere.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}

/// An address with the length of its prefix, which is the whole address where it is not said.
pub(super) fn address_and_prefix(text: &str) -> Option<(IpAddr, u8)> {
    let (text, prefix) = match text.split_once('/') {
        Some((text, prefix)) => (text, Some(prefix.parse().ok()?)),
        None => (text, None),
    };
    let address = address(text)?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(whole);
    (prefix <= whole).then_some((address, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_fractions_and_no_sign() {
        assert_eq!(seconds("0.92"), Some(Duration::from_millis(920)));
        assert_eq!(seconds("1"), Some(Duration::from_secs(1)));
        for wrong in ["-1", "NaN", "inf", "1s", "90000"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_without_a_prefix_is_one_alone() {
        let one = |text| address_and_prefix(text).map(|(_, prefix)| prefix);
        assert_eq!(one("192.0.2.1"), Some(32));
        assert_eq!(one("2001:db8::1"), Some(128));
        assert_eq!(one("192.0.2.1/24"), Some(24));
        assert_eq!(one("192.0.2.1/33"), None);
        assert_eq!(address("fe80::1%eth0"), address("fe80::1"));
    }
}
