//! The lab's own processes, each run by the lab in one of its namespaces.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use heartbeat_tests::client::{lifeline, observer, prober, responder, systemd, web};
use heartbeat_tests::fault::flood::{self, Flood};
use heartbeat_tests::fault::{delay, hog, replay};
use heartbeat_tests::lab::addresses::{NETWORKS, Network};
use heartbeat_tests::lab::classifiers::classifiers;
use heartbeat_tests::lab::clean;
use heartbeat_user::sys::clock::{boot_ns, wall_ns};
use heartbeat_user::sys::realtime::Priority;
use nix::time::{ClockId, clock_gettime};

/// What the lab starts; nobody needs to call it by hand. Each ends when its input does.
#[derive(Parser)]
enum Tool {
    /// Ask the virtual address a numbered question every interval
    Probe {
        address: IpAddr,
        interval_us: u64,
        journal: PathBuf,
    },
    /// Ask every node at once, and for hardware addresses, who answers for the virtual address
    Observe {
        address: IpAddr,
        interval_us: u64,
        nodes: u8,
        /// mgmt0 or biz0
        interface: String,
        own: IpAddr,
        /// Last byte of the own hardware address
        last: u8,
        journal: PathBuf,
    },
    /// Answer questions at this address (0.0.0.0 or ::) as the service of the node in this slot
    Serve { slot: u16, any: IpAddr },
    /// Answer with a page at this port of the loopback interface while the folder is there
    Web { port: u16, folder: PathBuf },
    /// Be systemd, on a bus of its own in this folder, while the folder is there
    Systemd { folder: PathBuf },
    /// Clean up after the process with this id
    Guard { owner: i32 },
    /// Take every processor, or that one, at nice 0 or at this SCHED_FIFO level
    Hog {
        #[arg(long)]
        fifo: Option<u8>,
        #[arg(long)]
        processor: Option<usize>,
    },
    /// Send heartbeats that nobody should heed
    Flood { what: Flood },
    /// Send recorded heartbeats to the node in this slot again
    Replay {
        port: String,
        slot: u8,
        listen_ms: u64,
    },
    /// Tell this machine's clocks in nanoseconds: monotonic, boot time, wall
    Clocks,
    /// Tell the ids of the programs that judge an interface's packets
    Classifiers { interface: String },
    /// Carry frames between two interfaces, late
    Relay { a: String, b: String, delay_us: u64 },
}

fn main() -> Result<()> {
    match Tool::parse() {
        Tool::Guard { owner } => clean::guard(owner),
        Tool::Hog { fifo, processor } => {
            hog::run(fifo.map(Priority::new), processor, lifeline::ends())
        }
        Tool::Flood { what } => flood::run(what, lifeline::ends()),
        Tool::Replay {
            port,
            slot,
            listen_ms,
        } => {
            let node = Network::Management.mac(slot);
            replay::run(
                &port,
                node,
                Duration::from_millis(listen_ms),
                lifeline::ends(),
            )
        }
        Tool::Probe {
            address,
            interval_us,
            journal,
        } => {
            lifeline::hang_on();
            prober::run(address, Duration::from_micros(interval_us), &journal)
        }
        Tool::Observe {
            address,
            interval_us,
            nodes,
            interface,
            own,
            last,
            journal,
        } => {
            lifeline::hang_on();
            let interval = Duration::from_micros(interval_us);
            let mut networks = NETWORKS.into_iter();
            let network = networks.find(|network| network.interface() == interface);
            observer::run(
                observer::Target {
                    address,
                    network: network.context("no network has an interface of this name")?,
                    own,
                    last,
                    nodes,
                    interval,
                },
                &journal,
            )
        }
        Tool::Serve { slot, any } => {
            lifeline::hang_on();
            responder::run(slot, any)
        }
        Tool::Web { port, folder } => web::run(port, &folder),
        Tool::Systemd { folder } => systemd::run(&folder),
        Tool::Clocks => {
            let monotonic: Duration = clock_gettime(ClockId::CLOCK_MONOTONIC)?.into();
            println!("{} {} {}", monotonic.as_nanos(), boot_ns(), wall_ns());
            Ok(())
        }
        Tool::Classifiers { interface } => {
            let ids = classifiers(&interface).into_iter().map(|id| id.to_string());
            println!("{}", ids.collect::<Vec<_>>().join(" "));
            Ok(())
        }
        Tool::Relay { a, b, delay_us } => {
            lifeline::hang_on();
            delay::run(&a, &b, Duration::from_micros(delay_us))
        }
    }
}
