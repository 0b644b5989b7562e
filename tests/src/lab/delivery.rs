//! Who does the network's work. A virtual link delivers a frame within the call that sends it, through the bridge
//! and the receivers' programs and back with their replies: all of it is then the sender's processor time. A
//! network card takes the frame over and comes back by an interrupt.

use anyhow::Result;

use crate::lab::addresses::NETWORKS;
use crate::lab::command::run;
use crate::lab::netns::Netns;
use crate::lab::topology::{Topology, port_name};

/// Lets threads of the kernel deliver the nodes' frames (threaded NAPI, Linux 5.12), as cards' interrupts would:
/// from now on the nodes' processor time is their own.
///
/// # Errors
/// When the kernel refuses it.
pub fn by_kernel_threads(topology: &Topology) -> Result<()> {
    for network in NETWORKS {
        for slot in topology.slots() {
            let port = port_name(u8::try_from(slot)?);
            let ends = [
                (topology.bridge(network), port.as_str()),
                (topology.node(slot), network.interface()),
            ];
            for (machine, interface) in ends {
                set_threaded(machine, interface)?;
            }
        }
    }
    Ok(())
}

/// By a program of its own: only `ip netns exec` shows the namespace's part of /sys.
fn set_threaded(machine: &Netns, interface: &str) -> Result<()> {
    let write = format!("echo 1 > /sys/class/net/{interface}/threaded");
    run("ip", &["netns", "exec", machine.name(), "sh", "-c", &write]).map(drop)
}
