//! Blocks in blocks, each item with its place.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::ConvertError;
use super::lines::Line;
use super::words::{Token, Unended, tokens};

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// Its line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A line's words, and the block behind them if there is one.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) at: Place,
    /// At least one.
    words: Vec<String>,
    pub(super) block: Vec<Item>,
}

impl Item {
    /// Its first word.
    pub(super) fn keyword(&self) -> &str {
        &self.words[0]
    }

    /// The words behind the first.
    pub(super) fn values(&self) -> &[String] {
        &self.words[1..]
    }

    /// All words.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// As it stands in the file, without its block.
    pub(super) fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// # Errors
/// [`ConvertError::Syntax`]
pub(super) fn build(lines: &[Line]) -> Result<Vec<Item>, ConvertError> {
    let mut open: Vec<Vec<Item>> = Vec::new();
    let mut items = Vec::new();
    for line in lines {
        let fault = |cause| ConvertError::Syntax {
            at: line.at.clone(),
            cause,
        };
        let tokens = tokens(&line.text).map_err(|Unended| fault("a quotation does not end"))?;
        let mut words = Vec::new();
        for token in tokens {
            match token {
                Token::Word(word) => words.push(word),
                Token::Open => {
                    end(&mut words, line, &mut items);
                    // Without words on its own line, the block belongs to the item above.
                    if items.is_empty() {
                        return Err(fault("a block without a name"));
                    }
                    open.push(std::mem::take(&mut items));
                }
                Token::Close => {
                    end(&mut words, line, &mut items);
                    let Some(mut outer) = open.pop() else {
                        return Err(fault("this brace closes no block"));
                    };
                    if let Some(owner) = outer.last_mut() {
                        owner.block.append(&mut items);
                    }
                    items = outer;
                }
            }
        }
        end(&mut words, line, &mut items);
    }
    match (open.pop().as_deref(), items) {
        (None, items) => Ok(items),
        (Some(outer), _) => Err(ConvertError::Syntax {
            at: outer[outer.len() - 1].at.clone(),
            cause: "the block that begins here is not closed",
        }),
    }
}

fn end(words: &mut Vec<String>, line: &Line, items: &mut Vec<Item>) {
    if !words.is_empty() {
        items.push(Item {
            at: line.at.clone(),
            words: std::mem::take(words),
            block: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(text: &str) -> Result<Vec<Item>, ConvertError> {
        let line = |(index, text): (usize, &str)| Line {
            at: Place {
                file: Path::new("k.conf").into(),
                line: index + 1,
            },
            text: text.to_owned(),
        };
        build(&text.lines().enumerate().map(line).collect::<Vec<_>>())
    }

    #[test]
    fn a_block_may_open_on_its_own_line_and_close_on_the_first() {
        let items =
            built("vrrp_instance A\n{\n authentication { auth_type PASS }\n priority 5\n}\nb")
                .expect("good");
        let [instance, b] = &items[..] else {
            panic!("{items:?}");
        };
        assert_eq!((instance.text(), b.at.line), ("vrrp_instance A".into(), 6));
        assert_eq!(instance.block[1].values(), ["5"]);
        assert_eq!(instance.block[0].block[0].text(), "auth_type PASS");
    }

    #[test]
    fn braces_that_do_not_match_are_refused_with_their_line() {
        for (text, line) in [
            ("a {\n b\n", 1),
            ("a\n}\n", 2),
            ("{\n}\n", 1),
            ("a \"b\n", 1),
        ] {
            match built(text) {
                Err(ConvertError::Syntax { at, .. }) => assert_eq!(at.line, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
