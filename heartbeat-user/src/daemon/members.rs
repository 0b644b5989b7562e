//! The electors as an operator changes them: the file is read anew at that moment, and proposes.

use std::path::Path;

use heartbeat_core::ElectorSet;
use heartbeat_core::event::Order;
use tokio::sync::oneshot;

use super::operator::{Operator, PULSE_ANSWERS, wait};
use crate::config::{self, Config};
use crate::control::Membership;
use crate::pulse::PulseOrder;

impl Operator {
    pub(super) async fn members(&self) -> Result<Membership, String> {
        let status = self.status().await?;
        let (answer, answered) = oneshot::channel();
        self.pulse.send(PulseOrder::Publish(answer))?;
        let published = wait(answered, PULSE_ANSWERS).await?;
        let proposal = proposal(&self.file, &self.current.plan().config);
        Ok(Membership::new(status, &published.snapshot, proposal))
    }

    /// Goes to what the file proposes, one elector after the other.
    pub(super) async fn apply_members(&self) -> Result<String, String> {
        let target = proposal(&self.file, &self.current.plan().config)?;
        self.order(Order::Electors(target)).await
    }
}

/// What the file proposes: it is checked as a whole, and must be the running one but for electors and `max_lease`.
fn proposal(file: &Path, running: &Config) -> Result<ElectorSet, String> {
    let config = config::load(file).map_err(|errors| {
        format!("the configuration file is wrong, nothing was changed\n{errors}")
    })?;
    if config.digest != running.digest {
        return Err(format!(
            "{} differs from the configuration that this daemon runs with in more than electors and max_lease: \
             reload it on every node first, and apply then",
            file.display()
        ));
    }
    Ok(config.elector_set(0))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(folder: &Path, cluster: &str, members: u8) -> Config {
        let key = folder.join("cluster.key");
        fs::write(&key, "0123456789abcdef".repeat(4)).expect("written");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("set");
        let member = |slot: u8| {
            format!(
                "[[member]]\nslot = {slot}\nname = \"n{slot}\"\n\
                 management = {{ address = \"198.51.100.{slot}\", interface = \"mgmt0\" }}\n"
            )
        };
        let text = format!(
            "[cluster]\nname = \"a\"\nmode = \"quorum\"\nkey_file = \"cluster.key\"\n{cluster}\n\
             [management]\ngroup = \"239.192.7.1\"\n{}",
            (1..=members).map(member).collect::<String>()
        );
        let path = folder.join("heartbeatd.toml");
        fs::write(&path, text).expect("written");
        config::load(&path).expect("a good file")
    }

    #[test]
    fn only_electors_and_the_longest_lease_can_be_applied_and_only_of_a_whole_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("heartbeatd.toml");
        let running = file(folder.path(), "electors = [1, 2, 3]", 5);
        file(
            folder.path(),
            "electors = [1, 2, 3, 4, 5]\nmax_lease = \"1s\"",
            5,
        );
        let set = proposal(&path, &running).expect("a proposal");
        assert_eq!(set.slots.as_slice(), [1, 2, 3, 4, 5]);
        assert_eq!(set.max_lease.as_secs(), 1);
        file(folder.path(), "electors = [1, 2, 3]", 6);
        let why = proposal(&path, &running).expect_err("a member more");
        assert!(why.contains("reload it on every node first"), "{why}");
        fs::write(&path, "[cluster]\nelectors = [1]\n").expect("written");
        let why = proposal(&path, &running).expect_err("no whole file");
        assert!(why.contains("nothing was changed"), "{why}");
    }
}
