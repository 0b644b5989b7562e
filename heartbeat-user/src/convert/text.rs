//! Pieces of a TOML text with comments.

use std::path::Path;

use super::Report;

/// Column at which comments behind a value begin.
const COMMENTS: usize = 36;

pub(super) fn head(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    format!(
        "# Converted from keepalived's {} by `heartbeatctl convert`.\n\
         # The same file on every node, as /etc/heartbeatd/heartbeatd.toml.\n",
        name.to_string_lossy()
    )
}

/// A text as TOML quotes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A list of texts.
pub(super) fn list(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|it| quoted(it)).collect();
    format!("[{}]", words.join(", "))
}

/// Has a program named by its whole path, which keepalived looks up.
pub(super) fn absolute(command: &[String], of: &str, report: &mut Report) {
    let program = command.first().map_or("", String::as_str);
    if !Path::new(program).is_absolute() {
        report.fill_in(
            format!("{program} ({of})"),
            "the program is named by its whole path",
        );
    }
}

/// `key = value`, with a comment unless it is empty.
pub(super) fn line(toml: &mut String, key: &str, value: &str, comment: &str) {
    let setting = format!("{key} = {value}");
    if comment.is_empty() {
        *toml += &format!("{setting}\n");
    } else {
        *toml += &format!("{setting:<COMMENTS$} # {comment}\n");
    }
}

/// A name that heartbeatd takes: other characters become `-`, and what is too long is cut off.
pub(super) fn name(text: &str, longest: usize) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric();
    let replaced: String = text
        .chars()
        .map(|char| match char {
            '_' => '_',
            _ if is_plain(char) => char,
            _ => '-',
        })
        .collect();
    let start = replaced.find(is_plain).unwrap_or(replaced.len());
    let name: String = replaced[start..].chars().take(longest).collect();
    if name.is_empty() {
        "vrrp".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_fit() {
        assert_eq!(name("VI_1", 32), "VI_1");
        assert_eq!(name("_web/site", 5), "web-s");
        assert_eq!(name("___", 5), "vrrp");
    }
}
