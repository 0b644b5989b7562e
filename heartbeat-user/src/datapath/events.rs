//! What the kernel programs tell at once: events for the pulse, rare lines for the log.

use std::os::fd::{AsFd, BorrowedFd};

use aya::Ebpf;
use aya::maps::{MapData, RingBuf};
use aya_log::EbpfLogger;
use heartbeat_wire::maps::Event;

use super::error::DatapathError;

/// The ring buffer of [`Event`]s; its descriptor is readable while one waits.
pub struct Events(RingBuf<MapData>);

impl Events {
    pub(super) fn new(ring: RingBuf<MapData>) -> Self {
        Self(ring)
    }

    /// The next event, in the order in which the kernel wrote them; never waits, never allocates.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let record = self.0.next()?;
            // A record of another length can only be another layout's; the version in the pins' path
            // keeps those apart, so one is skipped and not guessed at.
            if let Ok(bytes) = (*record).try_into() {
                return Some(Event::from_bytes(bytes));
            }
        }
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Lines that the kernel programs write to the log, a few a second at most; its descriptor is readable
/// while one waits.
pub struct KernelLog(EbpfLogger<&'static dyn log::Log>);

impl KernelLog {
    /// Takes the lines' ring buffer; they go to the `log` crate's logger that is set by now.
    pub(super) fn open(ebpf: &mut Ebpf) -> Result<Self, DatapathError> {
        EbpfLogger::init(ebpf).map(Self).map_err(DatapathError::Log)
    }

    /// Hands every waiting line to the logger. Allocates, so not for the pulse.
    pub fn flush(&mut self) {
        self.0.flush();
    }
}

impl AsFd for KernelLog {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
