//! What of a record is told, in one line each.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use heartbeat_core::event::KernelWords;
use heartbeat_core::snapshot::Role as CoreRole;
use heartbeat_core::{Command, Epoch, Event, Instant, Message};
use serde::Serialize;

use crate::control::{EpochParts, Role, rfc3339};
use crate::recorder::{Birth, Cause, Ended, Gap, Step, What};

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// Number of the entry in the record, from 1.
    entry: u64,
    /// When, by the wall clock, as RFC 3339 in UTC.
    at: String,
    /// When, by the node's CLOCK_BOOTTIME in nanoseconds.
    boot_ns: u64,
    /// The same since the record's first entry, in microseconds.
    since_us: u64,
    kind: Kind,
    what: String,
    /// What led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Where the election begins, or goes on.
    Start,
    /// What happened to it.
    Event,
    /// What it commanded.
    Command,
    /// What is missing.
    Gap,
    /// Where a file ends.
    File,
    /// Where all ends.
    End,
}

/// A role change, as the history has it.
#[derive(Debug, Serialize)]
struct Change {
    from: Role,
    to: Role,
    epoch: EpochParts,
    reason: String,
    duration_us: u64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (second, us) = (self.since_us / 1_000_000, self.since_us % 1_000_000);
        let mark = match self.kind {
            Kind::Event => "<-",
            Kind::Command => "->",
            Kind::Start | Kind::Gap | Kind::File | Kind::End => "--",
        };
        write!(f, "{}  +{second}.{us:06} s  {mark} {}", self.at, self.what)?;
        match &self.why {
            Some(why) => write!(f, "  [{why}]"),
            None => Ok(()),
        }
    }
}

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
                (self.why, self.lease) = ("the daemon starts".to_owned(), None);
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
            // What it was promised for goes on.
            Event::Promised { .. } => {}
            Event::QueryAnswer(_)
            | Event::Refusal(_)
            | Event::Message { .. }
            | Event::Order(_)
            | Event::ElectorsSaved(_) => self.why = event.to_string(),
        }
        if self.all || is_of_an_election(event) {
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
            other => is_decision(other),
        };
        if self.all || is_decision {
            let mut line = self.line(step, Kind::Command, command.to_string());
            line.why = Some(self.why.clone());
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

const fn kernel<'a>(event: &'a Event<'_>) -> Option<&'a KernelWords> {
    match event {
        Event::Turn { kernel, .. }
        | Event::Answers { kernel, .. }
        | Event::Promised { kernel, .. }
        | Event::Kernel(kernel) => Some(kernel),
        Event::QueryAnswer(_)
        | Event::Refusal(_)
        | Event::Message { .. }
        | Event::Order(_)
        | Event::ElectorsSaved(_) => None,
    }
}

const fn is_of_an_election(event: &Event<'_>) -> bool {
    match event {
        Event::Turn { .. } | Event::Kernel(_) | Event::Answers { .. } | Event::Promised { .. } => {
            false
        }
        Event::QueryAnswer(_) | Event::Refusal(_) | Event::Order(_) | Event::ElectorsSaved(_) => {
            true
        }
        Event::Message { message, .. } => is_election(message),
    }
}

/// Polls and the members' health come again and again, and decide nothing by themselves.
const fn is_election(message: &Message) -> bool {
    match message {
        Message::VoteRequest { .. }
        | Message::Vote { .. }
        | Message::Promote { .. }
        | Message::Release { .. }
        | Message::Electors { .. }
        | Message::ElectorsState(_) => true,
        Message::Poll { .. } | Message::PollAnswer { .. } | Message::Health { .. } => false,
    }
}

const fn is_decision(command: &Command) -> bool {
    match command {
        // The role change that it belongs to is told, and each lease once.
        Command::Role(_)
        | Command::Lease { .. }
        | Command::Floor(_)
        | Command::Probe(_)
        | Command::ProbeBusiness(_) => false,
        Command::Send { message, .. } => is_election(message),
        Command::Promise(_)
        | Command::VoteGrant { .. }
        | Command::GateShut
        | Command::Forced(_)
        | Command::Released(_)
        | Command::Abstain(_)
        | Command::SaveElectors(_)
        | Command::Electors(_)
        | Command::Eligible(_)
        | Command::Query(_)
        | Command::QueryBusiness(_)
        | Command::AddAddresses(_)
        | Command::RemoveAddresses(_)
        | Command::RoleChanged { .. }
        | Command::Alarm(..)
        | Command::OrderAnswer(_)
        | Command::Exit
        | Command::ExitKeeping => true,
    }
}

const fn ends_lease(command: &Command) -> bool {
    matches!(
        command,
        Command::GateShut
            | Command::ExitKeeping
            | Command::RoleChanged {
                from: CoreRole::Master,
                ..
            }
    )
}

fn change(command: &Command) -> Option<Change> {
    let Command::RoleChanged {
        from,
        to,
        reason,
        epoch,
        lasted,
    } = command
    else {
        return None;
    };
    Some(Change {
        from: (*from).into(),
        to: (*to).into(),
        epoch: (*epoch).into(),
        reason: reason.to_string(),
        duration_us: us(*lasted),
    })
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
