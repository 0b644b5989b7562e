//! What a node is in its cluster, and what became of it.

use crate::control::{Guarantee, NotElectable, Role};
use crate::metrics::measured::{Begun, Ended};
use crate::metrics::metric::{Metric, counter, gauge, histogram};

pub(super) static METRICS: &[Metric] = &[
    gauge("is_master", &[], "1 on the master.", |m, s| {
        s.flag(&[], m.is_master())
    }),
    gauge(
        "role",
        &["role"],
        "1 for this node's role, 0 for every other.",
        |m, s| {
            let all = Role::ALL.iter().map(|role| role.as_str());
            s.one_of(&[], all, Some(m.status.role.as_str()))
        },
    ),
    gauge(
        "role_age_seconds",
        &[],
        "For how long this node has had its role.",
        |m, s| s.us(&[], m.status.role_age_us),
    ),
    gauge(
        "epoch_round",
        &[],
        "The round of the highest mastership known: it grows with each one.",
        |m, s| s.number(&[], m.status.epoch.round),
    ),
    gauge(
        "master_slot",
        &[],
        "The slot of the master as this node knows it; 0 when none is known.",
        |m, s| s.number(&[], m.status.master_slot.unwrap_or(0).into()),
    ),
    gauge("lease_seconds", &[], "How long a lease lasts.", |m, s| {
        s.us(&[], m.status.lease_us)
    }),
    gauge(
        "lease_remaining_seconds",
        &[],
        "What is left of the lease; only on the master. It is near lease_seconds while answers come.",
        |m, s| {
            m.status
                .lease_remaining_us
                .map_or(Ok(()), |us| s.us(&[], us))
        },
    ),
    gauge(
        "period_seconds",
        &[],
        "Time between two heartbeats.",
        |m, s| s.us(&[], m.status.period_us),
    ),
    gauge(
        "guarantee",
        &["guarantee"],
        "1 for the promise that keeps a second master away now, 0 for every other.",
        |m, s| {
            let all = Guarantee::ALL.iter().map(|it| it.as_str());
            s.one_of(&[], all, Some(m.status.guarantee.as_str()))
        },
    ),
    gauge(
        "electable",
        &[],
        "1 if this node could become master now.",
        |m, s| s.flag(&[], m.status.electable),
    ),
    gauge(
        "not_electable",
        &["reason"],
        "1 for the reason why it could not, 0 for every other.",
        |m, s| {
            let all = NotElectable::ALL.iter().map(|it| it.as_str());
            s.one_of(&[], all, m.status.not_electable.map(NotElectable::as_str))
        },
    ),
    gauge(
        "degraded",
        &[],
        "1 while heartbeats go by the business network, since the management network fails.",
        |m, s| s.flag(&[], m.status.degraded),
    ),
    gauge(
        "maintenance",
        &[],
        "1 while an operator has this node in maintenance.",
        |m, s| s.flag(&[], m.status.maintenance),
    ),
    counter(
        "role_changes",
        &["to"],
        "Role changes since the daemon's start, by the role that was taken.",
        |m, s| {
            Role::ALL.iter().try_for_each(|role| {
                let of = m.happened.roles.get(role.as_str());
                s.count(&[&role.as_str()], of.copied().unwrap_or(0))
            })
        },
    ),
    counter(
        "masterships_begun",
        &["by"],
        "Masterships of this node since the daemon's start, by how they began: election, handover, forced, taken_up (after a restart).",
        |m, s| {
            Begun::ALL.iter().try_for_each(|by| {
                let of = m.happened.begun.get(by);
                s.count(&[&by.as_str()], of.copied().unwrap_or(0))
            })
        },
    ),
    counter(
        "masterships_ended",
        &["by"],
        "Masterships of this node that ended while its daemon lived, by how: order (of an operator, or for a service's sake), loss (of the lease, or to another).",
        |m, s| {
            Ended::ALL.iter().try_for_each(|by| {
                let of = m.happened.ended.get(by);
                s.count(&[&by.as_str()], of.copied().unwrap_or(0))
            })
        },
    ),
    histogram(
        "failover_duration_seconds",
        &["until"],
        "From the last heartbeat of a master that was lost to what this node did about it: elected, announced (the addresses). Without masterships that were handed over.",
        |m, s| {
            s.durations(&[&"elected"], &m.happened.until_elected)?;
            s.durations(&[&"announced"], &m.happened.until_announced)
        },
    ),
];
