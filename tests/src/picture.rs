//! Who answered when, as an SVG picture: one panel a fault, zoomed to what matters.

use std::fmt::Write;

use crate::client::journal::What;
use crate::lab::watch::Watch;
use crate::report::sight::Sight;
use crate::report::{Answer, answers, within};

const WIDTH: f64 = 1_000.0;
/// Room for the lanes' names.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 30.0;
const LANE: f64 = 34.0;
const HEAD: f64 = 46.0;
const FOOT: f64 = 46.0;
/// Answers closer together than this are drawn as one bar: ten questions of the client.
const JOINED_NS: u64 = 2_000_000;
/// Time shown before the fault.
const BEFORE_NS: u64 = 20_000_000;
/// Least time shown after it.
const AFTER_NS: u64 = 80_000_000;
/// One colour a slot, told apart also by those who see no red and green.
const COLOURS: [&str; 5] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"];

/// One fault's panel.
#[derive(Debug, Clone)]
pub struct Panel {
    title: String,
    fault_ns: u64,
    from_ns: u64,
    to_ns: u64,
    lease_ns: u64,
    outage: Option<(u64, u64)>,
    nodes: u16,
    client: Vec<Answer>,
    observer: Vec<Answer>,
    announced: Vec<(u64, u16)>,
}

impl Panel {
    /// The panel of what was seen of one fault, in a cluster of `nodes` with that lease.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn of(
        title: &str,
        sight: &Sight,
        watch: &mut Watch,
        nodes: u16,
        lease_ns: u64,
    ) -> anyhow::Result<Self> {
        let outage = sight.outage.map(|outage| (outage.from_ns, outage.to_ns));
        let shown_ns = outage
            .map_or(0, |(_, to)| 2 * to.saturating_sub(sight.fault_ns))
            .max(2 * lease_ns);
        let from_ns = sight.fault_ns.saturating_sub(BEFORE_NS);
        let to_ns = (sight.fault_ns + shown_ns.max(AFTER_NS)).min(sight.end_ns);
        let observed = within(watch.observer()?, from_ns, to_ns);
        let announced = observed
            .iter()
            .filter(|event| event.what == What::Announced);
        Ok(Self {
            title: title.to_owned(),
            fault_ns: sight.fault_ns,
            from_ns,
            to_ns,
            lease_ns,
            outage,
            nodes,
            announced: announced.map(|event| (event.at_ns, event.node)).collect(),
            observer: answers(&observed),
            client: answers(&within(watch.client()?, from_ns, to_ns)),
        })
    }

    fn height(&self) -> f64 {
        HEAD + FOOT + LANE * f64::from(self.nodes)
    }

    /// Where a time lies, clamped to the panel.
    fn x(&self, at_ns: u64) -> f64 {
        let part = ns(at_ns.clamp(self.from_ns, self.to_ns) - self.from_ns)
            / ns(self.to_ns - self.from_ns);
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }

    fn lane(&self, node: u16) -> f64 {
        HEAD + LANE * f64::from(node.saturating_sub(1))
    }
}

/// The whole picture, panels from top to bottom.
#[must_use]
pub fn draw(panels: &[Panel]) -> String {
    let legend = 40.0;
    let height = legend + panels.iter().map(Panel::height).sum::<f64>();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" fill=\"#555\">Upper half of a lane: answers to the client, which asks every 200 us. \
         Lower half: answers to the observer, which asks every node each ms.</text>\n\
         <text x=\"{LEFT}\" y=\"35\" fill=\"#555\">Triangle: announcement. Grey: nobody answered the client. \
         Dashed: one lease after the fault.</text>\n"
    );
    let mut top = legend;
    for panel in panels {
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<g transform=\"translate(0 {top})\">\n{}</g>\n",
            draw_panel(panel)
        );
        top += panel.height();
    }
    svg + "</svg>\n"
}

fn draw_panel(panel: &Panel) -> String {
    let mut svg = format!(
        "<text x=\"{LEFT}\" y=\"20\" font-size=\"15\" font-weight=\"bold\">{}</text>\n",
        escape(&panel.title)
    );
    if let Some((from, to)) = panel.outage {
        let (x, width) = (panel.x(from), panel.x(to) - panel.x(from));
        svg += &rectangle(x, HEAD, width, LANE * f64::from(panel.nodes), "#dddddd");
        svg += &text(
            x + width / 2.0,
            HEAD - 4.0,
            "middle",
            &format!("{:.1} ms", ms(to - from)),
        );
    }
    for node in 1..=panel.nodes {
        let y = panel.lane(node);
        svg += &text(
            LEFT - 8.0,
            y + LANE / 2.0 + 4.0,
            "end",
            &format!("slot {node}"),
        );
        svg += &line(LEFT, y + LANE, WIDTH - RIGHT, y + LANE, "#cccccc", "");
    }
    svg += &bars(panel, &panel.client, 2.0, LANE / 2.0 - 2.0);
    svg += &bars(panel, &panel.observer, LANE / 2.0 + 2.0, LANE / 4.0);
    for (at, node) in &panel.announced {
        let (x, y) = (panel.x(*at), panel.lane(*node) + LANE - 1.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1} l-4 7 h8 z\" fill=\"#333\"/>",
            y - 7.0
        );
    }
    svg + &marks(panel) + &axis(panel)
}

/// One bar for each run of answers of one node.
fn bars(panel: &Panel, answers: &[Answer], offset: f64, height: f64) -> String {
    let mut svg = String::new();
    for node in 1..=panel.nodes {
        let times: Vec<u64> = answers
            .iter()
            .filter(|answer| answer.node == node)
            .map(|answer| answer.at_ns)
            .collect();
        for run in times.chunk_by(|a, b| b - a < JOINED_NS) {
            let (from, to) = (panel.x(run[0]), panel.x(run[run.len() - 1]));
            let colour = COLOURS[usize::from(node - 1) % COLOURS.len()];
            svg += &rectangle(
                from,
                panel.lane(node) + offset,
                (to - from).max(1.0),
                height,
                colour,
            );
        }
    }
    svg
}

fn marks(panel: &Panel) -> String {
    let bottom = HEAD + LANE * f64::from(panel.nodes);
    let (fault, lease) = (
        panel.x(panel.fault_ns),
        panel.x(panel.fault_ns + panel.lease_ns),
    );
    line(fault, HEAD - 14.0, fault, bottom, "#d00000", "")
        + &text(fault - 4.0, HEAD - 4.0, "end", "fault")
        + &line(
            lease,
            HEAD,
            lease,
            bottom,
            "#444444",
            " stroke-dasharray=\"5 4\"",
        )
}

/// Milliseconds from the fault, at round steps.
fn axis(panel: &Panel) -> String {
    let bottom = HEAD + LANE * f64::from(panel.nodes);
    let span_ms = ms(panel.to_ns - panel.from_ns);
    let steps: [u64; 8] = [1, 2, 5, 10, 20, 50, 100, 500];
    let step_ms = steps
        .into_iter()
        .find(|step| span_ms / (*step as f64) <= 14.0)
        .unwrap_or(1_000);
    let step_ns = step_ms * 1_000_000;
    let before = (panel.fault_ns - panel.from_ns) / step_ns;
    let mut svg = String::new();
    let mut at = panel.fault_ns - before * step_ns;
    while at <= panel.to_ns {
        let x = panel.x(at);
        let label = if at < panel.fault_ns {
            -ms(panel.fault_ns - at)
        } else {
            ms(at - panel.fault_ns)
        };
        svg += &line(x, bottom, x, bottom + 5.0, "#333333", "");
        svg += &text(x, bottom + 18.0, "middle", &format!("{label}"));
        at += step_ns;
    }
    svg + &text(WIDTH - RIGHT, bottom + 34.0, "end", "ms from the fault")
}

fn rectangle(x: f64, y: f64, width: f64, height: f64, fill: &str) -> String {
    format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>\n"
    )
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64, stroke: &str, more: &str) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{stroke}\"{more}/>\n"
    )
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>\n",
        escape(words)
    )
}

fn escape(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a panel's hundred milliseconds are exact in a double"
)]
fn ns(time_ns: u64) -> f64 {
    time_ns as f64
}

fn ms(time_ns: u64) -> f64 {
    ns(time_ns) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        let answer = |at_ns, node| Answer {
            number: at_ns,
            asked_ns: at_ns,
            at_ns,
            node,
        };
        Panel {
            title: "kill <1> & look".to_owned(),
            fault_ns: 20_000_000,
            from_ns: 0,
            to_ns: 120_000_000,
            lease_ns: 50_000_000,
            outage: Some((20_000_000, 72_000_000)),
            nodes: 2,
            client: vec![
                answer(1_000_000, 1),
                answer(2_000_000, 1),
                answer(19_000_000, 1),
                answer(72_000_000, 2),
            ],
            observer: vec![],
            announced: vec![(71_900_000, 2)],
        }
    }

    #[test]
    fn answers_close_together_are_one_bar_and_a_gap_parts_them() {
        let drawn = bars(&panel(), &panel().client, 0.0, 1.0);
        assert_eq!(drawn.matches("<rect").count(), 3, "{drawn}");
    }

    #[test]
    fn the_picture_tells_outage_and_fault_and_escapes_its_words() {
        let drawn = draw(&[panel()]);
        for part in [
            "52.0 ms",
            "fault",
            "kill &lt;1&gt; &amp; look",
            "slot 2",
            ">-20<",
            ">100<",
            "stroke-dasharray",
        ] {
            assert!(drawn.contains(part), "{part} is missing in {drawn}");
        }
        assert_eq!(drawn.matches("<g ").count(), drawn.matches("</g>").count());
        assert!(drawn.ends_with("</svg>\n"));
    }

    #[test]
    fn a_time_outside_the_panel_stays_at_its_edge() {
        assert!((panel().x(500_000_000) - (WIDTH - RIGHT)).abs() < 0.01);
    }
}
