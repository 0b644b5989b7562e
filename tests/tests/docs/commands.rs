//! The commands that the docs name can be given.

use clap::Parser as _;
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

/// What stands between backquotes in one line, and the lines of blocks, without their comments.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
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
    Some(parsed.map_or(Ok(()), |error| Err(error.to_string())))
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
