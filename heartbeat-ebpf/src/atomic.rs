//! Words that kernel and daemon, or two CPUs, write at the same time.
//!
//! The BPF target has no atomics of its own (`AtomicU64`'s loads and fences do not link), so the
//! compiler's intrinsics are used: exchange and compare-and-swap, each of them a full barrier, and
//! volatile reads, each of them one load.

use core::intrinsics::{AtomicOrdering, atomic_cxchg, atomic_xchg};
use core::mem::offset_of;
use core::ptr::{read_volatile, write_volatile};

use heartbeat_wire::maps::{Control, Grant};

/// How often a compare-and-swap is tried. Each CPU that wins a race has moved the word on, so this many
/// lost races mean that as many frames of this node arrive at once.
const TRIES: u32 = 8;

/// A word lost too many races: the frame must be dropped, nothing is known to be written.
pub(crate) struct Contended;

/// One 64-bit word of a map value. Only [`word!`] makes one.
#[derive(Clone, Copy)]
pub(crate) struct Word(*mut u64);

impl Word {
    /// # Safety
    /// `value` points to a map value of at least `offset + 8` bytes, and `offset` is a multiple of 8.
    #[inline(always)]
    pub(crate) unsafe fn new<T>(value: *mut T, offset: usize) -> Self {
        // SAFETY: inside the value, by the contract.
        Self(unsafe { value.byte_add(offset) }.cast())
    }

    /// One load, never merged with another one or torn.
    #[inline(always)]
    pub(crate) fn read(self) -> u64 {
        // SAFETY: an aligned word of a map value, which lives as long as the program runs.
        unsafe { read_volatile(self.0) }
    }

    /// One store, never torn; no barrier.
    #[inline(always)]
    pub(crate) fn write(self, value: u64) {
        // SAFETY: as for `read`.
        unsafe { write_volatile(self.0, value) }
    }

    /// Stores `value`, returns what was there; a full barrier.
    #[inline(always)]
    pub(crate) fn exchange(self, value: u64) -> u64 {
        // SAFETY: as for `read`.
        unsafe { atomic_xchg::<u64, { AtomicOrdering::SeqCst }>(self.0, value) }
    }

    /// Stores `new` if the word is `old`; else says what it is. A full barrier either way.
    #[inline(always)]
    pub(crate) fn compare_exchange(self, old: u64, new: u64) -> Result<(), u64> {
        // SAFETY: as for `read`.
        let (found, stored) = unsafe {
            atomic_cxchg::<u64, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(
                self.0, old, new,
            )
        };
        if stored { Ok(()) } else { Err(found) }
    }

    /// Raises the word to `value` unless it is there already; says whether it was raised.
    ///
    /// At least one compare-and-swap is always done, so that this is a full barrier in every case.
    #[inline(always)]
    pub(crate) fn raise(self, value: u64) -> Result<bool, Contended> {
        let mut old = self.read();
        for _ in 0..TRIES {
            let new = if value > old { value } else { old };
            match self.compare_exchange(old, new) {
                Ok(()) => return Ok(value > old),
                Err(found) => old = found,
            }
        }
        Err(Contended)
    }

    /// Replaces the word by `new` unless `stop` says that what is there must stay. Returns what was
    /// replaced, or what `stop` said.
    #[inline(always)]
    pub(crate) fn replace_unless<S>(
        self,
        new: u64,
        stop: impl Fn(u64) -> Option<S>,
    ) -> Result<u64, Result<S, Contended>> {
        let mut old = self.read();
        for _ in 0..TRIES {
            if let Some(reason) = stop(old) {
                return Err(Ok(reason));
            }
            match self.compare_exchange(old, new) {
                Ok(()) => return Ok(old),
                Err(found) => old = found,
            }
        }
        Err(Err(Contended))
    }
}

/// The words of the daemon.
#[derive(Clone, Copy)]
pub(crate) struct ControlWords(pub(crate) *mut Control);

/// The words of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct GrantWords(pub(crate) *mut Grant);

macro_rules! words {
    ($words:ident of $type:ident: $($field:ident),* $(,)?) => {
        impl $words {
            $(
                #[inline(always)]
                pub(crate) fn $field(self) -> Word {
                    // SAFETY: the pointer is a map value of this type, all of whose fields are words.
                    unsafe { Word::new(self.0, offset_of!($type, $field)) }
                }
            )*

            /// Every word as it stands, each read once.
            #[inline(always)]
            pub(crate) fn snapshot(self) -> $type {
                $type { $($field: self.$field().read(),)* }
            }
        }
    };
}

words!(ControlWords of Control:
    lease_deadline_ns, lease_epoch, promised_epoch, vote_grant_end_ns, vote_epoch, vote_incarnation,
    abstain_until_ns, beat_ns, service_ns, role, diagnosis, flags, info_version, sequence, epoch_floor,
    released_epoch, slot_lease_ns,
);
words!(GrantWords of Grant:
    end_ns, accepted, probed_epoch, arrival_ns, holder_incarnation, successor, duplicate_ns, lease_ns,
);
