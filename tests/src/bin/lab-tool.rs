//! The lab's own processes, each run by the lab in one of its namespaces.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use heartbeat_tests::client::{lifeline, observer, prober, responder};
use heartbeat_tests::fault::{delay, flood, hog, replay};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::clean;
use heartbeat_user::sys::realtime::Priority;

/// What the lab starts; nobody needs to call it by hand. Each ends when its input does.
#[derive(Parser)]
enum Tool {
    /// Ask the virtual address a numbered question every interval
    Probe {
        address: Ipv4Addr,
        interval_us: u64,
        journal: PathBuf,
    },
    /// Ask every node at once, and by ARP, who answers for the virtual address
    Observe {
        address: Ipv4Addr,
        interval_us: u64,
        nodes: u8,
        journal: PathBuf,
    },
    /// Answer questions as the service of the node in this slot
    Serve { slot: u16 },
    /// Clean up after the process with this id
    Guard { owner: i32 },
    /// Take every processor, at nice 0 or at this SCHED_FIFO level
    Hog { fifo: Option<u8> },
    /// Send forged heartbeats
    Flood,
    /// Send recorded heartbeats to the node in this slot again
    Replay {
        port: String,
        slot: u8,
        listen_ms: u64,
    },
    /// Carry frames between two interfaces, late
    Relay { a: String, b: String, delay_us: u64 },
}

fn main() -> Result<()> {
    match Tool::parse() {
        Tool::Guard { owner } => clean::guard(owner),
        Tool::Hog { fifo } => hog::run(fifo.map(Priority::new), lifeline::ends()),
        Tool::Flood => flood::run(lifeline::ends()),
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
            journal,
        } => {
            lifeline::hang_on();
            let interval = Duration::from_micros(interval_us);
            observer::run(
                observer::Target {
                    address,
                    nodes,
                    interval,
                },
                &journal,
            )
        }
        Tool::Serve { slot } => {
            lifeline::hang_on();
            responder::run(slot)
        }
        Tool::Relay { a, b, delay_us } => {
            lifeline::hang_on();
            delay::run(&a, &b, Duration::from_micros(delay_us))
        }
    }
}
