//! What one viewer may take.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use super::{OPEN, serve};
use crate::web::connection::MAX_CONNECTIONS;
use crate::web::events::MAX_VIEWERS;
use crate::web::paced::{MOST_STALL, Paced};

#[test]
fn a_viewer_that_never_ends_its_request_is_sent_away() {
    let served = serve(OPEN);
    let mut stream = served.connect();
    let begun = Instant::now();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: ")
        .expect("taken");
    let mut rest = Vec::new();
    // Ended or reset, as the kernel likes.
    let _ = stream.read_to_end(&mut rest);
    let took = begun.elapsed();
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(15)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn a_request_with_a_head_that_is_too_long_is_refused() {
    let served = serve(OPEN);
    let line = format!("X: {}\r\n", "a".repeat(20_000));
    let answer = served.ask("GET", "/", &line);
    assert_eq!(answer.status, 431, "{answer:?}");
    let lines: String = (0..100).map(|number| format!("X{number}: a\r\n")).collect();
    assert_eq!(served.ask("GET", "/", &lines).status, 431);
}

#[test]
fn whoever_only_asks_gets_in_beside_as_many_as_may_follow() {
    let served = serve(OPEN);
    let mut following = Vec::new();
    for _ in 0..MAX_VIEWERS {
        let mut stream = served.connect();
        stream
            .write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: node\r\n\r\n")
            .expect("taken");
        let mut begin = [0; 15];
        stream.read_exact(&mut begin).expect("answered");
        assert_eq!(&begin, b"HTTP/1.1 200 OK");
        following.push(stream);
    }
    let answer = served.get("/api/v1/events");
    assert_eq!(answer.status, 503);
    assert!(answer.error().contains("close a page"), "{answer:?}");
    assert_eq!(served.get("/api/v1/status").status, 200);
    following.pop();
    let let_in = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let mut stream = served.connect();
        let asked = stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: node\r\n\r\n");
        let mut begin = [0; 15];
        asked.is_ok() && stream.read_exact(&mut begin).is_ok() && begin.ends_with(b"200 OK")
    });
    assert!(let_in, "who goes makes room");
}

#[test]
fn connections_that_are_only_held_give_way_to_others() {
    let served = serve(OPEN);
    let held: Vec<_> = (0..MAX_CONNECTIONS).map(|_| served.connect()).collect();
    let begun = Instant::now();
    assert_eq!(served.get("/api/v1/status").status, 200);
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    drop(held);
}

#[tokio::test]
async fn a_viewer_that_takes_nothing_is_given_up() {
    use tokio::io::AsyncWriteExt as _;
    let (near, _far) = tokio::io::duplex(16);
    let begun = tokio::time::Instant::now();
    let error = Paced::new(near)
        .write_all(&[0; 17])
        .await
        .expect_err("full");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), MOST_STALL.as_secs());
}
