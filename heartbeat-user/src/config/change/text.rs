//! Values as people read them, and so that different ones never look alike.

use std::fmt::{Debug, Display};
use std::time::Duration;

use super::Values;
use crate::config::alarms::Way;
use crate::config::duration::format;
use crate::config::http::{Identity, Token};
use crate::config::service::{Check, Http, Network, PerRole, Process, Tls};
use crate::config::{
    ClusterKey, Config, Connection, Evidence, Fence, Follows, Hooks, Metrics, Mode, Pair, Place,
    Program, Service, Transport,
};

pub(super) fn one(value: impl Display) -> Values {
    vec![(String::new(), value.to_string())]
}

pub(super) fn maybe(value: Option<impl Display>) -> Values {
    value.map_or_else(Vec::new, one)
}

pub(super) fn of<T>(table: &Option<T>, value: impl Fn(&T) -> String) -> Values {
    maybe(table.as_ref().map(value))
}

pub(super) fn time(value: Duration) -> String {
    format(value)
}

pub(super) fn span(value: Duration) -> Values {
    one(time(value))
}

pub(super) fn maybe_span(value: Option<Duration>) -> Values {
    maybe(value.map(time))
}

pub(super) fn list(items: &[impl Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// The key that signs first.
pub(super) fn keys(config: &Config) -> Values {
    let fingerprints: Vec<String> = config.keys.iter().map(ClusterKey::fingerprint).collect();
    one(list(&fingerprints))
}

pub(super) fn require(pair: &Pair) -> String {
    let required = |kind: &Evidence| match kind {
        Evidence::ManagementSilent => true,
        Evidence::BusinessSilent => pair.business,
        Evidence::Reference => !pair.references.is_empty(),
        Evidence::Fence => pair.fence.is_some(),
    };
    let kinds: Vec<&str> = Evidence::ALL
        .iter()
        .filter(|kind| required(kind))
        .map(|kind| kind.as_str())
        .collect();
    list(&kinds)
}

pub(super) fn fence(config: &Config, value: fn(&Fence) -> String) -> Values {
    let fence = config.pair.as_ref().and_then(|pair| pair.fence.as_ref());
    maybe(fence.map(value))
}

pub(super) fn hook(config: &Config, value: fn(&Hooks) -> Option<String>) -> Values {
    maybe(config.hooks.as_ref().and_then(value))
}

/// Where something is served.
pub(super) fn listen(network: Network, port: u16) -> String {
    let network = match network {
        Network::Business => "business",
        Network::Management => "management",
    };
    format!("{network}:{port}")
}

pub(super) fn metrics(config: &Config, value: fn(&Metrics) -> Option<String>) -> Values {
    maybe(config.metrics.as_ref().and_then(value))
}

pub(super) fn identity(config: &Config, value: fn(&Identity) -> String) -> Values {
    let page = config.page.as_ref();
    maybe(page.and_then(|it| it.identity.as_ref()).map(value))
}

/// The file's name stays when it is renewed.
pub(super) fn certificate(identity: &Identity) -> String {
    format!(
        "{} ({})",
        identity.certificate.display(),
        identity.fingerprint
    )
}

/// Whichever file it is in.
pub(super) fn token(config: &Config) -> Option<String> {
    config.page.as_ref()?.token.as_ref().map(Token::fingerprint)
}

/// All hooks are run as the same user.
pub(super) fn hooks_user(hooks: &Hooks) -> Option<String> {
    let programs = [&hooks.on_promote, &hooks.on_demote, &hooks.on_fault];
    programs.into_iter().flatten().find_map(user)
}

/// With every word quoted, so that one with a blank in it is one.
pub(super) fn program(program: &Program) -> String {
    let words: Vec<String> = program.words.iter().map(|it| format!("{it:?}")).collect();
    format!("[{}]", list(&words))
}

pub(super) fn user(program: &Program) -> Option<String> {
    let user = program.user.as_ref()?;
    Some(format!("{} ({}:{})", user.name, user.uid, user.gid))
}

pub(super) fn connection(connection: &Connection) -> String {
    format!("{} on {}", connection.address, connection.interface)
}

/// Without the interface.
pub(super) fn cut_to_address(connection: &mut String) {
    let address = connection.find(' ').unwrap_or(connection.len());
    connection.truncate(address);
}

pub(super) fn network(place: &Place) -> Option<String> {
    match place {
        Place::Management => Some("management".to_owned()),
        Place::Business => Some("business".to_owned()),
        Place::Interface(_) => None,
    }
}

pub(super) fn interface(place: &Place) -> Option<String> {
    match place {
        Place::Management | Place::Business => None,
        Place::Interface(name) => Some(name.clone()),
    }
}

pub(super) fn follows(follows: Follows) -> String {
    match follows {
        Follows::Master => "master".to_owned(),
        Follows::Slot(slot) => format!("slot {slot}"),
        Follows::SlotElseMaster(slot) => format!("slot {slot} with takeover"),
    }
}

pub(super) fn check(check: &Check) -> String {
    match check {
        Check::Process(Process::PidFile(path)) => format!("pid file {}", path.display()),
        Check::Process(Process::Name(name)) => format!("name {name:?}"),
        Check::Process(Process::MainOf(unit)) => format!("unit {unit}"),
        Check::Tcp(address) => address.to_string(),
        Check::Http(it) => page(it),
        Check::Command(run) => program(run),
        Check::File { path, max_age } => format!("{} of {}", path.display(), time(*max_age)),
        Check::Link(Network::Management) => "management".to_owned(),
        Check::Link(Network::Business) => "business".to_owned(),
        Check::Unit(unit) => {
            let state = PerRole {
                master: unit.state.master.as_str(),
                slave: unit.state.slave.as_str(),
            };
            format!("{}, {}", unit.name, by_role(&state))
        }
        Check::Reference(devices) => list(devices),
    }
}

fn page(page: &Http) -> String {
    let scheme = if page.tls.is_some() { "https" } else { "http" };
    let mut text = format!("{scheme}://{}{} at {}", page.host, page.path, page.address);
    if let Some(tls) = &page.tls {
        let authorities = tls.ca_file.as_ref().map(|file| file.display().to_string());
        text += &format!(
            ", for {} by {}",
            tls.server_name.to_str(),
            authorities
                .as_deref()
                .unwrap_or("this machine's authorities")
        );
    }
    if let Some(status) = &page.status {
        text += &format!(", status {}", by_role(status));
    }
    if let Some(contains) = &page.contains {
        text += &format!(", contains {}", by_role(contains));
    }
    if let Some((pointer, equals)) = &page.equals {
        text += &format!(", {pointer:?} equals {}", by_role(equals));
    }
    text
}

fn by_role<T: Debug + PartialEq>(wanted: &PerRole<T>) -> String {
    if wanted.differs() {
        format!(
            "{:?} on a master and {:?} elsewhere",
            wanted.master, wanted.slave
        )
    } else {
        format!("{:?}", wanted.master)
    }
}

pub(super) fn checks_user(check: &Check) -> Option<String> {
    match check {
        Check::Command(run) => user(run),
        Check::Process(_)
        | Check::Tcp(_)
        | Check::Http(_)
        | Check::File { .. }
        | Check::Link(_)
        | Check::Unit(_)
        | Check::Reference(_) => None,
    }
}

pub(super) fn way(way: &Way) -> String {
    match way {
        Way::Webhook(url) | Way::Alertmanager { url, .. } => {
            let scheme = if url.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}{} at {}", url.host, url.path, url.address)
        }
        Way::Command(run) => program(run),
        Way::Syslog(facility) => facility.as_str().to_owned(),
        Way::Journal => "true".to_owned(),
    }
}

pub(super) fn authorities(way: &Way) -> Option<String> {
    let file = tls(way)?.ca_file.as_ref()?;
    Some(file.display().to_string())
}

pub(super) fn server_name(way: &Way) -> Option<String> {
    Some(tls(way)?.server_name.to_str().into_owned())
}

fn tls(way: &Way) -> Option<&Tls> {
    match way {
        Way::Webhook(url) | Way::Alertmanager { url, .. } => url.tls.as_ref(),
        Way::Command(_) | Way::Syslog(_) | Way::Journal => None,
    }
}

pub(super) fn sinks_user(way: &Way) -> Option<String> {
    match way {
        Way::Command(run) => user(run),
        Way::Webhook(_) | Way::Alertmanager { .. } | Way::Syslog(_) | Way::Journal => None,
    }
}

pub(super) fn resend(way: &Way) -> Option<String> {
    match way {
        Way::Alertmanager { resend, .. } => Some(time(*resend)),
        Way::Webhook(_) | Way::Command(_) | Way::Syslog(_) | Way::Journal => None,
    }
}

/// In which roles something is tried.
pub(super) fn recovers(service: &Service) -> Option<String> {
    match (&service.on_master, &service.on_slave) {
        (None, None) => None,
        (Some(_), None) => Some("master".to_owned()),
        (None, Some(_)) => Some("slave".to_owned()),
        (Some(_), Some(_)) => Some("master, slave".to_owned()),
    }
}

impl Config {
    /// How the master is found.
    pub(super) const fn mode(&self) -> Mode {
        if self.pair.is_some() {
            Mode::Pair
        } else {
            Mode::Quorum
        }
    }

    /// How heartbeats reach the other members.
    pub(super) const fn transport(&self) -> Transport {
        if self.group.is_some() {
            Transport::Multicast
        } else {
            Transport::Unicast
        }
    }
}
