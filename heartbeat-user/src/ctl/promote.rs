//! Forced promotion: the operator vouches for what no majority does, and types the cluster's name.

use std::io::{self, BufRead as _, Write as _};

use super::{Failure, order, unexpected};
use crate::cli::Exit;
use crate::control::{Client, Request, Response, Status};

/// Orders it if the right name was given with the command, or is typed now.
pub(super) fn force(client: &Client, given: Option<String>) -> Result<Exit, Failure> {
    let cluster = vouched(client, given, question)?;
    order(client, Request::Force { cluster })
}

/// The cluster's name, as it was given with the command or is typed at this question.
pub(super) fn vouched(
    client: &Client,
    given: Option<String>,
    question: impl Fn(&Status) -> String,
) -> Result<String, Failure> {
    let status = match client.ask(Request::Status)? {
        Response::Status(status) => status,
        other => return Err(unexpected(other)),
    };
    let cluster = match given {
        Some(name) => name,
        None => ask(&question(&status))?,
    };
    if cluster != status.cluster {
        return Err(Failure::WrongName(format!(
            "this is cluster {}, not {cluster:?}: nothing was done",
            status.cluster
        )));
    }
    Ok(cluster)
}

fn ask(question: &str) -> Result<String, Failure> {
    let mut out = io::stderr().lock();
    write!(out, "{question}")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn question(status: &Status) -> String {
    let addresses: Vec<String> = status
        .virtual_addresses
        .iter()
        .map(|entry| entry.address.to_string())
        .collect();
    format!(
        "{} would become master of cluster {} WITHOUT a majority: {} of {} electors answer, {} are needed.\n\
         Nothing keeps a second master away then but you. Go on only if every other node of the cluster is off,\n\
         or cut off from every client, and stays so until it can reach this one again. If one of them is master, or\n\
         becomes it, both serve ({}), and what clients write to either is lost or torn.\n\
         Type the cluster's name to go on: ",
        status.describe(status.slot),
        status.cluster,
        status.electors_answering,
        status.electors.len(),
        status.majority,
        addresses.join(", "),
    )
}
