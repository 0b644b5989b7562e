//! Programs are replaced under their pinned links while probes come in.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use heartbeat_tests::lab::command::run;
use heartbeat_user::datapath::AttachMode;
use heartbeat_wire::Verdict;

use crate::segment::{NODE, Segment, attached_generic, setting, with_address};

/// The product's object, and the same source built with other options.
const OBJECTS: [&str; 2] = ["heartbeat-other", "heartbeat"];
/// How often each takes the other's place.
const SWAPS: usize = 3;

#[test]
fn programs_of_another_build_take_their_places_and_every_probe_meanwhile_is_answered_once() {
    let Some((mut kernel, segment)) = setting("programs_of_another_build") else {
        return;
    };
    with_address(&segment);
    attached_generic(&mut kernel, &segment);
    segment.attach_gate(&mut kernel.opened, NODE);
    let loader = kernel.opened.datapath.loader();
    let objects = OBJECTS.map(|name| {
        let path = format!("{}/../target/bpf/{name}", env!("CARGO_MANIFEST_DIR"));
        fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    });
    let is_over = AtomicBool::new(false);
    let mut seen = vec![at_work(&segment)];
    let asked = thread::scope(|scope| {
        let asker = scope.spawn(|| ask_until(&segment, &is_over));
        for object in objects.iter().cycle().take(SWAPS * OBJECTS.len()) {
            let programs = loader.load_object(object).expect("the verifier takes it");
            let datapath = &mut kernel.opened.datapath;
            datapath.replace(programs).expect("its log can be opened");
            segment.attach_gate(&mut kernel.opened, NODE);
            segment
                .attach(&mut kernel.opened, AttachMode::Generic)
                .expect("it takes the link over");
            seen.push(at_work(&segment));
        }
        is_over.store(true, Ordering::SeqCst);
        asker.join().expect("every probe was answered")
    });
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(
        counted.get(&Verdict::Granted),
        Some(&asked),
        "each once, none twice"
    );
    assert!(asked > 30, "only {asked} probes were sent meanwhile");
    for pair in seen.windows(2) {
        assert_ne!(
            pair[0], pair[1],
            "another program is at work after each swap"
        );
    }
    let tags = |which: usize| seen.iter().skip(1 + which).step_by(2).map(|(_, tag)| tag);
    assert_ne!(tags(0).next(), tags(1).next(), "the two builds differ");
    println!(
        "{asked} probes, {} swaps, every probe answered once",
        SWAPS * OBJECTS.len()
    );
}

/// Probes without a pause until it is over; how many there were. Fails at the first without an answer.
fn ask_until(segment: &Segment, is_over: &AtomicBool) -> u64 {
    let mut sequence = 0;
    while !is_over.load(Ordering::SeqCst) {
        sequence += 1;
        assert!(
            segment.probe(sequence).is_some(),
            "probe {sequence} was not answered"
        );
    }
    sequence
}

/// Id and tag of the responder on the interface.
fn at_work(segment: &Segment) -> (String, String) {
    let shown = run(
        "ip",
        &["-netns", segment.node.name(), "-d", "link", "show", NODE],
    )
    .expect("ip shows it");
    let after = |word: &str| {
        let mut words = shown
            .split_ascii_whitespace()
            .skip_while(|found| *found != "prog/xdp");
        words.by_ref().find(|found| *found == word);
        words.next().unwrap_or_default().to_owned()
    };
    (after("id"), after("tag"))
}
