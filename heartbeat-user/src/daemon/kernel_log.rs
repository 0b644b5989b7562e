//! The kernel programs' rare log lines, as they come.

use std::io;
use std::os::fd::AsFd as _;
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::datapath::KernelLog;

/// Hands each line to the log until the process ends, on a thread of its own that does nothing else.
pub(super) fn follow(mut log: KernelLog) -> io::Result<()> {
    let follow = move || {
        loop {
            let mut source = [PollFd::new(log.as_fd(), PollFlags::POLLIN)];
            match poll(&mut source, PollTimeout::NONE) {
                Ok(_) => log.flush(),
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    };
    thread::Builder::new()
        .name("kernel-log".into())
        .spawn(follow)
        .map(drop)
}
