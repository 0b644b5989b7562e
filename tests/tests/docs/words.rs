//! Alarms, reasons and diagnoses: what `status` can say is explained.

use heartbeat_user::control::{AlarmName, Diagnosis, NotElectable};

use crate::{read, table};

/// Every variant by its word; does not compile until each is named.
macro_rules! every {
    ($words:ident: $($variant:ident),* $(,)?) => {{
        const fn word(of: $words) -> &'static str {
            match of { $($words::$variant => $words::$variant.as_str(),)* }
        }
        [$(word($words::$variant)),*]
    }};
}

/// Every alarm's name.
pub(crate) const fn alarms() -> [&'static str; 19] {
    every!(AlarmName: Misconfigured, DaemonStalled, ManagementFault, Down, DuplicateSlot,
        ClockFault, NoMaster, NotElectable, Forced, TakeoverUnverified, DuplicateAddress, ElectorsChange,
        Degraded, FenceFailed, ServiceFault, BusinessFault, HandoversSpent, AlarmsDropped, Test)
}

/// Every diagnosis of a member.
pub(crate) const fn diagnoses() -> [&'static str; 8] {
    every!(Diagnosis: Healthy, Misconfigured, DaemonStalled, ManagementFault, Down, Unknown, ServiceFault,
        BusinessFault)
}

#[test]
fn every_alarm_has_its_section_in_operations() {
    let text = read("docs/operations.md");
    let (_, sections) = text
        .split_once("\n## Alarms\n")
        .expect("a chapter on alarms");
    let (sections, _) = sections.split_once("\n## ").expect("a chapter after it");
    let mut in_docs: Vec<&str> = sections
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .collect();
    let mut in_code = alarms().to_vec();
    in_docs.sort_unstable();
    in_code.sort_unstable();
    assert_eq!(in_docs, in_code);
}

#[test]
fn the_table_of_alarms_says_of_each_how_much_depends_on_it_and_what_to_do() {
    const ALARMS: [AlarmName; 19] = [
        AlarmName::Misconfigured,
        AlarmName::DaemonStalled,
        AlarmName::ManagementFault,
        AlarmName::Down,
        AlarmName::DuplicateSlot,
        AlarmName::ClockFault,
        AlarmName::NoMaster,
        AlarmName::NotElectable,
        AlarmName::Forced,
        AlarmName::TakeoverUnverified,
        AlarmName::DuplicateAddress,
        AlarmName::ElectorsChange,
        AlarmName::Degraded,
        AlarmName::FenceFailed,
        AlarmName::ServiceFault,
        AlarmName::BusinessFault,
        AlarmName::HandoversSpent,
        AlarmName::AlarmsDropped,
        AlarmName::Test,
    ];
    let in_docs = table(&read("docs/operations.md"), "alarms");
    let in_code: Vec<Vec<String>> = (ALARMS.iter())
        .map(|it| {
            [it.as_str(), it.severity().as_str(), it.cure()].map(|cell| cell.replace('`', ""))
        })
        .map(Vec::from)
        .collect();
    assert_eq!(in_docs, in_code);
}

#[test]
fn every_reason_not_to_be_electable_has_its_row_in_operations() {
    let reasons = every!(NotElectable: Witness, NotElector, Maintenance, Abstaining, ClockFault,
        DuplicateSlot, ControlPort, Stopping, Service, NotPromoted);
    let text = read("docs/operations.md");
    for reason in reasons {
        assert!(row_begins_with(&text, reason), "row of `{reason}`");
    }
}

#[test]
fn every_diagnosis_has_its_row_in_the_protocol() {
    let text = read("docs/protocol.md");
    let (_, table) = text
        .split_once("\n## Diagnosis\n")
        .expect("a chapter on diagnosis");
    for diagnosis in diagnoses() {
        assert!(
            table
                .lines()
                .any(|line| line.starts_with('|') && line.contains(&format!("| `{diagnosis}` |"))),
            "row of `{diagnosis}`"
        );
    }
}

/// Whether the first cell of some row of a table names `word`.
fn row_begins_with(text: &str, word: &str) -> bool {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .any(|cell| cell.contains(&format!("`{word}`")))
}
