//! Who is watched: every other member, also where the configuration changes while the master judges.

use super::reach::MOST_A_TURN;
use super::{Detector, Watched};
use crate::config::Config;

impl Detector {
    /// Says who is a member. Of those that stay, what was judged stays.
    pub(crate) fn enrol(&mut self, config: &Config) {
        let others = || {
            let all = config.members.keys().copied();
            all.filter(|slot| *slot != config.slot)
        };
        // Both by slot, and maybe 10,000 of them: one walk through both.
        let mut known = std::mem::take(&mut self.members).into_iter().peekable();
        let watched = |slot| {
            while known.next_if(|member| member.slot < slot).is_some() {}
            let stays = known.next_if(|member| member.slot == slot);
            stays.unwrap_or_else(|| Watched::new(slot))
        };
        self.members = others().map(watched).collect();
        self.beats.enrol(others());
        self.review.clear();
        // Room for all: judging allocates nothing.
        self.review.reserve(self.members.len() + MOST_A_TURN);
        self.close_questions();
        self.regroup(config);
    }
}
