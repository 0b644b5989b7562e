//! How much there can be of everything.

use std::time::Duration;

/// Longest key, in bytes of UTF-8.
pub const KEY_BYTES: usize = 512;
/// Longest value, in bytes.
pub const VALUE_BYTES: usize = 1 << 20;
/// All keys and values together, in bytes.
pub const STATE_BYTES: u64 = 64 << 20;
/// Most entries.
pub const ENTRIES: usize = 100_000;

/// Writes that wait for the round before theirs: what some thousand clients may have on the way at once.
pub const QUEUED_WRITES: usize = 1024;
/// Bytes of keys and values of the writes that wait: a few of the longest values, or all the short ones.
pub const QUEUED_BYTES: usize = 8 << 20;

/// Weight of what one batch, one `Append` or one part of a state holds: no longer than the longest value needs, so that
/// a slow network is never taken for long by one of them.
pub const BATCH_WEIGHT: usize = VALUE_BYTES + KEY_BYTES + ENTRY_WEIGHT;
/// What a change or an entry weighs beside its key and its value: its stamps, lengths and marks, encoded.
pub const ENTRY_WEIGHT: usize = 128;
/// Longest message, encoded in any usual form: [`BATCH_WEIGHT`] and what stands beside it.
pub const MESSAGE_BYTES: usize = 2 * BATCH_WEIGHT;

/// Weight of the recent batches that are kept for stores that lag and clients that watch.
pub const RECENT_WEIGHT: usize = 16 << 20;
/// Most of the recent batches that are kept.
pub const RECENT_BATCHES: usize = 8192;

/// Leaderships that a state remembers itself to have come through.
pub const LINEAGE: usize = 256;
/// Keys of each kind that a difference names; more are only counted.
pub const NAMED_KEYS: usize = 32;

/// Orders that wait at a store for its disk: each of two or three leaders asks one thing at a time.
pub const DEFERRED_ORDERS: usize = 16;

/// After how long an order without an answer is sent again; twice as long each time, up to [`RESEND_MOST`]. The transport
/// loses nothing while a connection lasts, so this is for connections that broke unseen.
pub const RESEND: Duration = Duration::from_millis(500);
/// Longest time between two sendings of an order.
pub const RESEND_MOST: Duration = Duration::from_secs(8);
