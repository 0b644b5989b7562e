//! What the kernel programs counted, one value a CPU, merged.

use std::io;

use heartbeat_wire::histogram::BUCKETS;
use heartbeat_wire::maps::{REPLIES_CHUNK, Reply};
use heartbeat_wire::verdict::{GateVerdict, Verdict};

use super::words::Words;
use crate::sys::bpf::PerCpuArray;

/// One member's answers, all CPUs merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergedReply {
    /// Whose answers; set by the caller.
    pub slot: u16,
    /// The newest of each, see [`Reply`]. `granted_sent_ns` is taken from our own record of that probe;
    /// where that is overwritten already, grant and send time are 0.
    pub reply: Reply,
}

/// Reads the members' answers, without allocation.
#[derive(Debug)]
pub struct Replies {
    map: PerCpuArray,
    words: Words,
}

impl Replies {
    pub(super) fn new(map: PerCpuArray, words: Words) -> Self {
        Self { map, words }
    }

    /// Fills in `reply` of each entry; entries must be in order of their slots, so that each chunk of
    /// slots is read once.
    ///
    /// # Errors
    /// What bpf(2) answers; ENOENT for a slot above the map's.
    pub fn read(&mut self, into: &mut [MergedReply]) -> io::Result<()> {
        let chunk_of = |entry: &MergedReply| usize::from(entry.slot) / REPLIES_CHUNK;
        for entries in into.chunk_by_mut(|one, other| chunk_of(one) == chunk_of(other)) {
            self.read_chunk(entries)?;
        }
        Ok(())
    }

    fn read_chunk(&mut self, entries: &mut [MergedReply]) -> io::Result<()> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let chunk = first.slot / REPLIES_CHUNK as u16;
        for entry in &mut *entries {
            entry.reply = Reply::default();
        }
        for one_cpu in self.map.read(chunk.into())? {
            for entry in &mut *entries {
                let start = usize::from(entry.slot) % REPLIES_CHUNK * size_of::<Reply>();
                if let Some(bytes) = one_cpu[start..].first_chunk() {
                    merge(&mut entry.reply, &Reply::from_bytes(bytes));
                }
            }
        }
        for entry in entries {
            // Sequence number and send time were copied as two words and need not belong together: a
            // newer time with an older grant would make a lease too long. Our record knows.
            match self.words.sent_ns(entry.reply.granted_sequence) {
                Some(sent_ns) => entry.reply.granted_sent_ns = sent_ns,
                None => {
                    entry.reply.granted_sequence = 0;
                    entry.reply.granted_sent_ns = 0;
                }
            }
        }
        Ok(())
    }
}

/// Adds what one more CPU saw: the newest of everything, the sum of the counts.
fn merge(into: &mut Reply, other: &Reply) {
    let granted_sequence = into.granted_sequence.max(other.granted_sequence);
    let query_sequence = into.query_sequence.max(other.query_sequence);
    let clash_ns = into.clash_ns.max(other.clash_ns);
    let count = into.count + other.count;
    if other.arrival_ns > into.arrival_ns {
        *into = *other;
    }
    into.granted_sequence = granted_sequence;
    into.query_sequence = query_sequence;
    into.clash_ns = clash_ns;
    into.count = count;
}

/// Counters and histograms for status and metrics; not for the pulse, since reading allocates.
#[derive(Debug)]
pub struct Statistics {
    pub(super) verdicts: PerCpuArray,
    pub(super) gate: PerCpuArray,
    pub(super) rtt: PerCpuArray,
    pub(super) gap: PerCpuArray,
    pub(super) replies: Replies,
}

impl Statistics {
    /// Frames by what the responder did with them, in the order of [`Verdict::ALL`].
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn verdicts(&mut self) -> io::Result<Vec<(Verdict, u64)>> {
        let counts = sums(&mut self.verdicts)?;
        Ok(Verdict::ALL.iter().copied().zip(counts).collect())
    }

    /// Packets of virtual addresses by what the gate did with them, in the order of
    /// [`GateVerdict::ALL`].
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn gate_verdicts(&mut self) -> io::Result<Vec<(GateVerdict, u64)>> {
        let counts = sums(&mut self.gate)?;
        Ok(GateVerdict::ALL.iter().copied().zip(counts).collect())
    }

    /// Round-trip times, by [`heartbeat_wire::histogram`]'s buckets.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn round_trips(&mut self) -> io::Result<[u64; BUCKETS]> {
        histogram(&mut self.rtt)
    }

    /// Each member's answers; `into` as for [`Replies::read`].
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn replies(&mut self, into: &mut [MergedReply]) -> io::Result<()> {
        self.replies.read(into)
    }

    /// Gaps between accepted probes, by [`heartbeat_wire::histogram`]'s buckets.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn gaps(&mut self) -> io::Result<[u64; BUCKETS]> {
        histogram(&mut self.gap)
    }
}

fn histogram(map: &mut PerCpuArray) -> io::Result<[u64; BUCKETS]> {
    let mut buckets = [0; BUCKETS];
    for (bucket, count) in buckets.iter_mut().zip(sums(map)?) {
        *bucket = count;
    }
    Ok(buckets)
}

/// Each 64-bit counter of the map's only entry, over all CPUs.
fn sums(map: &mut PerCpuArray) -> io::Result<Vec<u64>> {
    let mut sums = Vec::new();
    for one_cpu in map.read(0)? {
        let (counters, _) = one_cpu.as_chunks();
        sums.resize(counters.len(), 0);
        for (sum, counter) in sums.iter_mut().zip(counters) {
            *sum += u64::from_le_bytes(*counter);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_the_newest_of_each_word_and_adds_the_counts() {
        let older = Reply {
            granted_sequence: 9,
            sequence: 9,
            query_sequence: 3,
            arrival_ns: 100,
            count: 5,
            incarnation: 1,
            clash_ns: 70,
            ..Reply::default()
        };
        let newer = Reply {
            granted_sequence: 8,
            sequence: 10,
            query_sequence: 2,
            arrival_ns: 200,
            count: 2,
            incarnation: 2,
            ..Reply::default()
        };
        for (first, second) in [(older, newer), (newer, older)] {
            let mut merged = Reply::default();
            merge(&mut merged, &first);
            merge(&mut merged, &second);
            assert_eq!(merged.granted_sequence, 9, "a grant is never forgotten");
            assert_eq!(merged.sequence, 10);
            assert_eq!(merged.query_sequence, 3);
            assert_eq!(merged.count, 7);
            assert_eq!(merged.incarnation, 2, "of the newest answer");
            assert_eq!(merged.clash_ns, 70);
        }
    }
}
