//! Interfaces that vanish and come back: their gates, their responder, their membership and the sockets
//! bound to them are made anew.

use std::net::IpAddr;

use tracing::{debug, error, info, warn};

use super::failure::Failure;
use super::plan::Plan;
use super::shared::Facts;
use super::wiring;
use crate::config::Attach;
use crate::datapath::{AttachMode, Datapath};
use crate::hands::{self, Report};
use crate::net::netlink::{Link, LinkChange, Netlink, OwnerMark};
use crate::net::sysctl;
use crate::pulse::{OrderSender, PulseOrder};

/// Everything that hangs on interfaces.
pub(super) struct Relink {
    pub(super) plan: Plan,
    pub(super) datapath: Datapath,
    pub(super) netlink: Netlink,
    pub(super) mark: OwnerMark,
    pub(super) incarnation: u64,
    pub(super) facts: Facts,
}

impl Relink {
    /// Attaches the gates, before anything that could grant or take over: nothing stale may be served.
    pub(super) fn attach_gates(&mut self) -> Result<(), Failure> {
        for interface in self.plan.gated() {
            self.datapath
                .attach_gate(&interface)
                .map_err(Failure::other)?;
        }
        for carried in self.plan.carried() {
            self.mind_arp(&carried.interface);
        }
        Ok(())
    }

    /// Membership, then the responder: what is not heard needs no answer.
    pub(super) fn attach_responder(&mut self, management: &Link) -> Result<(), Failure> {
        let group: IpAddr = self.plan.config.group;
        self.netlink
            .add_multicast_membership(management, group, self.mark)
            .map_err(Failure::other)?;
        let wanted = match self.plan.config.attach {
            Attach::Auto => AttachMode::Auto,
            Attach::Native => AttachMode::Native,
            Attach::Generic => AttachMode::Generic,
        };
        let mode = self
            .datapath
            .attach_responder(&management.name, wanted)
            .map_err(Failure::other)?;
        info!(
            interface = management.name,
            mode = mode.as_str(),
            "responder attached"
        );
        self.facts.attached(mode);
        Ok(())
    }

    /// An address must be answered for on its own interface only, else another one answers past the gate's
    /// interface. Not being allowed to say so is told, not fatal: gates stand on all of them.
    fn mind_arp(&self, interface: &str) {
        if let Err(error) = sysctl::answer_own_addresses_only(interface) {
            self.facts.warn(error.to_string());
        }
    }

    /// Acts on what the hands saw of an interface.
    pub(super) fn link_changed(
        &mut self,
        interface: &str,
        change: LinkChange,
        pulse: &OrderSender,
    ) {
        match change {
            LinkChange::Appeared { .. } | LinkChange::MacChanged => {
                info!(interface, ?change, "attaching again");
                if let Err(failure) = self.attach_again(interface, pulse) {
                    error!(interface, %failure, "cannot attach again; tried again with the interface's next change");
                }
            }
            LinkChange::Gone => {
                if interface == self.plan.management().interface {
                    self.facts.detached();
                }
                warn!(interface, "interface is gone; waiting for it to come back");
            }
            LinkChange::Down => warn!(interface, "interface was switched off"),
            LinkChange::Up => {
                info!(interface, "interface was switched on");
                // Its addresses may have come back with it, and the sockets bound to them can be made now.
                if let Err(failure) = self.attach_again(interface, pulse) {
                    error!(interface, %failure, "cannot attach again; tried again with the interface's next change");
                }
            }
            LinkChange::CarrierLost => warn!(interface, "interface lost its carrier"),
            LinkChange::CarrierFound => info!(interface, "interface found its carrier"),
        }
    }

    fn attach_again(&mut self, interface: &str, pulse: &OrderSender) -> Result<(), Failure> {
        if self.plan.gated().contains(interface) {
            self.datapath
                .attach_gate(interface)
                .map_err(Failure::other)?;
        }
        if self
            .plan
            .carried()
            .iter()
            .any(|carried| carried.interface == interface)
        {
            self.mind_arp(interface);
        }
        let management = self
            .netlink
            .link(&self.plan.management().interface)
            .map_err(Failure::other)?;
        if interface == management.name {
            self.attach_responder(&management)?;
        }
        let wiring = wiring::open(&self.plan, &management, self.incarnation)?;
        pulse
            .send(PulseOrder::Rewire(Box::new(wiring)))
            .map_err(Failure::other)
    }

    /// Reports that are not about links are for the log.
    pub(super) fn heard(&mut self, report: &Report, pulse: &OrderSender) {
        match report {
            Report::Link { interface, change } => self.link_changed(interface, *change, pulse),
            Report::TookOver { epoch, .. } => {
                debug!(round = epoch.round(), "addresses added and announced");
            }
            Report::Released { epoch, .. } => debug!(round = epoch.round(), "addresses removed"),
            Report::Restored { address } => {
                warn!(
                    ?address,
                    "a virtual address was missing and was added again: somebody else deletes it"
                );
            }
            Report::Failed {
                action,
                address,
                error,
            } => {
                error!(?action, ?address, %error, "the hands failed; tried again until it works");
            }
            Report::Broken { error } => error!(%error, "the hands cannot go on; the daemon stops"),
        }
    }

    /// The end of an orderly stop: no more answers, no membership. The maps stay, with the promises in
    /// them, so that the next start needs no abstention.
    ///
    /// Addresses that the hands could not remove go first; if they cannot be, the gates stay.
    pub(super) fn detach(self) -> Result<(), Failure> {
        let Self {
            plan,
            datapath,
            mut netlink,
            mark,
            ..
        } = self;
        hands::clean_stale(&mut netlink, mark, &[]).map_err(Failure::other)?;
        datapath.detach_links().map_err(Failure::other)?;
        let group = plan.config.group;
        if let Ok(management) = netlink.link(&plan.management().interface) {
            netlink
                .delete_multicast_membership(management.index, group)
                .map_err(Failure::other)?;
        }
        Ok(())
    }
}
