//! `heartbeatctl members`: who is a member, whose votes count, and the way to other electors.

use std::thread;
use std::time::{Duration, Instant};

use super::table::table;
use super::{Failure, print, print_json, unexpected};
use crate::cli::Exit;
use crate::control::human::duration;
use crate::control::{Client, Electors, Membership, Request, Response};

/// How long the command watches a change: each step is a few writes to the electors' disks.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn show(client: &Client, json: bool) -> Result<Exit, Failure> {
    let members = ask(client)?;
    if json {
        return print_json(&members);
    }
    print(&render(&members))
}

/// Orders the change, and tells of each step until it is through.
pub(super) fn apply(client: &Client) -> Result<Exit, Failure> {
    match client.ask(Request::ApplyMembers)? {
        Response::Done(what) => print(&(what + "\n"))?,
        other => return Err(unexpected(other)),
    };
    let (end, mut told) = (Instant::now() + PATIENCE, 0);
    loop {
        let now = ask(client)?;
        if told != now.in_force.version {
            told = now.in_force.version;
            print(&format!("in force: {}\n", set(&now.in_force)))?;
        }
        if now.change.is_none() && now.agreed_to.is_none() {
            return through(&now);
        }
        if Instant::now() > end {
            return Err(Failure::Refused(format!(
                "the change is still under way after {} s, and goes on by itself:\n{}",
                PATIENCE.as_secs(),
                progress(&now)
            )));
        }
        thread::sleep(LOOK);
    }
}

fn through(now: &Membership) -> Result<Exit, Failure> {
    if now.proposal_differs {
        return Err(Failure::Refused(
            "the change ended before it reached what the file proposes: mastership moved meanwhile; \
             `heartbeatctl members` shows the set in force, and `members apply` at the master goes on"
                .to_owned(),
        ));
    }
    Ok(Exit::Ok)
}

fn ask(client: &Client) -> Result<Membership, Failure> {
    match client.ask(Request::Members)? {
        Response::Members(members) => Ok(*members),
        other => Err(unexpected(other)),
    }
}

fn render(members: &Membership) -> String {
    let row = |member: &crate::control::MemberStatus| {
        [
            member.slot.to_string(),
            member.name.clone(),
            member.address.to_string(),
            if member.elector { "yes" } else { "no" }.to_owned(),
            member.role.as_str().to_owned(),
            member.diagnosis.as_str().to_owned(),
        ]
    };
    let rows: Vec<_> = members.members.iter().map(row).collect();
    let heads = ["SLOT", "NAME", "ADDRESS", "ELECTOR", "ROLE", "DIAGNOSIS"];
    let mut text = table(heads, &rows) + "\n";
    text += &format!("in force:  {}\n", set(&members.in_force));
    if members.unconfirmed {
        text += "           from the configuration file; no mastership by it is known here yet\n";
    }
    text += &proposal(members);
    text + &progress(members)
}

fn proposal(members: &Membership) -> String {
    match (&members.proposal, &members.proposal_fault) {
        (Some(proposed), _) if members.proposal_differs => format!(
            "proposed:  {}; `heartbeatctl members apply` at the master goes there\n",
            set(proposed)
        ),
        (Some(_), _) => "proposed:  the same\n".to_owned(),
        (None, fault) => format!("proposed:  {}\n", fault.as_deref().unwrap_or("nothing")),
    }
}

fn progress(members: &Membership) -> String {
    let mut text = String::new();
    if let Some(agreed) = &members.agreed_to {
        text += &format!("agreed to: {}; not known to be in force\n", set(agreed));
    }
    let Some(change) = &members.change else {
        return text;
    };
    let next = change
        .next
        .as_ref()
        .map_or_else(|| "not known yet".to_owned(), set);
    text += &format!("under way: {next}; for {}\n", duration(change.age_us));
    if !change.agreed.is_empty() {
        text += &format!("           agreed: slots {}\n", list(&change.agreed));
    }
    if !change.missing.is_empty() {
        text += &format!("           missing: slots {}\n", list(&change.missing));
    }
    text
}

fn set(electors: &Electors) -> String {
    let version = match electors.version {
        0 => String::new(),
        version => format!("version {version}, "),
    };
    format!(
        "{version}electors {}, max_lease {}",
        list(&electors.slots),
        duration(electors.max_lease_us)
    )
}

fn list(slots: &[u16]) -> String {
    let slots: Vec<String> = slots.iter().map(u16::to_string).collect();
    slots.join(", ")
}
