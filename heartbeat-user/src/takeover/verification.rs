//! Whether addresses that this node bears are answered by it, as another member sees it: whom to
//! ask, when, and what to make of the answers. Pure: time and hardware addresses come as arguments.

use std::net::IpAddr;

use heartbeat_core::{Epoch, Slot};

use crate::net::mac::MacAddress;

/// From the first announcement to the first question: after the second announcement.
const FIRST_NS: u64 = 20_000_000;
/// How long a member may take to answer: it listens for a tenth of a second.
const PATIENCE_NS: u64 = 500_000_000;
/// After an address was not answered by this node it is announced again, and verified again after these
/// pauses; what is not well then is an alarm.
const PAUSES_NS: [u64; 3] = [100_000_000, 300_000_000, 1_000_000_000];
/// Pace while an alarm stands, so that it clears soon.
const ALARMED_NS: u64 = 5_000_000_000;
/// Pace on a quiet day, that of the announcements: who takes the address later is found too.
const SLOW_NS: u64 = 60_000_000_000;

/// What a member saw of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who asked.
    pub by: Slot,
    /// When the answer came here, in nanoseconds of CLOCK_BOOTTIME.
    pub at_ns: u64,
    /// Who answered.
    pub macs: Vec<MacAddress>,
}

/// What is known of one address that this node bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The address.
    pub address: IpAddr,
    /// This node's hardware address where it carries it; none while the interface is gone.
    pub own: Option<MacAddress>,
    /// What was seen last; none until a member could ask.
    pub seen: Option<Seen>,
    /// Others that answer for it.
    pub strangers: Vec<MacAddress>,
    /// It was announced again and again, and is still not answered by this node.
    pub unverified: bool,
}

impl Verified {
    /// Whether this node answers for it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let seen = self.seen.as_ref();
        seen.is_some_and(|seen| self.own.is_some_and(|own| seen.macs.contains(&own)))
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Send `verify` to this member, under this number.
    Ask(Slot, u64),
    /// Announce the addresses again.
    Announce,
    /// A round is over: what is known changed.
    Show,
    /// For the first time every address was seen to be answered by this node, at this time.
    Complete(u64),
}

/// The verification of a mastership's addresses, or of a slot's.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) epoch: Epoch,
    /// Whom to ask, in this order.
    members: Vec<Slot>,
    pub(super) addresses: Vec<Verified>,
    round: Option<Round>,
    /// When the next round begins.
    next_ns: u64,
    tries: usize,
    complete: bool,
    number: u64,
}

/// One round of questions: members are asked one after the other until every address was asked for.
#[derive(Debug)]
struct Round {
    asked: usize,
    until_ns: u64,
    /// By address: whether the member that is being asked has spoken of it.
    told: Vec<bool>,
    /// By address: what was found in this round.
    found: Vec<Option<Seen>>,
}

impl Verification {
    /// `members` could ask, the first one first. `number`: anything that no other one begins with.
    pub(super) fn new(
        epoch: Epoch,
        members: Vec<Slot>,
        addresses: &[IpAddr],
        number: u64,
        announced_ns: u64,
    ) -> Self {
        let verified = |address: &IpAddr| Verified {
            address: *address,
            own: None,
            seen: None,
            strangers: Vec::new(),
            unverified: false,
        };
        Self {
            epoch,
            members,
            addresses: addresses.iter().map(verified).collect(),
            round: None,
            next_ns: announced_ns + FIRST_NS,
            tries: 0,
            complete: false,
            number,
        }
    }

    /// Whether a member is being asked.
    pub(super) const fn is_asking(&self) -> bool {
        self.round.is_some()
    }

    /// When [`Verification::due`] has something to do.
    pub(super) fn next_ns(&self) -> u64 {
        self.round
            .as_ref()
            .map_or(self.next_ns, |round| round.until_ns)
    }

    /// Takes a member's answer about one address. Answers to older questions, and from members that were
    /// not asked, count for nothing.
    pub(super) fn answered(
        &mut self,
        from: Slot,
        number: u64,
        address: IpAddr,
        seen: Option<Vec<MacAddress>>,
        now_ns: u64,
    ) {
        let Some(round) = &mut self.round else { return };
        if number != self.number || self.members.get(round.asked) != Some(&from) {
            return;
        }
        let Some(place) = self.addresses.iter().position(|it| it.address == address) else {
            return;
        };
        round.told[place] = true;
        if let Some(macs) = seen
            && round.found[place].is_none()
        {
            round.found[place] = Some(Seen {
                by: from,
                at_ns: now_ns,
                macs,
            });
        }
        if round.told.iter().all(|told| *told) {
            round.until_ns = now_ns;
        }
    }

    /// Does what is due. `own` gives this node's hardware address where it carries an address.
    pub(super) fn due(
        &mut self,
        now_ns: u64,
        own: impl FnMut(IpAddr) -> Option<MacAddress>,
    ) -> Vec<Act> {
        if now_ns < self.next_ns() {
            return Vec::new();
        }
        match &mut self.round {
            None => {
                self.round = Some(Round {
                    asked: 0,
                    until_ns: 0,
                    told: vec![false; self.addresses.len()],
                    found: vec![None; self.addresses.len()],
                });
            }
            Some(round) => round.asked += 1,
        }
        self.ask(now_ns, own)
    }

    /// Asks the member whose turn it is, or ends the round when there is nothing left to ask or nobody.
    fn ask(&mut self, now_ns: u64, own: impl FnMut(IpAddr) -> Option<MacAddress>) -> Vec<Act> {
        let is_open = |round: &mut Round| round.found.iter().any(Option::is_none);
        let Some(round) = self.round.as_mut().filter(|_| !self.members.is_empty()) else {
            return self.end_round(now_ns, own);
        };
        let Some(member) = self.members.get(round.asked).filter(|_| is_open(round)) else {
            return self.end_round(now_ns, own);
        };
        self.number += 1;
        round.until_ns = now_ns + PATIENCE_NS;
        round.told.fill(false);
        vec![Act::Ask(*member, self.number)]
    }

    fn end_round(
        &mut self,
        now_ns: u64,
        mut own: impl FnMut(IpAddr) -> Option<MacAddress>,
    ) -> Vec<Act> {
        let found = self.round.take().map(|round| round.found);
        for (address, seen) in self.addresses.iter_mut().zip(found.into_iter().flatten()) {
            address.own = own(address.address);
            // What nobody could ask for stays as it was.
            if let Some(seen) = seen {
                let strangers = seen.macs.iter().filter(|mac| Some(**mac) != address.own);
                address.strangers = strangers.copied().collect();
                address.seen = Some(seen);
            }
        }
        let (all_ours, is_seen) = (
            self.addresses.iter().all(Verified::is_ours),
            self.addresses.iter().all(|address| address.seen.is_some()),
        );
        let last_try = self.tries >= PAUSES_NS.len();
        for address in &mut self.addresses {
            let fails = address.seen.is_some() && !address.is_ours();
            address.unverified = fails && (last_try || address.unverified);
        }
        let is_alarmed = |it: &Verified| it.unverified || !it.strangers.is_empty();
        let pace_ns = if self.addresses.iter().any(is_alarmed) {
            ALARMED_NS
        } else {
            SLOW_NS
        };
        let mut acts = vec![Act::Show];
        if all_ours {
            self.tries = 0;
            if !self.complete {
                self.complete = true;
                acts.push(Act::Complete(now_ns));
            }
            self.next_ns = now_ns + pace_ns;
        } else if last_try {
            self.next_ns = now_ns + pace_ns;
        } else {
            if is_seen {
                acts.push(Act::Announce);
            }
            self.next_ns = now_ns + PAUSES_NS[self.tries];
            self.tries += 1;
        }
        acts
    }
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
