//! What must not leave the machine: the configuration without it, and texts in which it might be repeated.
//!
//! Files that hold secrets are left where they are. What the configuration itself may hold are arguments of programs, and parts of
//! web addresses.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// What stands in a secret's place.
const REMOVED: &str = "REMOVED";
/// Keys whose first word is a program; the others may be anything.
const COMMANDS: [&str; 5] = [
    "command",
    "fence_command",
    "on_promote",
    "on_demote",
    "on_fault",
];
/// Keys whose web address may end in a secret, as chat programs' do.
const RECEIVERS: [&str; 2] = ["webhook", "alertmanager"];
/// Shorter words are no secrets, and would tear other texts to pieces.
const SHORTEST: usize = 4;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// The configuration with what may be secret taken out, and without its comments; `None` if it is no TOML.
    pub(super) fn take_out(&mut self, configuration: &str) -> Option<String> {
        let mut table: Table = configuration.parse().ok()?;
        for (key, value) in &mut table {
            self.clean(key, value);
        }
        toml::to_string_pretty(&table).ok()
    }

    fn clean(&mut self, key: &str, value: &mut Value) {
        match value {
            Value::Table(table) => {
                for (key, value) in table {
                    self.clean(key, value);
                }
            }
            Value::Array(words) if COMMANDS.contains(&key) => {
                for word in words.iter_mut().skip(1) {
                    self.remove_text(word);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.clean(key, item);
                }
            }
            Value::String(_) if COMMANDS.contains(&key) => self.remove_text(value),
            Value::String(text) if text.contains("://") => {
                *text = self.without_secrets_of_address(key, text);
            }
            Value::String(text) if text.lines().count() > 1 => {
                self.note(text.clone());
                REMOVED.clone_into(text);
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {}
        }
    }

    fn remove_text(&mut self, value: &mut Value) {
        if let Some(text) = value.as_str() {
            self.note(text.to_owned());
        }
        *value = Value::String(REMOVED.to_owned());
    }

    fn note(&mut self, secret: String) {
        if secret.len() >= SHORTEST {
            self.0.insert(secret);
        }
    }

    /// Whom and where it names stay: user and password go, and what follows a question mark, and a receiver's path.
    fn without_secrets_of_address(&mut self, key: &str, text: &str) -> String {
        let Some((scheme, rest)) = text.split_once("://") else {
            return text.to_owned();
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
        let mut kept = format!("{scheme}://");
        if let Some(user) = user {
            self.note(user.to_owned());
            kept += &format!("{REMOVED}@");
        }
        kept += host;
        if RECEIVERS.contains(&key) && path.len() > 1 {
            self.note(path[1..].to_owned());
            kept += &format!("/{REMOVED}");
        } else {
            kept += path;
        }
        if query.len() > 1 {
            self.note(query[1..].to_owned());
            kept += &format!("?{REMOVED}");
        }
        kept
    }

    /// A text in which what was found is replaced, and so are users and passwords of any web address.
    pub(super) fn removed_from(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.0 {
            clean = clean.replace(secret, REMOVED);
        }
        without_users(&clean)
    }
}

fn without_users(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_of_authority =
            |char: char| !char.is_whitespace() && !matches!(char, '/' | '"' | '\'' | '\\' | '<');
        let end = part
            .find(|char| !is_of_authority(char))
            .unwrap_or(part.len());
        clean += "://";
        match part[..end].rfind('@') {
            Some(at) => clean.extend([REMOVED, &part[at..]]),
            None => clean += part,
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = r#"
        # password of the pager: in-a-comment
        [cluster]
        name = "storage-a"
        [pair]
        fence_command = ["/usr/sbin/fence", "-p", "power-word"]
        on_fault = "a line for a shell-word"
        [[service]]
        http = { url = "http://192.0.2.1/health?key=query-word" }
        [[alarms.sink]]
        webhook = "https://me:user-word@203.0.113.9:8443/hooks/path-word"
        [hooks]
        on_promote = ["/etc/promote", "hook-word"]
    "#;
    const WORDS: [&str; 7] = [
        "shell-word",
        "in-a-comment",
        "power-word",
        "query-word",
        "user-word",
        "path-word",
        "hook-word",
    ];

    #[test]
    fn a_configuration_keeps_what_it_is_about_and_loses_what_may_be_secret() {
        let mut secrets = Secrets::default();
        let clean = secrets.take_out(CONFIGURATION).expect("it is TOML");
        for word in WORDS {
            assert!(
                CONFIGURATION.contains(word) && !clean.contains(word),
                "{word}: {clean}"
            );
        }
        for word in [
            "storage-a",
            "/usr/sbin/fence",
            "http://192.0.2.1/health?REMOVED",
            "https://REMOVED@203.0.113.9:8443/REMOVED",
            "/etc/promote",
        ] {
            assert!(clean.contains(word), "{word}: {clean}");
        }
    }

    #[test]
    fn other_texts_lose_what_the_configuration_had_and_every_addresss_user() {
        let mut secrets = Secrets::default();
        secrets.take_out(CONFIGURATION).expect("it is TOML");
        let said = "POST https://me:user-word@203.0.113.9:8443/hooks/path-word failed; see \"ftp://a:b@host/x\" and http://c/d@e";
        assert_eq!(
            secrets.removed_from(said),
            "POST https://REMOVED@203.0.113.9:8443/REMOVED failed; see \"ftp://REMOVED@host/x\" and http://c/d@e"
        );
    }

    #[test]
    fn what_is_no_toml_is_not_shown() {
        assert_eq!(Secrets::default().take_out("name = secret-word"), None);
    }
}
