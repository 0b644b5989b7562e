//! What became of each part.

use std::fmt;

use super::Place;

/// What became of one item of keepalived's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it stands.
    pub at: Place,
    /// The item, without secrets.
    pub what: String,
    /// What became of it, and what to do.
    pub why: String,
}

/// A word in the configuration that stands for what nobody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// The word.
    pub word: String,
    /// What belongs there.
    pub meaning: String,
}

/// What became of all.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is to be written in place of the placeholders.
    pub fill_in: Vec<Placeholder>,
    /// What was carried over and behaves differently.
    pub changed: Vec<Note>,
    /// What was not carried over.
    pub lost: Vec<Note>,
}

impl Report {
    pub(super) fn fill_in(&mut self, word: impl Into<String>, meaning: impl Into<String>) {
        self.fill_in.push(Placeholder {
            word: word.into(),
            meaning: meaning.into(),
        });
    }

    pub(super) fn changed(&mut self, at: &Place, what: &str, why: impl Into<String>) {
        self.changed.push(note(at, what, why));
    }

    pub(super) fn lost(&mut self, at: &Place, what: &str, why: impl Into<String>) {
        self.lost.push(note(at, what, why));
    }
}

fn note(at: &Place, what: &str, why: impl Into<String>) -> Note {
    Note {
        at: at.clone(),
        what: what.to_owned(),
        why: why.into(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.fill_in.is_empty() {
            f.write_str("To fill in (`heartbeatd --check` refuses the file until then):\n")?;
            for it in &self.fill_in {
                writeln!(f, "  {}: {}", it.word, it.meaning)?;
            }
        }
        notes(f, "Carried over, and different now:", &self.changed)?;
        notes(f, "Not carried over:", &self.lost)?;
        f.write_str(
            "The same file goes to every machine: convert one machine's, and copy the result. The cluster's key is made by \
             `heartbeatctl keygen`.\n",
        )
    }
}

/// In the order of the file.
fn notes(f: &mut fmt::Formatter<'_>, head: &str, notes: &[Note]) -> fmt::Result {
    if notes.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<_> = notes.iter().collect();
    sorted.sort_by(|a, b| a.at.cmp(&b.at));
    writeln!(f, "{head}")?;
    for it in sorted {
        writeln!(f, "  {}: {}: {}", it.at, it.what, it.why)?;
    }
    Ok(())
}
