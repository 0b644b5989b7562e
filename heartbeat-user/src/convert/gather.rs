//! Gathers the VRRP part out of the file's blocks, and tells of all else.

use std::net::IpAddr;
use std::time::Duration;

use super::keywords::{reason, reason_of_global};
use super::tree::Item;
use super::values::{address, address_and_prefix, number, seconds, value};
use super::vrrp::{Address, Call, Group, Instance, Notify, Process, Script, Track, Tracks, Vrrp};
use super::{Report, words};

pub(super) fn gather(items: &[Item], report: &mut Report) -> Vrrp {
    let mut vrrp = Vrrp::default();
    for item in items {
        match item.keyword() {
            "global_defs" => globals(item, &mut vrrp, report),
            "vrrp_instance" => vrrp.instances.push(instance(item, report)),
            "vrrp_sync_group" => vrrp.groups.push(group(item, report)),
            "vrrp_script" => vrrp.scripts.extend(script(item, report)),
            "vrrp_track_process" => vrrp.processes.extend(process(item, report)),
            keyword => report.lost(&item.at, &item.text(), reason(keyword)),
        }
    }
    vrrp
}

fn globals(item: &Item, vrrp: &mut Vrrp, report: &mut Report) {
    for it in &item.block {
        match it.keyword() {
            "script_user" => vrrp.script_user = it.values().first().cloned(),
            keyword => report.lost(&it.at, keyword, reason_of_global(keyword)),
        }
    }
}

fn instance(item: &Item, report: &mut Report) -> Instance {
    let mut it = Instance {
        at: item.at.clone(),
        name: named(item),
        starts_as_master: false,
        interface: None,
        router_id: 0,
        advert: Duration::from_secs(1),
        adverts: 3,
        own: None,
        peers: Vec::new(),
        addresses: Vec::new(),
        preempts: true,
        preempt_delay: Duration::ZERO,
        tracks: Tracks::default(),
        notify: Notify::default(),
    };
    for line in &item.block {
        match line.keyword() {
            "state" => it.starts_as_master = line.values().first().is_some_and(|it| it == "MASTER"),
            "interface" => it.interface = line.values().first().cloned(),
            "virtual_router_id" => it.router_id = value(line, report, number).unwrap_or_default(),
            "advert_int" => it.advert = value(line, report, seconds).unwrap_or(it.advert),
            "down_timer_adverts" => it.adverts = value(line, report, number).unwrap_or(it.adverts),
            "unicast_src_ip" | "mcast_src_ip" => it.own = value(line, report, address),
            "unicast_peer" => {
                let peers = line.block.iter();
                it.peers
                    .extend(peers.filter_map(|peer| peer_address(peer, report)));
            }
            "virtual_ipaddress" | "virtual_ipaddress_excluded" => {
                let lines = line.block.iter();
                it.addresses
                    .extend(lines.filter_map(|line| virtual_address(line, report)));
            }
            "nopreempt" => it.preempts = false,
            "preempt_delay" => {
                it.preempt_delay = value(line, report, seconds).unwrap_or_default();
            }
            // The rank is a slot's, and a missing interface is one of the defaults.
            "priority"
            | "preempt"
            | "dont_track_primary"
            | "track_src_ip"
            | "no_virtual_ipaddress"
            | "debug" => {}
            _ => tracked_or_notified(line, &mut it.tracks, &mut it.notify, report),
        }
    }
    it
}

fn group(item: &Item, report: &mut Report) -> Group {
    let mut group = Group {
        name: named(item),
        members: Vec::new(),
        tracks: Tracks::default(),
        notify: Notify::default(),
    };
    for line in &item.block {
        if line.keyword() == "group" {
            let members = line.block.iter().flat_map(Item::words);
            group.members.extend(members.cloned());
        } else {
            tracked_or_notified(line, &mut group.tracks, &mut group.notify, report);
        }
    }
    group
}

fn tracked_or_notified(line: &Item, to: &mut Tracks, notify: &mut Notify, report: &mut Report) {
    let tracks = || line.block.iter().map(track);
    match line.keyword() {
        "track_script" => to.scripts.extend(tracks()),
        "track_process" => to.processes.extend(tracks()),
        "track_interface" => to.interfaces.extend(tracks()),
        "notify_master" => notify.master = call(line),
        "notify_backup" => notify.backup = call(line),
        "notify_fault" => notify.fault = call(line),
        "notify_stop" => notify.stop = call(line),
        "notify" => notify.any = call(line),
        keyword => report.lost(&line.at, keyword, reason(keyword)),
    }
}

fn named(item: &Item) -> String {
    item.values().first().cloned().unwrap_or_default()
}

fn peer_address(item: &Item, report: &mut Report) -> Option<IpAddr> {
    let peer = address(item.keyword());
    if peer.is_none() {
        report.lost(&item.at, &item.text(), "this is no address of a peer");
    }
    peer
}

/// What else `ip address add` would be told says nothing of where the address belongs.
fn virtual_address(item: &Item, report: &mut Report) -> Option<Address> {
    let Some((address, prefix)) = address_and_prefix(item.keyword()) else {
        report.lost(&item.at, &item.text(), "this is no address");
        return None;
    };
    let mut interface = None;
    let mut more = Vec::new();
    let mut words = item.values().iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "dev" => interface = words.next().cloned(),
            _ => more.push(word.as_str()),
        }
    }
    if !more.is_empty() {
        let why = "an address has its place and nothing more; heartbeatd adds it as /32 or /128, without a label";
        report.lost(&item.at, &more.join(" "), why);
    }
    Some(Address {
        at: item.at.clone(),
        address,
        prefix,
        interface,
    })
}

fn track(item: &Item) -> Track {
    let has = |word: &str| item.values().iter().any(|it| it == word);
    Track {
        at: item.at.clone(),
        name: item.keyword().to_owned(),
        is_weighed: has("weight") && !has("0"),
        is_reversed: has("reverse"),
    }
}

/// The program may stand in quotes with its arguments; a user follows it.
fn call(item: &Item) -> Option<Call> {
    let (program, rest) = item.values().split_first()?;
    Some(Call {
        at: item.at.clone(),
        keyword: item.keyword().to_owned(),
        words: words::command(program),
        user: rest.first().cloned(),
    })
}

fn script(item: &Item, report: &mut Report) -> Option<Script> {
    let mut script = Script {
        at: item.at.clone(),
        name: named(item),
        command: String::new(),
        interval: Duration::from_secs(1),
        timeout: None,
        rise: 1,
        fall: 1,
        is_weighed: false,
        is_reversed: false,
        user: None,
    };
    for line in &item.block {
        match line.keyword() {
            "script" => script.command = line.values().join(" "),
            "interval" => script.interval = value(line, report, seconds).unwrap_or(script.interval),
            "timeout" => script.timeout = value(line, report, seconds),
            "rise" => script.rise = value(line, report, number).unwrap_or(script.rise),
            "fall" => script.fall = value(line, report, number).unwrap_or(script.fall),
            "weight" => {
                script.is_weighed = line.values().first().is_some_and(|it| it != "0");
                script.is_reversed = line.values().iter().any(|it| it == "reverse");
            }
            "user" => script.user = line.values().first().cloned(),
            "init_fail" => {
                let why = "a service that was not seen to work has not failed before `start_grace` is over";
                report.lost(&line.at, "init_fail", why);
            }
            keyword => report.lost(&line.at, keyword, reason(keyword)),
        }
    }
    if script.command.is_empty() {
        report.lost(&item.at, &item.text(), "it has no script");
        return None;
    }
    Some(script)
}

fn process(item: &Item, report: &mut Report) -> Option<Process> {
    let mut process = Process {
        at: item.at.clone(),
        name: named(item),
        command: String::new(),
        is_weighed: false,
    };
    for line in &item.block {
        match line.keyword() {
            "process" => process.command = line.values().first().cloned().unwrap_or_default(),
            "weight" => process.is_weighed = line.values().first().is_some_and(|it| it != "0"),
            keyword => {
                let why = "a process is well while one of its name lives; its end counts at once";
                report.lost(&line.at, keyword, why);
            }
        }
    }
    if process.command.is_empty() {
        report.lost(&item.at, &item.text(), "it has no process");
        return None;
    }
    Some(process)
}
