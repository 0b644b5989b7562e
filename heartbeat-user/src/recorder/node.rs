//! The election as the pulse drives it, written down if that is wanted.

use std::time::Duration;

use heartbeat_core::{Command, Event, Instant, Node, Snapshot};

use super::Tap;

/// A node, and who writes down what happens to it.
#[derive(Debug)]
pub struct RecordedNode {
    node: Node,
    tap: Option<Tap>,
}

impl RecordedNode {
    /// This node, before anything happened to it.
    #[must_use]
    pub const fn new(node: Node, tap: Option<Tap>) -> Self {
        Self { node, tap }
    }

    /// As [`Node::handle`].
    pub fn handle(&mut self, event: Event<'_>, now: Instant) {
        if let Some(tap) = &mut self.tap {
            tap.event(&event, now);
        }
        self.node.handle(event, now);
    }

    /// As [`Node::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(tap) = &mut self.tap {
            tap.timeout(now);
        }
        self.node.handle_timeout(now);
    }

    /// As [`Node::poll_command`].
    pub fn poll_command(&mut self) -> Option<Command> {
        let command = self.node.poll_command();
        if let (Some(tap), Some(command)) = (&mut self.tap, &command) {
            tap.command(command);
        }
        command
    }

    /// As [`Node::poll_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.node.poll_timeout()
    }

    /// As [`Node::snapshot`].
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        self.node.snapshot(now)
    }

    /// As [`Node::period`].
    #[must_use]
    pub fn period(&self) -> Duration {
        self.node.period()
    }

    /// Every command was taken: what was written goes to the recorder's thread when it is time.
    pub fn settle(&mut self) {
        if let Some(tap) = &mut self.tap {
            tap.settle(&self.node);
        }
    }
}
