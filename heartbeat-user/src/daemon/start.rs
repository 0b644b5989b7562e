//! Bringing the parts up: gates, sockets, hands, then what answers probes, and at once the pulse that beats
//! for it.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use heartbeat_core::event::Restored;
use heartbeat_core::snapshot::{Reason, Role};
use heartbeat_core::time::nanos;
use heartbeat_core::{Epoch, Instant, Slot};
use tokio::runtime::Handle;
use tracing::info;

use super::Daemon;
use super::alarms;
use super::chronicle::Chronicle;
use super::current::Current;
use super::differing::Differing;
use super::dynamic;
use super::failure::Failure;
use super::fence::Fencing;
use super::first_master::{Found, Inquiry};
use super::ground::Ground;
use super::handing::Begun;
use super::happened::Happenings;
use super::history::History;
use super::kernel_log;
use super::last_run::LastRun;
use super::linked;
use super::manager::Manager;
use super::nodes::Nodes;
use super::operator::Operator;
use super::plan::{Carried, Plan};
use super::recorder;
use super::relink::{Again, Relink};
use super::reload::Tally;
use super::restarting::Restarting;
use super::scribe::Scribe;
use super::shared::Facts;
use super::stale;
use super::watched;
use super::wiring;
use crate::datapath::{
    self, Datapath, Events, HeardWords, Hooks, Kept, Opened, Replies, Sets, Statistics, Words,
};
use crate::floor::Floors;
use crate::hands::{Hands, Order, VirtualAddress};
use crate::net::netlink::{Link, Netlink, OwnerMark};
use crate::peer::Peers;
use crate::pulse::convert::{daemon_words, kernel_words};
use crate::pulse::frames::FrameSigner;
use crate::pulse::{self, Answers, NOTES_DEPTH, Parts, Wiring};
use crate::recorder::{Birth, RecordedNode};
use crate::sys::clock::boot_ns;
use crate::sys::memory;
use crate::sys::realtime::Realtime;
use crate::takeover::{self, Around, Takeover, Tellers, View};

impl Daemon {
    /// Starts a daemon on its ground, and gives what operators ask it by. `hurry` ends when there is time: a lease
    /// that the last process left is taken up, or programs have to be loaded first.
    pub(super) fn start(
        ground: Ground,
        bpf_dir: &Path,
        management: &Link,
        facts: &Facts,
        history: Arc<Mutex<History>>,
        mut manager: Manager,
        mut hurry: Option<Realtime>,
    ) -> Result<(Self, Operator), Failure> {
        if let Err(error) = memory::lock_all() {
            facts.warn(error.to_string());
        }
        let (plan, state) = (ground.plan, ground.state);
        let (floor, last_run) = (ground.floor, ground.last_run);
        let is_first = !has_links(bpf_dir);
        let (mut relink, kernel) = load(&plan, ground.netlink, bpf_dir, facts, &mut hurry)?;
        let (hands, wiring) = match attach(&mut relink, &kernel, management) {
            Ok(attached) => attached,
            Err(failure) => {
                if is_first {
                    relink.detach()?;
                }
                return Err(failure);
            }
        };
        let (orders, order_intake) = pulse::orders().map_err(Failure::of)?;
        let (notes, taken) = sync_channel(NOTES_DEPTH);
        let mut birth = birth(&plan, floor, &last_run, &kernel);
        let mut node = birth.node();
        let role = node.snapshot(Instant(boot_ns())).role;
        let is_master = role == Role::Master;
        let goes_on = is_master.then(|| Epoch(kernel.words.control().lease_epoch));
        if !is_master {
            relink.remove_masters_addresses()?;
            // Removing waits for the kernel's RTNL lock; the election begins now.
            birth = self::birth(&plan, floor, &last_run, &kernel);
            node = birth.node();
        }
        let (recorder, tap) = recorder::start(&plan, state.path(), birth, facts)?.unzip();
        let (tasks, taken_tasks) = takeover::tasks();
        let view = View::default();
        let around = Around::new(plan.surroundings(), tasks.clone());
        let setup = takeover::Setup {
            slot: plan.slot,
            around: around.clone(),
            electors: plan.electors,
            tellers: relink.tellers.clone(),
            view: view.clone(),
            pulse: orders.clone(),
        };
        let takeover = Takeover::start(setup, tasks.clone(), taken_tasks).map_err(Failure::of)?;
        let peers = Peers::start(linked::membership(&plan), Handle::current());
        let electors = (
            dynamic::electors(&plan.electors),
            plan.config.pair.is_some(),
        );
        let (words, pulse) = (&kernel.words, &orders);
        let floors = Floors::start(plan.slot, electors, state.clone(), floor, words, &peers);
        let watched = watched::start(&plan, words, &state, goes_on, pulse, &history, &floors)?;
        let (current, reloads) = (Current::new(plan.clone()), Tally::new());
        let happenings = Happenings::default();
        let nodes = Nodes::start(&current, &peers, facts, &state);
        let highest_slot = relink.datapath.highest_slot();
        let differing = Differing::start(&current, &orders, &peers, highest_slot);
        let alarms = alarms::start(&current, &state, is_master, &view)?;
        let dynamic = dynamic::start(&plan, &state, words, &peers, &floors, goes_on)?;
        let found = Found::default();
        let inquiry = watched.diary.map(|diary| Inquiry {
            words: kernel.words.clone(),
            pulse: orders.clone(),
            current: current.clone(),
            found: found.clone(),
            diary,
            own: goes_on.unwrap_or(Epoch::NONE),
        });
        let chronicle = Chronicle::new(&dynamic, &orders, &current, &alarms);
        if let Some(epoch) = goes_on {
            let reason = "a new process went on with it".to_owned();
            chronicle.begin(epoch, reason, Begun::InTheLastLife);
        }
        let operator = Operator {
            dynamic: dynamic.clone(),
            found,
            view,
            services: watched.services,
            hooks: watched.ran,
            alarms: alarms.view().clone(),
            restarting: Restarting::new(current.clone(), orders.clone(), watched.rest),
            words: kernel.words.clone(),
            statistics: Mutex::new(kernel.statistics),
            pulse: orders.clone(),
            facts: facts.clone(),
            current: current.clone(),
            reloads: reloads.clone(),
            happenings: happenings.clone(),
            peers: peers.clone(),
            nodes,
            differing: differing.clone(),
            highest_slot,
            file: ground.file.clone(),
        };
        let maps_kept = kernel.kept.maps_kept;
        manager.role(role, &Reason::Started.to_string());
        let parts = Parts {
            answers: Answers::new(kernel.replies, kernel.heard, &plan.for_core()),
            node: RecordedNode::new(node, tap),
            words: kernel.words,
            ring: kernel.events,
            sets: kernel.sets,
            signer: signer(&plan, kernel.kept.incarnation),
            wiring,
            hands,
            takeover: tasks,
            addresses: addresses(plan.carried()),
            leased: leased(&plan),
            slot: plan.slot,
            addresses_wait: watched::addresses_wait(&plan),
            orders: order_intake,
            watchdog: manager.watchdog().map_err(Failure::of)?,
            notes,
        };
        let pulse = pulse::spawn(parts).map_err(Failure::of)?;
        if !relink.datapath.is_loaded() {
            relink.load().map_err(Failure::of)?;
        }
        if let Some(error) = pulse.not_realtime {
            facts.warn(error.to_string());
        }
        info!(
            cluster = plan.config.cluster,
            slot = plan.slot,
            maps_kept,
            "running"
        );
        let daemon = Self {
            scribe: Scribe {
                slot: plan.slot,
                state,
                history,
                relink,
                standing: watched.standing,
                hooks: watched.hooks,
                alarms,
                inquiry,
                manager,
                fence: Fencing::new(&plan, orders.clone()),
                pulse: orders,
                hands_ended: false,
                file: ground.file,
                current,
                reloads,
                around,
                differing,
                page: ground.page,
                exporter: ground.exporter,
                happenings,
                chronicle,
                dynamic,
                floors,
                peers,
            },
            notes: taken,
            pulse: pulse.thread,
            takeover,
            recorder,
            _locks: ground.locks,
        };
        Ok((daemon, operator))
    }
}

/// What the pulse reads and writes of the loaded programs.
struct Kernel {
    words: Words,
    replies: Replies,
    heard: HeardWords,
    events: Events,
    sets: Sets,
    statistics: Statistics,
    kept: Kept,
}

/// Takes over what is at work, or loads the programs, of which nothing is attached yet.
fn load(
    plan: &Plan,
    mut netlink: Netlink,
    bpf_dir: &Path,
    facts: &Facts,
    hurry: &mut Option<Realtime>,
) -> Result<(Relink, Kernel), Failure> {
    let mark = OwnerMark::of_cluster(plan.config.cluster_id);
    stale::remove_dropped(plan, &mut netlink, mark)?;
    let opened = open_datapath(plan, bpf_dir, facts, hurry)?;
    if let Some(log) = opened.log {
        kernel_log::follow(log).map_err(Failure::of)?;
    }
    let relink = Relink {
        mark,
        incarnation: opened.kept.incarnation,
        wired: plan.connections().map(|(network, _)| network).collect(),
        tellers: Tellers::default(),
        datapath: opened.datapath,
        plan: plan.clone(),
        netlink,
        facts: facts.clone(),
        again: Again::default(),
        told_carrier: None,
        loading: None,
    };
    let kernel = Kernel {
        words: opened.words,
        replies: opened.replies,
        heard: opened.heard,
        events: opened.events,
        sets: opened.sets,
        statistics: opened.statistics,
        kept: opened.kept,
    };
    Ok((relink, kernel))
}

/// Whether an earlier life left programs at work: then a start that fails leaves them at work too.
fn has_links(bpf_dir: &Path) -> bool {
    fs::read_dir(bpf_dir.join("links")).is_ok_and(|mut links| links.next().is_some())
}

/// Gates, sockets and hands, and at last what answers probes.
fn attach(
    relink: &mut Relink,
    kernel: &Kernel,
    management: &Link,
) -> Result<(Hands, Wiring), Failure> {
    let is_loaded = relink.datapath.is_loaded();
    if is_loaded {
        relink.attach_gates()?;
    }
    let hands = hands(relink)?;
    let wiring = wiring::open(&relink.plan, management, kernel.kept.incarnation)?;
    for channel in &wiring.control {
        let teller = channel.datagrams.teller().map_err(Failure::of)?;
        relink.tellers.set(channel.network, teller);
    }
    kernel.words.beat(boot_ns());
    if is_loaded {
        relink.attach_responders(management)?;
    }
    Ok((hands, wiring))
}

fn hands(relink: &Relink) -> Result<Hands, Failure> {
    let hands = Hands::start(relink.mark, relink.plan.gated()).map_err(Failure::of)?;
    if let Some(error) = hands.not_realtime() {
        relink.facts.warn(error.to_string());
    }
    let own = addresses(relink.plan.own_addresses());
    if !own.is_empty() {
        // Whoever is master, and behind the gates, which stand already.
        hands
            .order(Order::Keep { addresses: own })
            .map_err(Failure::other)?;
    }
    Ok(hands)
}

/// What the last daemon left at work is taken over as it is; its programs are replaced when this one runs.
fn open_datapath(
    plan: &Plan,
    bpf_dir: &Path,
    facts: &Facts,
    hurry: &mut Option<Realtime>,
) -> Result<Opened, Failure> {
    let members = plan.kernel_members();
    let vips = plan.guarded();
    let setup = datapath::Setup {
        config: plan.for_kernel(),
        keys: plan.frame_keys(),
        members: &members,
        vips: &vips,
        max_slot: members
            .iter()
            .map(|(slot, _)| *slot)
            .max()
            .unwrap_or(plan.slot),
        abstention_ns: nanos(plan.electors.abstention()),
    };
    let gates: Vec<String> = plan.gated().into_iter().collect();
    let responders = plan.responders();
    let hooks = Hooks {
        responders: &responders,
        gates: &gates,
    };
    match Datapath::take_over(bpf_dir, &setup, &hooks).map_err(Failure::of)? {
        Some((opened, modes)) => {
            for ((interface, _), mode) in responders.iter().zip(modes) {
                facts.attached(interface, mode);
            }
            Ok(opened)
        }
        None => {
            *hurry = None;
            Datapath::open(bpf_dir, &setup).map_err(Failure::of)
        }
    }
}

/// The election, with what the last life left.
fn birth(plan: &Plan, floor: Epoch, last_run: &LastRun, kernel: &Kernel) -> Birth {
    let now = Instant(boot_ns());
    let (words, kept) = (&kernel.words, kernel.kept);
    let restored = Restored {
        incarnation: kept.incarnation,
        created: Instant(kept.created_ns),
        maps_kept: kept.maps_kept,
        kernel: kernel_words(&words.grant()),
        daemon: daemon_words(&words.control()),
        saved_floor: floor,
        electors: Some(plan.electors),
        seed: random_number(),
        pair: last_run.at(now),
    };
    Birth {
        config: plan.for_core(),
        restored,
        now,
    }
}

/// Any number that no other life of a daemon has: the standard library seeds its hash maps from the
/// kernel's random numbers.
pub(super) fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn signer(plan: &Plan, incarnation: u64) -> FrameSigner {
    FrameSigner {
        cluster_id: plan.config.cluster_id,
        slot: plan.slot,
        incarnation,
        elector_version: plan.electors.in_force.version,
        elector_digest: plan.electors.in_force.digest(),
        config_digest: plan.config.digest,
        key_slot: 0,
        key: plan.frame_keys().slots[0],
    }
}

/// By slot, what this node carries by the slot's lease.
pub(super) fn leased(plan: &Plan) -> Arc<BTreeMap<Slot, Arc<[VirtualAddress]>>> {
    let leased = plan.leased().into_iter();
    Arc::new(
        leased
            .map(|(slot, carried)| (slot, addresses(carried)))
            .collect(),
    )
}

pub(super) fn addresses(carried: Vec<Carried>) -> Arc<[VirtualAddress]> {
    let address = |carried: Carried| VirtualAddress {
        interface: carried.interface,
        address: carried.address,
    };
    carried.into_iter().map(address).collect()
}
