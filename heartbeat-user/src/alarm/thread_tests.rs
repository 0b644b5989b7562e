//! The whole thread with real web servers behind its sinks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{sleep, spawn};
use std::time::Instant;

use serde_json::Value;

use super::tests::{identity, member_alarm};
use super::*;
use crate::config::alarms::{Severity, Sink, Url, Way};

/// Longer than any attempt may take, and a busy machine adds to it.
const SOON: Duration = Duration::from_secs(20);

/// Takes what is posted at this address and passes it on.
fn receiver(listener: TcpListener) -> Receiver<Value> {
    let (sender, received) = channel();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            if sender.send(take(stream)).is_err() {
                return;
            }
        }
    });
    received
}

fn take(mut stream: TcpStream) -> Value {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a head");
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(answer).expect("answered");
    serde_json::from_slice(&body).expect("JSON")
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

fn webhook(name: &str, address: SocketAddr) -> Sink {
    Sink {
        name: name.to_owned(),
        way: Way::Webhook(Url {
            address,
            host: address.to_string(),
            path: "/alarms".to_owned(),
            tls: None,
        }),
        least: Severity::Warning,
        timeout: Duration::from_secs(1),
    }
}

fn start(state: &Path, sinks: Vec<Sink>) -> Alarms {
    let hold = Duration::from_millis(10);
    Alarms::start(Setup {
        wanted: Wanted { hold, sinks },
        from: None,
        identity: identity(),
        state: StateFolder::open(state).expect("its folder"),
        is_master: true,
        settle: SOON,
    })
    .expect("a thread")
}

/// Key and action.
fn words(notice: &Value) -> (String, String) {
    let text = |key: &str| notice[key].as_str().unwrap_or_default().to_owned();
    (text("key"), text("action"))
}

fn raised_and_cleared() -> [(String, String); 2] {
    ["raised", "cleared"].map(|action| (member_alarm(3).key, action.to_owned()))
}

#[test]
fn a_sink_that_hangs_delays_no_other_and_hears_all_when_it_works_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hanging, hanging_at) = listen();
    let (working, working_at) = listen();
    let working = receiver(working);
    let sinks = vec![
        webhook("hanging", hanging_at),
        webhook("working", working_at),
    ];
    let alarms = start(folder.path(), sinks);
    let begun = Instant::now();
    alarms.teller().tell(Told::Raised(member_alarm(3)));
    let first = working.recv_timeout(SOON).expect("it comes");
    let took = begun.elapsed();
    alarms.teller().tell(Told::Cleared(member_alarm(3)));
    let second = working.recv_timeout(SOON).expect("it comes");
    assert_eq!([words(&first), words(&second)], raised_and_cleared());
    let hangs = &alarms.view().sinks()[0];
    assert_eq!(
        (hangs.delivered, hangs.waiting),
        (0, 2),
        "and {took:?} for the other"
    );
    // Its kernel accepted what it never answered: those attempts are heard first, each being the same notice.
    while alarms.view().sinks()[0].fault.is_none() {
        assert!(begun.elapsed() < SOON, "it never failed");
        sleep(Duration::from_millis(10));
    }
    let received = receiver(hanging);
    let mut heard = Vec::new();
    while heard
        .last()
        .is_none_or(|last: &Value| last["action"] != "cleared")
    {
        heard.push(received.recv_timeout(SOON).expect("it comes"));
    }
    heard.dedup_by_key(|notice| notice["id"].clone());
    let heard: Vec<_> = heard.iter().map(words).collect();
    assert_eq!(heard, raised_and_cleared());
}

#[test]
fn what_waits_when_the_daemon_ends_is_brought_by_the_next_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (listener, address) = listen();
    drop(listener);
    let alarms = start(folder.path(), vec![webhook("pager", address)]);
    alarms.teller().tell(Told::Raised(member_alarm(3)));
    let begun = Instant::now();
    while alarms.view().sinks()[0].fault.is_none() {
        assert!(
            begun.elapsed() < SOON,
            "nobody listens, and it did not fail"
        );
        sleep(Duration::from_millis(10));
    }
    alarms.finish();
    let received = receiver(TcpListener::bind(address).expect("free again"));
    let next = start(folder.path(), vec![webhook("pager", address)]);
    let notice = received.recv_timeout(SOON).expect("it comes");
    assert_eq!(words(&notice), raised_and_cleared()[0]);
    assert_eq!(notice["reporter"]["name"], "n1");
    // It is in force still: nothing is said again.
    next.teller().tell(Told::Raised(member_alarm(3)));
    next.teller().tell(Told::Raised(member_alarm(2)));
    let notice = received.recv_timeout(SOON).expect("it comes");
    assert_eq!(notice["key"], member_alarm(2).key);
}
