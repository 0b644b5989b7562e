//! Two nodes of a lab with the product's programs and no daemon: one asks, the other one answers.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use aya::programs::{ProgramInfo, loaded_programs};
use heartbeat_user::datapath::{AttachMode, Datapath, Opened, Setup};
use heartbeat_wire::maps::{Config, Keys, Member, NO_ADDRESS, Vip, mapped, member_flag};
use heartbeat_wire::tag::Key;

use crate::kernel::PinFolder;
use crate::lab::Lab;
use crate::lab::addresses::{GROUP, HEARTBEAT_PORT, Network, VIRTUAL_ADDRESS};

/// The slots of the two.
pub(super) const ASKER: u16 = 1;
/// See [`ASKER`].
pub(super) const ANSWERER: u16 = 2;
/// The key that both have.
pub(super) const KEY: Key = Key::from_bytes(*b"the bench's key.");
/// Longest lease that the gate believes and the responder grants: the longest part of a measurement.
pub(super) const LEASE_NS: u64 = 600_000_000_000;

/// One node's programs; its pins go with it.
pub(super) struct Ground {
    slot: u16,
    pub(super) opened: Opened,
    /// Ids of the responders that were loaded before.
    before: Vec<u32>,
    _pins: PinFolder,
}

impl Ground {
    /// Loads the programs of the node in `slot`; nothing is attached yet.
    pub(super) fn load(slot: u16) -> Result<Self> {
        let pins = PinFolder::new()?;
        let before: Vec<u32> = responders().map(|program| program.id()).collect();
        let members: Vec<(u16, Member)> = [ASKER, ANSWERER]
            .map(|slot| {
                let member = Member {
                    address: mapped(address(slot).octets()),
                    business_address: NO_ADDRESS,
                    flags: member_flag::PRESENT | member_flag::ELECTOR,
                };
                (slot, member)
            })
            .into();
        let vip = Vip {
            ifindex: 0,
            ..Vip::default()
        };
        let opened = Datapath::open(
            &pins.0,
            &Setup {
                config: config(slot),
                keys: Keys {
                    slots: [KEY, Key::default()],
                },
                members: &members,
                vips: &[(mapped(VIRTUAL_ADDRESS.octets()), vip)],
                max_slot: ANSWERER,
                abstention_ns: 240_000_000,
            },
        )?;
        opened.words.set_abstain_until(0);
        Ok(Self {
            slot,
            opened,
            before,
            _pins: pins,
        })
    }

    /// Attaches the responder to the node's management interface.
    pub(super) fn attach_responder(&mut self, lab: &Lab, wanted: AttachMode) -> Result<()> {
        let datapath = &mut self.opened.datapath;
        let interface = Network::Management.interface();
        lab.topology()
            .node(self.slot)
            .run(|| datapath.attach_responder(interface, wanted))??;
        Ok(())
    }

    /// How often the responder ran and for how long in all, in nanoseconds; needs the kernel's statistics. Of its two
    /// programs only the one that is attached runs.
    pub(super) fn ran(&self) -> Result<(u64, u64)> {
        let program = responders()
            .filter(|program| !self.before.contains(&program.id()))
            .max_by_key(ProgramInfo::run_count)
            .context("the responder is loaded")?;
        Ok((program.run_count(), super::ns(program.run_time())))
    }
}

fn responders() -> impl Iterator<Item = ProgramInfo> {
    loaded_programs()
        .filter_map(Result::ok)
        .filter(|program| matches!(program.name_as_str(), Some("heartbeat" | "heartbeat_tc")))
}

/// Management address of a slot.
pub(super) const fn address(slot: u16) -> Ipv4Addr {
    Network::Management.address(slot as u8)
}

/// What the node in `slot` goes by.
pub(super) fn config(slot: u16) -> Config {
    Config {
        max_lease_ns: LEASE_NS,
        detect_ns: LEASE_NS,
        own_address: mapped(address(slot).octets()),
        group: mapped(GROUP.octets()),
        port: HEARTBEAT_PORT,
        slot,
        ..crate::kernel::config()
    }
}
