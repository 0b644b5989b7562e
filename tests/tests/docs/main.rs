//! The docs say what the code does: their tables are compared with it.

mod attacks;
mod commands;
mod configuration;
mod defaults;
mod examples;
mod failures;
mod figures;
mod generated;
mod limits;
mod links;
mod metrics;
mod packaging;
mod profiles;
mod tables;
mod unit;
mod words;

use std::path::Path;

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
