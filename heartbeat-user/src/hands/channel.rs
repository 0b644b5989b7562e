//! A bounded channel whose receiver can be waited for together with other descriptors.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender, TryRecvError, TrySendError};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};

/// Why something was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The receiver is too far behind.
    #[error("the other thread is behind by a whole queue")]
    Full,
    /// The receiver has ended.
    #[error("the other thread has ended")]
    Closed,
}

#[derive(Debug)]
pub(super) struct Sender<T> {
    queue: Option<SyncSender<T>>,
    wake: Arc<EventFd>,
}

#[derive(Debug)]
pub(super) struct Receiver<T> {
    queue: mpsc::Receiver<T>,
    wake: Arc<EventFd>,
}

/// A channel that holds at most `depth` things; its memory is allocated here and never again.
pub(super) fn channel<T>(depth: usize) -> io::Result<(Sender<T>, Receiver<T>)> {
    let wake = Arc::new(EventFd::from_flags(
        EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC,
    )?);
    let (sender, receiver) = mpsc::sync_channel(depth);
    let sender = Sender {
        queue: Some(sender),
        wake: Arc::clone(&wake),
    };
    Ok((
        sender,
        Receiver {
            queue: receiver,
            wake,
        },
    ))
}

impl<T> Sender<T> {
    /// Never waits.
    pub(super) fn send(&self, thing: T) -> Result<(), NotSent> {
        let queue = self.queue.as_ref().ok_or(NotSent::Closed)?;
        queue.try_send(thing).map_err(|error| match error {
            TrySendError::Full(_) => NotSent::Full,
            TrySendError::Disconnected(_) => NotSent::Closed,
        })?;
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        // Fails only when the counter is at its maximum, and the receiver is then awake already.
        let _ = self.wake.write(1);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // First the end, then the wake-up, so that the receiver finds the end when it wakes.
        self.queue = None;
        self.wake();
    }
}

impl<T> Receiver<T> {
    /// The next thing, if there is one; never waits. The descriptor stays readable until this was empty.
    pub(super) fn next(&self) -> Result<T, TryRecvError> {
        match self.queue.try_recv() {
            Err(TryRecvError::Empty) => {
                // Only now is the wake-up taken back; what was sent in between is found by the second look.
                match self.wake.read() {
                    Ok(_) | Err(Errno::EAGAIN) => self.queue.try_recv(),
                    Err(_) => Err(TryRecvError::Empty),
                }
            }
            other => other,
        }
    }
}

impl<T> AsFd for Receiver<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    fn is_readable(receiver: &Receiver<u32>) -> bool {
        let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO) == Ok(1)
    }

    #[test]
    fn the_descriptor_is_readable_exactly_while_something_may_be_there() {
        let (sender, receiver) = channel(4).expect("a descriptor is to be had");
        assert!(!is_readable(&receiver));
        sender.send(1).expect("room");
        sender.send(2).expect("room");
        assert!(is_readable(&receiver));
        assert_eq!(receiver.next(), Ok(1));
        assert!(is_readable(&receiver));
        assert_eq!(receiver.next(), Ok(2));
        assert_eq!(receiver.next(), Err(TryRecvError::Empty));
        assert!(!is_readable(&receiver));
    }

    #[test]
    fn a_full_queue_refuses_instead_of_waiting() {
        let (sender, receiver) = channel(1).expect("a descriptor is to be had");
        sender.send(1).expect("room");
        assert_eq!(sender.send(2), Err(NotSent::Full));
        assert_eq!(receiver.next(), Ok(1));
        sender.send(3).expect("room again");
        assert_eq!(receiver.next(), Ok(3));
    }

    #[test]
    fn what_was_sent_before_the_end_is_received_before_the_end() {
        let (sender, receiver) = channel(4).expect("a descriptor is to be had");
        sender.send(1).expect("room");
        drop(sender);
        assert!(is_readable(&receiver));
        assert_eq!(receiver.next(), Ok(1));
        assert_eq!(receiver.next(), Err(TryRecvError::Disconnected));
    }

    #[test]
    fn nothing_is_lost_between_two_threads_and_each_wait_ends() {
        const THINGS: u32 = 20_000;
        let (sender, receiver) = channel(8).expect("a descriptor is to be had");
        let sending = std::thread::spawn(move || {
            let mut next = 0;
            while next < THINGS {
                match sender.send(next) {
                    Ok(()) => next += 1,
                    Err(NotSent::Full) => std::thread::yield_now(),
                    Err(NotSent::Closed) => panic!("the receiver is alive"),
                }
            }
        });
        let mut expected = 0;
        loop {
            let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
            assert_eq!(
                poll(&mut fds, PollTimeout::from(5000u16)),
                Ok(1),
                "woken for {expected}"
            );
            match receiver.next() {
                Ok(thing) => {
                    assert_eq!(thing, expected);
                    expected += 1;
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => break,
            }
        }
        assert_eq!(expected, THINGS);
        sending.join().expect("the sender does not panic");
    }
}
