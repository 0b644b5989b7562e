//! Keys of tables that there may be several of: a value for each entry that has one.

use super::{Values, text};
use crate::config::alarms::Sink;
use crate::config::service::Recovery;
use crate::config::{Config, Member, Service, VirtualAddress};

pub(super) fn members(config: &Config, value: fn(&Member) -> Option<String>) -> Values {
    let members = config.members.iter();
    members
        .filter_map(|(slot, member)| Some((format!("slot {slot}"), value(member)?)))
        .collect()
}

pub(super) fn addresses(config: &Config, value: fn(&VirtualAddress) -> Option<String>) -> Values {
    let addresses = config.virtual_addresses.iter();
    addresses
        .filter_map(|it| Some((it.address.to_string(), value(it)?)))
        .collect()
}

pub(super) fn services(config: &Config, value: fn(&Service) -> Option<String>) -> Values {
    let services = config.services.iter();
    services
        .filter_map(|it| Some((it.name.clone(), value(it)?)))
        .collect()
}

/// What services are looked at by, of those that are looked at in this way.
pub(super) fn checks(config: &Config, kind: &str) -> Values {
    let services = config.services.iter();
    services
        .filter(|it| it.check.as_str() == kind)
        .map(|it| (it.name.clone(), text::check(&it.check)))
        .collect()
}

/// What is tried on a master, and on any other node.
pub(super) fn recoveries(config: &Config, value: fn(&Recovery) -> Option<String>) -> Values {
    let both = config.services.iter().flat_map(|it| {
        let master = it.on_master.as_ref().map(|tried| ("master", tried));
        let slave = it.on_slave.as_ref().map(|tried| ("slave", tried));
        let tried = master.into_iter().chain(slave);
        tried.filter_map(|(role, tried)| Some((format!("{} on a {role}", it.name), value(tried)?)))
    });
    both.collect()
}

pub(super) fn sinks(config: &Config, value: fn(&Sink) -> Option<String>) -> Values {
    let sinks = config.alarms.sinks.iter();
    sinks
        .filter_map(|it| Some((it.name.clone(), value(it)?)))
        .collect()
}

/// How sinks are reached, of those that are reached in this way.
pub(super) fn ways(config: &Config, kind: &str) -> Values {
    let sinks = config.alarms.sinks.iter();
    sinks
        .filter(|it| it.way.as_str() == kind)
        .map(|it| (it.name.clone(), text::way(&it.way)))
        .collect()
}
