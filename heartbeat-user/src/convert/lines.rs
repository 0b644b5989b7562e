//! The lines of a configuration with those of all files that it includes, without comments, its conditions decided and
//! its parameters put in.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::words::{Token, tokens, without_comment};
use super::{ConvertError, Place, Report};

/// Longest file that is read, in bytes.
pub(super) const LONGEST: u64 = 1 << 20;
/// Most files that are read: one that includes itself ends here.
pub(super) const MOST_FILES: usize = 256;

/// include and its variants, which differ in what keepalived takes for an error.
const INCLUDES: [&str; 6] = [
    "include", "includer", "includem", "includew", "includeb", "includea",
];
/// Parameters of several lines and loops begin so.
const NOT_READ: [&str; 2] = ["~SEQ", "~LST"];

/// A line that says something.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Place,
    pub(super) text: String,
}

/// # Errors
/// If a file cannot be read, or there are too many; a pattern that finds none is no error, as with keepalived.
pub(super) fn read(
    path: &Path,
    config_id: &str,
    report: &mut Report,
) -> Result<Vec<Line>, ConvertError> {
    let mut reader = Reader {
        config_id,
        report,
        parameters: BTreeMap::new(),
        files: 0,
        lines: Vec::new(),
    };
    reader.file(path, &path.file_name().map_or(path.into(), PathBuf::from))?;
    Ok(reader.lines)
}

struct Reader<'a> {
    config_id: &'a str,
    report: &'a mut Report,
    parameters: BTreeMap<String, String>,
    files: usize,
    lines: Vec<Line>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, shown: &Path) -> Result<(), ConvertError> {
        let text = contents(path)?;
        let file: Arc<Path> = shown.into();
        for (index, line) in text.lines().enumerate() {
            let at = Place {
                file: Arc::clone(&file),
                line: index + 1,
            };
            self.line(line, at, path)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str, at: Place, path: &Path) -> Result<(), ConvertError> {
        let text = without_comment(line).trim();
        let Some(text) = self.applies(text) else {
            return Ok(());
        };
        if let Some((name, value)) = definition(text) {
            let value = self.with_parameters(value);
            self.parameters.insert(name.to_owned(), value);
        } else if let Some(pattern) = included(text) {
            let folder = path.parent().unwrap_or(Path::new(""));
            self.include(&folder.join(pattern), &at)?;
        } else if NOT_READ.iter().any(|loops| text.contains(loops)) {
            let why = "a block made by a loop; write its lines out and convert again";
            self.report.lost(&at, text, why);
        } else if !text.is_empty() {
            let text = self.with_parameters(text);
            self.lines.push(Line { at, text });
        }
        Ok(())
    }

    /// What is left of a line with a condition; `None` if it is for others.
    fn applies<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Some(condition) = text.strip_prefix('@') else {
            return Some(text);
        };
        let (id, rest) = condition
            .split_once(char::is_whitespace)
            .unwrap_or((condition, ""));
        let is_for_us = match id.strip_prefix('^') {
            Some(other) => other != self.config_id,
            None => id == self.config_id,
        };
        is_for_us.then(|| rest.trim_start())
    }

    fn include(&mut self, pattern: &Path, at: &Place) -> Result<(), ConvertError> {
        let found = glob::glob(&pattern.to_string_lossy());
        let files: Vec<PathBuf> = found.into_iter().flatten().filter_map(Result::ok).collect();
        if files.is_empty() {
            let why = "no file is there; convert on the machine that has it";
            self.report
                .lost(at, &format!("include {}", pattern.display()), why);
        }
        for file in files {
            self.files += 1;
            if self.files >= MOST_FILES {
                return Err(ConvertError::TooManyFiles { at: at.clone() });
            }
            self.file(&file, &file)?;
        }
        Ok(())
    }

    /// Puts the values of `$NAME` and `${NAME}` in; a name that is not defined stays.
    fn with_parameters(&self, text: &str) -> String {
        let mut parts = text.split('$');
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = match part.strip_prefix('{').and_then(|it| it.split_once('}')) {
                Some(braced) => braced,
                None => part.split_at(part.find(|it| !is_of_name(it)).unwrap_or(part.len())),
            };
            match self.parameters.get(name) {
                Some(value) => whole.extend([value, rest]),
                None => whole.extend(["$", part]),
            }
        }
        whole
    }
}

fn is_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// `$NAME=VALUE`
fn definition(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix('$')?.split_once('=')?;
    (!name.is_empty() && name.chars().all(is_of_name)).then_some((name, value.trim()))
}

fn included(text: &str) -> Option<String> {
    let mut words = tokens(text).ok()?.into_iter();
    match (words.next()?, words.next()?) {
        (Token::Word(keyword), Token::Word(pattern)) if INCLUDES.contains(&&*keyword) => {
            Some(pattern)
        }
        _ => None,
    }
}

fn contents(path: &Path) -> Result<String, ConvertError> {
    let failed = |source: io::Error| ConvertError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(ConvertError::TooLong {
            path: path.to_owned(),
        });
    }
    // Names in comments may be in any encoding.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn lines(files: &[(&str, &str)]) -> Result<(Vec<String>, Report), ConvertError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let mut report = Report::default();
        let lines = read(&folder.path().join(files[0].0), "a", &mut report)?;
        Ok((lines.into_iter().map(|it| it.text).collect(), report))
    }

    #[test]
    fn included_files_are_read_in_place_from_the_including_files_folder() {
        let (lines, report) = lines(&[
            ("k.conf", "one\ninclude d/*.conf\nfour\ninclude none.conf\n"),
            ("d/1.conf", "two\ninclude 3.inc\n"),
            ("d/3.inc", "three ! and no more\n"),
        ])
        .expect("readable");
        assert_eq!(lines, ["one", "two", "three", "four"]);
        assert_eq!(report.lost.len(), 1, "the missing file is told of");
    }

    #[test]
    fn a_file_that_includes_itself_is_refused() {
        let found = lines(&[("k.conf", "include k.conf\n")]);
        assert!(matches!(found, Err(ConvertError::TooManyFiles { .. })));
    }

    #[test]
    fn conditions_and_parameters_are_decided() {
        let (lines, _) = lines(&[(
            "k.conf",
            "$IF=eth0\n@a priority 150\n@b priority 100\n@^b state MASTER\ninterface $IF.${IF}x $NONE\n",
        )])
        .expect("readable");
        assert_eq!(
            lines,
            ["priority 150", "state MASTER", "interface eth0.eth0x $NONE"]
        );
    }
}
