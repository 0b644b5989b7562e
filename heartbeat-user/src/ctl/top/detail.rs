//! One member, looked at closely.

use heartbeat_wire::histogram::bucket_of;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::asker::Told;
use super::screen::{BOLD, QUIET, state};
use crate::control::human::duration;
use crate::control::{Bucket, Counted, Details, MemberStatus};

/// Verdicts shown, those that were most often.
const MOST_VERDICTS: usize = 6;
const GRAPH: u16 = 4;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, told: &Told, member: &MemberStatus) {
    let about = about(told, member);
    let height = u16::try_from(about.len()).unwrap_or(u16::MAX);
    let parts = [Constraint::Length(height), Constraint::Min(0)];
    let [top, rest] = Layout::vertical(parts).areas(area);
    frame.render_widget(Paragraph::new(about), top);
    let Some(details) = &told.details else {
        let text = "the daemon does not tell what its kernel counted";
        frame.render_widget(Paragraph::new(text).style(QUIET), rest);
        return;
    };
    kernel(frame, rest, details);
}

fn about(told: &Told, member: &MemberStatus) -> Vec<Line<'static>> {
    let votes = if member.elector {
        "an elector"
    } else {
        "no vote"
    };
    let age = |us: Option<u64>| us.map_or_else(|| "never".to_owned(), |us| duration(us) + " ago");
    let mut lines = vec![
        Line::default(),
        Line::from(vec![
            Span::styled(format!("slot {}  {}  ", member.slot, member.name), BOLD),
            state(member),
        ]),
        Line::raw(format!(
            "{}, {}, {votes}",
            member.address,
            member.role.as_str()
        )),
        Line::raw(format!("last heard {}", age(member.last_reply_age_us))),
    ];
    let answers = told.details.iter().flat_map(|it| &it.answers);
    if let Some(answer) = answers.into_iter().find(|it| it.slot == member.slot) {
        let known =
            |age: Option<u32>| age.map_or_else(|| "unknown".to_owned(), |us| duration(us.into()));
        lines.push(Line::raw(format!(
            "newest of {} answers {} ago, round trip {}",
            answer.count,
            duration(answer.age_us),
            duration(answer.rtt_ns / 1_000)
        )));
        lines.push(Line::raw(format!(
            "when it answered: its daemon's beat {}, its services found well {}",
            known(answer.daemon_age_us),
            known(answer.service_age_us)
        )));
    }
    lines
}

fn kernel(frame: &mut Frame<'_>, area: Rect, details: &Details) {
    let text = format!(
        "what the kernel of slot {} counted, over all members",
        details.slot
    );
    let [head, trips, trips_axis, gaps, gaps_axis, counted] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(GRAPH),
        Constraint::Length(1),
        Constraint::Length(GRAPH),
        Constraint::Length(1),
        Constraint::Min(0),
    ])
    .areas(area);
    frame.render_widget(
        Paragraph::new(vec![Line::default(), Line::styled(text, BOLD)]),
        head,
    );
    graph(
        frame,
        (trips, trips_axis),
        "round trips",
        &details.round_trips,
    );
    graph(
        frame,
        (gaps, gaps_axis),
        "gaps between probes",
        &details.gaps,
    );
    frame.render_widget(Paragraph::new(verdicts(&details.verdicts)), counted);
}

/// A bar a bucket, with the range and the median below.
fn graph(frame: &mut Frame<'_>, (bars, axis): (Rect, Rect), what: &str, buckets: &[Bucket]) {
    frame.render_widget(Sparkline::default().data(heights(buckets)), bars);
    frame.render_widget(Paragraph::new(told(what, buckets)).style(QUIET), axis);
}

/// A height for each bucket from the first to the last that has some. The square root keeps a rare outlier in sight.
fn heights(buckets: &[Bucket]) -> Vec<u64> {
    let place = |bucket: &Bucket| bucket_of(bucket.from_ns);
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
        return Vec::new();
    };
    let mut heights = vec![0; place(last) - place(first) + 1];
    for bucket in buckets {
        heights[place(bucket) - place(first)] = bucket.count.isqrt();
    }
    heights
}

fn told(what: &str, buckets: &[Bucket]) -> String {
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
        return format!("{what}: none so far");
    };
    let total: u64 = buckets.iter().map(|it| it.count).sum();
    let mut sum = 0;
    let median = buckets.iter().find(|it| {
        sum += it.count;
        sum * 2 >= total
    });
    let above = |bucket: &Bucket| duration(bucket.below_ns.unwrap_or(bucket.from_ns) / 1_000);
    format!(
        "{what}: {total} from {} to {}, half below {}",
        duration(first.from_ns / 1_000),
        above(last),
        above(median.unwrap_or(last))
    )
}

fn verdicts(counted: &[Counted]) -> Line<'static> {
    let mut some: Vec<&Counted> = counted.iter().filter(|it| it.count > 0).collect();
    some.sort_by_key(|it| std::cmp::Reverse(it.count));
    let shown = some.iter().take(MOST_VERDICTS);
    let texts: Vec<String> = shown
        .map(|it| format!("{} {}", it.name, it.count))
        .collect();
    Line::raw(format!("frames: {}", texts.join(", ")))
}
