//! The daemon: brings its parts up in order, lets them run, and takes them down in order.

mod electors;
mod failure;
mod ground;
mod history;
mod interfaces;
mod kernel_log;
mod operator;
mod plan;
mod relink;
mod scribe;
mod shared;
mod signals;
mod wiring;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, IsTerminal as _};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use heartbeat_core::event::Restored;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Instant, Node};
use tokio::runtime::Runtime;
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::cli::daemon::Args;
use crate::config;
use crate::control::ControlSocket;
use crate::datapath::{self, Datapath, DatapathError, Kept, Opened, Words};
use crate::hands::{self, Hands, VirtualAddress};
use crate::net::netlink::{Netlink, OwnerMark};
use crate::pulse::convert::{daemon_words, kernel_words};
use crate::pulse::frames::FrameSigner;
use crate::pulse::{self, Answers, NOTES_DEPTH, Parts};
use crate::state::StateFolder;
use crate::sys::clock::boot_ns;
use crate::sys::{memory, realtime};

use failure::Failure;
use ground::Ground;
use history::History;
use operator::Operator;
use plan::Plan;
use relink::Relink;
use scribe::Scribe;
use shared::Facts;
use signals::Stop;

/// Threads of the runtime for everything that is not the pulse, the hands or the scribe.
const WORKERS: usize = 2;

/// Runs `heartbeatd` until it is told to stop.
#[must_use]
pub fn main(args: &Args) -> ExitCode {
    let done = if args.check { check(args) } else { run(args) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn check(args: &Args) -> Result<(), Failure> {
    println!(
        "{}",
        config::check_file(&args.config).map_err(Failure::config)?
    );
    Ok(())
}

fn run(args: &Args) -> Result<(), Failure> {
    start_log();
    let config = config::load(&args.config).map_err(Failure::config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    let stop = Stop::default();
    let _inside = runtime.enter();
    signals::install(stop.clone()).map_err(Failure::other)?;
    let socket = ControlSocket::bind(&args.control).map_err(Failure::other)?;
    let Some(ground) = Ground::find(args, config, &stop)? else {
        return Ok(());
    };
    Daemon::start(ground, &stop)?.serve(&runtime, socket)
}

fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// The parts of a daemon that runs.
struct Daemon {
    operator: Arc<Operator>,
    scribe: Scribe,
    notes: pulse::Notes,
    pulse: std::thread::JoinHandle<()>,
    _lock: crate::sys::lock::FolderLock,
}

impl Daemon {
    /// Brings the parts up: gates, sockets, hands, then what answers probes, and at once the pulse that
    /// beats for it.
    fn start(ground: Ground, stop: &Stop) -> Result<Self, Failure> {
        let Ground {
            plan,
            state,
            bpf_dir,
            mut netlink,
            management,
            lock,
        } = ground;
        let facts = Facts::default();
        warn_of_missing_rights(&facts);
        let mark = OwnerMark::of_cluster(plan.config.cluster_id);
        remove_dropped(&plan, &mut netlink, mark)?;
        let opened = open_datapath(&plan, &bpf_dir)?;
        kernel_log::follow(opened.log).map_err(Failure::other)?;
        let (words, kept) = (opened.words, opened.kept);
        let mut relink = Relink {
            plan: plan.clone(),
            datapath: opened.datapath,
            netlink,
            mark,
            incarnation: kept.incarnation,
            facts: facts.clone(),
        };
        relink.attach_gates()?;
        let hands = Hands::start(relink.mark, plan.gated()).map_err(Failure::other)?;
        let wiring = wiring::open(&plan, &management, kept.incarnation)?;
        let (orders, order_intake) = pulse::orders().map_err(Failure::other)?;
        let (notes, taken) = sync_channel(NOTES_DEPTH);
        let history = Arc::new(Mutex::new(History::open(state.path())));
        words.beat(boot_ns());
        relink.attach_responder(&management)?;
        let node = node(&plan, &state, &words, kept)?;
        remove_stale(&node, &mut relink)?;
        let parts = Parts {
            answers: Answers::new(opened.replies, &plan.for_core()),
            node,
            words: words.clone(),
            ring: opened.events,
            signer: signer(&plan, kept.incarnation),
            wiring,
            hands,
            addresses: addresses(&plan),
            orders: order_intake,
            period: plan.config.timing.period,
            notes,
        };
        let pulse = pulse::spawn(parts).map_err(Failure::other)?;
        stop.tell(orders.clone());
        info!(
            cluster = plan.config.cluster,
            slot = plan.slot,
            maps_kept = kept.maps_kept,
            "running"
        );
        let operator = Operator {
            kernel: plan.for_kernel(),
            words,
            pulse: orders.clone(),
            history: Arc::clone(&history),
            facts,
            bpf_dir,
            plan: plan.clone(),
        };
        let scribe = Scribe {
            slot: plan.slot,
            state,
            history,
            relink,
            pulse: orders,
        };
        Ok(Self {
            operator: Arc::new(operator),
            scribe,
            notes: taken,
            pulse,
            _lock: lock,
        })
    }

    /// Works until the pulse has stopped, then takes down what was attached.
    fn serve(mut self, runtime: &Runtime, socket: ControlSocket) -> Result<(), Failure> {
        let operator = Arc::clone(&self.operator);
        let serving = runtime.spawn(async move { socket.serve(operator).await });
        self.scribe.run(&self.notes);
        let ended = self.pulse.join();
        serving.abort();
        if ended.is_err() {
            // The programs stay: the gate shuts by itself, and the next start removes the addresses.
            return Err(Failure::other(
                "the pulse thread panicked; see the lines above",
            ));
        }
        self.scribe.relink.detach()?;
        info!("stopped");
        Ok(())
    }
}

fn open_datapath(plan: &Plan, bpf_dir: &std::path::Path) -> Result<Opened, Failure> {
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
    };
    Datapath::open(bpf_dir, &setup).map_err(|error| match error {
        DatapathError::NoRights { .. } => Failure::permission(error),
        other => Failure::other(other),
    })
}

/// The election, with what the last life left.
fn node(plan: &Plan, state: &StateFolder, words: &Words, kept: Kept) -> Result<Node, Failure> {
    let restored = Restored {
        incarnation: kept.incarnation,
        created: Instant(kept.created_ns),
        maps_kept: kept.maps_kept,
        kernel: kernel_words(&words.grant()),
        daemon: daemon_words(&words.control()),
        saved_floor: state.floor().map_err(Failure::other)?,
        seed: random_number(),
    };
    Ok(Node::new(plan.for_core(), restored, Instant(boot_ns())))
}

/// Any number that no other life of a daemon has: the standard library seeds its hash maps from the
/// kernel's random numbers.
fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Removes what an earlier life left on the interfaces, unless its mastership is taken up.
fn remove_stale(node: &Node, relink: &mut Relink) -> Result<(), Failure> {
    if node.snapshot(Instant(boot_ns())).role == Role::Master {
        return Ok(());
    }
    clean_stale(&mut relink.netlink, relink.mark, &[])
}

/// Removes what an earlier life left of addresses that this configuration does not place there any more,
/// before the gate stops to guard them: nodes that go by the old file still serve them.
fn remove_dropped(plan: &Plan, netlink: &mut Netlink, mark: OwnerMark) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for carried in plan.carried() {
        let link = netlink.link(&carried.interface).map_err(Failure::other)?;
        kept.push((link.index, carried.address));
    }
    clean_stale(netlink, mark, &kept)
}

fn clean_stale(
    netlink: &mut Netlink,
    mark: OwnerMark,
    kept: &[(u32, IpAddr)],
) -> Result<(), Failure> {
    let stale = hands::clean_stale(netlink, mark, kept).map_err(Failure::other)?;
    if !stale.is_empty() {
        info!(
            ?stale,
            "removed virtual addresses that an earlier life left behind"
        );
    }
    Ok(())
}

fn signer(plan: &Plan, incarnation: u64) -> FrameSigner {
    FrameSigner {
        cluster_id: plan.config.cluster_id,
        slot: plan.slot,
        incarnation,
        elector_version: plan.electors.version,
        elector_digest: plan.electors.digest,
        config_digest: plan.config.digest,
        key_slot: 0,
        key: plan.frame_keys().slots[0],
    }
}

fn addresses(plan: &Plan) -> Arc<[VirtualAddress]> {
    let v4 = |carried: plan::Carried| match carried.address {
        IpAddr::V4(address) => Some(VirtualAddress {
            interface: carried.interface,
            address,
        }),
        // A checked configuration of this version has none.
        IpAddr::V6(_) => None,
    };
    plan.carried().into_iter().filter_map(v4).collect()
}

/// Says what is lost where the daemon may not run in real time or keep its memory.
fn warn_of_missing_rights(facts: &Facts) {
    if let Err(error) = memory::lock_all() {
        facts.warn(error.to_string());
    }
    // Tried on this thread, and given back at once: the pulse and the hands take it for themselves.
    if let Err(error) = realtime::enter(pulse::PULSE_PRIORITY) {
        facts.warn(error.to_string());
    }
}
