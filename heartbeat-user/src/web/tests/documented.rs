//! docs/api.md names every key that is served, and no other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{OPEN, serve};

const DOCS: &str = include_str!("../../../../docs/api.md");

/// Every key below a value, with its way: `members[].slot`.
fn keys(value: &Value, way: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let way = if way.is_empty() {
                    key.clone()
                } else {
                    format!("{way}.{key}")
                };
                keys(value, &way, into);
                into.insert(way);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| keys(item, &format!("{way}[]"), into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The first cells of the table between `<!-- table: name -->` and `<!-- end -->`.
fn documented(name: &str) -> BTreeSet<String> {
    let begin = format!("<!-- table: {name} -->");
    let (_, rest) = DOCS
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {begin}"));
    let (table, _) = rest.split_once("<!-- end -->").expect("it ends");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let cell = |row: &str| {
        row.trim_start_matches("| `")
            .split('`')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    rows.map(cell).collect()
}

#[test]
fn every_key_that_is_served_is_documented_and_none_else() {
    let served = serve(OPEN);
    for (path, table) in [
        ("/api/v1/status", "status"),
        ("/api/v1/history", "history"),
        ("/api/v1/members/2", "member"),
        ("/api/v1/orders", "orders"),
    ] {
        let mut found = BTreeSet::new();
        keys(&served.get(path).json(), "", &mut found);
        assert_eq!(documented(table), found, "{path}");
    }
}
