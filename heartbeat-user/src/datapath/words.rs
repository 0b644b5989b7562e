//! The memory-mapped words: what the daemon tells the kernel program, and the grant that it reads.
//!
//! Each word is 64 bits, has one writer, and is written and read whole. Everything is sequentially
//! consistent: a promise and a grant that cross must not both go unseen (anything weaker loses about one
//! crossing in a thousand), and at a few words a period the difference in cost is nothing.

use std::mem::{offset_of, size_of};
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use heartbeat_core::Slot;
use heartbeat_wire::frame::flag;
use heartbeat_wire::maps::{Control, Grant, SENT_RECORDS, Sent, control_flag};
use heartbeat_wire::{Epoch, Kind};

use crate::sys::mmap::MappedWords;

/// The words of one node; cheap to clone, shared between threads.
#[derive(Clone, Debug)]
pub struct Words(Arc<Maps>);

#[derive(Debug)]
struct Maps {
    control: MappedWords,
    grant: MappedWords,
    sent: MappedWords,
    taken: MappedWords,
}

/// One question as it is about to leave: what [`Words::record_question`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Probe or query.
    pub kind: Kind,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its sequence number, above every earlier one of this life of the maps.
    pub sequence: u64,
    /// Its send time, CLOCK_BOOTTIME in nanoseconds.
    pub sent_ns: u64,
}

/// Place of a field among its struct's words.
macro_rules! word {
    ($type:ident . $field:ident) => {
        offset_of!($type, $field) / size_of::<u64>()
    };
}

/// Reads every named field of a struct of words; the compiler insists that none is left out.
macro_rules! read_words {
    ($words:expr => $type:ident { $($field:ident),* $(,)? }) => {
        $type { $($field: $words[word!($type.$field)].load(SeqCst),)* }
    };
}

impl Words {
    pub(super) fn map(
        control: impl AsFd,
        grant: impl AsFd,
        sent: impl AsFd,
        taken: impl AsFd,
        highest_slot: Slot,
    ) -> std::io::Result<Self> {
        let slots = NonZeroUsize::MIN.saturating_add(highest_slot.into());
        Ok(Self(Arc::new(Maps {
            control: MappedWords::new(control, words_of::<Control>(1))?,
            grant: MappedWords::new(grant, words_of::<Grant>(1))?,
            sent: MappedWords::new(sent, words_of::<Sent>(SENT_RECORDS))?,
            taken: MappedWords::new(taken, slots)?,
        })))
    }

    /// The daemon's words as they stand; those of the last run, if the maps are kept.
    #[must_use]
    pub fn control(&self) -> Control {
        read_words!(self.0.control => Control {
            lease_deadline_ns, lease_epoch, promised_epoch, vote_grant_end_ns, vote_epoch,
            vote_incarnation, abstain_until_ns, beat_ns, service_ns, role, diagnosis, flags,
            info_version, sequence, epoch_floor, released_epoch, slot_lease_ns,
        })
    }

    /// The kernel's words about the grant it gave.
    ///
    /// The end is read before the epoch, and the kernel raises the epoch before the end: whoever sees an
    /// end sees an epoch that is not older.
    #[must_use]
    pub fn grant(&self) -> Grant {
        read_words!(self.0.grant => Grant {
            end_ns, accepted, probed_epoch, arrival_ns, holder_incarnation, successor, duplicate_ns,
            lease_ns,
        })
    }

    /// Raises the promised epoch, and then, behind the full barrier that the raise is, reads the grant:
    /// a probe that slipped in between is in it, or was refused by the kernel.
    pub fn promise(&self, epoch: Epoch) -> Grant {
        // A maximum, not a store: a promise is only ever raised, whoever writes it.
        self.control_word(word!(Control.promised_epoch))
            .fetch_max(epoch.0, SeqCst);
        self.grant()
    }

    /// Opens the gate until `deadline_ns`, or renews the lease of the same epoch.
    pub fn set_lease(&self, epoch: Epoch, deadline_ns: u64) {
        let lease_epoch = self.control_word(word!(Control.lease_epoch));
        if lease_epoch.load(SeqCst) != epoch.0 {
            // The gate reads both words one after the other: never an old deadline with a new epoch.
            self.shut_gate();
            lease_epoch.store(epoch.0, SeqCst);
        }
        self.set(word!(Control.lease_deadline_ns), deadline_ns);
    }

    /// Shuts the gate.
    pub fn shut_gate(&self) {
        self.set(word!(Control.lease_deadline_ns), 0);
    }

    /// Opens the gate of the own slot's addresses that go by a lease until `deadline_ns`; 0 shuts it.
    pub fn set_slot_lease(&self, deadline_ns: u64) {
        self.set(word!(Control.slot_lease_ns), deadline_ns);
    }

    /// Opens the gate of another slot's such addresses while the lease of `epoch` holds; [`Epoch::NONE`] shuts it.
    /// Nothing where the maps have no room for the slot: its gate is shut.
    pub fn set_taken(&self, slot: Slot, epoch: Epoch) {
        if let Some(word) = self.0.taken.get(usize::from(slot)) {
            word.store(epoch.0, SeqCst);
        }
    }

    /// The epoch in which another slot's addresses were taken over; [`Epoch::NONE`] for not.
    #[must_use]
    pub fn taken(&self, slot: Slot) -> Epoch {
        let word = self.0.taken.get(usize::from(slot));
        word.map_or(Epoch::NONE, |word| Epoch(word.load(SeqCst)))
    }

    /// Notes the grant given by a vote; must be done before the vote leaves. A grant that its own holder
    /// gives up may end earlier than it was given for.
    pub fn set_vote(&self, epoch: Epoch, incarnation: u64, end_ns: u64) {
        self.set(word!(Control.vote_epoch), epoch.0);
        self.set(word!(Control.vote_incarnation), incarnation);
        self.set(word!(Control.vote_grant_end_ns), end_ns);
    }

    /// Notes that `epoch` was given up by its own holder: grants to exactly it no longer hold.
    pub fn set_released(&self, epoch: Epoch) {
        self.set(word!(Control.released_epoch), epoch.0);
    }

    /// Notes until when this node neither votes nor grants.
    pub fn set_abstain_until(&self, until_ns: u64) {
        self.set(word!(Control.abstain_until_ns), until_ns);
    }

    /// Raises the floor for this node's own candidacies.
    pub fn raise_floor(&self, epoch: Epoch) {
        self.control_word(word!(Control.epoch_floor))
            .fetch_max(epoch.0, SeqCst);
    }

    /// The daemon's sign of life.
    pub fn beat(&self, now_ns: u64) {
        self.set(word!(Control.beat_ns), now_ns);
    }

    /// The last successful service check; 0 without a monitor.
    pub fn set_service(&self, checked_ns: u64) {
        self.set(word!(Control.service_ns), checked_ns);
    }

    /// The role that answers tell, a number of [`heartbeat_wire::frame::role`].
    pub fn set_role(&self, role: u8) {
        self.set(word!(Control.role), role.into());
    }

    /// Whether this node may become master, as answers tell.
    pub fn set_eligible(&self, eligible: bool) {
        self.set_flag(flag::ELIGIBLE.into(), eligible);
    }

    /// Whether the lease rests on an operator's word: then the next process must not take it up.
    pub fn set_forced(&self, forced: bool) {
        self.set_flag(control_flag::FORCED, forced);
    }

    /// The pulse alone writes flags, so nobody comes between.
    fn set_flag(&self, flag: u64, is_set: bool) {
        let word = self.control_word(word!(Control.flags));
        let others = word.load(SeqCst) & !flag;
        word.store(if is_set { others | flag } else { others }, SeqCst);
    }

    /// The diagnosis bits that this node says of itself.
    pub fn set_diagnosis(&self, bits: u16) {
        self.set(word!(Control.diagnosis), bits.into());
    }

    /// The version of the dynamic information that this node has: the number of its newest change. Only the store's
    /// driver writes it.
    pub fn set_info_version(&self, version: u64) {
        self.set(word!(Control.info_version), version);
    }

    /// Notes a question; must be done before it leaves, else its answers are stale.
    pub fn record_question(&self, question: &Question) {
        self.control_word(word!(Control.sequence))
            .fetch_max(question.sequence, SeqCst);
        let record = self.sent_record(question.sequence);
        // Zero matches no frame: an answer that comes in the middle of this is stale, never matched with
        // half a record.
        record[word!(Sent.sequence)].store(0, SeqCst);
        record[word!(Sent.epoch)].store(question.epoch.0, SeqCst);
        record[word!(Sent.sent_ns)].store(question.sent_ns, SeqCst);
        record[word!(Sent.kind)].store(question.kind as u64, SeqCst);
        record[word!(Sent.sequence)].store(question.sequence, SeqCst);
    }

    /// Number of the newest question; 0 before the first one of this life of the maps.
    #[must_use]
    pub fn newest_question(&self) -> u64 {
        self.control_word(word!(Control.sequence)).load(SeqCst)
    }

    /// When question `sequence` was sent, by our own record; `None` once 256 later ones were.
    #[must_use]
    pub fn sent_ns(&self, sequence: u64) -> Option<u64> {
        let record = self.sent_record(sequence);
        (sequence != 0 && record[word!(Sent.sequence)].load(SeqCst) == sequence)
            .then(|| record[word!(Sent.sent_ns)].load(SeqCst))
    }

    fn sent_record(&self, sequence: u64) -> &[AtomicU64] {
        const WORDS: usize = size_of::<Sent>() / size_of::<u64>();
        // The remainder is below SENT_RECORDS, so it fits.
        let place = (sequence % SENT_RECORDS as u64) as usize * WORDS;
        &self.0.sent[place..place + WORDS]
    }

    fn control_word(&self, place: usize) -> &AtomicU64 {
        &self.0.control[place]
    }

    fn set(&self, place: usize, value: u64) {
        self.control_word(place).store(value, SeqCst);
    }
}

/// How many words `records` values of `T` take.
fn words_of<T>(records: usize) -> NonZeroUsize {
    NonZeroUsize::new(size_of::<T>() / size_of::<u64>() * records)
        .expect("no map value is shorter than a word")
}
