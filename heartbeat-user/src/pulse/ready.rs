//! What woke the pulse: nothing else is looked at, since each look in vain is a system call.

use heartbeat_core::message::Network;
use nix::sys::epoll::EpollEvent;

/// A descriptor that the pulse waits on; its number is what epoll(7) gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Source {
    /// Set anew before each wait, which takes a firing back.
    Timer = 1 << 0,
    /// Read after every wake-up: its records lie in mapped memory.
    Ring = 1 << 1,
    Orders = 1 << 2,
    Hands = 1 << 3,
    Management = 1 << 4,
    Business = 1 << 5,
    References = 1 << 6,
}

impl Source {
    /// The control datagrams of that network.
    pub(super) const fn control(network: Network) -> Self {
        match network {
            Network::Management => Self::Management,
            Network::Business => Self::Business,
        }
    }
}

/// The sources that were readable when the wait ended. What came since wakes the pulse again at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ready(u64);

impl Ready {
    /// Every source: after a wait that told nothing, as one that a signal interrupted.
    pub(super) const ALL: Self = Self(u64::MAX);

    pub(super) fn of(events: &[EpollEvent]) -> Self {
        Self(events.iter().fold(0, |all, event| all | event.data()))
    }

    pub(super) const fn has(self, source: Source) -> bool {
        self.0 & source as u64 != 0
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::epoll::EpollFlags;

    use super::*;

    #[test]
    fn only_what_was_readable_is_ready() {
        let event = |source| EpollEvent::new(EpollFlags::EPOLLIN, source as u64);
        let ready = Ready::of(&[
            event(Source::Timer),
            event(Source::control(Network::Business)),
        ]);
        assert!(ready.has(Source::Timer) && ready.has(Source::Business));
        assert!(
            !ready.has(Source::Management)
                && !ready.has(Source::Orders)
                && !ready.has(Source::Hands)
        );
        assert!(!Ready::default().has(Source::Timer) && Ready::ALL.has(Source::Hands));
    }
}
