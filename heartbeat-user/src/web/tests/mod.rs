//! The page as viewers meet it: over a real connection, with a daemon behind it that only pretends.

mod bounds;
mod documented;
mod exporter;
mod orders;
mod pretender;
mod reading;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Page, Wanted};
use crate::config::StatusPage;
use crate::config::http::Access;
use crate::config::service::Network;
use pretender::Pretender;

/// A page that is served.
struct Served {
    runtime: Runtime,
    page: Page,
    pretender: Arc<Pretender>,
    place: SocketAddr,
}

/// Whoever reaches it may read.
const OPEN: StatusPage = StatusPage {
    network: Network::Business,
    port: 0,
    access: Access::Read,
    identity: None,
    token: None,
};

fn serve(page: StatusPage) -> Served {
    serve_at(free_place(), page)
}

fn serve_at(place: SocketAddr, page: StatusPage) -> Served {
    let runtime = Runtime::new().expect("a runtime");
    let pretender = Arc::new(Pretender::default());
    let inside = runtime.enter();
    let served = Page::new(Arc::clone(&pretender));
    drop(inside);
    served.go_by(Some(Wanted {
        places: vec![place],
        page,
    }));
    Served {
        runtime,
        page: served,
        pretender,
        place,
    }
}

/// A port that nobody had a moment ago.
fn free_place() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound")
}

/// A connection; what is served there may take a moment to listen.
fn connect(place: SocketAddr) -> TcpStream {
    let stream = (0..500).find_map(|_| {
        let stream = TcpStream::connect(place);
        stream
            .inspect_err(|_| std::thread::sleep(Duration::from_millis(10)))
            .ok()
    });
    let stream = stream.expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("set");
    stream
}

/// Asks so, and reads until the connection ends.
fn ask(place: SocketAddr, method: &str, path: &str, more: &str) -> Answer {
    let mut stream = connect(place);
    let head = format!("{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n{more}");
    let head = if more.contains("\r\n\r\n") {
        head
    } else {
        head + "\r\n"
    };
    stream.write_all(head.as_bytes()).expect("taken");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    Answer::of(&text)
}

impl Served {
    fn connect(&self) -> TcpStream {
        connect(self.place)
    }

    fn ask(&self, method: &str, path: &str, more: &str) -> Answer {
        ask(self.place, method, path, more)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status");
        Self {
            status: status.parse().expect("a number"),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().expect("a reason").to_owned()
    }
}
