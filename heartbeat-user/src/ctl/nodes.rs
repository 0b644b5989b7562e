//! `heartbeatctl nodes`: what every node is.

use super::table::table;
use crate::control::human::duration;
use crate::control::{InterfaceFacts, NodeFacts, NodeStatus};

pub(super) fn render(nodes: &[NodeStatus]) -> String {
    let rows: Vec<_> = nodes.iter().map(row).collect();
    let heads = [
        "SLOT",
        "NAME",
        "HOST",
        "HEARTBEATD",
        "KERNEL",
        "BOOTED AT",
        "CONFIGURATION",
        "SEEN",
    ];
    let mut text = table(heads, &rows);
    let interfaces: Vec<_> = nodes.iter().flat_map(interfaces).collect();
    let heads = [
        "SLOT",
        "INTERFACE",
        "NETWORK",
        "HARDWARE ADDRESS",
        "DRIVER",
        "XDP",
    ];
    text += "\n";
    text += &table(heads, &interfaces);
    for node in nodes {
        if let Some(fault) = &node.fault {
            text += &format!("\nslot {} ({}): {fault}\n", node.slot, node.name);
        }
    }
    text
}

fn row(node: &NodeStatus) -> [String; 8] {
    let fact = |of: fn(&NodeFacts) -> &String| {
        let known = node.facts.as_ref();
        known.map_or_else(|| "?".to_owned(), |facts| of(facts).clone())
    };
    let seen = match (node.answered, node.age_us) {
        (true, _) => "now".to_owned(),
        (false, Some(age_us)) => format!("{} ago", duration(age_us)),
        (false, None) => "never".to_owned(),
    };
    [
        node.slot.to_string(),
        node.name.clone(),
        fact(|facts| &facts.host),
        fact(|facts| &facts.version),
        fact(|facts| &facts.kernel),
        fact(|facts| &facts.booted_at),
        fact(|facts| &facts.configuration),
        seen,
    ]
}

fn interfaces(node: &NodeStatus) -> Vec<[String; 6]> {
    let row = |interface: &InterfaceFacts| {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            node.slot.to_string(),
            interface.name.clone(),
            or_dash(&interface.network),
            or_dash(&interface.mac),
            driver(interface),
            or_dash(&interface.xdp),
        ]
    };
    let facts = node.facts.iter();
    facts.flat_map(|facts| &facts.interfaces).map(row).collect()
}

/// The parts that it tells, in their order.
fn driver(interface: &InterfaceFacts) -> String {
    let Some(driver) = &interface.driver else {
        return "-".to_owned();
    };
    let parts = [&driver.name, &driver.version, &driver.firmware, &driver.bus];
    let told: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::DriverFacts;

    #[test]
    fn a_node_that_does_not_answer_is_shown_as_it_last_was_with_age_and_reason() {
        let facts = NodeFacts {
            host: "alpha".to_owned(),
            version: "0.1.0".to_owned(),
            slot: 1,
            kernel: "6.12.1".to_owned(),
            booted_at: "2026-01-01T00:00:00.000Z".to_owned(),
            configuration: "00000000000000ff".to_owned(),
            interfaces: vec![InterfaceFacts {
                name: "mgmt0".to_owned(),
                network: Some("management".to_owned()),
                mac: Some("02:00:00:00:00:01".to_owned()),
                driver: Some(DriverFacts {
                    name: "veth".to_owned(),
                    version: "1.0".to_owned(),
                    firmware: String::new(),
                    bus: String::new(),
                }),
                xdp: Some("native".to_owned()),
            }],
        };
        let node = |slot, answered, age_us, facts| NodeStatus {
            slot,
            name: format!("n{slot}"),
            answered,
            fault: (!answered).then(|| "it is off".to_owned()),
            age_us,
            facts,
        };
        let nodes = [
            node(1, true, Some(0), Some(facts.clone())),
            node(2, false, Some(62_000_000), Some(facts)),
            node(3, false, None, None),
        ];
        let text = render(&nodes);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("1     n1    alpha  0.1.0") && lines[1].ends_with("now"));
        assert!(
            lines[2].ends_with("00000000000000ff  1 min 2 s ago"),
            "{text}"
        );
        assert!(lines[3].ends_with("never"), "{text}");
        assert!(
            text.contains("mgmt0      management  02:00:00:00:00:01  veth 1.0  native"),
            "{text}"
        );
        assert!(
            text.ends_with("slot 2 (n2): it is off\n\nslot 3 (n3): it is off\n"),
            "{text}"
        );
    }
}
