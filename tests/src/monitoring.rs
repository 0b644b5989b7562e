//! What is shipped for Prometheus and Grafana: alert rules, and a dashboard.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The alert rules.
pub const RULES: &str = "packaging/prometheus/heartbeatd.rules.yml";
/// The series by which each of them is tried.
pub const TESTS: &str = "packaging/prometheus/heartbeatd.test.yml";
/// The dashboard.
pub const DASHBOARD: &str = "packaging/grafana/heartbeatd.json";

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub expression: String,
    /// How much depends on it.
    pub severity: String,
}

/// Where a shipped file is.
#[must_use]
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Every alert, in the file's order: each expression stands on one line.
///
/// # Errors
/// When the file cannot be read, or is not written so.
pub fn alerts() -> Result<Vec<Alert>> {
    let text = std::fs::read_to_string(file(RULES))?;
    let rules = text.split("      - alert: ").skip(1);
    let alert = |rule: &str| {
        let mut lines = rule.lines().map(str::trim);
        let name = lines.next().context("a name")?;
        let mut behind = lines.skip_while(|line| *line != "expr: >-").skip(1);
        let expression = behind
            .next()
            .with_context(|| format!("{name}: its expression"))?;
        let severity = rule
            .lines()
            .find_map(|line| line.trim().strip_prefix("severity: "));
        Ok(Alert {
            name: name.to_owned(),
            expression: expression.to_owned(),
            severity: severity
                .with_context(|| format!("{name}: its severity"))?
                .to_owned(),
        })
    };
    rules.map(alert).collect()
}

/// Every query of the dashboard with the title of its panel, for this cluster and rates over this time.
///
/// # Errors
/// When the file cannot be read, or is no dashboard.
pub fn queries(cluster: &str, over: &str) -> Result<Vec<(String, String)>> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file(DASHBOARD))?)?;
    let panels = dashboard["panels"].as_array().context("panels")?;
    let marks = dashboard["annotations"]["list"]
        .as_array()
        .context("marks")?;
    let of_panels = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|target| (&panel["title"], &target["expr"]))
    });
    let of_marks = marks.iter().map(|mark| (&mark["name"], &mark["expr"]));
    let query = |(title, expression): (&Value, &Value)| {
        let title = title.as_str().context("a title")?;
        let expression = expression
            .as_str()
            .with_context(|| format!("{title}: a query"))?;
        let expression = expression
            .replace("$cluster", cluster)
            .replace("$__rate_interval", over);
        Ok((title.to_owned(), expression))
    };
    of_panels.chain(of_marks).map(query).collect()
}

/// The same expression that says 0 or 1 where it would leave out what it does not hold of: so it has data whenever what
/// it compares has.
#[must_use]
pub fn as_numbers(expression: &str) -> String {
    let words = expression.split(' ').map(|word| match word {
        "==" | ">" | "<" | ">=" | "<=" => format!("{word} bool"),
        word => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
