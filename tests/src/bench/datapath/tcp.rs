//! What the gate costs TCP: round trips and throughput from the virtual address, with it and without, in
//! turn over the same link.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::Epoch;
use heartbeat_wire::verdict::GateVerdict;
use serde_json::json;

use super::ground::{ANSWERER, Ground, LEASE_NS};
use super::{Part, ns};
use crate::bench::statistics::Summary;
use crate::lab::Lab;
use crate::lab::addresses::{Network, VIRTUAL_ADDRESS};
use crate::lab::command::run;
use crate::lab::topology::Plan;

/// How often each way has its turn.
const TURNS: usize = 8;
/// How long round trips are counted in a turn, and bytes.
const EACH: Duration = Duration::from_millis(500);
const PORT: u16 = 7480;
/// Bytes of a question and of its answer.
const QUESTION: usize = 64;
/// Bytes of one write.
const BULK: usize = 128 * 1024;

/// What the client wants of the server: its first byte.
const ECHO: u8 = b'e';
/// See [`ECHO`].
const SINK: u8 = b's';

/// One way, all turns.
#[derive(Default)]
struct Series {
    round_trips: Vec<u64>,
    bytes: u64,
    took: Duration,
    /// Packets that the gate let through.
    judged: u64,
}

/// Measures both ways.
pub(super) fn measure() -> Result<Part> {
    let lab = Lab::build(Plan {
        nodes: ANSWERER,
        ..crate::lab::settings::Settings::default().plan
    })?;
    let node = lab.topology().node(ANSWERER);
    let interface = Network::Business.interface();
    let address = format!("{VIRTUAL_ADDRESS}/32");
    run(
        "ip",
        &[
            "-netns",
            node.name(),
            "addr",
            "add",
            &address,
            "dev",
            interface,
        ],
    )?;
    let listener = node
        .run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)))?
        .context("the service's socket")?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // It ends with its client, whose side tells of a failure.
            thread::spawn(move || serve(stream));
        }
    });
    let (mut without, mut with) = (Series::default(), Series::default());
    for _ in 0..TURNS {
        turn(&lab, &mut without)?;
        let mut ground = gated(&lab)?;
        turn(&lab, &mut with)?;
        with.judged += passed(&mut ground)?;
    }
    let packets = (with.round_trips.len() * 2) as u64;
    ensure!(
        with.judged > packets,
        "the gate saw only {} packets",
        with.judged
    );
    part(without, with)
}

/// The gate on the node's business interface, open.
fn gated(lab: &Lab) -> Result<Ground> {
    let mut ground = Ground::load(ANSWERER)?;
    let epoch = Epoch::new(1, ANSWERER);
    ground
        .opened
        .words
        .set_lease(epoch, boot_ns() + LEASE_NS / 2);
    let datapath = &mut ground.opened.datapath;
    lab.topology()
        .node(ANSWERER)
        .run(|| datapath.attach_gate(Network::Business.interface()))??;
    Ok(ground)
}

fn passed(ground: &mut Ground) -> Result<u64> {
    let counts = ground.opened.statistics.gate_verdicts()?;
    let open = [GateVerdict::OpenIn, GateVerdict::OpenOut];
    Ok(counts
        .into_iter()
        .filter(|(verdict, _)| open.contains(verdict))
        .map(|(_, count)| count)
        .sum())
}

fn turn(lab: &Lab, series: &mut Series) -> Result<()> {
    let mut stream = connect(lab, ECHO)?;
    let mut bytes = [0; QUESTION];
    let begun = Instant::now();
    while begun.elapsed() < EACH {
        let asked = Instant::now();
        stream.write_all(&bytes)?;
        stream.read_exact(&mut bytes)?;
        series.round_trips.push(ns(asked.elapsed()));
    }
    let mut stream = connect(lab, SINK)?;
    let bulk = vec![0; BULK];
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < EACH {
        stream.write_all(&bulk)?;
        sent += bulk.len() as u64;
    }
    // The server says how much came when all of it did.
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut came = [0; 8];
    stream.read_exact(&mut came)?;
    ensure!(
        u64::from_le_bytes(came) == sent,
        "the service got another number of bytes"
    );
    series.took += begun.elapsed();
    series.bytes += sent;
    Ok(())
}

fn connect(lab: &Lab, what: u8) -> Result<TcpStream> {
    let to = SocketAddrV4::new(VIRTUAL_ADDRESS, PORT);
    let connected = lab.topology().client().run(|| TcpStream::connect(to))?;
    let mut stream = connected.context("cannot connect to the virtual address")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(&[what])?;
    Ok(stream)
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut what = [0];
    stream.read_exact(&mut what)?;
    if what[0] == ECHO {
        let mut bytes = [0; QUESTION];
        loop {
            stream.read_exact(&mut bytes)?;
            stream.write_all(&bytes)?;
        }
    }
    let mut bytes = vec![0; BULK];
    let mut came = 0u64;
    loop {
        match stream.read(&mut bytes)? {
            0 => return stream.write_all(&came.to_le_bytes()),
            length => came += length as u64,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes of some seconds are exact in a double"
)]
fn megabits(series: &Series) -> f64 {
    series.bytes as f64 * 8.0 / series.took.as_secs_f64() / 1e6
}

fn part(without: Series, with: Series) -> Result<Part> {
    let mut text = format!(
        "TCP from and to the virtual address: round trips of {QUESTION} bytes in us, and throughput to it. {TURNS} \
         turns each, {EACH:?} for either.\n\n\
         | gate | round trips | median | 99 % | Mbit/s | packets it judged |\n|---|---|---|---|---|---|\n"
    );
    let mut rows = Vec::new();
    for (gate, series) in [("none", without), ("attached, open", with)] {
        let speed = megabits(&series);
        let judged = series.judged;
        let trips = Summary::of(series.round_trips).context("there are round trips")?;
        text += &format!(
            "| {gate} | {} | {:.1} | {:.1} | {speed:.0} | {judged} |\n",
            trips.count,
            micro(trips.median_ns),
            micro(trips.p99_ns),
        );
        rows.push(json!({
            "gate": gate,
            "round_trips": trips.to_json(),
            "mbit_s": speed,
            "packets_judged": judged,
        }));
    }
    Ok(Part {
        name: "tcp",
        text,
        json: json!(rows),
        targets: Vec::new(),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a round trip in nanoseconds is exact in a double"
)]
fn micro(time_ns: u64) -> f64 {
    time_ns as f64 / 1e3
}
