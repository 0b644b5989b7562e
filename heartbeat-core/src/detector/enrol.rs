//! Who is watched: every other member, also where the configuration changes while the master judges.

use super::{Detector, Pace, Watched};
use crate::config::Config;

impl Detector {
    /// Says who is a member. Of those that stay, what was judged stays.
    pub(crate) fn enrol(&mut self, config: &Config) {
        let others = config.members.keys().filter(|slot| **slot != config.slot);
        // Both by slot, and maybe 10,000 of them: one walk through both.
        let mut known = std::mem::take(&mut self.members).into_iter().peekable();
        let watched = |slot: &u16| {
            while known.next_if(|member| member.slot < *slot).is_some() {}
            let stays = known.next_if(|member| member.slot == *slot);
            stays.unwrap_or_else(|| Watched::new(*slot, Pace::new(&config.timing, 0)))
        };
        self.members = others.map(watched).collect();
        self.regroup(config);
    }
}
