//! A line's words, as keepalived.conf(5) quotes them.

use std::iter::Peekable;
use std::str::Chars;

/// What a line is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// A brace that opens a block.
    Open,
    /// One that closes it.
    Close,
}

/// A quotation without an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unended;

/// The line without its comment, which begins with an unquoted `#` or `!`.
pub(super) fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, char) in line.char_indices() {
        match (quote, char) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None, '#' | '!') => return &line[..at],
            (Some(_) | None, _) => {}
        }
    }
    line
}

/// Words between whitespace. What is quoted has no whitespace to keepalived, and no brace; the quotes go.
pub(super) fn tokens(line: &str) -> Result<Vec<Token>, Unended> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' | '\'' => quoted(char, &mut chars, word.get_or_insert_default())?,
            '{' | '}' => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(if char == '{' {
                    Token::Open
                } else {
                    Token::Close
                });
            }
            _ if char.is_whitespace() => tokens.extend(word.take().map(Token::Word)),
            _ => word.get_or_insert_default().push(char),
        }
    }
    tokens.extend(word.map(Token::Word));
    Ok(tokens)
}

fn quoted(end: char, chars: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), Unended> {
    loop {
        match chars.next().ok_or(Unended)? {
            '\\' => word.push(escaped(chars)?),
            char if char == end => return Ok(()),
            char => word.push(char),
        }
    }
}

/// The shell's escapes: a control character by its letter or its number, and any other character as it is.
fn escaped(chars: &mut Peekable<Chars<'_>>) -> Result<char, Unended> {
    const OCTAL: (u32, usize) = (8, 3);
    const HEXADECIMAL: (u32, usize) = (16, 2);
    let char = chars.next().ok_or(Unended)?;
    Ok(match char {
        'a' => '\x07',
        'b' => '\x08',
        'E' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => number(0, HEXADECIMAL, chars),
        'c' => char::from(u8::try_from(chars.next().ok_or(Unended)?).unwrap_or_default() & 0x1f),
        _ => match char.to_digit(OCTAL.0) {
            Some(digit) => number(digit, (OCTAL.0, OCTAL.1 - 1), chars),
            None => char,
        },
    })
}

fn number(mut value: u32, of: (u32, usize), chars: &mut Peekable<Chars<'_>>) -> char {
    let (radix, most) = of;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|char| char.to_digit(radix)) else {
            break;
        };
        value = value * radix + digit;
        chars.next();
    }
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A script with its arguments: between whitespace, where single quotes keep it together.
pub(super) fn command(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for char in text.chars() {
        match char {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            _ if char.is_whitespace() && !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let tokens = tokens(line).expect("well quoted").into_iter();
        let word = |token| match token {
            Token::Word(word) => word,
            Token::Open => "<".to_owned(),
            Token::Close => ">".to_owned(),
        };
        tokens.map(word).collect()
    }

    #[test]
    fn quotes_join_what_they_touch_and_go() {
        assert_eq!(words(r#"abcd" efg h jkl "mnop"#), ["abcd efg h jkl mnop"]);
        assert_eq!(
            words(r#"abcd "efg h jkl" mnop"#),
            ["abcd", "efg h jkl", "mnop"]
        );
        assert_eq!(words(r#"a '"' "{" """#), ["a", "\"", "{", ""]);
        assert_eq!(tokens("a \"b"), Err(Unended));
    }

    #[test]
    fn a_brace_is_a_word_of_its_own() {
        assert_eq!(words("group{ A B }"), ["group", "<", "A", "B", ">"]);
    }

    #[test]
    fn escapes_are_those_of_the_shell() {
        assert_eq!(words(r#""a\tb\x69\101\"\\""#), ["a\tbiA\"\\"]);
    }

    #[test]
    fn comments_begin_anywhere_but_in_quotes() {
        assert_eq!(without_comment("state MASTER ! first"), "state MASTER ");
        assert_eq!(without_comment("# all"), "");
        assert_eq!(
            without_comment(r#"script "a # \" ! b" # c"#),
            r#"script "a # \" ! b" "#
        );
    }

    #[test]
    fn a_scripts_arguments_keep_their_spaces_in_single_quotes() {
        assert_eq!(command("/x 'a b'c ''"), ["/x", "a bc", ""]);
    }
}
