//! The pulse's side: what happens is written into pages that go to the recorder's thread and come back empty.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use heartbeat_core::event::Reply;
use heartbeat_core::{Command, Event, Instant, Node};

use super::answers::Answers;
use super::item::{Birth, Cause, Checkpoint, Gap, Item};

/// Pages that can be under way: what a disk that hangs has to wait in. None is kept longer than
/// [`HAND_OVER_AFTER`], so that is three seconds in a small cluster.
pub(super) const PAGES: usize = 32;
/// Length of a page, in bytes: the longest entry that can be recorded. A datagram is no longer.
pub(super) const PAGE_LENGTH: usize = 64 * 1024;
/// Parcels under way: every page, and where to begin.
pub(super) const PARCELS_DEPTH: usize = PAGES + 2;
/// After how long a page goes to the recorder's thread: what a killed daemon loses.
const HAND_OVER_AFTER: Duration = Duration::from_millis(100);
/// How often the election is copied at most, once entries were lost.
const RESUME_AFTER: Duration = Duration::from_secs(1);

/// Entries, one after the other.
#[derive(Debug)]
pub(super) struct Page {
    bytes: Box<[u8]>,
    used: usize,
    pub(super) items: u64,
    begun: Instant,
}

impl Page {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; PAGE_LENGTH].into_boxed_slice(),
            used: 0,
            items: 0,
            begun: Instant::ZERO,
        }
    }

    pub(super) fn written(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub(super) const fn clear(&mut self) {
        (self.used, self.items) = (0, 0);
    }

    /// Whether there was room.
    fn put(&mut self, item: &Item<'_>) -> bool {
        match postcard::to_slice(item, &mut self.bytes[self.used..]) {
            Ok(written) => {
                self.used += written.len();
                self.items += 1;
                true
            }
            Err(_) => false,
        }
    }
}

/// What the recorder's thread is given.
#[derive(Debug)]
pub(super) enum Parcel {
    /// Entries that follow those before them.
    Page(Page),
    /// The election begins here, or goes on after what was lost.
    Begin(Option<Gap>, Beginning),
}

/// Where a replay can begin.
#[derive(Debug)]
pub(super) enum Beginning {
    Start(Box<Birth>),
    Checkpoint(Box<Checkpoint>),
}

/// Writes down what happens, without ever waiting. What finds no room is counted, and so is all after it until the
/// election has been copied anew.
#[derive(Debug)]
pub struct Tap {
    full: SyncSender<Parcel>,
    empty: Receiver<Page>,
    /// The recorder's thread wants a copy of the election, to begin a file with.
    wanted: Arc<AtomicBool>,
    page: Option<Page>,
    answers: Answers,
    lost: u64,
    resumes_at: Instant,
    now: Instant,
}

impl Tap {
    pub(super) fn new(
        full: SyncSender<Parcel>,
        empty: Receiver<Page>,
        wanted: Arc<AtomicBool>,
        birth: Box<Birth>,
    ) -> Self {
        let mut tap = Self {
            page: None,
            answers: Answers::default(),
            lost: 0,
            resumes_at: Instant::ZERO,
            now: birth.now,
            full,
            empty,
            wanted,
        };
        tap.begin(Beginning::Start(birth));
        tap
    }

    /// This happened.
    pub(super) fn event(&mut self, event: &Event<'_>, now: Instant) {
        self.now = now;
        let mut answers = std::mem::take(&mut self.answers);
        self.put(&Item::Event(now, answers.written(event)));
        self.answers = answers;
    }

    /// A timeout was handled.
    pub(super) fn timeout(&mut self, now: Instant) {
        self.now = now;
        self.put(&Item::Timeout(now));
    }

    /// This was commanded.
    pub(super) fn command(&mut self, command: &Command) {
        self.put(&Item::Command(Cow::Borrowed(command)));
    }

    /// Between two events: hands the page over when it is time, and a copy of the election when one is wanted.
    pub(super) fn settle(&mut self, node: &Node) {
        let has_lost = self.lost > 0 && self.now >= self.resumes_at && self.has_page();
        if has_lost || self.wanted.swap(false, Ordering::Relaxed) {
            self.checkpoint(node);
        }
        let is_due = |page: &Page| {
            let is_old = self.now >= page.begun + HAND_OVER_AFTER;
            page.used > 0 && (is_old || page.used > PAGE_LENGTH / 2)
        };
        if self.page.as_ref().is_some_and(is_due) {
            self.hand_over();
        }
    }

    /// Allocates, as long as the cluster is: so only after a loss, and where a file begins.
    fn checkpoint(&mut self, node: &Node) {
        self.hand_over();
        self.resumes_at = self.now + RESUME_AFTER;
        let replies: &[Reply] = self.answers.replies();
        let checkpoint = Checkpoint {
            now: self.now,
            node: node.clone(),
            replies: replies.to_vec(),
        };
        self.begin(Beginning::Checkpoint(Box::new(checkpoint)));
    }

    fn begin(&mut self, beginning: Beginning) {
        let gap = (self.lost > 0).then_some(Gap {
            lost: self.lost,
            cause: Cause::Behind,
        });
        match self.full.try_send(Parcel::Begin(gap, beginning)) {
            Ok(()) => self.lost = 0,
            // What follows would have nothing to begin from.
            Err(_) => self.lost += 1,
        }
    }

    fn put(&mut self, item: &Item<'_>) {
        if self.lost > 0 {
            self.lost += 1;
        } else if !self.put_in_page(item) {
            self.hand_over();
            if !self.put_in_page(item) {
                self.hand_over();
                self.lost = 1;
            }
        }
    }

    fn put_in_page(&mut self, item: &Item<'_>) -> bool {
        if !self.has_page() {
            return false;
        }
        let now = self.now;
        self.page.as_mut().is_some_and(|page| {
            if page.used == 0 {
                page.begun = now;
            }
            page.put(item)
        })
    }

    fn has_page(&mut self) -> bool {
        if self.page.is_none() {
            self.page = self.empty.try_recv().ok();
        }
        self.page.is_some()
    }

    fn hand_over(&mut self) {
        if let Some(page) = self.page.take_if(|page| page.used > 0) {
            // There is room for every page, so it fails only when the recorder's thread is gone.
            let _ = self.full.try_send(Parcel::Page(page));
        }
    }
}

impl Drop for Tap {
    /// Also when the pulse panics: what led to that is what a record is for.
    fn drop(&mut self) {
        self.hand_over();
    }
}
