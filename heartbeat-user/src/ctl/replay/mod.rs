//! Stepping the election through a record, for a person or a program to read.

mod line;
mod sort;
mod story;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Failure;
use crate::cli::Exit;
use crate::recorder::{Record, Replay, ReplayError};
use line::Line;
use story::Story;

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Every entry, and not only what decides something.
    pub(super) all: bool,
    /// One JSON object a line.
    pub(super) json: bool,
}

/// Shows what is recorded in `file`, until its end or to where it cannot be gone on with.
pub(super) fn replay(file: &Path, shown: Shown) -> Result<Exit, Failure> {
    let record = Record::open(file).map_err(ReplayError::from)?;
    let mut replay = Replay::new(record);
    let mut story = Story::new(shown.all);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut unread = None;
    loop {
        match replay.step() {
            Ok(Some(step)) => {
                for line in story.tell(&step) {
                    write(&mut out, &line, shown)?;
                }
            }
            Ok(None) => break,
            // The newer file begins by itself.
            Err(ReplayError::Read(error)) if unread.is_none() => {
                write(&mut out, &story.unread(&error), shown)?;
                unread = Some(error);
            }
            Err(error) => {
                out.flush()?;
                return Err(error.into());
            }
        }
    }
    if let Some(line) = story.end() {
        write(&mut out, &line, shown)?;
    }
    out.flush()?;
    match unread {
        Some(error) => Err(ReplayError::Read(error).into()),
        None => Ok(Exit::Ok),
    }
}

fn write(out: &mut impl Write, line: &Line, shown: Shown) -> io::Result<()> {
    if shown.json {
        writeln!(out, "{}", serde_json::to_string(line)?)
    } else {
        writeln!(out, "{line}")
    }
}
