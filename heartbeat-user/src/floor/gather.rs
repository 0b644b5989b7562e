//! Asks the electors' disks until enough have it.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use heartbeat_core::Slot;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How often one elector is asked at most.
const PERIOD: Duration = Duration::from_millis(100);
/// What came of asking, not told yet: of each elector one at a time.
const DEPTH: usize = 16;

/// Whose disks count, and whether this node's own is enough.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    pub(super) electors: BTreeSet<Slot>,
    /// Two machines that may serve without each other.
    pub(super) is_pair: bool,
    /// In a pair, this node serves without the other.
    pub(super) is_alone: bool,
    /// Whose kernels say that their daemons show no sign of life, so that these cannot be asked.
    pub(super) stalled: BTreeSet<Slot>,
    /// It is master by an operator's word.
    pub(super) is_forced: bool,
}

/// Why it is not known to be on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The node says so, or it is this one.
    Told(String),
    /// Nobody answers there: its daemon is dead or frozen, or the links are.
    Silent(String),
}

/// Whose disks have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A majority's.
    Majority,
    /// This node's own, and nobody else's has to: whoever may follow need not know of it.
    OwnDisk,
}

impl Basis {
    pub(super) const fn of(electors: BTreeSet<Slot>, is_pair: bool) -> Self {
        Self {
            electors,
            is_pair,
            is_alone: false,
            stalled: BTreeSet::new(),
            is_forced: false,
        }
    }

    /// By whom it is held well enough, if these have it and those do not answer.
    fn held(&self, own: Slot, having: &BTreeSet<Slot>, silent: &BTreeSet<Slot>) -> Option<Held> {
        let count = self.electors.intersection(having).count();
        // The kernel of a daemon that is dead or frozen may grant a lease, so that no evidence is needed; its disk cannot be
        // asked. A frozen one keeps its link, so silence alone would tell after more time than a hook may have.
        let is_lost = |slot| silent.contains(slot) || self.stalled.contains(slot);
        let is_alone = self.is_pair && (self.is_alone || self.electors.iter().any(is_lost));
        if 2 * count > self.electors.len() {
            Some(Held::Majority)
        } else {
            ((is_alone || self.is_forced) && having.contains(&own)).then_some(Held::OwnDisk)
        }
    }
}

/// Asks this node and every elector until enough have said that it is on their disks.
pub(super) async fn gather<A, F>(
    own: Slot,
    mut basis: watch::Receiver<Basis>,
    ask: A,
    tell: impl Fn(Slot, String),
) -> Held
where
    A: Fn(Slot) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Lack>> + Send + 'static,
{
    let (mut asked, mut having) = (BTreeSet::new(), BTreeSet::new());
    let mut silent = BTreeSet::new();
    let (lacks, mut lacking) = mpsc::channel(DEPTH);
    let mut asking = JoinSet::new();
    loop {
        let now = basis.borrow_and_update().clone();
        if let Some(held) = now.held(own, &having, &silent) {
            return held;
        }
        for slot in now.electors.into_iter().chain([own]) {
            if asked.insert(slot) {
                asking.spawn(until_it_has(slot, ask.clone(), lacks.clone()));
            }
        }
        tokio::select! {
            Some(Ok(slot)) = asking.join_next() => drop(having.insert(slot)),
            Some((slot, lack)) = lacking.recv() => {
                let (Lack::Told(why) | Lack::Silent(why)) = &lack;
                tell(slot, why.clone());
                if matches!(lack, Lack::Silent(_)) {
                    silent.insert(slot);
                } else {
                    silent.remove(&slot);
                }
            }
            Ok(()) = basis.changed() => {}
        }
    }
}

async fn until_it_has<A, F>(slot: Slot, ask: A, lacks: mpsc::Sender<(Slot, Lack)>) -> Slot
where
    A: Fn(Slot) -> F,
    F: Future<Output = Result<(), Lack>>,
{
    loop {
        let again = Instant::now() + PERIOD;
        let Err(why) = ask(slot).await else {
            return slot;
        };
        // Fails when nobody waits any more, and then this ends as well.
        let _ = lacks.send((slot, why)).await;
        sleep_until(again).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::timeout;

    use super::*;

    /// What is held soon if these slots' disks have it, and whom slot 1 was told of.
    async fn held(basis: Basis, having: &'static [Slot]) -> (Option<Held>, BTreeSet<Slot>) {
        let (_kept, basis) = watch::channel(basis);
        let told = Mutex::new(BTreeSet::new());
        let ask = move |slot| async move {
            let has = having.contains(&slot);
            has.then_some(())
                .ok_or_else(|| Lack::Told("full".to_owned()))
        };
        let tell = |slot, why: String| {
            assert_eq!(why, "full");
            told.lock().unwrap().insert(slot);
        };
        let held = timeout(3 * PERIOD, gather(1, basis, ask, tell)).await;
        (held.ok(), told.into_inner().unwrap())
    }

    fn three() -> Basis {
        Basis::of(BTreeSet::from([1, 2, 3]), false)
    }

    fn pair() -> Basis {
        Basis::of(BTreeSet::from([1, 2]), true)
    }

    #[tokio::test]
    async fn a_majority_of_the_electors_disks_is_enough_and_less_is_not() {
        assert_eq!(held(three(), &[1, 3]).await.0, Some(Held::Majority));
        assert_eq!(held(three(), &[2, 3]).await.0, Some(Held::Majority));
        let less = (None, BTreeSet::from([2, 3]));
        assert_eq!(held(three(), &[1]).await, less);
        // Who is no elector does not count.
        assert_eq!(held(three(), &[1, 4]).await, less);
        let of_others = Basis::of(BTreeSet::from([2, 3, 4]), false);
        assert_eq!(held(of_others, &[1, 2]).await.0, None, "nor its own");
        assert_eq!(held(pair(), &[1, 2]).await.0, Some(Held::Majority));
        assert_eq!(held(pair(), &[1]).await, (None, BTreeSet::from([2])));
    }

    #[tokio::test]
    async fn its_own_disk_is_enough_for_a_pair_s_node_that_is_alone_and_for_a_forced_master() {
        let alone = |basis| Basis {
            is_alone: true,
            ..basis
        };
        let forced = Basis {
            is_forced: true,
            ..three()
        };
        assert_eq!(held(alone(pair()), &[1]).await.0, Some(Held::OwnDisk));
        assert_eq!(held(alone(pair()), &[]).await.0, None);
        assert_eq!(held(alone(three()), &[1]).await.0, None, "no pair");
        assert_eq!(held(forced.clone(), &[1]).await.0, Some(Held::OwnDisk));
        assert_eq!(held(forced.clone(), &[2]).await.0, None);
        assert_eq!(held(forced, &[2, 3]).await.0, Some(Held::Majority));
    }

    #[tokio::test]
    async fn a_pair_s_node_does_not_wait_for_a_daemon_that_is_known_to_be_frozen() {
        let gathers = |basis, stalled: &'static [Slot]| async move {
            let (change, basis) = watch::channel(basis);
            // A frozen daemon's link stands, and nothing comes back over it.
            let ask = |slot| async move {
                if slot != 1 {
                    std::future::pending::<()>().await;
                }
                Ok(())
            };
            let learnt = async {
                tokio::time::sleep(PERIOD).await;
                change.send_modify(|basis: &mut Basis| basis.stalled.extend(stalled));
                std::future::pending::<()>().await;
            };
            tokio::select! {
                held = timeout(3 * PERIOD, gather(1, basis, ask, |_, _| {})) => held.ok(),
                () = learnt => None,
            }
        };
        assert_eq!(gathers(pair(), &[2]).await, Some(Held::OwnDisk));
        assert_eq!(gathers(pair(), &[]).await, None, "it may answer yet");
        assert_eq!(gathers(pair(), &[3]).await, None, "no elector");
        assert_eq!(gathers(three(), &[2, 3]).await, None, "a majority must");
    }

    #[tokio::test]
    async fn one_that_has_it_later_is_asked_again_and_a_new_elector_is_asked_too() {
        let (change, basis) = watch::channel(three());
        let begun = Instant::now();
        let ask = move |slot| async move {
            let has = match slot {
                1 => true,
                4 => begun.elapsed() > 5 * PERIOD,
                _ => false,
            };
            has.then_some(()).ok_or_else(|| Lack::Told(String::new()))
        };
        let gathers = gather(1, basis, ask, |_, _| {});
        let changes = async {
            tokio::time::sleep(2 * PERIOD).await;
            change.send_modify(|basis| basis.electors = BTreeSet::from([1, 2, 4]));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            held = gathers => assert_eq!(held, Held::Majority),
            () = changes => {}
        }
        assert!(begun.elapsed() > 5 * PERIOD, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_pair_s_node_does_not_wait_for_a_disk_that_nobody_can_be_asked_about() {
        let gathers = |basis, other: Lack| async move {
            let (_kept, basis) = watch::channel(basis);
            let ask = move |slot| {
                let other = other.clone();
                async move { if slot == 1 { Ok(()) } else { Err(other) } }
            };
            let held = timeout(3 * PERIOD, gather(1, basis, ask, |_, _| {})).await;
            held.ok()
        };
        let silent = || Lack::Silent("no link".to_owned());
        assert_eq!(gathers(pair(), silent()).await, Some(Held::OwnDisk));
        assert_eq!(gathers(three(), silent()).await, None, "a majority must");
        let two = Basis::of(BTreeSet::from([1, 2]), false);
        assert_eq!(gathers(two, silent()).await, None, "no pair");
        let full = Lack::Told("full".to_owned());
        assert_eq!(gathers(pair(), full).await, None, "it says no");
    }
}
