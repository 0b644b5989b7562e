//! `cargo xtask mutants`: takes out one safety line after the other, and sees that a check notices.

mod all;
mod check;
mod list;
mod table;
mod tree;

use anyhow::{Result, bail, ensure};
use clap::Args;

use check::{Check, Notice};
use list::Mutant;
use table::Table;
use tree::Tree;

/// Processor seconds of the longest check, and some: the search takes a minute.
const MOST_SECONDS: u64 = 600;

/// Options of `cargo xtask mutants`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only mutants whose name has one of these words in it
    only: Vec<String>,
    /// Instead of the listed ones, all that cargo-mutants can think of in heartbeat-core, or in these of its files
    #[arg(long)]
    all: bool,
}

/// Tries the mutants one after the other in a copy of the tree, and writes down which check noticed each.
///
/// # Errors
/// A mutant was noticed by none of its checks, or one of the checks fails without any mutant.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.all {
        return all::run(&options.only);
    }
    let list = list::read()?;
    let is_wanted = |mutant: &&Mutant| {
        options.only.is_empty() || options.only.iter().any(|word| mutant.name.contains(word))
    };
    let chosen: Vec<&Mutant> = list.iter().filter(is_wanted).collect();
    ensure!(!chosen.is_empty(), "no mutant has that in its name");
    check::limit_processor_time(MOST_SECONDS)?;
    let tree = Tree::copied("tree")?;
    let mut table = Table::read(&list)?;
    let (mut sound, mut survivors) = (Vec::new(), Vec::new());
    for mutant in chosen {
        let before = check::processor_seconds()?;
        let noticed = try_out(mutant, &tree)?;
        let took = check::processor_seconds()? - before;
        match noticed {
            Some((check, notice)) => {
                prove_sound(&check, &tree, &mut sound)?;
                println!("{}: noticed by {check}: {notice}, {took} s", mutant.name);
                table.note(mutant, &check, &notice, took);
                table.write()?;
            }
            None => {
                println!("{}: SURVIVES, {took} s: {}", mutant.name, mutant.breaks);
                survivors.push(mutant.name.as_str());
            }
        }
    }
    ensure!(survivors.is_empty(), "nothing notices {survivors:?}");
    Ok(())
}

/// A check that fails without any mutant noticed nothing. One that notices none is not worth proving.
fn prove_sound(check: &Check, tree: &Tree, sound: &mut Vec<Check>) -> Result<()> {
    if sound.contains(check) {
        return Ok(());
    }
    if let Some(notice) = check.run(tree.path())? {
        bail!("{check} fails without any mutant ({notice}): mend that first");
    }
    sound.push(check.clone());
    Ok(())
}

/// The first check that notices the mutant, and how.
fn try_out(mutant: &Mutant, tree: &Tree) -> Result<Option<(Check, Notice)>> {
    let _changed = tree.change(mutant)?;
    for check in &mutant.checks {
        if let Some(notice) = check.run(tree.path())? {
            return Ok(Some((check.clone(), notice)));
        }
    }
    Ok(None)
}
