//! What hangs on interfaces: gates, the responder, the membership and the sockets. Attached at start, and
//! again when an interface vanished and came back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use heartbeat_core::message::Network;
use tracing::{error, info, warn};

use super::failure::Failure;
use super::macvlan;
use super::plan::{LOOPBACK, Plan};
use super::renewal::Loading;
use super::shared::Facts;
use super::stale;
use super::vlan;
use super::wiring;
use crate::datapath::{AttachMode, Datapath, Mode, program_on};
use crate::net::netlink::{Added, Link, LinkChange, Netlink, OwnerMark};
use crate::net::sysctl;
use crate::pulse::{OrderSender, PulseOrder, Rewire};
use crate::sys::ethtool::strips_vlan_tags;
use crate::takeover::Tellers;

/// How soon what could not be attached is tried again: an interface that comes back has its address a
/// moment later, and no event of a link tells of it.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// Pauses double up to this one: an address that an operator puts back is in use that much later at most.
const LONGEST_RETRY: Duration = Duration::from_secs(2);
/// How often membership and gates are looked after ([`super::looking_after`]).
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// Everything that hangs on interfaces.
pub(super) struct Relink {
    pub(super) plan: Plan,
    pub(super) datapath: Datapath,
    pub(super) netlink: Netlink,
    pub(super) mark: OwnerMark,
    pub(super) incarnation: u64,
    pub(super) facts: Facts,
    /// Networks whose control datagrams the pulse has a socket for.
    pub(super) wired: BTreeSet<Network>,
    /// The takeover thread's senders on the same sockets.
    pub(super) tellers: Tellers,
    pub(super) again: Again,
    /// What the pulse was told of the business link.
    pub(super) told_carrier: Option<bool>,
    /// Where this process's kernel programs come from while they are loaded.
    pub(super) loading: Option<Loading>,
}

/// What is to be attached again, and when.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) interfaces: BTreeSet<String>,
    pause: Duration,
    at: Instant,
    look_after: Instant,
}

impl Default for Again {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            interfaces: BTreeSet::new(),
            pause: FIRST_RETRY,
            at: now,
            look_after: now + LOOK_AFTER,
        }
    }
}

impl Relink {
    /// Attaches the gates, before anything that could grant or take over: nothing stale may be served.
    pub(super) fn attach_gates(&mut self) -> Result<(), Failure> {
        for interface in self.plan.gated() {
            self.attach_gate(&interface)?;
        }
        Ok(())
    }

    pub(super) fn attach_gate(&mut self, interface: &str) -> Result<(), Failure> {
        for interface in self.with_parent(interface) {
            self.datapath.attach_gate(&interface).map_err(Failure::of)?;
            // On each of them: Linux goes by the settings of the interface that a question comes in by.
            if interface != LOOPBACK {
                self.mind_manners(&interface);
            }
        }
        Ok(())
    }

    /// The interface, and the one under it if that is on the same wire: it hears every question for an address of the
    /// other, and Linux would answer there too.
    pub(super) fn with_parent(&mut self, interface: &str) -> Vec<String> {
        let name = interface.to_owned();
        // One that is gone, or a kernel that does not tell, is told of when the gate is attached.
        let Some(index) = (self.netlink.link(interface).ok()).and_then(|it| macvlan::parent(&it))
        else {
            return vec![name];
        };
        let links = self.netlink.links().unwrap_or_default();
        let parent = links.into_iter().find(|other| other.index == index);
        std::iter::once(name)
            .chain(parent.map(|it| it.name))
            .collect()
    }

    /// Membership, then the responders: what is not heard needs no answer.
    pub(super) fn attach_responders(&mut self, management: &Link) -> Result<(), Failure> {
        self.join(management)?;
        for (interface, wanted) in self.plan.responders() {
            let link = self.netlink.link(&interface).map_err(Failure::of)?;
            self.attach_responder(&link, wanted)?;
        }
        Ok(())
    }

    fn attach_responder(&mut self, link: &Link, wanted: AttachMode) -> Result<(), Failure> {
        let interface = link.name.as_str();
        let mode = self
            .datapath
            .attach_responder(interface, wanted)
            .map_err(Failure::of)?;
        info!(interface, mode = mode.as_str(), "responder attached");
        match mode {
            Mode::Native | Mode::Generic => self.mind_tags(link)?,
            // There a tag lies beside the packet, and stays with the answer.
            Mode::Tc => tell_who_is_before(interface),
        }
        self.facts.attached(interface, mode);
        Ok(())
    }

    /// A tag that the hardware keeps from the responder would be missing in its answer.
    fn mind_tags(&mut self, link: &Link) -> Result<(), Failure> {
        let strips = match strips_vlan_tags(&link.name) {
            Ok(strips) => strips,
            Err(error) => {
                info!(interface = link.name, %error, "unknown whether VLAN tags are taken off");
                return Ok(());
            }
        };
        let links = self.netlink.links().map_err(Failure::of)?;
        if let Some(warning) = vlan::lost_tags(link, &links, strips) {
            self.facts.warn(warning);
        }
        Ok(())
    }

    /// Joins the group, where there is one. Whether it had to.
    pub(super) fn join(&mut self, management: &Link) -> Result<bool, Failure> {
        let Some(group) = self.plan.config.group else {
            return Ok(false);
        };
        self.netlink
            .add_multicast_membership(management, group, self.mark)
            .map(|added| added == Added::New)
            .map_err(Failure::of)
    }

    /// An address must be answered for on its own interface only, else another one answers past the gate's
    /// interface; a question without an answer is repeated soon; and IPv6 addresses outlive a switching off. Not
    /// being allowed to say so is told, not fatal: gates stand on all of them.
    fn mind_manners(&self, interface: &str) {
        for set in [
            sysctl::answer_own_addresses_only,
            sysctl::ask_again_soon,
            sysctl::keep_addresses,
        ] {
            if let Err(error) = set(interface) {
                self.facts.warn(error.to_string());
            }
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
            LinkChange::Appeared { .. } => {
                info!(interface, "interface is back");
                self.try_again(interface, pulse);
            }
            LinkChange::MacChanged => {
                info!(interface, "interface has another hardware address");
                self.try_again(interface, pulse);
            }
            LinkChange::Gone => self.gone(interface, pulse),
            LinkChange::Down => warn!(interface, "interface was switched off"),
            LinkChange::Up => {
                info!(interface, "interface was switched on");
                if self.again.interfaces.contains(interface) {
                    self.try_again(interface, pulse);
                }
            }
            LinkChange::CarrierLost => warn!(interface, "interface lost its carrier"),
            LinkChange::CarrierFound => info!(interface, "interface found its carrier"),
        }
        self.tell_carrier(pulse);
    }

    fn gone(&mut self, interface: &str, pulse: &OrderSender) {
        warn!(interface, "interface is gone; waiting for it to come back");
        let why = format!("interface {interface} is gone; it is used again as soon as it is back");
        self.facts.lacks(interface, why);
        // Its return is an event: until then there is nothing to try.
        self.again.interfaces.remove(interface);
        self.facts.detached(interface);
        for (network, connection) in self.plan.connections() {
            if connection.interface == interface {
                self.wired.remove(&network);
                self.tellers.remove(network);
                if let Err(failure) = rewire(Rewire::NoControl(network), pulse) {
                    warn!(interface, %failure, "the pulse goes on reading what is gone");
                }
            }
        }
    }

    /// When [`Relink::look`] has something to do.
    pub(super) fn next_look(&self) -> Instant {
        let again = if self.again.interfaces.is_empty() {
            self.again.look_after
        } else {
            self.again.at.min(self.again.look_after)
        };
        match &self.loading {
            Some(loading) => again.min(loading.look_at),
            None => again,
        }
    }

    /// Does what is due by now: attaches again, looks after what others may delete.
    pub(super) fn look(&mut self, pulse: &OrderSender) {
        let now = Instant::now();
        self.renew_programs(now);
        if now >= self.again.at && !self.again.interfaces.is_empty() {
            for interface in self.again.interfaces.clone() {
                self.try_again(&interface, pulse);
            }
            self.again.pause = (self.again.pause * 2).min(LONGEST_RETRY);
            self.again.at = now + self.again.pause;
        }
        if now >= self.again.look_after {
            self.again.look_after = now + LOOK_AFTER;
            self.look_after_what_is_there();
            self.tell_carrier(pulse);
        }
    }

    /// Attaches again, and has it tried once more later if that fails.
    fn try_again(&mut self, interface: &str, pulse: &OrderSender) {
        let Err(failure) = self.attach_again(interface, pulse) else {
            self.again.interfaces.remove(interface);
            self.facts.whole(interface);
            info!(interface, "interface is in use again");
            return;
        };
        if self.again.interfaces.is_empty() {
            self.again.pause = FIRST_RETRY;
            self.again.at = Instant::now() + FIRST_RETRY;
        }
        if self.again.interfaces.insert(interface.to_owned()) {
            error!(interface, %failure, "cannot use the interface again yet; tried until it works");
        }
        let why = format!("interface {interface} cannot be used yet: {failure}");
        self.facts.lacks(interface, why);
    }

    /// The gate first; then all sockets are made before the first is used, so that one that cannot be made
    /// leaves none bound that would be in the next attempt's way.
    fn attach_again(&mut self, interface: &str, pulse: &OrderSender) -> Result<(), Failure> {
        self.attach_gate(interface)?;
        pulse
            .send(PulseOrder::Gated(interface.to_owned()))
            .map_err(Failure::other)?;
        let mut sockets = Vec::new();
        let link = self.netlink.link(interface).map_err(Failure::of)?;
        let is_management = interface == self.plan.management().interface;
        if is_management {
            self.join(&link)?;
        }
        let here = (self.plan.connections()).find(|(_, there)| there.interface == interface);
        if let Some((network, _)) = here {
            self.attach_responder(&link, self.plan.attach_mode(network))?;
        }
        if is_management && let Some(probes) = wiring::probe_socket(&self.plan, &link)? {
            sockets.push(Rewire::Probes(probes));
        }
        for (network, connection) in self.plan.connections() {
            if connection.interface == interface && !self.wired.contains(&network) {
                let channel = wiring::channel(&self.plan, network, connection, self.incarnation)?;
                sockets.push(Rewire::Control(channel));
            }
        }
        for socket in sockets {
            let network = socket.network();
            let teller = wiring::teller(&socket)?;
            rewire(socket, pulse)?;
            self.wired.extend(network);
            if let Some((network, teller)) = network.zip(teller) {
                self.tellers.set(network, teller);
            }
        }
        Ok(())
    }

    /// Removes the virtual addresses that follow the master; those of this slot stay.
    pub(super) fn remove_masters_addresses(&mut self) -> Result<(), Failure> {
        stale::remove_all_but_own(&self.plan, &mut self.netlink, self.mark)
    }

    /// Removes the virtual addresses, without which no gate is needed.
    pub(super) fn remove_addresses(&mut self) -> Result<(), Failure> {
        stale::remove_all_but(&[], &mut self.netlink, self.mark)
    }

    /// The end of an orderly stop: no more answers, no membership. The maps stay, with the promises in
    /// them, so that the next start needs no abstention.
    ///
    /// Addresses that the hands could not remove go first; if they cannot be, the gates stay.
    pub(super) fn detach(mut self) -> Result<(), Failure> {
        self.remove_addresses()?;
        self.datapath.detach_links().map_err(Failure::of)?;
        if let Some(group) = self.plan.config.group
            && let Ok(management) = self.netlink.link(&self.plan.management().interface)
        {
            self.netlink
                .delete_multicast_membership(management.index, group)
                .map_err(Failure::of)?;
        }
        Ok(())
    }
}

/// Whose XDP program meets heartbeats before the responder does.
fn tell_who_is_before(interface: &str) {
    if let Ok(Some(program)) = program_on(interface) {
        warn!(
            interface,
            program = program.name,
            id = program.id,
            "another XDP program is on the interface: heartbeats are answered behind it, so it must pass them"
        );
    }
}

fn rewire(rewire: Rewire, pulse: &OrderSender) -> Result<(), Failure> {
    pulse
        .send(PulseOrder::Rewire(rewire))
        .map_err(Failure::other)
}
