//! The fuzzer's corpora, replayed: what it once found interesting, and what it once found.

use std::fs;
use std::path::Path;

use heartbeat_tests::fuzz::TARGETS;

#[test]
fn everything_that_the_fuzzer_ever_kept_is_borne() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for target in TARGETS {
        let folder = corpora.join(target.name);
        let files =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("the folder can be read").path();
            println!("{}", path.display());
            (target.run)(&fs::read(&path).expect("its own file"));
            count += 1;
        }
        assert!(count > 3, "only {count} files for {}", target.name);
    }
}

#[test]
fn each_target_has_its_program_and_its_corpus_and_nothing_else_has() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).expect("it is there");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let path = entry.expect("it can be read").path();
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    targets.sort();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}
