//! Writes by the master's control socket, as `heartbeatctl info put` makes them.

use anyhow::{Context as _, Result, bail, ensure};
use heartbeat_user::control::{
    Client, Expected, InfoAnswer, InfoRequest, Request, Response, Value as Stored,
};
use serde_json::{Value, json};

use super::load::{self, Load, VALUE_BYTES, Writer};
use crate::lab::cluster::{Cluster, PATIENCE};
use crate::lab::contact::Contact;

/// What the writing did to the heartbeats.
pub(super) struct Beats {
    pub(super) turns: u64,
    pub(super) median_turn_us: u64,
    pub(super) p999_turn_us: u64,
    pub(super) worst_lateness_us: u64,
    /// Masterships that ended meanwhile.
    pub(super) lost: u64,
}

impl Beats {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "turns": self.turns,
            "median_turn_us": self.median_turn_us,
            "p999_turn_us": self.p999_turn_us,
            "worst_lateness_us": self.worst_lateness_us,
            "masterships_lost": self.lost,
        })
    }
}

/// Every number of clients, one after the other.
pub(super) fn measure(cluster: &Cluster, clients: &[usize]) -> Result<(Vec<Load>, Beats)> {
    let master = cluster.settle()?;
    let contact = cluster.daemon(master).contact();
    cluster.wait_for("the master serves dynamic information", PATIENCE, |_| {
        let store = contact.json(&["info", "store", "--json"]).ok()?;
        (store["state"] == "serving").then_some(())
    })?;
    let before = status(&contact)?;
    let writer = || Ok(writer(&contact));
    let loads: Vec<Load> = (clients.iter())
        .map(|clients| load::run(*clients, writer))
        .collect::<Result<_>>()?;
    let after = status(&contact)?;
    let number = |status: &Value, key: &str| status["local"][key].as_u64().context("a number");
    let round = |status: &Value| status["epoch"]["round"].as_u64().context("a round");
    let beats = Beats {
        turns: number(&after, "turns")? - number(&before, "turns")?,
        median_turn_us: number(&after, "median_turn_us")?,
        p999_turn_us: number(&after, "p999_turn_us")?,
        worst_lateness_us: number(&after, "worst_lateness_us")?,
        lost: round(&after)? - round(&before)?,
    };
    ensure!(beats.turns > 0, "the pulse stood still");
    Ok((loads, beats))
}

fn status(contact: &Contact) -> Result<Value> {
    contact.json(&["status", "--json"])
}

fn writer(contact: &Contact) -> Writer {
    let client = Client::new(&contact.socket);
    Box::new(move |key| {
        let request = InfoRequest::Put {
            key: key.to_owned(),
            value: Stored(vec![b'v'; VALUE_BYTES].into()),
            expect: Expected::Anything,
        };
        match client.ask(Request::Info(request))? {
            Response::Info(InfoAnswer::Written { .. }) => Ok(()),
            other => bail!("a write was not acknowledged: {other:?}"),
        }
    })
}
