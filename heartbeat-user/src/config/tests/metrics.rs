//! How metrics may be had.

use std::path::Path;
use std::time::Duration;

use super::{GOOD, load_text};
use crate::config::change::Facts;
use crate::config::service::Network;
use crate::config::{Config, Metrics, Textfile};

/// What stands in `[metrics]`, and what the report says.
#[rustfmt::skip]
const MISTAKES: &[(&str, &str)] = &[
    ("", "nothing says how the metrics are to be had"),
    ("listen = \"0.0.0.0:9405\"", "every address of the machine"),
    ("listen = \"[::]:9405\"", "every address of the machine"),
    ("listen = \"203.0.113.1:9405\"", "\"203.0.113.1\" is no network"),
    ("listen = \"business\"", "has no port"),
    ("listen = \"business:9405\"\ninterval = \"15s\"", "take `interval` out"),
    ("listen = \"business:9405\"\nport = 1", "unknown key `port` in [metrics]"),
    ("listen = \"business:7480\"\n[http]\nlisten = \"business:7480\"", "the status page is served there"),
    ("textfile = \"heartbeatd.prom\"", "does not begin at the root"),
    ("textfile = \"/var/lib/heartbeatd.txt\"", "does not end in .prom"),
    ("textfile = \"/var/lib/heartbeatd.prom\"\ninterval = \"100ms\"", "write 1s to 10m"),
];

fn with(metrics: &str) -> Result<Config, String> {
    load_text(&format!("{GOOD}\n[metrics]\n{metrics}\n"))
}

#[test]
fn each_mistake_is_named() {
    for (metrics, expected) in MISTAKES {
        let report = with(metrics).expect_err(metrics);
        assert!(report.contains(expected), "{metrics}: {report}");
    }
}

#[test]
fn metrics_are_off_until_they_are_asked_for() {
    assert_eq!(super::good().metrics, None);
}

#[test]
fn both_ways_may_be_taken_and_neither_is_part_of_the_digest() {
    let both = with(
        "listen = \"management:9405\"\ntextfile = \"/var/lib/node_exporter/heartbeatd.prom\"\ninterval = \"1m\"",
    )
    .expect("good");
    let expected = Metrics {
        listen: Some((Network::Management, 9405)),
        textfile: Some(Textfile {
            path: Path::new("/var/lib/node_exporter/heartbeatd.prom").into(),
            interval: Duration::from_secs(60),
        }),
    };
    assert_eq!(both.metrics, Some(expected));
    assert_eq!(both.digest, super::good().digest);
    let other = with("listen = \"business:9405\"").expect("good");
    assert_ne!(Facts::of(&both), Facts::of(&other));
    assert_eq!(Facts::of(&both).shared(), Facts::of(&other).shared());
}
