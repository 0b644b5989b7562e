//! The figure of what grows with the cluster: members from left to right, each step ten times as many.

use std::fmt::Write as _;

use crate::scale::Size;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 220.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 60.0;
/// The scale's end, in milliseconds and in frames a period.
const MOST: f64 = 60.0;

/// One line of the figure.
struct Series {
    name: &'static str,
    colour: &'static str,
    value: fn(&Size) -> f64,
}

const SERIES: [Series; 4] = [
    Series {
        name: "failover, ms",
        colour: "#0072b2",
        value: |size| ms(size.failover),
    },
    Series {
        name: "lost elector shown, ms",
        colour: "#e69f00",
        value: |size| ms(size.elector_missed),
    },
    Series {
        name: "master sends, frames a period",
        colour: "#009e73",
        value: |size| size.sent,
    },
    Series {
        name: "master receives, frames a period",
        colour: "#cc79a7",
        value: |size| size.received,
    },
];

/// What the figure says, for who does not see it.
const WORDS: &str = "<title>What grows with the cluster</title>\n\
    <desc>Failover time, the time until a lost elector is shown, and the frames that a master sends and receives a period, \
    by the number of members.</desc>\n";

/// The figure as SVG.
#[must_use]
pub fn draw(sizes: &[Size]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n{WORDS}<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for tick in [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, MOST] {
        let (right, y) = (WIDTH - RIGHT, y(tick));
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{tick}</text>\n",
            LEFT - 8.0,
            y + 4.0
        );
    }
    for size in sizes {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(size.members),
            HEIGHT - BOTTOM + 20.0,
            size.members
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">members, at most nine of them electors; period 10 ms, lease \
         50 ms</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 16.0
    );
    for (place, series) in (0_u8..).zip(&SERIES) {
        let points = sizes.iter().map(|size| {
            let value = (series.value)(size);
            format!("{:.1},{:.1}", x(size.members), y(value))
        });
        let points: Vec<String> = points.collect();
        let (colour, right) = (series.colour, WIDTH - RIGHT + 16.0);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n<text x=\"{right:.1}\" \
             y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            points.join(" "),
            TOP + 12.0 + 18.0 * f64::from(place),
            series.name
        );
    }
    svg + "</svg>\n"
}

fn x(members: u16) -> f64 {
    let decades = f64::from(members).log10() / 4.0;
    LEFT + 16.0 + decades * (WIDTH - LEFT - RIGHT - 32.0)
}

fn y(value: f64) -> f64 {
    HEIGHT - BOTTOM - value / MOST * (HEIGHT - TOP - BOTTOM)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some milliseconds are exact in a double"
)]
fn ms(span: u64) -> f64 {
    span as f64 / 1e6
}
