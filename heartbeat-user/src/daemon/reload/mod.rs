//! Reload: the file is read and checked as a whole, and put in force as a difference, all of it or nothing.

mod apply;
mod guard;
mod tally;

use heartbeat_core::{ElectorRecord, Slot};
use tracing::{error, info};

use super::electors;
use super::plan::Plan;
use super::scribe::Scribe;
use crate::config;
use crate::config::change::{Difference, Effect, Facts, Place, differences};
use crate::pulse::Asked;

pub(super) use tally::Tally;

impl Scribe {
    /// Reloads, tells the log and the tally how that went, and whoever asked.
    pub(super) fn reload_for(&mut self, asked: Option<Asked>) {
        let outcome = self.reload();
        match &outcome {
            Ok(done) => info!("{done}"),
            Err(why) => error!("reload refused: {why}"),
        }
        self.reloads.note(outcome.as_ref().map(drop));
        if let Some(asked) = asked {
            // Whoever asked may have gone away.
            let _ = asked.send(outcome);
        }
    }

    /// What was put in force, or why nothing was.
    fn reload(&mut self) -> Result<String, String> {
        let config = config::load(&self.file).map_err(|errors| {
            format!("the configuration file is wrong, nothing was changed\n{errors}")
        })?;
        let before = self.current.plan();
        let record = self.relink.plan.electors;
        let found = differences(
            &Facts::of(&before.config),
            &Facts::of(&config),
            &place(before.slot, &record, self.relink.datapath.highest_slot()),
        );
        let in_the_way: Vec<&Difference> = found.iter().filter(|it| it.effect.refuses()).collect();
        if !in_the_way.is_empty() {
            return Err(refusal(&in_the_way));
        }
        electors::check_record(&record, &self.state, &config)
            .map_err(|error| format!("{error}; nothing was changed"))?;
        if found.is_empty() {
            return Ok("nothing differs from the configuration in force".to_owned());
        }
        for difference in &found {
            info!(
                place = difference.place(),
                change = difference.what(),
                effect = difference.effect.as_str(),
                "to be reloaded"
            );
        }
        let after = Plan {
            config,
            slot: before.slot,
            electors: record,
        };
        self.apply(&before, after)
            .map_err(|why| format!("{why}; nothing was changed"))?;
        Ok(in_force(&found, self.current.plan().config.digest))
    }
}

/// Where this node stands in its cluster, for what depends on it.
pub(super) fn place(slot: Slot, record: &ElectorRecord, highest_slot: Slot) -> Place {
    let sets = std::iter::once(&record.in_force).chain(record.next());
    Place {
        slot,
        electors: sets.flat_map(|set| set.slots.iter()).collect(),
        highest_slot,
    }
}

fn refusal(in_the_way: &[&Difference]) -> String {
    let mut text = "nothing was changed, since a reload cannot change".to_owned();
    for difference in in_the_way {
        let cure = difference.cure().unwrap_or_default();
        text += &format!("\n  {} ({}): {cure}", difference.place(), difference.what());
    }
    text
}

fn in_force(found: &[Difference], digest: u64) -> String {
    let proposed = found.iter().filter(|it| it.effect == Effect::Apply).count();
    let changed = found.len() - proposed;
    let mut text = format!("in force: {changed} changes, configuration {digest:016x}");
    if proposed > 0 {
        text += "; electors and max_lease are only proposed: `heartbeatctl members apply` at the master";
    }
    if found.iter().any(|it| it.key.is_shared) {
        text += "; the other nodes need the same file: until they have it they are `misconfigured`";
    }
    text
}
