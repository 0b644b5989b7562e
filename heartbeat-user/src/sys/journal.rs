//! Entries of systemd's journal, by its native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>): one datagram of
//! fields.

/// Where entries are sent.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// Adds a field. Its name has capital letters, digits and `_`.
pub fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        // A value of several lines is told by its length.
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The fields of an entry, in its order.
    pub(crate) fn fields(mut entry: &[u8]) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let mut fields = Vec::new();
        while !entry.is_empty() {
            let ends = entry.iter().position(|byte| matches!(byte, b'=' | b'\n'));
            let ends = ends.expect("a name ends");
            let (name, mut rest) = (text(&entry[..ends]), &entry[ends + 1..]);
            let length = if entry[ends] == b'\n' {
                let (length, value) = rest.split_first_chunk().expect("a length");
                rest = value;
                u64::from_le_bytes(*length) as usize
            } else {
                rest.iter()
                    .position(|byte| *byte == b'\n')
                    .expect("a value ends")
            };
            assert_eq!(rest[length], b'\n', "{name}");
            fields.push((name, text(&rest[..length])));
            entry = &rest[length + 1..];
        }
        fields
    }

    #[test]
    fn what_is_put_is_read_back_whatever_lines_it_has() {
        let all = [
            ("MESSAGE", "two\nlines\n"),
            ("PRIORITY", "6"),
            ("EMPTY", ""),
            ("SIGNS", "a=b"),
        ];
        let mut entry = Vec::new();
        for (name, value) in all {
            put(&mut entry, name, value);
        }
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields(&entry), all);
        assert!(entry.starts_with(b"MESSAGE\n\x0a\0\0\0\0\0\0\0two\nlines\n\nPRIORITY=6\n"));
    }
}
