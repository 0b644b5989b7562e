//! Frame, verdicts, maps: the docs' tables are the code's.

use heartbeat_wire::frame::{FRAME_LEN, Frame};
use heartbeat_wire::maps::{LAYOUT, MAPS};
use heartbeat_wire::verdict::{GateVerdict, Verdict};

use crate::{read, table};

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
        promised_epoch,
        probed_epoch,
        config_digest,
        info_version,
        sequence,
        sent_ns,
        lease_us,
        daemon_age_us,
        service_age_us,
        stride,
        offset,
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
fn the_tour_of_the_maps_comes_by_each_of_them_in_the_layout_of_the_code() {
    let tour = read("docs/maps.md");
    for map in MAPS {
        assert!(tour.contains(map.name), "{} is not on the tour", map.name);
    }
    let folders = tour.split("/maps/v").skip(1);
    let layouts: Vec<&str> = folders
        .filter_map(|rest| rest.split(['/', '\n']).next())
        .collect();
    assert!(layouts.len() > 10, "{layouts:?}");
    assert!(
        layouts.iter().all(|it| *it == LAYOUT.to_string()),
        "{layouts:?}"
    );
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
