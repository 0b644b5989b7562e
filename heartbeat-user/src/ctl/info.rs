//! `heartbeatctl info`: the cluster's dynamic information.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use bytes::Bytes;

use super::promote;
use super::table::table;
use super::{Failure, print, print_json, unexpected};
use crate::cli::Exit;
use crate::cli::ctl::{InfoAction, InfoOnly};
use crate::control::{
    Client, Expected, HISTORY_KEY, Happened, InfoAnswer, InfoChange, InfoEntry, InfoRequest,
    Request, Response, Status, StoreStatus, Value,
};

/// Names the standard input instead of a file.
const STANDARD_INPUT: &str = "-";

pub(super) fn info(client: &Client, action: InfoAction) -> Result<Exit, Failure> {
    match action {
        InfoAction::Get { key, local, json } => get(client, key, local, json),
        InfoAction::Put {
            key,
            value,
            file,
            only,
        } => {
            let value = match (value, file) {
                (Some(text), _) => text.into(),
                (None, Some(file)) => read(&file)?,
                (None, None) => unreachable!("the command line wants one of both"),
            };
            let expect = expected(&only);
            written(ask(
                client,
                InfoRequest::Put {
                    key,
                    value: Value(value),
                    expect,
                },
            )?)
        }
        InfoAction::Delete { key, only } => {
            let expect = only
                .if_revision
                .map_or(Expected::Anything, Expected::Revision);
            written(ask(client, InfoRequest::Delete { key, expect })?)
        }
        InfoAction::List {
            prefix,
            local,
            json,
        } => list(client, prefix, local, json),
        InfoAction::Watch { prefix, since } => watch(client, &prefix, since),
        InfoAction::Force { cluster } => force(client, cluster),
        InfoAction::Store { json } => match ask(client, InfoRequest::Store)? {
            InfoAnswer::Store(status) if json => print_json(&status),
            InfoAnswer::Store(status) => print(&store(&status)),
            other => Err(other_answer(other)),
        },
    }
}

/// Has the master go on without the silent stores, if the right name was given with the command, or is typed now.
fn force(client: &Client, given: Option<String>) -> Result<Exit, Failure> {
    let store = match ask(client, InfoRequest::Store)? {
        InfoAnswer::Store(store) => store,
        other => return Err(other_answer(other)),
    };
    let question = |status: &Status| {
        format!(
            "The dynamic information of cluster {} would go on WITHOUT the stores that are silent ({}: {}).\n\
             What only they hold is lost for good, acknowledged or not. Go on only if their disks are gone, or never held\n\
             anything. Type the cluster's name to go on: ",
            status.cluster, store.state, store.text
        )
    };
    let cluster = promote::vouched(client, given, question)?;
    match ask(client, InfoRequest::Force { cluster })? {
        InfoAnswer::Forced(done) => print(&(done + "\n")),
        other => Err(other_answer(other)),
    }
}

/// What happened to the whole cluster, as its masters wrote it down.
pub(super) fn history(client: &Client, json: bool) -> Result<Exit, Failure> {
    let request = InfoRequest::Get {
        key: HISTORY_KEY.to_owned(),
        local: false,
    };
    let happened: Vec<Happened> = match ask(client, request)? {
        InfoAnswer::Entry(Some(entry)) => {
            serde_json::from_slice(&entry.value.0).map_err(|_| Failure::OtherAnswer)?
        }
        InfoAnswer::Entry(None) => Vec::new(),
        other => return Err(other_answer(other)),
    };
    if json {
        return print_json(&happened);
    }
    let row = |it: &Happened| {
        let round = format!("{}/{}", it.epoch.round, it.epoch.slot);
        [
            it.at.clone(),
            round,
            it.what.as_str().to_owned(),
            it.text.clone(),
        ]
    };
    let rows: Vec<_> = happened.iter().map(row).collect();
    print(&table(["WHEN (UTC)", "ROUND/SLOT", "WHAT", "TEXT"], &rows))
}

fn expected(only: &InfoOnly) -> Expected {
    match only {
        InfoOnly {
            if_absent: true, ..
        } => Expected::Nothing,
        InfoOnly {
            if_revision: Some(revision),
            ..
        } => Expected::Revision(*revision),
        InfoOnly { .. } => Expected::Anything,
    }
}

fn read(file: &Path) -> Result<Bytes, Failure> {
    if file == Path::new(STANDARD_INPUT) {
        let mut value = Vec::new();
        io::stdin().lock().read_to_end(&mut value)?;
        return Ok(value.into());
    }
    let value = fs::read(file);
    let value = value
        .map_err(|error| Failure::Refused(format!("cannot read {}: {error}", file.display())))?;
    Ok(value.into())
}

fn ask(client: &Client, request: InfoRequest) -> Result<InfoAnswer, Failure> {
    match client.ask(Request::Info(request))? {
        Response::Info(answer) => Ok(answer),
        other => Err(unexpected(other)),
    }
}

/// What is wrong where another answer was hoped for.
fn other_answer(answer: InfoAnswer) -> Failure {
    match answer {
        InfoAnswer::Refused(why) => Failure::Refused(why),
        InfoAnswer::Unknown(why) => Failure::Refused(format!("it is not known whether it was written: {why}")),
        InfoAnswer::Conflict { revision: Some(revision) } => {
            Failure::Refused(format!("the entry's newest change is {revision}; nothing was written"))
        }
        InfoAnswer::Conflict { revision: None } => {
            Failure::Refused("there is no such entry; nothing was written".to_owned())
        }
        InfoAnswer::Compacted => Failure::Refused(
            "changes so old are not kept: `heartbeatctl info list` shows what there is, and a watch goes on from its \
             revision"
                .to_owned(),
        ),
        InfoAnswer::Entry(_)
        | InfoAnswer::Entries { .. }
        | InfoAnswer::Written { .. }
        | InfoAnswer::Changes { .. }
        | InfoAnswer::Forced(_)
        | InfoAnswer::Store(_) => Failure::OtherAnswer,
    }
}

fn written(answer: InfoAnswer) -> Result<Exit, Failure> {
    match answer {
        InfoAnswer::Written { revision, copies } => {
            let disks = if copies == 1 { "disk" } else { "disks" };
            print(&format!("revision {revision}, on {copies} {disks}\n"))
        }
        other => Err(other_answer(other)),
    }
}

/// The value as it is, so that it can be piped on; a terminal gets a line's end after it.
fn get(client: &Client, key: String, local: bool, json: bool) -> Result<Exit, Failure> {
    match ask(
        client,
        InfoRequest::Get {
            key: key.clone(),
            local,
        },
    )? {
        InfoAnswer::Entry(Some(entry)) if json => print_json(&entry),
        InfoAnswer::Entry(Some(entry)) => {
            let mut out = io::stdout().lock();
            out.write_all(&entry.value.0)?;
            if out.is_terminal() {
                out.write_all(b"\n")?;
            }
            out.flush()?;
            Ok(Exit::Ok)
        }
        InfoAnswer::Entry(None) => Err(Failure::Refused(format!("there is no entry {key:?}"))),
        other => Err(other_answer(other)),
    }
}

fn list(client: &Client, prefix: String, local: bool, json: bool) -> Result<Exit, Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let request = InfoRequest::List {
            prefix: prefix.clone(),
            after: after.take(),
            local,
        };
        match ask(client, request)? {
            InfoAnswer::Entries { entries, more, .. } => {
                all.extend(entries);
                match all.last() {
                    Some(last) if more => after = Some(last.key.clone()),
                    Some(_) | None => break,
                }
            }
            other => return Err(other_answer(other)),
        }
    }
    if json {
        print_json(&all)
    } else {
        print(&entries(&all))
    }
}

fn entries(all: &[InfoEntry]) -> String {
    let row = |entry: &InfoEntry| {
        [
            entry.key.clone(),
            entry.revision.to_string(),
            entry.version.to_string(),
            format!("{}/{}", entry.epoch.round, entry.epoch.slot),
            shown(&entry.value),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(["KEY", "REVISION", "VERSION", "ROUND/SLOT", "VALUE"], &rows)
}

/// The beginning of a value on one line.
fn shown(value: &Value) -> String {
    const WIDTH: usize = 60;
    match str::from_utf8(&value.0) {
        Ok(text) if !text.chars().any(char::is_control) && text.chars().count() <= WIDTH => {
            text.to_owned()
        }
        Ok(text) => {
            let beginning: String = text.chars().take(WIDTH).collect();
            format!("{}... ({} bytes)", beginning.escape_debug(), value.0.len())
        }
        Err(_) => format!("({} bytes)", value.0.len()),
    }
}

/// One JSON object a line, for as long as somebody reads.
fn watch(client: &Client, prefix: &str, mut since: Option<u64>) -> Result<Exit, Failure> {
    loop {
        let request = InfoRequest::Watch {
            prefix: prefix.to_owned(),
            since,
        };
        match ask(client, request)? {
            InfoAnswer::Changes { changes, revision } => {
                since = Some(revision);
                if lines(&changes)? == Exit::Ok {
                    continue;
                }
                return Ok(Exit::Ok);
            }
            other => return Err(other_answer(other)),
        }
    }
}

fn lines(changes: &[InfoChange]) -> Result<Exit, Failure> {
    let mut text = String::new();
    for change in changes {
        text += &serde_json::to_string(change).map_err(io::Error::from)?;
        text.push('\n');
    }
    print(&text)
}

fn store(status: &StoreStatus) -> String {
    let mut text = format!(
        "{}: {}\nround {}, slot {}, revision {}; {} entries, {} bytes\n",
        status.state,
        status.text,
        status.epoch.round,
        status.epoch.slot,
        status.revision,
        status.entries,
        status.bytes
    );
    if let Some(why) = &status.disk {
        text += &format!("its disk did not take its last write: {why}\n");
    }
    let row = |holder: &crate::control::HolderStatus| {
        [
            holder.slot.to_string(),
            if holder.counts { "yes" } else { "no" }.to_owned(),
            holder.state.clone().unwrap_or_else(|| "-".to_owned()),
            holder
                .behind
                .map_or_else(|| "-".to_owned(), |behind| behind.to_string()),
        ]
    };
    let rows: Vec<_> = status.holders.iter().map(row).collect();
    text + &table(["SLOT", "COUNTS", "STATE", "BEHIND"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_odd_value_is_cut_to_one_line() {
        let value = |bytes: &[u8]| shown(&Value(Bytes::copy_from_slice(bytes)));
        assert_eq!(value(b"short"), "short");
        assert_eq!(value(b"two\nlines"), "two\\nlines... (9 bytes)");
        assert_eq!(value(&[0xff, 1]), "(2 bytes)");
        assert!(value(&[b'x'; 100]).ends_with("... (100 bytes)"));
    }
}
