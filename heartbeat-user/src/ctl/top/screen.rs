//! What is on the screen, and what keys do to it.

use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, TableState};

use super::asker::Told;
use super::{detail, glance};
use crate::control::human::duration;
use crate::control::{Answering, Diagnosis, MemberStatus, Status};

/// A daemon that told nothing for longer is not heard: it is asked four times a second.
const MOST_QUIET: Duration = Duration::from_secs(2);

/// What comes after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    End,
}

/// What is known, and what is looked at.
pub(super) struct Screen {
    pub(super) told: Told,
    /// When it was told, and why nothing newer is, if so.
    heard: Instant,
    fault: Option<String>,
    /// The chosen member's place among all.
    chosen: usize,
    is_detail: bool,
}

impl Screen {
    pub(super) fn new(told: Told) -> Self {
        Self {
            told,
            heard: Instant::now(),
            fault: None,
            chosen: 0,
            is_detail: false,
        }
    }

    pub(super) fn told(&mut self, told: Result<Told, String>) {
        match told {
            Ok(told) => {
                self.told = told;
                self.heard = Instant::now();
                self.fault = None;
                self.chosen = self.chosen.min(self.last());
            }
            Err(why) => self.fault = Some(why),
        }
    }

    pub(super) fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Next {
        match code {
            KeyCode::Char('q') => return Next::End,
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => return Next::End,
            KeyCode::Esc if !self.is_detail => return Next::End,
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => self.is_detail = false,
            KeyCode::Enter | KeyCode::Right => self.is_detail = true,
            KeyCode::Up => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Down => self.chosen = (self.chosen + 1).min(self.last()),
            KeyCode::Home => self.chosen = 0,
            KeyCode::End => self.chosen = self.last(),
            _ => {}
        }
        Next::Go
    }

    fn last(&self) -> usize {
        self.told.status.members.len().saturating_sub(1)
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let [head, body, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.draw_head(frame, head);
        match self.told.status.members.get(self.chosen) {
            Some(member) if self.is_detail => detail::draw(frame, body, &self.told, member),
            Some(_) | None => {
                let mut state = TableState::default().with_selected(self.chosen);
                glance::draw(frame, body, &self.told, &mut state);
            }
        }
        let keys = if self.is_detail {
            "q quit   up/down another member   esc back"
        } else {
            "q quit   up/down choose   enter its detail"
        };
        frame.render_widget(Paragraph::new(keys).style(QUIET), foot);
    }

    /// Never shows old data as the present.
    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let status = &self.told.status;
        let quiet = self.heard.elapsed();
        if self.fault.is_some() || quiet > MOST_QUIET {
            let why = (self.fault.as_deref()).unwrap_or("the daemon does not answer");
            let age = u64::try_from(quiet.as_micros()).unwrap_or(u64::MAX);
            let text = format!(" NOT LIVE: this was {} ago. {why}", duration(age));
            frame.render_widget(Paragraph::new(text).style(ALARM), area);
            return;
        }
        let text = Line::from(vec![
            Span::styled(status.cluster.clone(), BOLD),
            Span::raw(format!(
                "   seen from {}, heartbeatd {}",
                status.describe(status.slot),
                status.version
            )),
        ]);
        frame.render_widget(Paragraph::new(text), area);
        frame.render_widget(Paragraph::new("live").right_aligned(), area);
    }
}

pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const QUIET: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const ALARM: Style = Style::new()
    .fg(Color::Red)
    .add_modifier(Modifier::BOLD)
    .add_modifier(Modifier::REVERSED);
pub(super) const WARNING: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);

/// How a member is, in a word that needs no colour.
pub(super) fn state(member: &MemberStatus) -> Span<'static> {
    let word = member.diagnosis.as_str().replace('_', " ");
    match (member.diagnosis, member.answering) {
        (Diagnosis::Down | Diagnosis::ManagementFault, _) => {
            Span::styled(format!("!! {}", word.to_uppercase()), ALARM)
        }
        // One that stopped a moment ago is not diagnosed yet.
        (_, Some(Answering::Missing)) => Span::styled("!! MISSING", ALARM),
        (
            Diagnosis::Misconfigured
            | Diagnosis::DaemonStalled
            | Diagnosis::ServiceFault
            | Diagnosis::BusinessFault,
            _,
        ) => Span::styled(format!("! {word}"), WARNING),
        (Diagnosis::Unknown, _) => Span::styled("not judged yet", QUIET),
        (Diagnosis::Healthy, _) => Span::styled(word, Style::new().fg(Color::Green)),
    }
}

/// `n1`, or the slot of one without a name.
pub(super) fn name(status: &Status, slot: u16) -> String {
    let member = status.member(slot);
    member.map_or_else(|| format!("slot {slot}"), |member| member.name.clone())
}
