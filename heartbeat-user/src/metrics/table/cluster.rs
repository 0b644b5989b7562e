//! The other members, and what belongs to the cluster.

use std::fmt;

use crate::control::{Answering, Diagnosis, MemberStatus};
use crate::metrics::measured::Measured;
use crate::metrics::metric::{Metric, counter, gauge};

/// Of a larger cluster only those members have series of their own that are not well, and of these not more.
const MOST_MEMBERS: usize = 64;

const MEMBER: &[&str] = &["slot", "member"];

pub(super) static METRICS: &[Metric] = &[
    gauge(
        "members",
        &[],
        "Members of the cluster, this node included.",
        |m, s| s.number(&[], m.status.members.len() as u64),
    ),
    gauge(
        "members_missing",
        &[],
        "Members that do not answer; only on the master.",
        |m, s| {
            let missing = |it: &&MemberStatus| it.answering == Some(Answering::Missing);
            let missing = m.status.members.iter().filter(missing).count();
            if m.is_master() {
                s.number(&[], missing as u64)
            } else {
                Ok(())
            }
        },
    ),
    gauge("electors", &[], "Electors of the set in force.", |m, s| {
        s.number(&[], m.status.electors.len() as u64)
    }),
    gauge(
        "electors_answering",
        &[],
        "How many of them answered this node of late, itself included.",
        |m, s| s.number(&[], m.status.electors_answering as u64),
    ),
    gauge(
        "electors_majority",
        &[],
        "How many of them are a majority.",
        |m, s| s.number(&[], m.status.majority as u64),
    ),
    gauge(
        "member_answering",
        MEMBER,
        "1 if the member answers. Of more than 64 members only those that are not well have series, 64 at most; only on the master.",
        |m, s| {
            shown(m, |it| {
                let answers = it.answering.map(|it| it == Answering::Healthy);
                answers.map_or(Ok(()), |answers| s.flag(&[&it.slot, &it.name], answers))
            })
        },
    ),
    gauge(
        "member_diagnosis",
        &["slot", "member", "diagnosis"],
        "1 with the member's diagnosis as label; only on the master, and of those members that have member_answering.",
        |m, s| {
            shown(m, |it| {
                s.number(&[&it.slot, &it.name, &it.diagnosis.as_str()], 1)
            })
        },
    ),
    gauge(
        "member_round_trip_seconds",
        MEMBER,
        "Round trip of the member's newest answer; only on the master.",
        |m, s| {
            shown(m, |it| {
                it.rtt_us
                    .map_or(Ok(()), |us| s.us(&[&it.slot, &it.name], us))
            })
        },
    ),
    gauge(
        "member_last_reply_age_seconds",
        MEMBER,
        "How long ago the member's newest answer arrived; only on the master.",
        |m, s| {
            shown(m, |it| {
                let age_us = it.last_reply_age_us;
                age_us.map_or(Ok(()), |us| s.us(&[&it.slot, &it.name], us))
            })
        },
    ),
    gauge(
        "virtual_address_held",
        &["address"],
        "1 if the virtual address is on an interface of this node.",
        |m, s| {
            let mut all = m.status.virtual_addresses.iter();
            all.try_for_each(|it| s.flag(&[&it.address], it.held))
        },
    ),
    gauge(
        "virtual_address_gate_open",
        &["address"],
        "1 if this node's kernel lets its traffic through.",
        |m, s| {
            let mut all = m.status.virtual_addresses.iter();
            all.try_for_each(|it| s.flag(&[&it.address], it.gate_open))
        },
    ),
    gauge(
        "virtual_address_verified",
        &["address"],
        "1 if another member saw this node answer for it; only on who bears it, once one has looked.",
        |m, s| {
            m.status.virtual_addresses.iter().try_for_each(|it| {
                let ours = it.verified.as_ref().and_then(|it| it.ours);
                ours.map_or(Ok(()), |ours| s.flag(&[&it.address], ours))
            })
        },
    ),
    gauge(
        "link_up",
        &["slot"],
        "1 if the link to that node's daemon stands, 0 if it cannot be dialled.",
        |m, s| {
            let mut all = m.status.links.dialled.iter();
            all.try_for_each(|it| s.flag(&[&it.slot], it.fault.is_none()))
        },
    ),
    counter(
        "links_refused",
        &["cause"],
        "Connections that became no link, and messages that nobody took, by cause.",
        |m, s| {
            let mut all = m.status.links.refused.iter();
            all.try_for_each(|(cause, count)| s.count(&[cause], *count))
        },
    ),
];

/// Those members that this node judges, and that are few enough. What a slave believes of others is old, and would be
/// told beside what the master sees.
fn shown(m: &Measured, mut write: impl FnMut(&MemberStatus) -> fmt::Result) -> fmt::Result {
    let all = &m.status.members;
    let judged = all
        .iter()
        .filter(|it| m.is_master() && it.answering.is_some());
    let is_small = all.len() <= MOST_MEMBERS;
    judged
        .filter(|it| is_small || it.diagnosis != Diagnosis::Healthy)
        .take(MOST_MEMBERS)
        .try_for_each(&mut write)
}
