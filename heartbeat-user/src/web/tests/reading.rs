//! What a viewer reads.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{OPEN, free_place, serve, serve_at};
use crate::web::assets::ASSETS;

#[test]
fn the_page_and_all_that_it_names_are_served_and_a_browser_is_kept_to_them() {
    let served = serve(OPEN);
    for asset in ASSETS {
        let answer = served.get(asset.path);
        assert_eq!(answer.status, 200, "{}", asset.path);
        assert!(!answer.body.is_empty(), "{}", asset.path);
        for line in [
            "content-security-policy: default-src 'self';",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(line), "{line}: {}", answer.head);
        }
        assert!(
            !answer.head.contains("access-control-allow"),
            "{}",
            answer.head
        );
        assert!(
            answer
                .head
                .contains(&format!("content-type: {}", asset.kind))
        );
    }
    let named = ["style.css", "page.js", "icon.svg"];
    let html = served.get("/").body;
    assert!(named.iter().all(|name| html.contains(name)));
    for asset in ASSETS.iter().filter(|it| it.path.ends_with(".js")) {
        let imports = asset
            .text
            .lines()
            .filter_map(|line| line.split_once("from \"./")?.1.split('"').next());
        for name in imports {
            assert!(
                ASSETS.iter().any(|it| it.path == format!("/{name}")),
                "{name}"
            );
        }
    }
}

#[test]
fn every_element_that_a_script_looks_for_is_on_the_page_once() {
    let text = |path: &str| {
        ASSETS
            .iter()
            .find(|it| it.path == path)
            .expect("it is there")
            .text
    };
    let page = text("/");
    let mut found = 0;
    for script in ASSETS.iter().filter(|it| it.path.ends_with(".js")) {
        for rest in script.text.split("$(\"").skip(1) {
            let id = rest.split('"').next().unwrap_or_default();
            let there = page.matches(&format!(" id=\"{id}\"")).count();
            assert_eq!(there, 1, "{id} of {}", script.path);
            found += 1;
        }
    }
    assert!(found > 50, "found {found}: the search is broken");
}

#[test]
fn nothing_on_the_page_comes_from_elsewhere() {
    for asset in ASSETS {
        let text = asset.text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !text.contains("http://") && !text.contains("https://"),
            "{}",
            asset.path
        );
        assert!(
            !text.contains(" style=") && !text.contains("<script>"),
            "{}",
            asset.path
        );
    }
}

#[test]
fn the_status_is_that_of_the_control_socket_and_its_time() {
    let served = serve(OPEN);
    let status = served.get("/api/v1/status").json();
    assert_eq!(status["schema"], 1);
    assert_eq!(status["master_slot"], 1);
    assert_eq!(status["members"][1]["rtt_us"], 120);
    assert!(status["now"].as_str().is_some_and(|now| now.ends_with('Z')));
}

#[test]
fn history_tells_who_was_master_and_what_happened_here() {
    let served = serve(OPEN);
    served.get("/api/v1/status");
    let history = served.get("/api/v1/history").json();
    assert_eq!(history["masterships"][0]["epoch"]["round"], 4);
    assert_eq!(history["masterships"][0]["until"], serde_json::Value::Null);
    assert_eq!(history["events"].as_array().map(Vec::len), Some(5));
}

#[test]
fn a_member_is_told_of_with_what_it_answered_and_what_this_kernel_counted() {
    let served = serve(OPEN);
    let detail = served.get("/api/v1/members/2").json();
    assert_eq!(detail["member"]["name"], "n2");
    assert_eq!(detail["answer"]["daemon_age_us"], 3_100);
    assert_eq!(detail["kernel"]["round_trips"][0]["count"], 42);
    assert_eq!(
        served.get("/api/v1/members/3").json()["answer"],
        serde_json::Value::Null
    );
    for (path, why) in [
        ("/api/v1/members/9", "slot 9 is no member"),
        ("/api/v1/members/x", "no slot"),
    ] {
        let answer = served.get(path);
        assert_eq!(answer.status, 404);
        assert!(answer.error().contains(why), "{answer:?}");
    }
}

#[test]
fn what_is_not_there_and_what_is_asked_wrongly_is_told_with_a_reason() {
    let served = serve(OPEN);
    for path in [
        "/nothing",
        "/api/v1/",
        "/api/v2/status",
        "/../etc/passwd",
        "/assets/index.html",
    ] {
        let answer = served.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.error().contains("docs/api.md"));
    }
    for (method, path, allowed) in [
        ("POST", "/", "get, head"),
        ("DELETE", "/api/v1/status", "get, head"),
        ("GET", "/api/v1/switchover", "post"),
    ] {
        let answer = served.ask(method, path, "");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(
            answer.head.contains(&format!("allow: {allowed}")),
            "{answer:?}"
        );
    }
    assert_eq!(served.ask("HEAD", "/", "").body, "");
}

/// The lines of the event stream, from its head on.
fn follow(served: &super::Served, more: &str) -> BufReader<TcpStream> {
    let mut stream = served.connect();
    let head = format!("GET /api/v1/events HTTP/1.1\r\nHost: node\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).expect("taken");
    BufReader::new(stream)
}

/// The next line that begins so.
fn next(lines: &mut BufReader<TcpStream>, begin: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(
            lines.read_line(&mut line).expect("it goes on"),
            0,
            "it ended"
        );
        if let Some(rest) = line.trim_end().strip_prefix(begin) {
            return rest.to_owned();
        }
    }
}

#[test]
fn a_member_that_stops_answering_is_told_at_once_and_all_is_told_again_every_second() {
    let served = serve(OPEN);
    // What the last connection was told last is nothing to this one.
    let mut lines = follow(&served, "Last-Event-ID: 18446744073709551615\r\n");
    let head = next(&mut lines, "content-type: ");
    assert_eq!(head, "text/event-stream");
    next(&mut lines, "event: status");
    let begun = Instant::now();
    next(&mut lines, "event: status");
    let again = begun.elapsed();
    assert!(
        again >= Duration::from_millis(700),
        "without news: after {again:?}"
    );
    let begun = Instant::now();
    *served.pretender.is_missing.lock().expect("no panic") = true;
    let mut data = String::new();
    while !data.contains("\"missing\"") {
        data = next(&mut lines, "data: ");
    }
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_daemon_that_cannot_say_what_it_knows_says_why() {
    let served = serve(OPEN);
    let why = "heartbeatd is waiting for interface mgmt0";
    *served.pretender.waits.lock().expect("no panic") = Some(why.to_owned());
    let mut lines = follow(&served, "");
    next(&mut lines, "event: trouble");
    assert!(next(&mut lines, "data: ").contains(why));
    let answer = served.get("/api/v1/status");
    assert_eq!((answer.status, answer.error().as_str()), (503, why));
}

#[test]
fn many_viewers_cost_the_daemon_no_more_than_one() {
    let served = serve(OPEN);
    let mut viewers: Vec<_> = (0..20).map(|_| follow(&served, "")).collect();
    for viewer in &mut viewers {
        next(viewer, "event: status");
    }
    let before = served.pretender.asked.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(served.get("/api/v1/status").status, 200);
    }
    std::thread::sleep(Duration::from_secs(1));
    let asked = served.pretender.asked.load(Ordering::SeqCst) - before;
    // Five a second, on a machine that may have been slow meanwhile.
    assert!((3..=30).contains(&asked), "{asked}");
}

#[test]
fn a_page_that_is_no_longer_wanted_is_no_longer_served() {
    let served = serve(OPEN);
    let mut lines = follow(&served, "");
    next(&mut lines, "event: status");
    served.page.go_by(None);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|length| length > 0) {}
    let refused = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        TcpStream::connect(served.place).is_err()
    });
    assert!(refused);
    drop(served.runtime);
}

#[test]
fn a_port_that_somebody_else_has_is_served_once_it_is_free() {
    let place = free_place();
    let somebody = TcpListener::bind(place).expect("it was free a moment ago");
    let served = serve_at(place, OPEN);
    let (other, _) = (served.connect(), somebody.accept().expect("it is theirs"));
    drop((other, somebody));
    assert_eq!(served.get("/api/v1/status").status, 200);
}

#[test]
fn an_address_that_is_not_here_yet_is_listened_at_already() {
    // Nobody has this one (RFC 5737); a virtual address comes later than the page.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    for place in ["203.0.113.77:0", "[2001:db8:113::77]:0"] {
        let place: std::net::SocketAddr = place.parse().expect("an address");
        assert!(TcpListener::bind(place).is_err(), "{place} is here");
        crate::web::listen::bind(place).expect("bound");
    }
}
