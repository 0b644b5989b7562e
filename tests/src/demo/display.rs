//! The cluster as it is now, drawn over and over in a terminal; elsewhere a line at each change.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::lab::contact::Contact;
use crate::lab::view::View;

/// Time between two looks. Each costs the machine some milliseconds, so not too often.
const LOOK: Duration = Duration::from_millis(250);

/// The display, drawn by a thread of its own.
#[derive(Debug)]
pub struct Display {
    screen: Arc<Screen>,
    drawing: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Screen {
    terminal: bool,
    over: AtomicBool,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    /// What the last drawing said.
    text: String,
    /// How many lines of it the next one must go back over.
    lines: usize,
}

impl Display {
    /// Starts drawing; in a terminal the table stands still and changes.
    #[must_use]
    pub fn start(contacts: Vec<Contact>, terminal: bool) -> Self {
        let screen = Arc::new(Screen {
            terminal,
            over: AtomicBool::new(false),
            shown: Mutex::default(),
        });
        let drawn = Arc::clone(&screen);
        let drawing = thread::spawn(move || {
            while !drawn.over.load(Ordering::Relaxed) {
                drawn.draw(&table(&View::take(&contacts), drawn.terminal));
                thread::sleep(LOOK);
            }
        });
        Self {
            screen,
            drawing: Some(drawing),
        }
    }

    /// Says something that stays, above the table.
    pub fn tell(&self, words: &str) {
        let mut shown = self
            .screen
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let text = std::mem::take(&mut *shown);
        self.screen.put(&format!("{}* {words}\n", back(text.lines)));
        if self.screen.terminal {
            self.screen.put(&text.text);
            *shown = text;
        }
    }

    /// Draws no more.
    pub fn end(mut self) {
        self.screen.over.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing.take() {
            // A drawing that failed leaves nothing to clear up.
            let _ = drawing.join();
        }
    }
}

impl Screen {
    fn draw(&self, text: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if self.terminal {
            self.put(&format!("{}{text}", back(shown.lines)));
            *shown = Shown {
                text: text.to_owned(),
                lines: text.lines().count(),
            };
        } else if shown.text != text {
            self.put(text);
            *shown = Shown {
                text: text.to_owned(),
                lines: 0,
            };
        }
    }

    fn put(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A terminal that is gone takes the demo with it by its own signal.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// Back over that many lines, and away with them.
fn back(lines: usize) -> String {
    if lines == 0 {
        String::new()
    } else {
        format!("\x1b[{lines}A\x1b[J")
    }
}

/// One line a slot. Round trips change at every look: only a terminal, where nothing piles up, shows them.
fn table(view: &View, with_times: bool) -> String {
    let mut text = format!(
        "  {:<6}{:<11}{:<12}{:<18}{:<12}{}\n",
        "slot",
        "role",
        "epoch",
        "diagnosis",
        if with_times { "round trip" } else { "" },
        "address"
    );
    let judge = view.masters().first().copied();
    for slot in view.slots() {
        let by_master =
            |key: &str| judge.and_then(|master| view.member(master, slot)?.get(key).cloned());
        let diagnosis = by_master("diagnosis").and_then(|word| word.as_str().map(str::to_owned));
        let time = by_master("rtt_us")
            .filter(|_| with_times)
            .and_then(|us| us.as_u64());
        text += &format!(
            "  {slot:<6}{:<11}{:<12}{:<18}{:<12}{}\n",
            view.role(slot).unwrap_or("no answer"),
            view.of(slot).map_or_else(String::new, epoch),
            diagnosis.unwrap_or_else(|| "-".to_owned()),
            time.map_or_else(String::new, |us| format!("{us} us")),
            view.of(slot).map_or("", address),
        );
    }
    text + "\n"
}

fn epoch(status: &Value) -> String {
    let part = |key: &str| {
        status["epoch"][key]
            .as_u64()
            .map_or_else(|| "?".to_owned(), |part| part.to_string())
    };
    format!("({}, {})", part("round"), part("slot"))
}

fn address(status: &Value) -> &'static str {
    let first = &status["virtual_addresses"][0];
    match (first["held"].as_bool(), first["gate_open"].as_bool()) {
        (Some(true), Some(true)) => "held, gate open",
        (Some(true), _) => "held, gate shut",
        (Some(false) | None, _) => "-",
    }
}
