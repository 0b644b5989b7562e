//! Parts of a bundle: each with what it holds, or why it could not be had.

use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::secrets::Secrets;

/// How long a program may take to tell its part.
const TIME: Duration = Duration::from_secs(10);
/// Most bytes of a part; more is cut off.
pub(super) const LONGEST: usize = 8 << 20;

/// One file of the archive.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    /// Its text, or why there is none.
    pub(super) found: Result<Vec<u8>, String>,
}

impl Part {
    pub(super) fn text(name: &str, found: Result<String, String>) -> Self {
        Self {
            name: name.to_owned(),
            found: found.map(String::into_bytes),
        }
    }

    pub(super) fn json(name: &str, found: Result<impl Serialize, String>) -> Self {
        let text = found.and_then(|value| {
            serde_json::to_string_pretty(&value).map_err(|error| error.to_string())
        });
        Self::text(name, text)
    }

    /// What a program says.
    pub(super) fn command(runtime: &Runtime, name: &str, words: &[&str]) -> Self {
        Self::text(name, runtime.block_on(said(words)))
    }

    /// The same without what must not leave the machine, and no longer than allowed.
    pub(super) fn cleaned(mut self, secrets: &Secrets) -> Self {
        self.found = match self.found {
            Ok(bytes) => {
                let shown = &bytes[..bytes.len().min(LONGEST)];
                let text = secrets.removed_from(&String::from_utf8_lossy(shown));
                Ok(text.into_bytes())
            }
            Err(why) => Err(secrets.removed_from(&why)),
        };
        self
    }
}

async fn said(words: &[&str]) -> Result<String, String> {
    let program = words[0];
    let mut child = Command::new(program)
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(format!("{program} has no output"));
    };
    let (mut told, mut complained) = (Vec::new(), Vec::new());
    let mut out = out.take(LONGEST as u64);
    let mut err = err.take(LONGEST as u64);
    let all = async {
        let read = tokio::try_join!(out.read_to_end(&mut told), err.read_to_end(&mut complained));
        read.map_err(|error| error.to_string())?;
        // Who is not read to the end waits for ever.
        drop((out, err));
        child.wait().await.map_err(|error| error.to_string())
    };
    let status = timeout(TIME, all)
        .await
        .map_err(|_| format!("{program} took longer than {} s", TIME.as_secs()))??;
    if !status.success() {
        // Some say on the standard output why they fail.
        let why = if complained.is_empty() {
            &told
        } else {
            &complained
        };
        let why = String::from_utf8_lossy(why);
        return Err(format!("{program}: {status}: {}", why.trim()));
    }
    Ok(String::from_utf8_lossy(&told).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(words: &[&str]) -> Result<String, String> {
        let runtime = super::super::runtime().expect("a runtime");
        let found = Part::command(&runtime, "x", words).found;
        found.map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn a_program_tells_its_part_or_why_it_cannot() {
        assert_eq!(part(&["/bin/echo", "so"]), Ok("so\n".to_owned()));
        let missing = part(&["/nonexistent/tool"]).expect_err("it is not there");
        assert!(missing.contains("cannot be started"), "{missing}");
        let failed = part(&["/bin/sh", "-c", "echo no right >&2; exit 3"]).expect_err("it fails");
        assert!(failed.contains("no right"), "{failed}");
        let failed = part(&["/bin/sh", "-c", "echo no map; exit 3"]).expect_err("it fails");
        assert!(failed.contains("no map"), "{failed}");
    }
}
