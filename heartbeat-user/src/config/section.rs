//! Reading a TOML table key by key, so that every fault is found and none hides the next.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::value::{Wrong, kind};

/// One table of the file; what is never asked for is an unknown key.
pub(super) struct Section<'a, 'i> {
    /// As the operator writes it: `[cluster]`, `[[member]]`, `management = { }`.
    name: &'static str,
    /// Where the table begins: where a missing key is reported.
    at: Range<usize>,
    table: &'a DeTable<'i>,
    asked: Vec<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    pub(super) fn new(name: &'static str, at: Range<usize>, table: &'a DeTable<'i>) -> Self {
        Self {
            name,
            at,
            table,
            asked: Vec::new(),
        }
    }

    /// A key that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        faults: &mut Vec<Fault>,
        key: &'static str,
        read: impl FnOnce(&DeValue<'i>) -> Result<T, Wrong>,
    ) -> Option<Spanned<T>> {
        let value = self.raw(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(Spanned::new(value.span(), read)),
            Err(wrong) => {
                let cause = format!("`{key}` in {}: {}", self.name, wrong.cause);
                faults.push(Fault::new(value.span(), cause, wrong.cure));
                None
            }
        }
    }

    /// A key that must be there; `cure` says what to write if it is not.
    pub(super) fn required<T>(
        &mut self,
        faults: &mut Vec<Fault>,
        key: &'static str,
        cure: &str,
        read: impl FnOnce(&DeValue<'i>) -> Result<T, Wrong>,
    ) -> Option<Spanned<T>> {
        self.demand(faults, key, cure);
        self.optional(faults, key, read)
    }

    /// Reports `key` if it is missing.
    pub(super) fn demand(&self, faults: &mut Vec<Fault>, key: &str, cure: &str) {
        if !self.table.contains_key(key) {
            let cause = format!("`{key}` is missing in {}", self.name);
            faults.push(Fault::new(self.at.clone(), cause, cure));
        }
    }

    /// A key that is known, and refused wherever it stands.
    pub(super) fn refuse(
        &mut self,
        faults: &mut Vec<Fault>,
        key: &'static str,
        cause: &str,
        cure: &str,
    ) {
        if let Some((key_there, _)) = self.table.get_key_value(key) {
            self.asked.push(key);
            faults.push(Fault::new(key_there.span(), cause, cure));
        }
    }

    /// A table inside this one.
    pub(super) fn table(
        &mut self,
        faults: &mut Vec<Fault>,
        key: &'static str,
        name: &'static str,
    ) -> Option<Section<'a, 'i>> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(name, value.span(), table)),
            _ => {
                faults.push(no_table(key, value, "write it as a table".to_owned()));
                None
            }
        }
    }

    /// The tables `[[key]]` inside this one, in the file's order.
    pub(super) fn tables(
        &mut self,
        faults: &mut Vec<Fault>,
        key: &'static str,
        name: &'static str,
    ) -> Vec<Section<'a, 'i>> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let cure = || format!("begin each one with {name}, in two pairs of brackets");
        let DeValue::Array(items) = value.get_ref() else {
            faults.push(no_table(key, value, cure()));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(name, item.span(), table)),
                _ => faults.push(no_table(key, item, cure())),
            }
        }
        sections
    }

    /// Whether `key` is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of `key` stands, if it is there.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.table.get(key).map(Spanned::span)
    }

    /// Where the table begins.
    pub(super) fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    fn raw(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Reports every key that was not asked for.
    pub(super) fn end(self, faults: &mut Vec<Fault>) {
        for key in self.table.keys() {
            let name = key.get_ref();
            if self.asked.contains(&name.as_ref()) {
                continue;
            }
            let cause = format!("unknown key `{name}` in {}", self.name);
            let cure = match nearest(name, &self.asked) {
                Some(near) => format!("did you mean `{near}`? else take it out"),
                None => format!("take it out; known here: {}", self.asked.join(", ")),
            };
            faults.push(Fault::new(key.span(), cause, cure));
        }
    }
}

fn no_table(key: &str, value: &Spanned<DeValue<'_>>, cure: String) -> Fault {
    let cause = format!("`{key}`: {} where a table belongs", kind(value.get_ref()));
    Fault::new(value.span(), cause, cure)
}

/// The known key that a misspelt one probably stands for.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, near) = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .min()?;
    (distance <= 1 + name.len() / 4).then_some(near)
}
