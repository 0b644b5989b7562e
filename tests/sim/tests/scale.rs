//! Detection and the master's traffic in clusters of five to ten thousand members.

use std::io::Write as _;

use heartbeat_sim::plot::draw;
use heartbeat_sim::scale::{Size, measure};
use heartbeat_sim::world::MS;

#[test]
fn detection_does_not_grow_with_the_cluster_and_the_masters_frames_have_a_bound() {
    let sizes: Vec<Size> = [5, 9, 100, 1_000, 10_000]
        .map(|members| measure(members, 1))
        .into();
    let mut out = std::io::stderr();
    let _ = writeln!(
        out,
        "members  failover ms  elector missed ms  sent/period  received/period"
    );
    for size in &sizes {
        let _ = writeln!(
            out,
            "{:>7} {:>12.3} {:>18.1} {:>12.2} {:>16.2}",
            size.members,
            size.failover as f64 / 1e6,
            size.elector_missed as f64 / 1e6,
            size.sent,
            size.received
        );
        assert!(size.failover < 52 * MS, "{size:?}");
        assert!(size.elector_missed < 62 * MS, "{size:?}");
        // One probe; eight other electors' answers and those of the others: of all up to some number, and of half
        // of them beyond.
        let others = f64::from(size.members.saturating_sub(9));
        let asked = if others > 1_024.0 {
            others / 2.0
        } else {
            others
        };
        assert!(size.received < 8.0 + asked + 2.0, "{size:?}");
        // The probe, at most sixteen messages of health and sixteen polls, and a poll of the electors a second.
        assert!(size.sent < 1.0 + 16.0 + 16.0 + 1.0, "{size:?}");
    }
    let figure = concat!(env!("CARGO_TARGET_TMPDIR"), "/scale.svg");
    std::fs::write(figure, draw(&sizes)).expect("a folder for it");
    let _ = writeln!(out, "drawn in {figure}");
    assert!(
        sizes[4].received > sizes[1].received,
        "the others do answer"
    );
}
