//! Whether a packet filter on this machine may drop votes and commands.
//!
//! Heartbeats are answered before any filter sees them; what goes over the control port is not.

use std::process::Command;

use super::{Finding, Patient};

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let listed = Command::new("nft").args(["list", "ruleset"]).output();
    let finding = match listed {
        // Without the program nobody has made rules by it.
        Err(_) => return Vec::new(),
        Ok(output) if !output.status.success() => Finding::note(
            SUBJECT,
            format!(
                "nft cannot list the rules: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        ),
        Ok(output) => judge(
            &String::from_utf8_lossy(&output.stdout),
            patient.config.control_port,
        ),
    };
    vec![finding]
}

const SUBJECT: &str = "firewall";

/// A chain that drops what no rule names, and no rule that names the port: more cannot be said without running it.
fn judge(rules: &str, port: u16) -> Finding {
    let drops = rules
        .lines()
        .any(|line| line.contains("hook input") && line.contains("policy drop"));
    let named = |port: u16| {
        let port = port.to_string();
        rules
            .split(|char: char| !char.is_ascii_digit())
            .any(|number| number == port)
    };
    if drops && !named(port) {
        Finding::warning(
            SUBJECT,
            format!(
                "what no rule names is dropped, and no rule names port {port}: no vote would arrive"
            ),
            format!("allow udp dport {port} from the members, on both networks"),
        )
    } else if drops {
        Finding::good(
            SUBJECT,
            format!("what no rule names is dropped; a rule names port {port}"),
        )
    } else {
        Finding::good(SUBJECT, "no chain drops what no rule names")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn a_chain_that_drops_must_name_the_port() {
        const HEAD: &str = "table inet filter {\n chain input {\n type filter hook input priority filter; policy drop;\n";
        let with = |rule: &str| judge(&format!("{HEAD}{rule}\n}}\n}}\n"), 7406).weight;
        assert_eq!(with("udp dport 22 accept"), Weight::Warning);
        assert_eq!(with("udp dport 17406 accept"), Weight::Warning);
        assert_eq!(with("udp dport { 7405, 7406 } accept"), Weight::Good);
        assert_eq!(judge("", 7406).weight, Weight::Good);
    }
}
