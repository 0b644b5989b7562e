//! `[hooks]`: the notify scripts. keepalived has one of each kind for every instance and group; a cluster has one.

use super::Report;
use super::text::{absolute, line, list, quoted};
use super::vrrp::{Call, Notify, Vrrp};

/// The keys of heartbeatd, each with the script of its own kind and whether keepalived's general one took its place.
struct Chosen<'a> {
    key: &'static str,
    call: &'a Call,
    is_general: bool,
}

pub(super) fn write(toml: &mut String, vrrp: &Vrrp, cluster: &str, report: &mut Report) {
    // A group's scripts are those of the whole, so they come first.
    let groups = vrrp.groups.iter().map(|it| &it.notify);
    let all: Vec<&Notify> = groups
        .chain(vrrp.instances.iter().map(|it| &it.notify))
        .collect();
    let general = first(&all, |it| it.any.as_ref(), report);
    let demoted = first(&all, |it| it.backup.as_ref(), report);
    let stopped = first(&all, |it| it.stop.as_ref(), report);
    if let (Some(demoted), Some(stopped)) = (demoted, stopped)
        && demoted.words != stopped.words
    {
        let why = "on_demote is run whenever a master ceases to be one, also when it stops";
        lost(stopped, why, report);
    }
    let kinds = [
        ("on_promote", first(&all, |it| it.master.as_ref(), report)),
        ("on_demote", demoted.or(stopped)),
        ("on_fault", first(&all, |it| it.fault.as_ref(), report)),
    ];
    let chosen = kinds.into_iter().filter_map(|(key, call)| {
        Some(Chosen {
            key,
            call: call.or(general)?,
            is_general: call.is_none(),
        })
    });
    let chosen: Vec<_> = chosen.collect();
    if chosen.is_empty() {
        return;
    }
    *toml += "\n[hooks]\n";
    for it in &chosen {
        let comment = format!("{} ({})", it.call.keyword, it.call.at);
        line(toml, it.key, &list(&it.call.words), &comment);
        absolute(&it.call.words, it.key, report);
    }
    arguments(toml, &chosen, general, cluster, report);
    user(toml, &chosen, vrrp, report);
}

/// The first of one kind; others that differ are told of.
fn first<'a>(
    all: &[&'a Notify],
    kind: impl Fn(&'a Notify) -> Option<&'a Call>,
    report: &mut Report,
) -> Option<&'a Call> {
    let mut calls = all.iter().filter_map(|it| kind(it));
    let first = calls.next()?;
    for other in calls.filter(|it| it.words != first.words) {
        let why = format!(
            "a cluster has one program for each change: {} is carried; write one that runs both",
            first.at
        );
        lost(other, &why, report);
    }
    Some(first)
}

fn lost(call: &Call, why: &str, report: &mut Report) {
    let what = format!("{} {}", call.keyword, call.words.join(" "));
    report.lost(&call.at, &what, why);
}

/// keepalived gives its arguments to the general script alone.
fn arguments(
    toml: &mut String,
    chosen: &[Chosen<'_>],
    general: Option<&Call>,
    cluster: &str,
    report: &mut Report,
) {
    let Some(general) = general else {
        return;
    };
    if !chosen.iter().any(|it| it.is_general) {
        let why = "each change has a program of its own, which is run; heartbeatd runs one";
        lost(general, why, report);
        return;
    }
    line(
        toml,
        "arguments",
        "\"keepalived\"",
        "as for keepalived's notify",
    );
    let why = format!(
        "its last arguments are INSTANCE {cluster} MASTER, BACKUP or FAULT, and a priority: never GROUP, STOP or DELETED"
    );
    report.changed(&general.at, "notify", why);
    for it in chosen.iter().filter(|it| !it.is_general) {
        let why = "it is given keepalived's four arguments too, since the others are";
        report.changed(&it.call.at, &it.call.keyword, why);
    }
}

fn user(toml: &mut String, chosen: &[Chosen<'_>], vrrp: &Vrrp, report: &mut Report) {
    let of = |it: &Chosen<'_>| it.call.user.clone().or_else(|| vrrp.script_user.clone());
    let first = of(&chosen[0]);
    for other in chosen.iter().filter(|it| of(it) != first) {
        let why = "all hooks are run as one user";
        let what = format!("user of {}", other.call.keyword);
        report.changed(&other.call.at, &what, why);
    }
    if let Some(user) = &first {
        line(toml, "user", &quoted(user), "");
    }
}
