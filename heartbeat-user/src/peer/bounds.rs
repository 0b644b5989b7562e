//! Every limit of the links between daemons, with its reason.

use std::time::Duration;

/// Longest body of a message, in bytes: the longest value of the dynamic information (1 MiB) twice over, with its
/// key and what describes it.
pub const MAX_BODY: usize = (2 << 20) + (64 << 10);
/// Longest sealed frame, in bytes (Noise specification, section 3).
pub(super) const MAX_FRAME: usize = 65_535;
/// Bytes that a sealed frame is longer than what it holds.
pub(super) const SEAL: usize = 16;
/// Most bytes in one frame.
pub(super) const MAX_PLAIN: usize = MAX_FRAME - SEAL;

/// Messages that wait for one link. More is refused at once.
pub(super) const QUEUE_DEPTH: usize = 256;
/// Bytes that wait for one link, in units of [`QUEUE_UNIT`]: 8 MiB, which a gigabit carries in 70 ms.
pub(super) const QUEUE_UNITS: usize = 8 << 10;
/// Bytes a unit; the least that a message counts.
pub(super) const QUEUE_UNIT: usize = 1 << 10;
/// Calls of one link that wait for their answers.
pub(super) const MAX_CALLS: usize = 256;
/// Requests of one peer that are being answered. Some wait long on purpose.
pub(super) const MAX_REQUESTS: usize = 64;
/// Answers that wait for one peer to take them.
pub(super) const ANSWERS_DEPTH: usize = 16;
/// One-way messages of a kind that wait for who takes them; each may have [`MAX_BODY`] bytes. Beyond that the
/// peer's link is not read.
pub(super) const INBOX_DEPTH: usize = 16;

/// Connections in all that have not proved who they are: each has a descriptor and a few hundred bytes.
pub(super) const MAX_UNPROVEN: usize = 64;
/// Of those from one address: a member dials each network once at a time.
pub(super) const MAX_UNPROVEN_FROM_ONE: usize = 4;
/// Members whose links are served at once: every elector, and many more that ask for something.
pub(super) const MAX_ACCEPTED: usize = 256;
/// Links that are dialled only while somebody asks something.
pub(super) const MAX_ON_DEMAND: usize = 64;

/// How long a connection may take to be there.
pub(super) const DIAL_TIME: Duration = Duration::from_secs(1);
/// So much earlier the management network is dialled than the business network.
pub(super) const HEAD_START: Duration = Duration::from_millis(200);
/// How long it may take until both ends have proved who they are.
pub(super) const HANDSHAKE_TIME: Duration = Duration::from_secs(1);
/// After so long without anything to say an end says that it is alive.
pub(super) const BEAT: Duration = Duration::from_millis(500);
/// An end that says nothing for so long is gone: six signs of life are missed.
pub(super) const SILENCE: Duration = Duration::from_secs(3);
/// How long an end may take no frame of 64 KiB at all.
pub(super) const STALL: Duration = Duration::from_secs(5);
/// A link that was dialled for a question and is of no more use is closed after so long.
pub(super) const IDLE: Duration = Duration::from_secs(2);

/// First pause after a dial that failed, and the one after a link that ended; doubled up to [`LONGEST_PAUSE`].
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A member that comes back is found that much later at most.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the management network is tried while the business network stands in.
pub(super) const BACK_AGAIN: Duration = Duration::from_secs(2);
/// How often a listener looks whether its interface is still the one that it listens on.
pub(super) const LOOK_AFTER: Duration = Duration::from_secs(1);
/// How often refused connections are told in the log at most.
pub(super) const TELL_AGAIN: Duration = Duration::from_secs(10);
