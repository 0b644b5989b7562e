//! The ways to a sink.

mod alertmanager;
mod command;
mod journal;
mod syslog;
mod webhook;

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::courier::Errand;
use super::notice::Notice;
use crate::config::Connection;
use crate::config::alarms::{Url, Way};
use crate::net::http::{Answer, Server};

use alertmanager::Alertmanager;
use command::Command;
use journal::Journal;
use syslog::Syslog;
use webhook::Webhook;

/// A sink, as it is reached.
pub(super) struct Sink {
    way: Open,
    limit: Duration,
}

enum Open {
    Webhook(Box<Webhook>),
    Alertmanager(Box<Alertmanager>),
    Command(Command),
    Syslog(Syslog),
    Journal(Journal),
}

impl Sink {
    /// Nothing is connected before it is needed.
    pub(super) fn open(errand: &Errand) -> Self {
        let from = &errand.from;
        let limit = errand.sink.timeout;
        let way = match &errand.sink.way {
            Way::Webhook(url) => Open::Webhook(Box::new(Webhook::new(url, from.clone()))),
            Way::Alertmanager { url, resend } => {
                Open::Alertmanager(Box::new(Alertmanager::new(url, from.clone(), *resend)))
            }
            Way::Command(program) => Open::Command(Command::new(program.clone(), limit)),
            Way::Syslog(facility) => Open::Syslog(Syslog::new(*facility)),
            Way::Journal => Open::Journal(Journal::new()),
        };
        Self { way, limit }
    }

    /// Brings one notice, within the sink's time.
    pub(super) async fn deliver(&mut self, notice: &Notice) -> Result<(), String> {
        let limit = self.limit;
        match &mut self.way {
            Open::Webhook(webhook) => within(limit, webhook.deliver(notice)).await,
            Open::Alertmanager(manager) => within(limit, manager.deliver(notice)).await,
            // It ends what it started by itself.
            Open::Command(command) => command.deliver(notice).await,
            Open::Syslog(syslog) => within(limit, syslog.deliver(notice)).await,
            Open::Journal(journal) => within(limit, journal.deliver(notice)).await,
        }
    }

    /// How often it wants to hear what is in force, if it does.
    pub(super) const fn resend(&self) -> Option<Duration> {
        match &self.way {
            Open::Alertmanager(manager) => Some(manager.resend),
            Open::Webhook(_) | Open::Command(_) | Open::Syslog(_) | Open::Journal(_) => None,
        }
    }

    /// Tells what is in force, where that is wanted.
    pub(super) async fn repeat(&mut self, in_force: &[Notice]) -> Result<(), String> {
        match &mut self.way {
            Open::Alertmanager(manager) => within(self.limit, manager.repeat(in_force)).await,
            Open::Webhook(_) | Open::Command(_) | Open::Syslog(_) | Open::Journal(_) => Ok(()),
        }
    }
}

async fn within(
    limit: Duration,
    attempt: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    timeout(limit, attempt)
        .await
        .unwrap_or_else(|_| Err(format!("it did not answer within {} ms", limit.as_millis())))
}

/// The server that a sink's page is on.
fn server(url: &Url, from: Option<Connection>) -> Server {
    Server::new(url.address, url.host.clone(), url.tls.clone()).leaving_by(from)
}

/// Whether it took what it was sent.
fn accepted(url: &Url, answer: &Answer) -> Result<(), String> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(format!(
        "{}{} answers with status {status}",
        url.address, url.path
    ))
}
