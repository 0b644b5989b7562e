//! `heartbeatctl top`: the cluster at a glance in a terminal, as the status page has it in a browser.

mod asker;
mod detail;
mod glance;
mod screen;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};

use super::Failure;
use crate::cli::Exit;
use crate::control::Client;
use asker::Asker;
use screen::{Next, Screen};

/// Longest wait for a key: what is new, and for how long nothing was, is shown within it.
const LOOK: Duration = Duration::from_millis(100);

/// Shows it until somebody has seen enough.
pub(super) fn run(client: &Client) -> Result<Exit, Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::NoTerminal);
    }
    // Before the screen is taken: a daemon that is not there is told of as by every other command.
    let mut screen = Screen::new(asker::ask(client, None)?);
    let asker = Asker::start(client.clone())?;
    let mut terminal = ratatui::try_init()?;
    let done = watch(&mut terminal, &mut screen, &asker);
    ratatui::restore();
    done.map(|()| Exit::Ok).map_err(Failure::Output)
}

fn watch(terminal: &mut DefaultTerminal, screen: &mut Screen, asker: &Asker) -> io::Result<()> {
    loop {
        terminal.draw(|frame| screen.draw(frame))?;
        if event::poll(LOOK)?
            && let Event::Key(KeyEvent {
                code,
                modifiers,
                kind: KeyEventKind::Press,
                ..
            }) = event::read()?
            && screen.key(code, modifiers) == Next::End
        {
            return Ok(());
        }
        while let Some(told) = asker.told() {
            screen.told(told);
        }
    }
}

#[cfg(test)]
mod tests;
