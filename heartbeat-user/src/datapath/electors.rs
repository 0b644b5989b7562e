//! Which electors' sets the kernel grants by, and which configuration it names: changed while the programs run.

use std::time::Duration;

use aya::maps::{Array, MapData};
use heartbeat_core::time::nanos;
use heartbeat_core::{ElectorRecord, ElectorSet, Slots};
use heartbeat_wire::maps::{Config, Member, member_flag, name};

use super::configure::map_error;
use super::error::DatapathError;

/// The maps that say so, as the daemon left them at its start.
pub struct Sets {
    pub(super) config: Array<MapData, Config>,
    pub(super) members: Array<MapData, Member>,
    pub(super) written: Config,
    pub(super) flagged: Slots,
}

impl Sets {
    /// Has the kernel grant by these sets, and by no other, from now on.
    ///
    /// The program reads version and digest one after the other: in the middle of this it may find a set that
    /// nobody goes by, and then it grants nothing to that one frame.
    ///
    /// # Errors
    /// What bpf(2) answers.
    pub fn name(&mut self, record: &ElectorRecord) -> Result<(), DatapathError> {
        name_sets(&mut self.written, record);
        let failed = map_error("write", name::CONFIG);
        self.config.set(0, self.written, 0).map_err(failed)?;
        self.flag_electors(&record.in_force)
    }

    /// Has the kernel name this digest of the configuration in its answers from now on, and take answers to this node's
    /// own questions for so long, a lease.
    ///
    /// # Errors
    /// What bpf(2) answers; both then stay.
    pub fn go_by(&mut self, digest: u64, lease: Duration) -> Result<(), DatapathError> {
        let written = Config {
            config_digest: digest,
            detect_ns: nanos(lease),
            ..self.written
        };
        let failed = map_error("write", name::CONFIG);
        self.config.set(0, written, 0).map_err(failed)?;
        self.written = written;
        Ok(())
    }

    /// The digest and the lease that were written last.
    #[must_use]
    pub const fn goes_by(&self) -> (u64, Duration) {
        let Config {
            config_digest,
            detect_ns,
            ..
        } = self.written;
        (config_digest, Duration::from_nanos(detect_ns))
    }

    /// The longest lease that the kernel grants.
    #[must_use]
    pub const fn max_lease(&self) -> Duration {
        Duration::from_nanos(self.written.max_lease_ns)
    }

    /// For those who look into the map: no decision of the kernel's rests on it.
    fn flag_electors(&mut self, set: &ElectorSet) -> Result<(), DatapathError> {
        let before = std::mem::replace(&mut self.flagged, set.slots);
        for slot in before.iter().chain(set.slots.iter()) {
            let index = u32::from(slot);
            let read = self.members.get(&index, 0);
            let mut member = read.map_err(map_error("read", name::MEMBERS))?;
            member.flags &= !member_flag::ELECTOR;
            if set.slots.contains(slot) {
                member.flags |= member_flag::ELECTOR;
            }
            let written = self.members.set(index, member, 0);
            written.map_err(map_error("write", name::MEMBERS))?;
        }
        Ok(())
    }
}

/// Writes the sets of `record` into what the programs go by.
pub fn name_sets(config: &mut Config, record: &ElectorRecord) {
    let sets = || std::iter::once(&record.in_force).chain(record.next());
    let longest = sets().map(|set| set.max_lease).max().unwrap_or_default();
    config.max_lease_ns = nanos(longest);
    config.elector_version = record.in_force.version;
    config.elector_digest = record.in_force.digest();
    config.next_version = record.next().map_or(0, |next| next.version);
    config.next_digest = record.next().map_or(0, ElectorSet::digest);
    config.is_elector = u16::from(sets().any(|set| set.slots.contains(config.slot)));
}
