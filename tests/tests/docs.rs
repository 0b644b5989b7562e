//! The docs say what the code does: their tables are compared with it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use heartbeat_wire::frame::{FRAME_LEN, Frame};
use heartbeat_wire::maps::MAPS;
use heartbeat_wire::verdict::{GateVerdict, Verdict};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the table between `<!-- table: name -->` and `<!-- end -->`, without its head, each cell
/// without backquotes.
fn table(text: &str, name: &str) -> Vec<Vec<String>> {
    let begin = format!("<!-- table: {name} -->");
    let (_, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("the docs have no table {begin}"));
    let (body, _) = rest
        .split_once("<!-- end -->")
        .unwrap_or_else(|| panic!("table {name} has no end mark"));
    let rows: Vec<Vec<String>> = body
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "table {name} is empty");
    rows
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|')
        .split('|')
        .map(|cell| cell.trim().replace('`', ""))
        .collect()
}

/// Offset, size and name of every field. Taken apart without `..`, so that a new field does not compile
/// until it stands here, and then not pass until it stands in the docs.
macro_rules! fields {
    ($($field:ident),* $(,)?) => {{
        let Frame { $($field),* } = Frame::default();
        [$((
            core::mem::offset_of!(Frame, $field),
            size_of_val(&$field),
            stringify!($field),
        )),*]
    }};
}

#[test]
fn the_frames_offset_table_is_the_frames_layout() {
    let text = read("docs/protocol.md");
    let in_code = fields![
        magic,
        version,
        kind,
        key_slot,
        flags,
        cluster_id,
        elector_version,
        elector_digest,
        incarnation,
        sender,
        successor,
        role,
        gate,
        diagnosis,
        epoch,
        sequence,
        sent_ns,
        lease_us,
        daemon_age_us,
        service_age_us,
        stride,
        offset,
        promised_epoch,
        probed_epoch,
        config_digest,
        info_version,
        tag,
    ];
    let in_docs = table(&text, "frame");
    assert_eq!(in_docs.len(), in_code.len(), "one row a field");
    for (row, (offset, size, name)) in in_docs.iter().zip(in_code) {
        let said = (row[0].as_str(), row[1].as_str(), row[2].as_str());
        assert_eq!(
            said,
            (offset.to_string().as_str(), size.to_string().as_str(), name)
        );
    }
    assert!(text.contains(&format!("Length: {FRAME_LEN} bytes.")));
}

#[test]
fn the_verdict_tables_name_every_verdict_by_its_number() {
    let text = read("docs/protocol.md");
    let responder = Verdict::ALL.iter().map(|v| (v.index(), v.as_str()));
    assert_eq!(numbered(&text, "verdicts"), owned(responder));
    let gate = GateVerdict::ALL.iter().map(|v| (v.index(), v.as_str()));
    assert_eq!(numbered(&text, "gate verdicts"), owned(gate));
}

fn owned<'a>(pairs: impl Iterator<Item = (usize, &'a str)>) -> Vec<(String, String)> {
    pairs
        .map(|(number, name)| (number.to_string(), name.to_owned()))
        .collect()
}

fn numbered(text: &str, name: &str) -> Vec<(String, String)> {
    table(text, name)
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect()
}

#[test]
fn the_maps_table_says_of_each_map_what_the_code_says() {
    let in_docs: Vec<(String, String)> = table(&read("docs/operations.md"), "maps")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let in_code: Vec<(String, String)> = MAPS
        .iter()
        .map(|map| (map.name.to_owned(), map.what.to_owned()))
        .collect();
    assert_eq!(in_docs, in_code);
}

#[test]
fn every_counter_of_trouble_has_its_line_in_operations() {
    // These grow in health; the text above the table says so.
    let usual = [
        "granted",
        "recorded",
        "query_answered",
        "reply_counted",
        "query_reply_counted",
        "open_out",
        "open_in",
        "shut_out",
        "shut_in",
        "shut_answer",
        "shut_question",
    ];
    let text = read("docs/operations.md");
    let names = Verdict::ALL.iter().map(|v| v.as_str());
    for name in names.chain(GateVerdict::ALL.iter().map(|v| v.as_str())) {
        let has_line = text
            .lines()
            .any(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
        assert_eq!(
            has_line,
            !usual.contains(&name),
            "line of `{name}` in operations.md"
        );
    }
}

#[test]
fn every_link_in_the_docs_leads_to_a_file_and_a_heading() {
    let files = markdown_files();
    let mut links = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).expect("listed a moment ago");
        for target in link_targets(&text) {
            links += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = if path.is_empty() {
                file.clone()
            } else {
                file.parent().expect("a file has a folder").join(path)
            };
            assert!(to.exists(), "{}: link to {target}", file.display());
            assert!(
                heading.is_empty() || headings(&to).contains(heading),
                "{}: link to {target}: no such heading",
                file.display()
            );
        }
    }
    assert!(links > 10, "found only {links} links: the search is broken");
}

fn markdown_files() -> Vec<PathBuf> {
    let mut files = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("the docs' folder is there");
        files.extend(
            entries
                .map(|entry| entry.expect("readable").path())
                .filter(|path| path.extension().is_some_and(|end| end == "md")),
        );
    }
    files
}

/// Targets of `[text](target)` that are no web addresses.
fn link_targets(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
        .collect()
}

/// A file's headings as the fragments that links name.
fn headings(path: &Path) -> BTreeSet<String> {
    std::fs::read_to_string(path)
        .expect("exists, as was just asserted")
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}
