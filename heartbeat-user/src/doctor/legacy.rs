//! Rules of the packet filter before nftables, which `nft` does not list: they drop votes as well.

use std::fs;
use std::process::Command;

use super::{Finding, Patient};

const SUBJECT: &str = "legacy firewall";
/// For each family, the tables in force and the program that lists them. The file is there once the old filter is loaded.
const FILTERS: [(&str, &str); 2] = [
    ("/proc/net/ip_tables_names", "iptables-legacy"),
    ("/proc/net/ip6_tables_names", "ip6tables-legacy"),
];

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let found = FILTERS
        .iter()
        .map(|(tables, program)| match fs::read_to_string(tables) {
            Ok(names) if names.lines().any(|name| name == "filter") => {
                listed(program, patient.config.control_port)
            }
            Ok(_) | Err(_) => Finding::good(SUBJECT, format!("{program} has no filter in force")),
        });
    found.collect()
}

fn listed(program: &str, port: u16) -> Finding {
    let output = Command::new(program).args(["-S", "INPUT"]).output();
    let why = match output {
        Ok(output) if output.status.success() => {
            return judge(program, &String::from_utf8_lossy(&output.stdout), port);
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Finding::note(
        SUBJECT,
        format!("a filter of {program}'s is in force, and it cannot be listed: {why}"),
    )
}

/// A chain that drops what no rule names, by its policy or its last rules, and no rule that names the port.
fn judge(program: &str, rules: &str, port: u16) -> Finding {
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let drops = |line: &str| match &words(line)[..] {
        [policy, _, target] => policy == "-P" && target == "DROP",
        [_, _, jump, target, ..] => jump == "-j" && (target == "DROP" || target == "REJECT"),
        _ => false,
    };
    let port = port.to_string();
    let is_named = rules
        .split(|char: char| !char.is_ascii_digit())
        .any(|number| number == port);
    match (rules.lines().any(drops), is_named) {
        (false, _) => Finding::good(SUBJECT, format!("{program} drops nothing for all")),
        (true, true) => Finding::good(
            SUBJECT,
            format!("{program} drops what no rule names; a rule names port {port}"),
        ),
        (true, false) => Finding::warning(
            SUBJECT,
            format!(
                "{program} drops what no rule names, and no rule names port {port}: no vote would arrive"
            ),
            format!("{program} -I INPUT -p udp --dport {port} -s MEMBER -j ACCEPT for each member"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn a_chain_that_drops_must_name_the_port() {
        for (rules, weight) in [
            ("-P INPUT ACCEPT\n", Weight::Good),
            (
                "-P INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\n",
                Weight::Warning,
            ),
            (
                "-P INPUT DROP\n-A INPUT -p udp -m udp --dport 7406 -j ACCEPT\n",
                Weight::Good,
            ),
            (
                "-P INPUT ACCEPT\n-A INPUT -p tcp --dport 17406 -j ACCEPT\n-A INPUT -j REJECT --reject-with x\n",
                Weight::Warning,
            ),
            (
                "-P INPUT ACCEPT\n-A INPUT -s 192.0.2.1/32 -j DROP\n",
                Weight::Good,
            ),
        ] {
            assert_eq!(
                judge("iptables-legacy", rules, 7406).weight,
                weight,
                "{rules}"
            );
        }
    }
}
