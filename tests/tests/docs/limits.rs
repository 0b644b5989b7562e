//! The limits that a page names are those of the code.

use crate::{read, table};

#[test]
fn every_limit_is_that_of_its_constant() {
    let rows = table(&read("docs/limits.md"), "limits");
    for row in &rows {
        let [what, number, constant] = row.as_slice() else {
            panic!("three cells: {row:?}");
        };
        let (name, link) = constant
            .split_once(" in [")
            .expect("a constant and where it is");
        let (_, file) = link.split_once("](../").expect("a link");
        let source = read(file.trim_end_matches(')'));
        let begin = format!("const {name}: ");
        let declared = source
            .lines()
            .find_map(|line| line.split_once(&begin))
            .unwrap_or_else(|| panic!("{what}: no constant {name} in {file}"))
            .1;
        let value = declared.split_once(" = ").expect("a value").1;
        assert_eq!(
            value.trim_end_matches(';').replace('_', ""),
            number.replace(',', ""),
            "{what}"
        );
    }
    assert!(rows.len() > 10, "{} rows", rows.len());
}
