//! Manual pages and shell completions are made from the command lines' types, from the docs and from the code, and stand
//! in packaging/ as they are shipped: `cargo xtask man` writes them anew.

mod config_page;
mod map_page;
mod roff;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::cli::{ctl, daemon};

use crate::root;

/// Section of programs that only root runs.
const SECTION: &str = "8";
/// What stands in the middle of each page's head.
const MANUAL: &str = "heartbeatd manual";

/// What the pages say beyond the options, by program.
const DAEMON_REST: &str = include_str!("../../../packaging/man/heartbeatd.rest.8");
const CTL_REST: &str = include_str!("../../../packaging/man/heartbeatctl.rest.8");

#[test]
fn the_manual_pages_are_those_of_the_command_lines() {
    compare(
        "man/heartbeatd.8",
        &page(daemon::Args::command(), DAEMON_REST),
    );
    compare("man/heartbeatctl.8", &page(ctl::Args::command(), CTL_REST));
}

#[test]
fn the_configurations_page_is_what_the_docs_say_of_its_keys() {
    compare("man/heartbeatd.toml.5", &config_page::page());
}

#[test]
fn the_maps_page_is_what_the_code_says_of_their_fields() {
    compare("man/heartbeatd-maps.7", &map_page::page());
}

#[test]
fn a_pager_shows_the_manual_pages_without_a_complaint() {
    let needs = [Need::Tool("groff", "groff-base")];
    if lacks("a_pager_shows", &needs) {
        return;
    }
    for page in [
        "heartbeatd.8",
        "heartbeatctl.8",
        "heartbeatd.toml.5",
        "heartbeatd-maps.7",
    ] {
        let output = Command::new("groff")
            .args(["-man", "-ww", "-Tutf8", "-P", "-cbou"])
            .arg(root().join("packaging/man").join(page))
            .output()
            .expect("it can be started");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && complaints.is_empty(),
            "{page}: {complaints}"
        );
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            shown.contains("SEE ALSO") && !shown.contains("\\f"),
            "{page}: {shown}"
        );
    }
}

#[test]
fn the_completions_are_those_of_the_command_lines() {
    for (shell, folder) in [
        (Shell::Bash, "bash"),
        (Shell::Zsh, "zsh"),
        (Shell::Fish, "fish"),
    ] {
        for command in [daemon::Args::command(), ctl::Args::command()] {
            let name = command.get_name().to_owned();
            let file = match shell {
                Shell::Zsh => format!("_{name}"),
                Shell::Fish => format!("{name}.fish"),
                _ => name.clone(),
            };
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), name, &mut text);
            compare(&format!("completions/{folder}/{file}"), &text);
        }
    }
}

/// One page: the program, then each of its subcommands as a section of its own, then `rest`.
fn page(mut command: clap::Command, rest: &str) -> Vec<u8> {
    command.build();
    let name = command.get_name().to_owned();
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section(SECTION)
        .manual(MANUAL)
        .date(" ");
    let mut text = Vec::new();
    let whole = (man.render_title(&mut text))
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| man.render_synopsis_section(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text));
    whole.expect("memory takes it");
    for subcommand in command.get_subcommands() {
        if subcommand.get_name() != "help" {
            section(subcommand, &name, &mut text);
        }
    }
    text.extend_from_slice(rest.as_bytes());
    once(&text)
}

/// Every rendered section begins with the definitions that a page needs once.
fn once(text: &[u8]) -> Vec<u8> {
    let text = str::from_utf8(text).expect("made of text");
    let is_definition =
        |line: &&str| line.contains("\\n(.g .ds Aq") || line.starts_with(".el .ds Aq");
    let definitions = text.lines().take_while(is_definition);
    let others = text.lines().filter(|line| !is_definition(line));
    definitions
        .chain(others)
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect::<String>()
        .into_bytes()
}

/// A subcommand's section; what would be sections on a page of its own stands under it.
fn section(command: &clap::Command, above: &str, text: &mut Vec<u8>) {
    let name = format!("{above} {}", command.get_name());
    // Each has them, and they stand above.
    let command = command.clone().mut_args(|argument| {
        let is_general = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(is_general)
    });
    let man = Man::new(command.clone());
    let mut body = Vec::new();
    let whole = (man.render_synopsis_section(&mut body))
        .and_then(|()| man.render_description_section(&mut body))
        .and_then(|()| man.render_options_section(&mut body));
    whole.expect("memory takes it");
    let body = str::from_utf8(&body).expect("made of text");
    text.extend_from_slice(format!(".SH \"{}\"\n", name.to_uppercase()).as_bytes());
    for line in body.lines() {
        let line = match line {
            ".SH SYNOPSIS" | ".SH DESCRIPTION" => ".PP",
            ".SH OPTIONS" => continue,
            other => other,
        };
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            section(below, &name, text);
        }
    }
}

/// Holds a file in packaging/ against what it must be, or writes it.
fn compare(file: &str, expected: &[u8]) {
    let path: PathBuf = root().join("packaging").join(file);
    if env::var_os("HEARTBEAT_BLESS").is_some() {
        let folder = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).expect("packaging/ can be written");
        fs::write(&path, expected).expect("packaging/ can be written");
    }
    let found = fs::read(&path).unwrap_or_default();
    assert!(
        found == expected,
        "packaging/{file} is not what it is made from: `cargo xtask man` writes it anew"
    );
}
