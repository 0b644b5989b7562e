//! From one configuration to another: what differs, and how each difference comes into force.
//!
//! One table of keys ([`KEYS`]) says so to all who ask: a reload applies or refuses by it, `check-config --diff`
//! shows it beforehand, and the docs' column is held equal to it.

mod keys;
mod list;
mod rules;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::{Config, Mode};

pub use keys::KEYS;

/// How a difference comes into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// By a reload.
    Reload,
    /// By a restart of the daemon, for this reason.
    Restart(&'static str),
    /// By `heartbeatctl members apply` at the master.
    Apply,
    /// In these steps, each of which is a reload on every node.
    Steps(&'static str),
}

impl Effect {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Restart(_) => "restart",
            Self::Apply => "members apply",
            Self::Steps(_) => "steps",
        }
    }

    /// Whether it stands in the way of a reload.
    #[must_use]
    pub const fn refuses(self) -> bool {
        match self {
            Self::Reload | Self::Apply => false,
            Self::Restart(_) | Self::Steps(_) => true,
        }
    }
}

/// One key of the file.
#[derive(Debug)]
pub struct Key {
    /// Its table, as its header is written: `[cluster]`.
    pub table: &'static str,
    /// Its name in it.
    pub name: &'static str,
    /// Whether it must be equal on all nodes: it is part of the configuration's digest.
    pub is_shared: bool,
    /// How a change of it usually comes into force.
    pub usually: Effect,
    /// When it does so in another way.
    except: fn(&Seen<'_>) -> Option<Effect>,
    /// What a configuration says by it: for each of the table's entries where there may be several.
    values: fn(&Config) -> Values,
}

/// Values by the name of their entry; the empty name in a table that there is once.
type Values = Vec<(String, String)>;

/// A difference, as an exception looks at it.
struct Seen<'a> {
    node: &'a Place,
    /// By a pair's method.
    in_pair: bool,
    entry: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
}

/// The node that changes its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its slot.
    pub slot: Slot,
    /// The electors of the set in force.
    pub electors: Vec<Slot>,
    /// The highest slot that the kernel's maps have room for.
    pub highest_slot: Slot,
}

/// What a configuration says, by key and entry. Keys of the cluster stand in it as fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts(BTreeMap<String, BTreeMap<String, String>>);

impl Facts {
    /// What this configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let fact = |key: &Key| {
            let values = (key.values)(config).into_iter().collect();
            (key.path(), values)
        };
        Self(KEYS.iter().map(fact).collect())
    }

    /// What of it must be equal on all nodes; no key of the cluster is in it, nor how a node names its own
    /// interfaces.
    #[must_use]
    pub fn shared(&self) -> Self {
        let shared = KEYS.iter().filter(|key| key.is_shared).filter_map(|key| {
            let mut values = self.by(key)?.clone();
            if key.is_connection() {
                values.values_mut().for_each(text::cut_to_address);
            }
            Some((key.path(), values))
        });
        Self(shared.collect())
    }

    fn is_pair(&self) -> bool {
        let mode = self.0.get(keys::MODE).and_then(|values| values.get(""));
        mode.is_some_and(|mode| mode == Mode::Pair.as_str())
    }

    fn by(&self, key: &Key) -> Option<&BTreeMap<String, String>> {
        self.0.get(&key.path())
    }
}

/// What one key says otherwise.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The key.
    pub key: &'static Key,
    /// Which entry of its table, where there may be several.
    pub entry: String,
    /// What is in force; `None`: nothing.
    pub from: Option<String>,
    /// What is to be.
    pub to: Option<String>,
    /// How it comes into force.
    pub effect: Effect,
}

/// Everything in which `wanted` differs from what is in force on this node, in the table's order. Of an entry that
/// comes or goes only its name is told.
#[must_use]
pub fn differences(in_force: &Facts, wanted: &Facts, node: &Place) -> Vec<Difference> {
    let none = BTreeMap::new();
    let in_pair = in_force.is_pair();
    let mut moving = BTreeSet::new();
    let mut found = Vec::new();
    for key in KEYS {
        let (before, after) = (
            in_force.by(key).unwrap_or(&none),
            wanted.by(key).unwrap_or(&none),
        );
        let entries: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for entry in entries {
            let (from, to) = (before.get(entry), after.get(entry));
            if from == to || moving.contains(&(key.table, entry.clone())) {
                continue;
            }
            if key.names_entry() && (from.is_none() || to.is_none()) {
                moving.insert((key.table, entry.clone()));
            }
            let seen = Seen {
                node,
                in_pair,
                entry,
                from: from.map(String::as_str),
                to: to.map(String::as_str),
            };
            found.push(Difference {
                effect: (key.except)(&seen).unwrap_or(key.usually),
                key,
                entry: entry.clone(),
                from: from.cloned(),
                to: to.cloned(),
            });
        }
    }
    found
}

impl Key {
    /// Table and name: `[cluster] name`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{} {}", self.table, self.name)
    }

    /// Whether it is a member's place on a network: an address, and the interface that has it there.
    fn is_connection(&self) -> bool {
        matches!(
            (self.table, self.name),
            ("[[member]]", "management" | "business")
        )
    }

    /// Whether it is what tells the entries of its table apart.
    fn names_entry(&self) -> bool {
        matches!(
            (self.table, self.name),
            ("[[member]]", "slot")
                | ("[[virtual_address]]", "address")
                | ("[[service]]" | "[[alarms.sink]]", "name")
        )
    }
}

impl Difference {
    /// The key and its entry: `[[member]] slot 4: name`.
    #[must_use]
    pub fn place(&self) -> String {
        let Key { table, name, .. } = self.key;
        if self.entry.is_empty() {
            format!("{table} {name}")
        } else {
            format!("{table} {}: {name}", self.entry)
        }
    }

    /// What changes, in words.
    #[must_use]
    pub fn what(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("{from} -> {to}"),
            (None, Some(to)) => format!("new: {to}"),
            (Some(from), None) => format!("gone: {from}"),
            (None, None) => String::new(),
        }
    }

    /// What is to be done for it, and why, where a reload does not do it.
    #[must_use]
    pub const fn cure(&self) -> Option<&'static str> {
        match self.effect {
            Effect::Reload => None,
            Effect::Restart(why) | Effect::Steps(why) => Some(why),
            Effect::Apply => {
                Some("only proposed: `heartbeatctl members apply` at the master puts it in force")
            }
        }
    }
}
