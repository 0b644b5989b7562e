//! Text of our Markdown and of our doc comments, as a manual page has it.

/// What begins a page: its name, section, and the one line that `apropos` shows.
pub(super) fn head(name: &str, section: &str, what: &str) -> String {
    let (title, version, manual) = (
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION"),
        super::MANUAL,
    );
    format!(
        ".TH {title} {section} \" \" \"heartbeatd {version}\" \"{manual}\"\n.SH NAME\n{name} \\- {what}\n"
    )
}

/// A paragraph with its term to the left.
pub(super) fn item(term: &str, text: &str) -> String {
    format!(".TP\n\\fB{}\\fR\n{}\n", code(term), prose(text))
}

/// Markdown's emphasis of code in bold; of links only what is to be read.
pub(super) fn prose(markdown: &str) -> String {
    let mut shown = String::new();
    for (place, part) in without_links(markdown).split('`').enumerate() {
        if place % 2 == 0 {
            shown += &part.replace('\\', "\\e").replace('\'', "\\(cq");
        } else {
            shown += &format!("\\fB{}\\fR", code(part));
        }
    }
    // At the beginning of a line it would be a request.
    if shown.starts_with('.') {
        shown.insert_str(0, "\\&");
    }
    shown
}

/// What is typed as it stands: with the keyboard's own hyphens and quotes.
pub(super) fn code(text: &str) -> String {
    text.replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
}

/// `[text](place)` and rustdoc's `[text]`: the text, of a path its last part.
fn without_links(markdown: &str) -> String {
    let mut rest = markdown;
    let mut shown = String::new();
    while let Some((before, after)) = link(rest) {
        shown += before.0;
        shown += &last_part(before.1);
        rest = after;
    }
    shown + rest
}

type Link<'a> = ((&'a str, &'a str), &'a str);

/// What stands before the first link, its text, and what stands after it. A table's `[name]` within backquotes is none.
fn link(text: &str) -> Option<Link<'_>> {
    let begins = |at: &usize| text[..*at].matches('`').count().is_multiple_of(2);
    let at = (text.match_indices('[').map(|(at, _)| at)).find(begins)?;
    let (inner, after) = text[at + 1..].split_once(']')?;
    let after = match after.strip_prefix('(') {
        Some(place) => place.split_once(')')?.1,
        None => after,
    };
    Some(((&text[..at], inner), after))
}

fn last_part(text: &str) -> String {
    match text
        .strip_prefix('`')
        .and_then(|text| text.strip_suffix('`'))
    {
        Some(path) => format!("`{}`", path.trim_start_matches("crate::")),
        None => text.to_owned(),
    }
}
