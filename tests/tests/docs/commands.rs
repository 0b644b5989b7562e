//! The commands that the docs name can be given, and those that stand in blocks are typed by a test.

use clap::Parser as _;
use heartbeat_tests::manual::{self, NOT_TYPED, blocks, is_typed};
use heartbeat_user::cli::{ctl, daemon};

use crate::links::markdown_files;
use crate::root;

#[test]
fn every_command_in_the_docs_is_understood() {
    let mut understood = 0;
    for file in markdown_files() {
        let text = std::fs::read_to_string(&file).expect("listed a moment ago");
        for command in commands(&text) {
            match check(&command) {
                Some(Ok(())) => understood += 1,
                Some(Err(why)) => panic!("{}: `{command}`: {why}", file.display()),
                None => {}
            }
        }
    }
    assert!(
        understood > 30,
        "found only {understood} commands: the search is broken"
    );
}

/// Pages whose commands are typed: prompts of two and plain blocks of the third by the scenario getting_started, those of the
/// fourth by cli's converting.
const TYPED: [&str; 4] = [
    "getting-started.md",
    "maps.md",
    "operations.md",
    "migration-keepalived.md",
];

#[test]
fn every_command_in_a_block_is_typed_by_a_test_or_excepted_with_a_reason() {
    let mut excepted = vec![false; NOT_TYPED.len()];
    for file in markdown_files() {
        let text = std::fs::read_to_string(&file).expect("listed a moment ago");
        let is_typed_page = TYPED.iter().any(|page| file.ends_with(page));
        let has_prompts = blocks(&text)
            .iter()
            .any(|block| block.language == "console");
        assert!(
            is_typed_page || !has_prompts,
            "{}: nobody types its prompts",
            file.display()
        );
        for command in manual::commands(&text) {
            for ((begin, _), met) in NOT_TYPED.iter().zip(&mut excepted) {
                *met |= command.starts_with(begin);
            }
            assert!(
                is_typed_page || !is_typed(&command),
                "{}: nobody types `{command}`",
                file.display()
            );
        }
    }
    for ((begin, _), met) in NOT_TYPED.iter().zip(excepted) {
        assert!(met, "no page has `{begin}`: take the exception out");
    }
}

/// What stands between backquotes in one line, the lines of blocks and behind prompts, without their comments.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = blocks(text)
        .iter()
        .flat_map(manual::Block::steps)
        .map(|step| step.command)
        .collect();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            commands.push(line.split('#').next().unwrap_or_default().trim().to_owned());
        } else {
            commands.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    commands
}

/// `None` for what is no command of ours.
fn check(command: &str) -> Option<Result<(), String>> {
    let words: Vec<&str> = command.split_ascii_whitespace().collect();
    let (program, arguments) = words.split_first()?;
    let parsed = match program.rsplit('/').next()? {
        "heartbeatctl" if !arguments.is_empty() => ctl::Args::try_parse_from(words).err(),
        "heartbeatd" if !arguments.is_empty() => daemon::Args::try_parse_from(words).err(),
        "cargo" if arguments.first() == Some(&"xtask") => {
            return arguments.get(1).map(|name| subcommand(name));
        }
        _ => return None,
    };
    // Help and version are no mistakes, though they come as errors.
    let mistake = parsed.filter(clap::Error::use_stderr);
    Some(mistake.map_or(Ok(()), |error| Err(error.to_string())))
}

/// xtask is a program, so its subcommands are known by their files.
fn subcommand(name: &str) -> Result<(), String> {
    let file = root()
        .join("xtask/src")
        .join(name.replace('-', "_"))
        .with_extension("rs");
    if file.exists() {
        Ok(())
    } else {
        Err(format!("no {}", file.display()))
    }
}
