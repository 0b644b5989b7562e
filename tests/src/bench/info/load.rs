//! Clients that write for some seconds, each one write after the other.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use crate::bench::statistics::Summary;

/// How long they write.
const TIME: Duration = Duration::from_secs(5);
/// Before that they write for nothing.
const WARM_UP: Duration = Duration::from_secs(1);
/// Bytes of a value.
pub(super) const VALUE_BYTES: usize = 256;

/// What a number of clients got done.
pub(super) struct Load {
    pub(super) clients: usize,
    pub(super) latency: Summary,
}

impl Load {
    #[expect(
        clippy::cast_precision_loss,
        reason = "some thousands are exact in a double"
    )]
    pub(super) fn a_second(&self) -> f64 {
        self.latency.count as f64 / TIME.as_secs_f64()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "clients": self.clients,
            "value_bytes": VALUE_BYTES,
            "writes_a_second": self.a_second(),
            "latency": self.latency.to_json(),
        })
    }
}

/// One client's way to write under a key of its own; it is asked for as many as there are clients.
pub(super) type Writer = Box<dyn FnMut(&str) -> Result<()> + Send>;

/// Has so many clients write.
///
/// # Errors
/// When a write is not acknowledged.
pub(super) fn run(clients: usize, mut writer: impl FnMut() -> Result<Writer>) -> Result<Load> {
    let begun = Instant::now();
    let threads = (0..clients).map(|client| {
        let writer = writer()?;
        Ok(thread::spawn(move || write(writer, client, begun)))
    });
    let threads: Vec<_> = threads.collect::<Result<_>>()?;
    let mut all = Vec::new();
    for thread in threads {
        all.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
    }
    Ok(Load {
        clients,
        latency: Summary::of(all).context("not one write was acknowledged in time")?,
    })
}

/// How long each write took that ended within the time.
fn write(mut writer: Writer, client: usize, begun: Instant) -> Result<Vec<u64>> {
    let mut taken = Vec::new();
    for number in 0_u64.. {
        let started = Instant::now();
        if started - begun >= WARM_UP + TIME {
            break;
        }
        // A key of many writes: what is stored must not grow with the speed.
        writer(&format!("bench/{client}/{}", number % 100))?;
        let ended = Instant::now();
        let is_counted = started - begun >= WARM_UP && ended - begun < WARM_UP + TIME;
        if is_counted {
            taken.push(u64::try_from((ended - started).as_nanos())?);
        }
    }
    Ok(taken)
}
