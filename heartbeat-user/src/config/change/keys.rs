//! Every key of the file, in the order of the docs, and how a change of it comes into force.

use super::list;
use super::rules::{connection, key_file, membership, times, virtual_address};
use super::{Effect, Key, Seen, Values, text};
use crate::config::Config;

use Effect::{Apply, Reload, Restart, Steps};

const SOCKETS: &str = "sockets and kernel programs hang on it: restart the daemon";
const EVERYWHERE: &str =
    "nodes that differ in it do not hear each other: stop all daemons, change the file, start them";
const WITNESS: &str =
    "who may be master is known from the start: restart the daemons, slaves first";
const EVIDENCE: &str = "both must go by the same evidence: restart the daemons, the slave first, while the two hear each other";
const RECORD: &str = "a record begins with a daemon's start: restart the daemon";
const FOLLOWS: &str = "two nodes could have it meanwhile: take the address out on every node, then add it again on \
                       every node";

/// The path of the key that says the method.
pub(super) const MODE: &str = "[cluster] mode";

const CLUSTER: &str = "[cluster]";
const MANAGEMENT: &str = "[management]";
const PAIR: &str = "[pair]";
const MEMBER: &str = "[[member]]";
const ADDRESS: &str = "[[virtual_address]]";
const RECORDER: &str = "[recorder]";
const HANDOVERS: &str = "[handovers]";
const SERVICE: &str = "[[service]]";
const RECOVERY: &str = "[service.recovery.master]";
const HOOKS: &str = "[hooks]";
const ALARMS: &str = "[alarms]";
const SINK: &str = "[[alarms.sink]]";
const HTTP: &str = "[http]";
const METRICS: &str = "[metrics]";

/// Of one node alone.
const fn own(
    table: &'static str,
    name: &'static str,
    usually: Effect,
    values: fn(&Config) -> Values,
) -> Key {
    Key {
        table,
        name,
        is_shared: false,
        usually,
        except: never,
        values,
    }
}

/// The same on all nodes.
const fn shared(
    table: &'static str,
    name: &'static str,
    usually: Effect,
    values: fn(&Config) -> Values,
) -> Key {
    Key {
        is_shared: true,
        ..own(table, name, usually, values)
    }
}

const fn never(_: &Seen<'_>) -> Option<Effect> {
    None
}

impl Key {
    const fn except(self, except: fn(&Seen<'_>) -> Option<Effect>) -> Self {
        Self { except, ..self }
    }
}

/// Every key.
pub static KEYS: &[Key] = &[
    shared(CLUSTER, "name", Restart(EVERYWHERE), |c| {
        text::one(&c.cluster)
    }),
    shared(CLUSTER, "mode", Restart(EVERYWHERE), |c| {
        text::one(c.mode().as_str())
    }),
    own(CLUSTER, "key_file", Reload, text::keys).except(key_file),
    own(CLUSTER, "electors", Apply, |c| {
        text::one(text::list(&c.electors))
    }),
    own(CLUSTER, "max_lease", Apply, |c| {
        text::span(c.timing.max_lease)
    }),
    own(CLUSTER, "restart_lease", Reload, |c| {
        text::span(c.timing.restart_lease)
    }),
    shared(CLUSTER, "preempt_after", Reload, |c| {
        text::maybe_span(c.preempt_after)
    }),
    shared(MANAGEMENT, "group", Restart(EVERYWHERE), |c| {
        text::maybe(c.group)
    }),
    shared(MANAGEMENT, "transport", Restart(EVERYWHERE), |c| {
        text::one(c.transport().as_str())
    }),
    shared(MANAGEMENT, "port", Restart(EVERYWHERE), |c| {
        text::one(c.port)
    }),
    shared(MANAGEMENT, "control_port", Restart(EVERYWHERE), |c| {
        text::one(c.control_port)
    }),
    shared(MANAGEMENT, "replication_port", Restart(EVERYWHERE), |c| {
        text::one(c.replication_port)
    }),
    shared(MANAGEMENT, "period", Reload, |c| {
        text::span(c.timing.period)
    })
    .except(times),
    shared(MANAGEMENT, "detect_multiplier", Reload, |c| {
        text::one(c.timing.multiplier)
    })
    .except(times),
    own(MANAGEMENT, "attach", Restart(SOCKETS), |c| {
        text::one(c.attach.as_str())
    }),
    shared(PAIR, "require", Restart(EVIDENCE), |c| {
        text::of(&c.pair, text::require)
    }),
    shared(PAIR, "reference", Restart(EVIDENCE), |c| {
        text::of(&c.pair, |it| text::list(&it.references))
    }),
    own(PAIR, "fence_command", Reload, |c| {
        text::fence(c, |it| text::program(&it.program))
    }),
    own(PAIR, "fence_timeout", Reload, |c| {
        text::fence(c, |it| text::time(it.timeout))
    }),
    own(PAIR, "fence_delay", Restart(EVIDENCE), |c| {
        text::fence(c, |it| text::time(it.delay))
    }),
    shared(MEMBER, "slot", Reload, |c| {
        list::members(c, |_| Some("member".to_owned()))
    })
    .except(membership),
    shared(MEMBER, "name", Reload, |c| {
        list::members(c, |it| Some(it.name.clone()))
    }),
    shared(MEMBER, "management", Reload, |c| {
        list::members(c, |it| Some(text::connection(&it.management)))
    })
    .except(connection),
    shared(MEMBER, "business", Reload, |c| {
        list::members(c, |it| it.business.as_ref().map(text::connection))
    })
    .except(connection),
    shared(MEMBER, "witness", Restart(WITNESS), |c| {
        list::members(c, |it| Some(it.witness.to_string()))
    }),
    shared(ADDRESS, "address", Reload, |c| {
        list::addresses(c, |it| Some(format!("{}/{}", it.address, it.prefix)))
    }),
    shared(ADDRESS, "network", Reload, |c| {
        list::addresses(c, |it| text::network(&it.place))
    }),
    shared(ADDRESS, "interface", Reload, |c| {
        list::addresses(c, |it| text::interface(&it.place))
    }),
    shared(ADDRESS, "follows", Steps(FOLLOWS), |c| {
        list::addresses(c, |it| Some(text::follows(it.follows)))
    })
    .except(virtual_address),
    own(RECORDER, "file", Restart(RECORD), |c| {
        text::of(&c.recorder, |it| it.file.display().to_string())
    }),
    own(RECORDER, "max_size", Restart(RECORD), |c| {
        text::of(&c.recorder, |it| format!("{} bytes", it.max_size))
    }),
    own(HANDOVERS, "most", Reload, |c| text::one(c.handovers.most)),
    own(HANDOVERS, "window", Reload, |c| {
        text::span(c.handovers.window)
    }),
    shared(SERVICE, "name", Reload, |c| {
        list::services(c, |it| Some(it.name.clone()))
    }),
    shared(SERVICE, "on", Reload, |c| {
        list::services(c, |it| Some(it.on.as_str().to_owned()))
    }),
    own(SERVICE, "process", Reload, |c| list::checks(c, "process")),
    own(SERVICE, "unit", Reload, |c| list::checks(c, "unit")),
    own(SERVICE, "tcp", Reload, |c| list::checks(c, "tcp")),
    own(SERVICE, "http", Reload, |c| list::checks(c, "http")),
    own(SERVICE, "command", Reload, |c| list::checks(c, "command")),
    own(SERVICE, "file", Reload, |c| list::checks(c, "file")),
    own(SERVICE, "link", Reload, |c| list::checks(c, "link")),
    own(SERVICE, "reference", Reload, |c| {
        list::checks(c, "reference")
    }),
    own(SERVICE, "user", Reload, |c| {
        list::services(c, |it| text::checks_user(&it.check))
    }),
    shared(SERVICE, "interval", Reload, |c| {
        list::services(c, |it| Some(text::time(it.pace.interval)))
    }),
    shared(SERVICE, "timeout", Reload, |c| {
        list::services(c, |it| Some(text::time(it.pace.timeout)))
    }),
    own(SERVICE, "rise", Reload, |c| {
        list::services(c, |it| Some(it.pace.rise.to_string()))
    }),
    shared(SERVICE, "fall", Reload, |c| {
        list::services(c, |it| Some(it.pace.fall.to_string()))
    }),
    own(SERVICE, "start_grace", Reload, |c| {
        list::services(c, |it| Some(text::time(it.pace.start_grace)))
    }),
    own(SERVICE, "recovery", Reload, |c| {
        list::services(c, text::recovers)
    }),
    own(RECOVERY, "command", Reload, |c| {
        list::recoveries(c, |it| it.program().map(text::program))
    }),
    own(RECOVERY, "unit", Reload, |c| {
        list::recoveries(c, |it| it.unit().map(str::to_owned))
    }),
    own(RECOVERY, "user", Reload, |c| {
        list::recoveries(c, |it| it.program().and_then(text::user))
    }),
    own(RECOVERY, "timeout", Reload, |c| {
        list::recoveries(c, |it| Some(text::time(it.timeout)))
    }),
    own(RECOVERY, "attempts", Reload, |c| {
        list::recoveries(c, |it| Some(it.plan.attempts.to_string()))
    }),
    own(RECOVERY, "backoff", Reload, |c| {
        list::recoveries(c, |it| Some(text::time(it.plan.backoff)))
    }),
    own(RECOVERY, "within", Reload, |c| {
        list::recoveries(c, |it| Some(text::time(it.plan.within)))
    }),
    own(HOOKS, "on_promote", Reload, |c| {
        text::hook(c, |it| it.on_promote.as_ref().map(text::program))
    }),
    own(HOOKS, "on_demote", Reload, |c| {
        text::hook(c, |it| it.on_demote.as_ref().map(text::program))
    }),
    own(HOOKS, "on_fault", Reload, |c| {
        text::hook(c, |it| it.on_fault.as_ref().map(text::program))
    }),
    own(HOOKS, "user", Reload, |c| text::hook(c, text::hooks_user)),
    own(HOOKS, "timeout", Reload, |c| {
        text::hook(c, |it| Some(text::time(it.timeout)))
    }),
    own(HOOKS, "address", Reload, |c| {
        text::hook(c, |it| Some(it.address.as_str().to_owned()))
    }),
    own(HOOKS, "retry_after", Reload, |c| {
        text::hook(c, |it| Some(text::time(it.retry_after)))
    }),
    own(HOOKS, "arguments", Reload, |c| {
        text::hook(c, |it| Some(it.arguments.as_str().to_owned()))
    }),
    own(ALARMS, "hold", Reload, |c| text::span(c.alarms.hold)),
    own(SINK, "name", Reload, |c| {
        list::sinks(c, |it| Some(it.name.clone()))
    }),
    own(SINK, "webhook", Reload, |c| list::ways(c, "webhook")),
    own(SINK, "alertmanager", Reload, |c| {
        list::ways(c, "alertmanager")
    }),
    own(SINK, "command", Reload, |c| list::ways(c, "command")),
    own(SINK, "syslog", Reload, |c| list::ways(c, "syslog")),
    own(SINK, "journal", Reload, |c| list::ways(c, "journal")),
    own(SINK, "ca_file", Reload, |c| {
        list::sinks(c, |it| text::authorities(&it.way))
    }),
    own(SINK, "server_name", Reload, |c| {
        list::sinks(c, |it| text::server_name(&it.way))
    }),
    own(SINK, "user", Reload, |c| {
        list::sinks(c, |it| text::sinks_user(&it.way))
    }),
    own(SINK, "least", Reload, |c| {
        list::sinks(c, |it| Some(it.least.as_str().to_owned()))
    }),
    own(SINK, "timeout", Reload, |c| {
        list::sinks(c, |it| Some(text::time(it.timeout)))
    }),
    own(SINK, "resend", Reload, |c| {
        list::sinks(c, |it| text::resend(&it.way))
    }),
    own(HTTP, "listen", Reload, |c| {
        text::of(&c.page, |it| text::listen(it.network, it.port))
    }),
    own(HTTP, "access", Reload, |c| {
        text::of(&c.page, |it| it.access.as_str().to_owned())
    }),
    own(HTTP, "certificate", Reload, |c| {
        text::identity(c, text::certificate)
    }),
    own(HTTP, "private_key", Reload, |c| {
        text::identity(c, |it| it.private_key.display().to_string())
    }),
    own(HTTP, "token_file", Reload, |c| text::maybe(text::token(c))),
    own(METRICS, "listen", Reload, |c| {
        text::metrics(c, |it| {
            it.listen.map(|(network, port)| text::listen(network, port))
        })
    }),
    own(METRICS, "textfile", Reload, |c| {
        text::metrics(c, |it| {
            Some(it.textfile.as_ref()?.path.display().to_string())
        })
    }),
    own(METRICS, "interval", Reload, |c| {
        text::metrics(c, |it| Some(text::time(it.textfile.as_ref()?.interval)))
    }),
];
