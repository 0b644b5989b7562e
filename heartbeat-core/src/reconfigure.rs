//! Another configuration takes the place of the one that the election goes by, while it runs.

use crate::Instant;
use crate::config::{Config, Mode};
use crate::node::Node;
use crate::roster::Roster;
use crate::snapshot::Alarm;

impl Node {
    /// Goes by `config` from now on, and by the electors' set in force as before: the file only proposes one.
    ///
    /// Neither stage nor lease nor grants are touched: no mastership ends by it.
    ///
    /// # Panics
    /// When something differs that the driver must not change while the election runs: this node's slot, its
    /// mode, in a pair the period or the multiplier, whether an elector is a member or a witness. When the lease is
    /// longer than `max_lease` of the set in force.
    pub(crate) fn on_reconfigured(&mut self, mut config: Config, now: Instant) {
        assert!(
            config.slot == self.config.slot && config.mode == self.config.mode,
            "slot and mode stay"
        );
        let (own, timing) = (&self.config.timing, &mut config.timing);
        let is_retimed = (timing.period, timing.multiplier) != (own.period, own.multiplier);
        assert!(
            !is_retimed || config.mode == Mode::Quorum,
            "in a pair, evidence rests on one lease for both"
        );
        assert!(
            timing.lease() <= own.max_lease,
            "no lease is longer than max_lease"
        );
        timing.max_lease = own.max_lease;
        timing.restart_lease = timing.restart_lease.min(own.max_lease);
        config.elector_version = self.config.elector_version;
        config.elector_digest = self.config.elector_digest;
        for (slot, member) in &mut config.members {
            member.elector = self.roster.is_elector(*slot);
        }
        let roster = Roster::new(&config);
        assert!(
            roster.electors == self.roster.electors && roster.heirs == self.roster.heirs,
            "electors stay, and so do the witnesses among them"
        );
        let before = std::mem::replace(&mut self.config, config);
        if !before.members.keys().eq(self.config.members.keys()) {
            self.enrol();
        }
        if before.takeover != self.config.takeover {
            self.enrol_slots(now);
        }
        if is_retimed {
            self.retime(&before.timing);
        }
    }

    /// Others are members now.
    fn enrol(&mut self) {
        self.detector.enrol(&self.config);
        self.health.enrol(&self.config);
        self.electors.tell_at_once();
        self.forget_strangers();
    }

    /// Nobody clears the alarms of who is no member any more.
    fn forget_strangers(&mut self) {
        let of_stranger = |alarm: &&Alarm| match alarm {
            Alarm::Member(slot, _) | Alarm::DuplicateSlot(slot) => {
                !self.config.members.contains_key(slot)
            }
            Alarm::ClockFault
            | Alarm::NoMaster
            | Alarm::NotElectable
            | Alarm::Forced
            | Alarm::ElectorsChange
            | Alarm::Degraded
            | Alarm::FenceFailed
            | Alarm::Service
            | Alarm::HandoversSpent
            | Alarm::Business => false,
        };
        let in_force = self.alarms.in_force().iter();
        let of_strangers: Vec<Alarm> = in_force.filter(of_stranger).copied().collect();
        for alarm in of_strangers {
            self.set_alarm(alarm, false);
        }
    }
}
