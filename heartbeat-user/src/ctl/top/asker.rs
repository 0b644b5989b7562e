//! Asking the daemon beside the screen: one that hangs must not keep a key from being heard.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use crate::control::{Client, ClientError, Details, Event, Request, Response, Status};
use crate::ctl::{Failure, unexpected};

/// Time between two questions.
const PACE: Duration = Duration::from_millis(250);
/// Answers that are not shown yet.
const ANSWERS_DEPTH: usize = 2;

/// What the daemon told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) status: Status,
    /// None where a daemon of another version does not tell.
    pub(super) details: Option<Details>,
    /// Oldest first.
    pub(super) history: Vec<Event>,
}

/// Asks as long as somebody listens.
pub(super) struct Asker(Receiver<Result<Told, String>>);

impl Asker {
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(client: Client) -> io::Result<Self> {
        let (answers, told) = sync_channel(ANSWERS_DEPTH);
        let work = move || {
            let mut last = None;
            loop {
                thread::sleep(PACE);
                let answer = ask(&client, last.as_ref());
                if let Ok(told) = &answer {
                    last = Some(told.clone());
                }
                if answers
                    .send(answer.map_err(|error| error.to_string()))
                    .is_err()
                {
                    return;
                }
            }
        };
        thread::Builder::new().name("asker".into()).spawn(work)?;
        Ok(Self(told))
    }

    /// What has come since.
    pub(super) fn told(&self) -> Option<Result<Told, String>> {
        self.0.try_recv().ok()
    }
}

/// Asks once. The history is asked for when something may have been added to it.
pub(super) fn ask(client: &Client, last: Option<&Told>) -> Result<Told, Failure> {
    let status = match client.ask(Request::Status)? {
        Response::Status(status) => *status,
        other => return Err(unexpected(other)),
    };
    let details = match client.ask(Request::Details) {
        Ok(Response::Details(details)) => Some(*details),
        // It cannot say, or does not know the question.
        Ok(_) | Err(ClientError::Foreign { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let is_as_before = |last: &&Told| {
        let of = |status: &Status| {
            let services: Vec<_> = status.services.iter().map(|it| it.state).collect();
            (status.role, status.epoch, status.hooks.clone(), services)
        };
        of(&last.status) == of(&status)
    };
    let history = match last.filter(is_as_before) {
        Some(last) => last.history.clone(),
        None => match client.ask(Request::History)? {
            Response::History(events) => events,
            other => return Err(unexpected(other)),
        },
    };
    Ok(Told {
        status,
        details,
        history,
    })
}
