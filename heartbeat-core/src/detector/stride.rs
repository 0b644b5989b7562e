//! Which members a probe asks: those that are no electors take turns, so that the master is not answered by all at
//! once in a large cluster.

use crate::config::Config;

/// Members that are no electors of which every probe asks all; of more it asks a part.
const ANSWERS_PER_PERIOD: usize = 1024;
/// Turns that every member has in a detect time, however many there are: who lost one answer on the way is not
/// missing, and who died is found as soon as one that is asked in every period.
const TURNS_PER_DETECT_TIME: u32 = 2;

/// Probes until a member's turn comes again: the fewest by which none is answered by more than
/// [`ANSWERS_PER_PERIOD`] that are no electors, and never so many that it had fewer than
/// [`TURNS_PER_DETECT_TIME`].
pub(super) fn stride_for(config: &Config) -> u16 {
    let members = config.members.iter();
    let others: Vec<u16> = members
        .filter(|(_, member)| !member.elector)
        .map(|(slot, _)| *slot)
        .collect();
    let most_answers = |stride: u16| {
        let mut answers = vec![0; usize::from(stride)];
        for slot in &others {
            answers[usize::from(slot % stride)] += 1;
        }
        answers.into_iter().max().unwrap_or(0)
    };
    // At most 127: a multiplier is at most 255.
    let longest =
        u16::try_from(config.timing.multiplier / TURNS_PER_DETECT_TIME).unwrap_or(u16::MAX);
    let all = 1..=longest.max(1);
    (all.clone())
        .find(|stride| most_answers(*stride) <= ANSWERS_PER_PERIOD)
        // Slots need not be dense: a longer stride may share them out worse.
        .or_else(|| all.min_by_key(|stride| most_answers(*stride)))
        .unwrap_or(1)
}
