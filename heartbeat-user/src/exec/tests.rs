use std::fs;
use std::time::Instant;

use super::*;

fn shell(line: &str) -> Program {
    Program {
        words: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
        user: None,
    }
}

async fn run_quietly(program: &Program, limit: Duration) -> Ended {
    run(program, &BTreeMap::new(), Output::Nobody, limit).await
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn how_a_program_ended_is_told_in_words() {
    assert!(
        run_quietly(&shell("exit 0"), SECOND * 9)
            .await
            .fault()
            .is_none()
    );
    for (program, words) in [
        (shell("exit 3"), "exit code 3"),
        (shell("kill -9 $$"), "signal 9"),
        (
            Program {
                words: vec!["/nowhere/at-all".to_owned()],
                user: None,
            },
            "could not be started",
        ),
    ] {
        let fault = run_quietly(&program, SECOND * 9).await.fault();
        assert!(
            fault.as_ref().is_some_and(|it| it.contains(words)),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_everything_it_started() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("child");
    let program = shell(&format!("sleep 60 & echo $! > {}; wait", file.display()));
    let begun = Instant::now();
    let ended = run_quietly(&program, SECOND).await;
    assert!(matches!(ended, Ended::Overran(_)), "{ended:?}");
    assert!(begun.elapsed() < SECOND * 20);
    let child = fs::read_to_string(file).expect("it started one");
    let stat = format!("/proc/{}/stat", child.trim());
    let is_gone = || fs::read_to_string(&stat).map_or(true, |it| it.contains(") Z "));
    while !is_gone() {
        assert!(begun.elapsed() < SECOND * 20, "its child lives");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_a_path() {
    let given = BTreeMap::from([("HEARTBEATD_EPOCH", "7".to_owned())]);
    let program =
        shell("test \"$HEARTBEATD_EPOCH\" = 7 -a -n \"$PATH\" -a -z \"$CARGO\" -a \"$PWD\" = /");
    assert!(std::env::var_os("CARGO").is_some(), "cargo runs this test");
    let ended = run(&program, &given, Output::Nobody, SECOND * 9).await;
    assert!(ended.fault().is_none(), "{ended:?}");
}
