//! `heartbeatctl check-config --diff`: what a file would change, and how each change comes into force.

use std::path::Path;

use serde::Serialize;

use super::{Failure, print, print_json, unexpected};
use crate::cli::Exit;
use crate::config;
use crate::config::change::{Difference, Facts, differences};
use crate::control::{Client, Request, Response};

/// One difference, as a program reads it.
#[derive(Serialize)]
struct Line<'a> {
    table: &'a str,
    key: &'a str,
    /// Which entry of the table; empty where there is one.
    entry: &'a str,
    /// What is in force; null: nothing.
    from: Option<&'a str>,
    /// What the file says; null: nothing.
    to: Option<&'a str>,
    /// `reload`, `restart`, `members apply`, `steps`.
    by: &'a str,
    /// What is to be done besides a reload; null: nothing.
    cure: Option<&'a str>,
    /// Whether all nodes need it.
    shared: bool,
}

/// Shows how `file` differs from what the daemon goes by. It is checked first, as the daemon would.
pub(super) fn differ(client: &Client, file: &Path, json: bool) -> Result<Exit, Failure> {
    let wanted = Facts::of(&config::load(file)?);
    let running = match client.ask(Request::Configuration)? {
        Response::Configuration(running) => running,
        other => return Err(unexpected(other)),
    };
    let found = differences(&running.facts, &wanted, &running.node);
    if json {
        print_json(&found.iter().map(line).collect::<Vec<_>>())?;
    } else {
        print(&render(&found))?;
    }
    Ok(if found.iter().any(|it| it.effect.refuses()) {
        Exit::Failure
    } else {
        Exit::Ok
    })
}

fn line(difference: &Difference) -> Line<'_> {
    Line {
        table: difference.key.table,
        key: difference.key.name,
        entry: &difference.entry,
        from: difference.from.as_deref(),
        to: difference.to.as_deref(),
        by: difference.effect.as_str(),
        cure: difference.cure(),
        shared: difference.key.is_shared,
    }
}

fn render(found: &[Difference]) -> String {
    if found.is_empty() {
        return "nothing differs from what the daemon goes by\n".to_owned();
    }
    let mut text = String::new();
    for difference in found {
        let by = difference.effect.as_str();
        text += &format!("{by}: {}: {}\n", difference.place(), difference.what());
        if let Some(cure) = difference.cure() {
            text += &format!("    {cure}\n");
        }
    }
    if found.iter().any(|it| it.key.is_shared) {
        text += "The other nodes need the same: a node that differs is `misconfigured` until it has it.\n";
    }
    text += if found.iter().any(|it| it.effect.refuses()) {
        "A reload would be refused as a whole.\n"
    } else {
        "A reload applies it.\n"
    };
    text
}
