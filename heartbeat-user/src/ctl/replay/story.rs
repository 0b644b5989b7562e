//! What of a record is told, in one line each.

use std::time::{Duration, UNIX_EPOCH};

use heartbeat_core::{Command, Epoch, Event, Instant};

use super::line::{Kind, Line, change, us};
use super::sort::{ends_lease, is_decision, is_of_an_election, kernel};
use crate::control::rfc3339;
use crate::recorder::{Birth, Cause, Ended, Gap, ReadError, Step, What};

/// A lease that is renewed.
#[derive(Clone, Copy, Debug)]
struct Lease {
    epoch: Epoch,
    renewed: u64,
    deadline: Instant,
}

/// Tells a record, step by step.
#[derive(Debug)]
pub(super) struct Story {
    all: bool,
    began: Option<Instant>,
    /// What happened last.
    why: String,
    /// It has a line of its own.
    is_told: bool,
    probed: Epoch,
    lease: Option<Lease>,
    commands: u64,
    last: Option<Line>,
}

impl Story {
    /// `all`: every entry is told.
    pub(super) const fn new(all: bool) -> Self {
        Self {
            all,
            began: None,
            why: String::new(),
            is_told: false,
            probed: Epoch::NONE,
            lease: None,
            commands: 0,
            last: None,
        }
    }

    /// What of this step is told.
    pub(super) fn tell(&mut self, step: &Step<'_>) -> Vec<Line> {
        self.began.get_or_insert(step.now);
        let lines = match &step.what {
            What::Start(birth) => {
                (self.why, self.is_told, self.lease) = ("the daemon starts".to_owned(), true, None);
                vec![self.line(step, Kind::Start, start(birth))]
            }
            What::Checkpoint => {
                self.only_in_all(step, Kind::Start, "a copy of the election".to_owned())
            }
            What::Gap(gap) => {
                self.lease = None;
                vec![self.line(step, Kind::Gap, missing(*gap))]
            }
            What::Event(event) => self.event(step, event),
            What::Timeout => {
                "its time has come".clone_into(&mut self.why);
                self.is_told = self.all;
                self.only_in_all(step, Kind::Event, self.why.clone())
            }
            What::Command(command) => self.command(step, command),
            What::Ended(ended) => remarks(ended)
                .into_iter()
                .map(|remark| self.line(step, Kind::File, remark))
                .collect(),
        };
        self.last = Some(self.line(step, Kind::End, String::new()));
        lines
    }

    /// The rest of a file cannot be read.
    pub(super) fn unread(&mut self, error: &ReadError) -> Line {
        self.lease = None;
        let last = self.last.clone().unwrap_or_default();
        Line {
            kind: Kind::Gap,
            what: format!("GAP: {error}"),
            ..last
        }
    }

    /// The last line; none for a record without entries.
    pub(super) fn end(self) -> Option<Line> {
        let last = self.last?;
        Some(Line {
            what: format!(
                "{} entries; each of the {} commands came out as recorded",
                last.entry, self.commands
            ),
            ..last
        })
    }

    fn event(&mut self, step: &Step<'_>, event: &Event<'_>) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(kernel) = kernel(event).filter(|kernel| kernel.probed != self.probed) {
            self.probed = kernel.probed;
            let slot = kernel.probed.slot();
            lines.push(self.line(
                step,
                Kind::Event,
                format!("slot {slot} probes as master: {kernel}"),
            ));
        }
        match event {
            Event::Turn { .. } => "a turn".clone_into(&mut self.why),
            Event::Answers { .. } => "answers came".clone_into(&mut self.why),
            Event::Kernel(_) => "the kernel's words".clone_into(&mut self.why),
            // What it was promised for goes on, and the turn after the other.
            Event::Promised { .. } | Event::Heard(_) => {}
            Event::QueryAnswer(_)
            | Event::Refusal(_)
            | Event::Message { .. }
            | Event::Order(_)
            | Event::ElectorsSaved(_)
            | Event::ReferenceAnswer { .. }
            | Event::Fenced { .. }
            | Event::Services(_)
            | Event::Carrier(_)
            | Event::Reconfigured(_) => self.why = event.to_string(),
        }
        let is_told = self.all || is_of_an_election(event);
        if !matches!(event, Event::Promised { .. }) {
            self.is_told = is_told;
        }
        if is_told {
            lines.push(self.line(step, Kind::Event, event.to_string()));
        }
        lines
    }

    fn command(&mut self, step: &Step<'_>, command: &Command) -> Vec<Line> {
        self.commands += 1;
        let mut lines = Vec::new();
        if ends_lease(command)
            && let Some(lease) = self.lease.take()
        {
            let what = format!(
                "the lease of {}.{} was renewed {} times, the last time until {}",
                lease.epoch.round(),
                lease.epoch.slot(),
                lease.renewed,
                lease.deadline
            );
            lines.push(self.line(step, Kind::Command, what));
        }
        let is_decision = match command {
            Command::Lease { epoch, deadline } => self.is_first(*epoch, *deadline),
            // A master's grant to itself goes with its lease.
            Command::VoteGrant { epoch, .. } => self.lease.is_none_or(|it| it.epoch != *epoch),
            other => is_decision(other),
        };
        if self.all || is_decision {
            let mut line = self.line(step, Kind::Command, command.to_string());
            line.why = Some(self.why.clone());
            line.is_why_told = self.is_told;
            line.change = change(command);
            lines.push(line);
        }
        lines
    }

    /// Whether it is no renewal.
    fn is_first(&mut self, epoch: Epoch, deadline: Instant) -> bool {
        match &mut self.lease {
            Some(lease) if lease.epoch == epoch => {
                (lease.renewed, lease.deadline) = (lease.renewed + 1, deadline);
                false
            }
            Some(_) | None => {
                self.lease = Some(Lease {
                    epoch,
                    renewed: 0,
                    deadline,
                });
                true
            }
        }
    }

    fn only_in_all(&self, step: &Step<'_>, kind: Kind, what: String) -> Vec<Line> {
        let told = self.all.then(|| self.line(step, kind, what));
        told.into_iter().collect()
    }

    fn line(&self, step: &Step<'_>, kind: Kind, what: String) -> Line {
        let since = step.now.since(self.began.unwrap_or(step.now));
        Line {
            entry: step.number,
            at: rfc3339(UNIX_EPOCH + Duration::from_nanos(step.wall_ns)),
            boot_ns: step.now.0,
            since_us: us(since),
            kind,
            what,
            why: None,
            is_why_told: false,
            change: None,
        }
    }
}

fn start(birth: &Birth) -> String {
    let restored = &birth.restored;
    let maps = if restored.maps_kept {
        "kept its maps"
    } else {
        "has new maps"
    };
    format!(
        "heartbeatd starts in slot {} of {} members; electors {}; it {maps}",
        birth.config.slot,
        birth.config.members.len(),
        birth.config.elector_set().slots
    )
}

fn missing(gap: Gap) -> String {
    let why = match gap.cause {
        Cause::Behind => "the recorder did not keep up",
        Cause::Unwritable => "the file could not be written",
    };
    format!(
        "GAP: {} entries are missing ({why}); what they decided is not known, and from the next line on the replay is \
         exact again",
        gap.lost
    )
}

/// What a reader should know of a file.
fn remarks(ended: &Ended) -> Vec<String> {
    let file = ended.file.display();
    let version = ended.other_version.as_ref().map(|version| {
        format!(
            "{file} is by heartbeatd {version}; this heartbeatctl is {}",
            env!("CARGO_PKG_VERSION")
        )
    });
    let torn = (ended.torn > 0).then(|| {
        format!(
            "{file} ends within an entry: its last {} bytes are left out (the daemon was killed while it wrote, it \
             writes now, or the copy was cut short)",
            ended.torn
        )
    });
    version.into_iter().chain(torn).collect()
}
