//! A guest's serial console: lines in, lines out.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How many of the last lines an error shows.
const SHOWN: usize = 30;

/// The emulator's standard input and output.
#[derive(Debug)]
pub(super) struct Console {
    input: ChildStdin,
    lines: Receiver<String>,
    newest: VecDeque<String>,
}

impl Console {
    pub(super) fn of(child: &mut Child) -> Result<Self> {
        let input = child.stdin.take().context("its input is piped")?;
        let output = child.stdout.take().context("its output is piped")?;
        let (sender, lines) = channel();
        // Ends with the emulator, which closes the pipe.
        thread::spawn(move || forward(output, &sender));
        Ok(Self {
            input,
            lines,
            newest: VecDeque::new(),
        })
    }

    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").context("the guest is gone")
    }

    /// Waits for a line that begins with `begin` and gives its rest; all lines before it go to `each`.
    pub(super) fn wait_for(
        &mut self,
        begin: &str,
        patience: Duration,
        mut each: impl FnMut(&str),
    ) -> Result<String> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("no `{begin}` within {patience:?}; last:\n{}", self.shown())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the guest is gone; last:\n{}", self.shown())
                }
            };
            if let Some(rest) = line.strip_prefix(begin) {
                return Ok(rest.to_owned());
            }
            each(&line);
            self.newest.push_back(line);
            if self.newest.len() > SHOWN {
                self.newest.pop_front();
            }
        }
    }

    fn shown(&self) -> String {
        self.newest.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

fn forward(output: ChildStdout, lines: &Sender<String>) {
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if lines.send(line.trim_end_matches('\r').to_owned()).is_err() {
            return;
        }
    }
}
