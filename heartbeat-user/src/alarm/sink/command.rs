//! One run of a program for each notice, which stands in its environment.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::alarm::notice::Notice;
use crate::config::Program;
use crate::exec::{Output, check_trust, run};

pub(super) struct Command {
    program: Program,
    limit: Duration,
}

impl Command {
    pub(super) const fn new(program: Program, limit: Duration) -> Self {
        Self { program, limit }
    }

    pub(super) async fn deliver(&self, notice: &Notice) -> Result<(), String> {
        let file = &self.program.words[0];
        check_trust(file.as_ref()).map_err(|error| format!("{error}: {}", error.cure()))?;
        let environment = environment(notice);
        let ended = run(&self.program, &environment, Output::Log, self.limit).await;
        ended
            .fault()
            .map_or(Ok(()), |fault| Err(format!("{file} {fault}")))
    }
}

fn environment(notice: &Notice) -> BTreeMap<&'static str, String> {
    let slot = notice
        .slot
        .map_or_else(String::new, |slot| slot.to_string());
    BTreeMap::from([
        ("HEARTBEATD_CLUSTER", notice.cluster.clone()),
        ("HEARTBEATD_SLOT", notice.reporter.slot.to_string()),
        ("HEARTBEATD_ALARM", notice.name.as_str().to_owned()),
        ("HEARTBEATD_ALARM_ACTION", notice.action.as_str().to_owned()),
        ("HEARTBEATD_ALARM_CURE", notice.cure.clone()),
        ("HEARTBEATD_ALARM_ID", notice.id.clone()),
        ("HEARTBEATD_ALARM_KEY", notice.key.clone()),
        (
            "HEARTBEATD_ALARM_OVER_AT",
            notice.over_at.clone().unwrap_or_default(),
        ),
        (
            "HEARTBEATD_ALARM_SEVERITY",
            notice.severity.as_str().to_owned(),
        ),
        ("HEARTBEATD_ALARM_SINCE", notice.since.clone()),
        ("HEARTBEATD_ALARM_SLOT", slot),
        ("HEARTBEATD_ALARM_TEXT", notice.text.clone()),
    ])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::time::SystemTime;

    use super::*;
    use crate::alarm::tests::{identity, member_alarm};

    fn script(folder: &Path, text: &str, mode: u32) -> Command {
        let file = folder.join("page");
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("writable");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("own file");
        let program = Program {
            words: vec![file.display().to_string()],
            user: None,
        };
        Command::new(program, Duration::from_millis(500))
    }

    #[tokio::test]
    async fn the_program_finds_the_alarm_in_its_environment() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let line = format!(
            "echo \"$HEARTBEATD_ALARM_ACTION $HEARTBEATD_ALARM_KEY $HEARTBEATD_ALARM_TEXT\" >{}/told",
            folder.path().display()
        );
        let notice = identity().notice(&member_alarm(3), SystemTime::now(), None);
        let command = script(folder.path(), &line, 0o755);
        assert_eq!(command.deliver(&notice).await, Ok(()));
        let told = fs::read_to_string(folder.path().join("told")).expect("it ran");
        assert_eq!(told, format!("raised {} {}\n", notice.key, notice.text));
    }

    #[tokio::test]
    async fn one_that_fails_hangs_or_could_be_another_one_took_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let notice = identity().notice(&member_alarm(3), SystemTime::now(), None);
        for (text, mode, words) in [
            ("exit 3", 0o755, "exit code 3"),
            ("sleep 60", 0o755, "was killed"),
            ("exit 0", 0o777, "others could put their own program there"),
        ] {
            let found = script(folder.path(), text, mode).deliver(&notice).await;
            assert!(
                found.as_ref().is_err_and(|it| it.contains(words)),
                "{found:?}"
            );
        }
    }
}
