//! heartbeatd.toml(5), made of the table in docs/configuration.md and of an example.

use super::roff::{head, item};
use crate::read;

/// What stands above the keys.
const INTRODUCTION: &str = "\
.SH DESCRIPTION
One TOML file, the same on every node, by default \\fB/etc/heartbeatd/heartbeatd.toml\\fR.
.B heartbeatd \\-\\-check
reads it as the daemon would and names every error at once, with line, column, cause and cure.
An unknown key is an error.
.PP
Durations are a whole number and a unit in quotes:
.BR us ,\\ ms ,\\ s ,\\ m ,\\ h .
Sizes too:
.BR KiB ,\\ MiB ,\\ GiB .
.PP
How a change comes into force stands at each key: by
.B heartbeatctl reload
on every node; by a restart of the daemons, slaves first (\\fBheartbeatctl restart\\fR); by
.B heartbeatctl members apply
at the master; or in two reloads, one that takes it out and one that brings it back.
.B heartbeatctl check\\-config \\-\\-diff
says beforehand what a reload would do.
.SH KEYS
";

pub(super) fn page() -> Vec<u8> {
    let mut page = head(
        "heartbeatd.toml",
        "5",
        "configuration of a cluster with exactly one master",
    ) + INTRODUCTION;
    for row in rows() {
        let [table, key, meaning, default, range, changed] = row.map(|cell| cell.to_owned());
        if !table.is_empty() {
            page += &format!(".SS {}\n", table.trim_matches('`'));
        }
        let mut text = sentence(&meaning);
        for (what, value) in [
            ("Default", default),
            ("Range", range),
            ("Changed by", changed),
        ] {
            if value == "required" {
                text += " Required.";
            } else if !value.is_empty() {
                text += &format!(" {what}: {value}.");
            }
        }
        page += &item(key.trim_matches('`'), &text);
    }
    page += &example();
    page += include_str!("../../../../packaging/man/heartbeatd.toml.rest.5");
    page.into_bytes()
}

/// The table's rows as they are written.
fn rows() -> Vec<[String; 6]> {
    let text = read("docs/configuration.md");
    let (_, rest) = text.split_once("<!-- table: keys -->").expect("it has one");
    let (table, _) = rest.split_once("<!-- end -->").expect("it ends");
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    lines
        .map(|line| {
            let cells: Vec<String> = (line.trim_matches('|').split('|'))
                .map(|cell| cell.trim().to_owned())
                .collect();
            cells.try_into().expect("six cells")
        })
        .collect()
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().expect("every key means something");
    let text: String = first.to_uppercase().chain(letters).collect();
    let end = if text.ends_with(['.', '?']) { "" } else { "." };
    text + end
}

fn example() -> String {
    let example = read("docs/examples/three-nodes.toml");
    let shown: String = example
        .lines()
        .map(|line| super::roff::code(line) + "\n")
        .collect();
    format!(".SH EXAMPLE\n.nf\n{shown}.fi\n")
}
