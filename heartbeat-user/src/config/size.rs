//! Sizes as an operator writes them: "16 MiB", "1GiB".

/// Units an operator may write, in bytes.
const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// What to write instead of something that is no size.
pub(super) const CURE: &str =
    "write a whole number and its unit (KiB, MiB, GiB) in quotes: \"256 MiB\"";

/// Reads a whole number with its unit, in bytes; `None` if it is none, or above 2^64.
#[must_use]
pub(super) fn parse(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_with_its_unit_is_a_size_and_nothing_else_is() {
        for (text, bytes) in [
            ("16 MiB", 16 << 20),
            ("1GiB", 1 << 30),
            ("512KiB", 512 << 10),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "16",
            "MiB",
            "16 MB",
            "1.5 GiB",
            "-1 MiB",
            "99999999999999 GiB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
