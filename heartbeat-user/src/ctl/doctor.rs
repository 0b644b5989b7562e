//! `heartbeatctl doctor`: looks at this machine, and says what is wrong with it and what to do.

use std::path::Path;
use std::time::Duration;

use heartbeat_core::Slot;

use super::{Failure, print, print_json};
use crate::cli::Exit;
use crate::config::{self, Config};
use crate::control::Client;
use crate::doctor::{Finding, Patient, Weight, examine};
use crate::net::netlink::Netlink;

/// How it is to look, and to tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) slot: Option<Slot>,
    pub(super) seconds: u16,
    pub(super) json: bool,
}

/// Shows what is found; a fault is a failure.
pub(super) fn doctor(client: &Client, file: &Path, options: Options) -> Result<Exit, Failure> {
    let config = config::load(file)?;
    let slot = own_slot(&config, options.slot)?;
    let patient = Patient {
        config: &config,
        slot,
        watched_for: Duration::from_secs(options.seconds.into()),
    };
    let found = examine(&patient, client);
    if options.json {
        print_json(&found)?;
    } else {
        print(&render(&found))?;
    }
    Ok(if count(&found, Weight::Fault) > 0 {
        Exit::Failure
    } else {
        Exit::Ok
    })
}

/// Which member this machine is: the given one, or the one whose management address it has.
pub(super) fn own_slot(config: &Config, given: Option<Slot>) -> Result<Slot, Failure> {
    let local: Vec<_> = Netlink::open()
        .and_then(|mut netlink| netlink.addresses())
        .map(|addresses| addresses.iter().map(|it| it.address).collect())
        .unwrap_or_default();
    config
        .own_slot(&local, given)
        .map_err(|error| Failure::Refused(error.to_string()))
}

fn count(found: &[Finding], weight: Weight) -> usize {
    found.iter().filter(|it| it.weight == weight).count()
}

fn render(found: &[Finding]) -> String {
    let mut text = String::new();
    for it in found {
        text += &format!("{:<8} {}: {}\n", it.weight.as_str(), it.subject, it.text);
        if let Some(cure) = &it.cure {
            text += &format!("         do: {cure}\n");
        }
    }
    let (faults, warnings) = (count(found, Weight::Fault), count(found, Weight::Warning));
    text + &format!(
        "{} looked at: {faults} faults, {warnings} warnings\n",
        found.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_a_line_and_its_cure_another() {
        let finding = |weight, cure: Option<&str>| Finding {
            subject: "clock".into(),
            weight,
            text: "so it is".into(),
            cure: cure.map(str::to_owned),
        };
        let found = [
            finding(Weight::Good, None),
            finding(Weight::Fault, Some("mend it")),
        ];
        assert_eq!(
            render(&found),
            "good     clock: so it is\nfault    clock: so it is\n         do: mend it\n2 looked at: 1 faults, 0 warnings\n"
        );
    }
}
