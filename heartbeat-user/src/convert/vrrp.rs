//! The VRRP part of keepalived's configuration: what of it has a meaning for heartbeatd.

use std::net::IpAddr;
use std::time::Duration;

use super::tree::Place;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Vrrp {
    /// In the file's order.
    pub(super) instances: Vec<Instance>,
    pub(super) groups: Vec<Group>,
    pub(super) scripts: Vec<Script>,
    pub(super) processes: Vec<Process>,
    /// Who runs scripts that say nothing else.
    pub(super) script_user: Option<String>,
}

/// `vrrp_instance`, with keepalived's defaults.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) at: Place,
    pub(super) name: String,
    pub(super) starts_as_master: bool,
    pub(super) interface: Option<String>,
    pub(super) router_id: u8,
    pub(super) advert: Duration,
    /// After so many a silent master is replaced.
    pub(super) adverts: u32,
    pub(super) own: Option<IpAddr>,
    pub(super) peers: Vec<IpAddr>,
    pub(super) addresses: Vec<Address>,
    pub(super) preempts: bool,
    pub(super) preempt_delay: Duration,
    pub(super) tracks: Tracks,
    pub(super) notify: Notify,
}

/// `vrrp_sync_group`
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) members: Vec<String>,
    pub(super) tracks: Tracks,
    pub(super) notify: Notify,
}

/// A line of `virtual_ipaddress`.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) at: Place,
    pub(super) address: IpAddr,
    pub(super) prefix: u8,
    pub(super) interface: Option<String>,
}

/// What is tracked: names, each with its place and whether it only weighs.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pub(super) scripts: Vec<Track>,
    pub(super) processes: Vec<Track>,
    pub(super) interfaces: Vec<Track>,
}

#[derive(Debug)]
pub(super) struct Track {
    pub(super) at: Place,
    pub(super) name: String,
    pub(super) is_weighed: bool,
    /// Well while it fails.
    pub(super) is_reversed: bool,
}

/// `vrrp_script`, with keepalived's defaults.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) at: Place,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) interval: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) rise: u8,
    pub(super) fall: u8,
    pub(super) is_weighed: bool,
    /// Well while it fails.
    pub(super) is_reversed: bool,
    pub(super) user: Option<String>,
}

/// `vrrp_track_process`
#[derive(Debug)]
pub(super) struct Process {
    pub(super) at: Place,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) is_weighed: bool,
}

/// Scripts that are run at changes.
#[derive(Debug, Default)]
pub(super) struct Notify {
    pub(super) master: Option<Call>,
    pub(super) backup: Option<Call>,
    pub(super) fault: Option<Call>,
    pub(super) stop: Option<Call>,
    pub(super) any: Option<Call>,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) at: Place,
    pub(super) keyword: String,
    pub(super) words: Vec<String>,
    pub(super) user: Option<String>,
}
