//! What operators get to see and may ask for.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heartbeat_core::event::Order;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::Role;
use heartbeat_core::time::nanos;
use heartbeat_core::{Instant, Slot};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::alarms::identity;
use super::current::Current;
use super::details;
use super::differing::Differing;
use super::first_master::Found;
use super::happened::Happenings;
use super::linked;
use super::nodes::Nodes;
use super::reload::{self, Tally};
use super::restarting::{Restarting, Waits};
use super::shared::Facts;
use crate::config::change;
use crate::control::{
    AlarmsStatus, Bucket, Datapath, Details, InfoAnswer, InfoRequest, Local, LocalFacts,
    MastersView, Running, SinkTest, Status, VIEW_KEY, VerifiedStatus,
};
use crate::datapath::{Statistics, Words};
use crate::metrics::Measured;
use crate::net::mac::MacAddress;
use crate::peer::Peers;
use crate::pulse::{Durations, OrderSender, Published, PulseOrder};
use crate::store::Info;
use crate::sys::clock::boot_ns;
use crate::takeover::{Verified, View};
use crate::{alarm, hook, monitor};

/// How long a status waits for what its master wrote down: a disk that hangs leaves it out.
const TOLD: Duration = Duration::from_millis(200);

/// How long the pulse may take to answer. A turn takes far less than a millisecond; one that does not
/// answer in a second hangs, and that is what the operator must be told.
pub(super) const PULSE_ANSWERS: Duration = Duration::from_secs(1);

/// How long the store may take to tell how it is, before that is left out of the metrics.
const STORE_ANSWERS: Duration = Duration::from_secs(1);

/// Asks the parts of a daemon that runs.
pub(super) struct Operator {
    pub(super) current: Current,
    pub(super) reloads: Tally,
    /// What happened since the start.
    pub(super) happenings: Happenings,
    pub(super) highest_slot: Slot,
    /// The configuration file, for what it proposes later.
    pub(super) file: PathBuf,
    pub(super) words: Words,
    pub(super) statistics: Mutex<Statistics>,
    pub(super) pulse: OrderSender,
    pub(super) facts: Facts,
    pub(super) view: View,
    pub(super) services: monitor::View,
    pub(super) hooks: hook::View,
    pub(super) alarms: alarm::View,
    pub(super) found: Found,
    pub(super) restarting: Restarting,
    /// The dynamic information on this node.
    pub(super) dynamic: Info,
    /// The links to the other daemons.
    pub(super) peers: Peers,
    /// What each node is.
    pub(super) nodes: Nodes,
    /// In what others' configurations differ.
    pub(super) differing: Differing,
}

impl Operator {
    pub(super) async fn order(&self, order: Order) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        self.pulse.send(PulseOrder::Election(order, Some(answer)))?;
        wait(answered, PULSE_ANSWERS).await?
    }

    pub(super) async fn status(&self) -> Result<Status, String> {
        self.status_by(self.published().await?).await
    }

    /// What the pulse tells of itself.
    async fn published(&self) -> Result<Published, String> {
        let (answer, answered) = oneshot::channel();
        self.pulse.send(PulseOrder::Publish(answer))?;
        wait(answered, PULSE_ANSWERS).await
    }

    async fn status_by(&self, published: Published) -> Result<Status, String> {
        let told = self.told(published.snapshot.role).await;
        let plan = self.current.plan();
        let answered = |network| {
            let connection = (plan.connections()).find(|(its, _)| *its == network)?.1;
            let mode = self.facts.mode(&connection.interface)?;
            Some(Datapath {
                interface: connection.interface.clone(),
                mode: mode.as_str().to_owned(),
            })
        };
        let facts = LocalFacts {
            slot: plan.slot,
            virtual_addresses: self.virtual_addresses(&plan, &published.snapshot)?,
            services: self.services.statuses(Instant(boot_ns())),
            hooks: self.hooks.statuses(),
            datapath: answered(Network::Management),
            business_datapath: answered(Network::Business),
            local: local(&published.lateness, &published.taken),
            reloads: self.reloads.status(),
            warnings: [
                self.facts.warnings(),
                self.view.shown().warnings,
                self.peers.deaf().into_values().collect(),
            ]
            .concat(),
            differing: self.differing.told(),
            links: linked::status(&self.peers),
            replies: published.replies,
            first_master: self.found.get(),
            raised_at: self.alarms.raised_at(),
            told,
        };
        Ok(Status::new(&plan.config, &published.snapshot, facts))
    }

    /// All that is measured; the pulse is asked once.
    pub(super) async fn measured(&self) -> Result<Measured, String> {
        let published = self.published().await?;
        let (lateness, turns) = (published.lateness.clone(), published.taken.clone());
        let store = match timeout(STORE_ANSWERS, self.dynamic.ask(InfoRequest::Store)).await {
            Ok(InfoAnswer::Store(status)) => Some(status),
            Ok(_) | Err(_) => None,
        };
        Ok(Measured {
            status: self.status_by(published).await?,
            details: self.details()?,
            lateness: details::filled(lateness.buckets()),
            turns: details::filled(turns.buckets()),
            sinks: self.alarms.sinks(),
            store,
            happened: self.happenings.counted(),
            configured: self.reloads.configured(),
        })
    }

    /// What the master wrote down, as far as it is on this node's disk. A master judges itself.
    async fn told(&self, role: Role) -> Option<MastersView> {
        if role == Role::Master {
            return None;
        }
        let request = InfoRequest::Get {
            key: VIEW_KEY.to_owned(),
            local: true,
        };
        match timeout(TOLD, self.dynamic.ask(request)).await.ok()? {
            InfoAnswer::Entry(entry) => serde_json::from_slice(&entry?.value.0).ok(),
            _ => None,
        }
    }

    pub(super) async fn alarms(&self) -> Result<AlarmsStatus, String> {
        Ok(AlarmsStatus {
            alarms: self.status().await?.alarms,
            sinks: self.alarms.sinks(),
        })
    }

    /// Answered once every sink took it, or did not in its time.
    pub(super) async fn test_alarms(&self) -> Result<Vec<SinkTest>, String> {
        let plan = self.current.plan();
        let (wanted, from) = (&plan.config.alarms, plan.own().business.as_ref());
        if wanted.sinks.is_empty() {
            return Err("no sink is configured: add [[alarms.sink]]".to_owned());
        }
        Ok(alarm::test(wanted, from, &identity(&plan)).await)
    }

    /// What the kernel counted. Its maps are read here, the pulse has no part in it.
    pub(super) fn details(&self) -> Result<Details, String> {
        let plan = self.current.plan();
        let slots: Vec<Slot> = plan.config.members.keys().copied().collect();
        // What a panic leaves half read is read anew.
        let mut statistics = self
            .statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        details::details(plan.slot, &slots, &mut statistics)
            .map_err(|error| format!("cannot read what the kernel counted: {error}"))
    }

    /// How late the pulse's turns began.
    pub(super) async fn lateness(&self) -> Result<Vec<Bucket>, String> {
        let published = self.published().await?;
        Ok(details::filled(published.lateness.buckets()))
    }

    /// Whom this node takes for the master.
    pub(super) async fn master(&self) -> Result<Option<Slot>, String> {
        Ok(self.published().await?.snapshot.master)
    }

    pub(super) async fn switchover(&self, to: Option<Slot>) -> Result<String, String> {
        self.order(Order::Switchover(to)).await
    }

    /// The answer waits for a hook that runs, and for a majority's grant.
    pub(super) async fn restart(&self) -> Result<String, String> {
        self.restarting.order(Waits::ForAnAnswer).await
    }

    /// Only for who named this very cluster.
    pub(super) async fn force(&self, cluster: &str) -> Result<String, String> {
        let own = &self.current.plan().config.cluster;
        if cluster != own {
            return Err(format!(
                "this is cluster {own}, not {cluster}: nothing was done"
            ));
        }
        self.order(Order::Force).await
    }

    /// Answered once what the file says is in force.
    pub(super) async fn reload(&self) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        self.pulse.send(PulseOrder::Reload(Some(answer)))?;
        let ended = "the daemon stops before it reloads".to_owned();
        answered.await.map_err(|_| ended)?
    }

    /// What is in force.
    pub(super) async fn running(&self) -> Result<Running, String> {
        let published = self.published().await?;
        let plan = self.current.plan();
        Ok(Running {
            node: reload::place(
                plan.slot,
                &published.snapshot.electors.record,
                self.highest_slot,
            ),
            facts: change::Facts::of(&plan.config),
        })
    }

    pub(super) async fn maintenance(&self, on: bool) -> Result<String, String> {
        self.order(Order::Maintenance(on)).await
    }
}

/// What another member saw of an address that this node serves.
pub(super) fn verified(all: &[Verified], address: IpAddr) -> Option<VerifiedStatus> {
    let verified = all.iter().find(|it| it.address == address)?;
    let seen = verified.seen.as_ref();
    let texts = |macs: &[MacAddress]| macs.iter().map(MacAddress::to_string).collect();
    Some(VerifiedStatus {
        ours: seen.map(|_| verified.is_ours()),
        by_slot: seen.map(|seen| seen.by),
        age_us: seen.map(|seen| boot_ns().saturating_sub(seen.at_ns) / 1_000),
        answered_by: texts(seen.map_or(&[], |seen| &seen.macs)),
        strangers: texts(&verified.strangers),
        unverified: verified.unverified,
    })
}

pub(super) async fn wait<T>(answered: oneshot::Receiver<T>, most: Duration) -> Result<T, String> {
    match timeout(most, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => {
            Err("the pulse thread ended before it answered; the daemon is stopping".to_owned())
        }
        Err(_) => Err(format!(
            "the pulse thread did not answer within {} s: it hangs, or the processor is taken from it; the gate shuts \
             when the lease ends",
            most.as_secs()
        )),
    }
}

fn local(lateness: &Durations, taken: &Durations) -> Local {
    let us = |duration| nanos(duration) / 1_000;
    Local {
        turns: lateness.turns(),
        last_lateness_us: us(lateness.last()),
        median_lateness_us: us(lateness.quantile(500)),
        p999_lateness_us: us(lateness.quantile(999)),
        worst_lateness_us: us(lateness.worst()),
        last_turn_us: us(taken.last()),
        median_turn_us: us(taken.quantile(500)),
        p999_turn_us: us(taken.quantile(999)),
        worst_turn_us: us(taken.worst()),
    }
}
