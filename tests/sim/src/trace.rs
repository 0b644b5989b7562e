//! What happened, one readable line an event: kept for a run that is looked at, and for no other.

use heartbeat_core::{Command, Epoch, Slot};
use heartbeat_kernel_twin::Passage;
use heartbeat_wire::frame::Kind;
use heartbeat_wire::verdict::Verdict;

use crate::machine::Datagram;

/// The lines of a run, if they are wanted.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Keeps every line from now on.
    pub fn keep(&mut self) {
        self.lines.get_or_insert_default();
    }

    /// The lines kept so far.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    pub(crate) fn line(&mut self, at: u64, text: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>12} us  {}", at / 1_000, text()));
        }
    }

    pub(crate) fn frame(&mut self, at: u64, to: Slot, passage: &Passage, verdict: Verdict) {
        self.line(at, || {
            let (kind, asker) = (kind_name(passage.kind), passage.asker);
            let epoch = Epoch(passage.frame.epoch);
            format!(
                "slot {to} <- {kind} {}.{} number {} of slot {asker}: {}",
                epoch.round(),
                epoch.slot(),
                passage.frame.sequence,
                verdict.as_str()
            )
        });
    }

    pub(crate) fn datagram(&mut self, at: u64, to: Slot, datagram: &Datagram) {
        self.line(at, || {
            let Datagram {
                from,
                network,
                message,
                ..
            } = datagram;
            format!("slot {to} <- {message} (slot {from}, {network})")
        });
    }

    pub(crate) fn command(&mut self, at: u64, slot: Slot, command: &Command) {
        self.line(at, || format!("slot {slot}: {command}"));
    }
}

/// A run that ends with a panic tells what led to it.
impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.lines() {
                eprintln!("{line}");
            }
        }
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Probe => "probe",
        Kind::Query => "query",
        Kind::Reply => "reply",
        Kind::Refusal => "refusal",
    }
}
