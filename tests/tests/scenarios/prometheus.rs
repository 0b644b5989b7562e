//! A real Prometheus scrapes three daemons through a failover; every alert and every query of the dashboard is asked of it.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::{Family, Network};
use heartbeat_tests::lab::prometheus::{PROGRAM, Prometheus, get};
use heartbeat_tests::lab::settings::{CLUSTER, Settings};
use heartbeat_tests::monitoring::{alerts, as_numbers, queries};
use heartbeat_tests::skip::{self, Need};

use crate::scene::{Scene, scenario_in};

/// A sink that is not there and a service, so that what is told of them has data.
const MORE: &str = r#"
[metrics]
listen = "business:9405"

[[alarms.sink]]
name = "nobody"
webhook = "http://203.0.113.250:9/"
timeout = "100ms"

[[service]]
name = "truth"
command = ["/bin/true"]
interval = "1s"
"#;
const PORT: u16 = 9405;
const SLOTS: [u8; 3] = [1, 2, 3];

/// A busy machine starts Prometheus in seconds.
const SOON: Duration = Duration::from_secs(20);
/// Rates are over as long as the scenario takes at least.
const OVER: &str = "10s";

/// What may have no data here, and why.
const WITHOUT: [(&str, &str); 5] = [
    (
        "HeartbeatdMemberUnwell",
        "a diagnosis has a series only while it is so",
    ),
    ("HeartbeatdConfigurationDiffers", "the same"),
    (
        "HeartbeatdLinksRefused",
        "a cause has a series once it occurred",
    ),
    ("HeartbeatdHookFailed", "no hook is configured"),
    ("HeartbeatdTextfileStale", "no node_exporter is scraped"),
];

#[test]
fn a_real_prometheus_sees_a_failover_and_every_alert_and_panel_has_data() {
    let name = "prometheus";
    let needs = [
        Need::Tool(PROGRAM, PROGRAM),
        Need::Tool("promtool", PROGRAM),
    ];
    if skip::lacks(name, &needs) {
        return;
    }
    let settings = Settings {
        // Prometheus takes every processor as it starts; a lease of 100 ms outlasts what the machine then lacks.
        detect_multiplier: 10,
        more: Some(MORE),
        ..Settings::default()
    };
    scenario_in(name, settings, play);
}

fn play(scene: &mut Scene) -> Result<()> {
    let lab = scene.cluster.lab();
    let client = lab.topology().client();
    let places = SLOTS.map(|slot| SocketAddr::new(own(slot), PORT));
    well_formed(&client.run(|| get(places[0], "/metrics"))??)?;
    let address = SocketAddr::from((Ipv4Addr::new(203, 0, 113, 200), 9090));
    let prometheus = Prometheus::start(client, address, &places, lab.folder())?;
    gives(&prometheus, "heartbeatd_is_master == 1", "node", &["n1"])?;
    gives(
        &prometheus,
        "heartbeatd_members == 3",
        "node",
        &["n1", "n2", "n3"],
    )?;
    wire::kill_node(lab.topology(), 1, Death::Silent)?;
    let next = scene.next_master(1)?;
    ensure!(next == 2, "{next}");
    gives(&prometheus, "heartbeatd_is_master == 1", "node", &["n2"])?;
    // The alerts' own expressions hold, and of what they are about.
    let [missing, unscraped] = ["HeartbeatdMemberMissing", "HeartbeatdNotScraped"].map(expression);
    gives(&prometheus, &missing?, "member", &["n1"])?;
    gives(
        &prometheus,
        &unscraped?,
        "instance",
        &[&places[0].to_string()],
    )?;
    let counted = "heartbeatd_failover_duration_seconds_count{until=\"announced\"} == 1";
    gives(&prometheus, counted, "node", &["n2"])?;
    wire::heal_node(lab.topology(), 1)?;
    ensure!(scene.cluster.settle()? == 2);
    gives(
        &prometheus,
        "up == 1",
        "instance",
        &places
            .map(|it| it.to_string())
            .each_ref()
            .map(String::as_str),
    )?;
    let empty = without_data(&prometheus)?;
    ensure!(empty.is_empty(), "no data:\n{}", empty.join("\n"));
    let broken = prometheus.broken_rules()?;
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

fn own(slot: u8) -> IpAddr {
    Network::Business.address_of(Family::V4, slot)
}

/// promtool finds nothing wrong with the text.
fn well_formed(answer: &str) -> Result<()> {
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.contains(" 200 "), "{head}");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = promtool.stdin.take().context("its input")?;
    input.write_all(body.as_bytes())?;
    drop(input);
    let output = promtool.wait_with_output()?;
    let says = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && says.is_empty(), "{says}");
    Ok(())
}

fn expression(alert: &str) -> Result<String> {
    let found = alerts()?.into_iter().find(|it| it.name == alert);
    Ok(found
        .with_context(|| format!("no alert {alert}"))?
        .expression)
}

/// Waits until this expression gives exactly the series with these values of that label.
fn gives(
    prometheus: &Prometheus<'_>,
    expression: &str,
    label: &str,
    values: &[&str],
) -> Result<()> {
    let begun = Instant::now();
    loop {
        let samples = prometheus.query(expression).unwrap_or_default();
        let mut found: Vec<&str> = samples
            .iter()
            .filter_map(|sample| sample["metric"][label].as_str())
            .collect();
        found.sort_unstable();
        if found == values {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < SOON,
            "{expression}: {found:?}, not {values:?}"
        );
        sleep(Duration::from_millis(100));
    }
}

/// Everything that is shipped and has no data, though it should: each alert's expression and each query of the dashboard,
/// as numbers. What needs a moment gets it.
fn without_data(prometheus: &Prometheus<'_>) -> Result<Vec<String>> {
    let of_alerts = alerts()?.into_iter();
    let mut asked: Vec<(String, String)> = of_alerts
        .map(|alert| (alert.name, alert.expression))
        .chain(queries(CLUSTER, OVER)?)
        .map(|(name, expression)| (name, as_numbers(&expression)))
        .collect();
    let begun = Instant::now();
    loop {
        let mut empty = Vec::new();
        for (name, expression) in asked {
            if prometheus.query(&expression)?.is_empty() {
                empty.push((name, expression));
            }
        }
        let is_expected = |name: &str| WITHOUT.iter().any(|(it, _)| *it == name);
        if empty.iter().all(|(name, _)| is_expected(name)) || begun.elapsed() > SOON {
            let surprising = empty.into_iter().filter(|(name, _)| !is_expected(name));
            return Ok(surprising
                .map(|(name, it)| format!("{name}: {it}"))
                .collect());
        }
        asked = empty;
        sleep(Duration::from_millis(500));
    }
}
