//! Who is watched: every other member, also where the configuration changes while the master judges.

use super::reach::MOST_A_TURN;
use super::{Beat, Detector, Watched};
use crate::config::Config;

impl Detector {
    /// Says who is a member. Of those that stay, what was judged stays.
    pub(crate) fn enrol(&mut self, config: &Config) {
        let others = config.members.keys().filter(|slot| **slot != config.slot);
        // Both by slot, and maybe 10,000 of them: one walk through both.
        let members = std::mem::take(&mut self.members).into_iter();
        let beats = std::mem::take(&mut self.beats).into_iter();
        let mut known = members.zip(beats).peekable();
        let watched = |slot: &u16| {
            while known.next_if(|(member, _)| member.slot < *slot).is_some() {}
            let stays = known.next_if(|(member, _)| member.slot == *slot);
            stays.unwrap_or_else(|| (Watched::new(*slot), Beat::new(*slot)))
        };
        (self.members, self.beats) = others.map(watched).unzip();
        self.review.clear();
        // Room for all: judging allocates nothing.
        self.review.reserve(self.members.len() + MOST_A_TURN);
        self.close_questions();
        self.regroup(config);
    }
}
