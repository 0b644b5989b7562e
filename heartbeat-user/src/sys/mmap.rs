//! A BPF array map's words in this process's memory: read and written without a system call.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// The first 64-bit words of an array map that was created with BPF_F_MMAPABLE (Linux 5.5).
///
/// They are shared with the kernel program and, through the pin, with a later daemon; so only atomic
/// access is offered. The mapping keeps the map alive by itself.
#[derive(Debug)]
pub struct MappedWords {
    words: NonNull<AtomicU64>,
    count: NonZeroUsize,
}

impl MappedWords {
    /// Maps the first `count` words of the map behind `fd`.
    ///
    /// # Errors
    /// What mmap(2) answers: EINVAL or ENOTSUPP if the map is shorter or was not made for mapping.
    pub fn new(fd: impl AsFd, count: NonZeroUsize) -> io::Result<Self> {
        let bytes = length(count)?;
        // SAFETY: no address is asked for, so nothing that exists is replaced.
        let start = unsafe {
            mmap(
                None,
                bytes,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
                fd,
                0,
            )
        }?;
        Ok(Self {
            words: start.cast(),
            count,
        })
    }
}

/// Bytes of `count` words; the kernel rounds them up to whole pages.
fn length(count: NonZeroUsize) -> io::Result<NonZeroUsize> {
    NonZeroUsize::new(size_of::<AtomicU64>())
        .and_then(|word| count.checked_mul(word))
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

impl Deref for MappedWords {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is `count` words long (a shorter map is refused by mmap), page-aligned,
        // and lives until drop. Whoever else writes it, kernel or process, writes whole aligned words,
        // which atomics allow.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.count.get()) }
    }
}

impl Drop for MappedWords {
    fn drop(&mut self) {
        if let Ok(bytes) = length(self.count) {
            // SAFETY: exactly what `new` mapped; no borrow of it outlives self. Failure would mean that
            // it is not mapped, which leaves nothing to undo.
            let _ = unsafe { munmap(self.words.cast(), bytes.get()) };
        }
    }
}

// SAFETY: the words are atomics in memory that belongs to no thread.
unsafe impl Send for MappedWords {}
// SAFETY: as above; every access through a shared reference is atomic.
unsafe impl Sync for MappedWords {}
