//! The table of known attacks names safety lines and mutants that there are.

use heartbeat_kernel_twin::Guard;

use crate::{read, table};

#[test]
fn each_attack_names_what_it_would_break() {
    let rows = table(&read("docs/safety.md"), "attacks");
    let mutants = read("tests/mutants.toml");
    let guards = Guard::ALL.map(|guard| format!("{guard:?}"));
    let mut unnamed = guards.to_vec();
    for row in &rows {
        let [attack, test, breaks] = row.as_slice() else {
            panic!("three cells: {row:?}");
        };
        assert!(test.contains(".rs)"), "{attack}: no test");
        for what in breaks.split("; ") {
            if let Some(guard) = what.strip_prefix("without ") {
                assert!(guards.iter().any(|known| known == guard), "{what}");
                unnamed.retain(|known| known != guard);
            } else if let Some(names) = what.strip_prefix("mutant") {
                for name in names.trim_start_matches('s').trim_start().split(", ") {
                    let entry = format!("name = \"{name}\"\n");
                    assert!(mutants.contains(&entry), "{attack}: no mutant {name}");
                }
            } else {
                assert!(what.starts_with("with "), "{attack}: {what:?}");
            }
        }
    }
    assert_eq!(unnamed, [""; 0], "lines of the twin that no attack is for");
}
