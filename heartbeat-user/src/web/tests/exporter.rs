//! Metrics as they are scraped, and as they are written to a file.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{Answer, ask, free_place};
use crate::config::Textfile;
use crate::control::tests::master;
use crate::metrics::tests::measured;
use crate::metrics::{Measured, Source};
use crate::web::{Exported, Exporter};

/// A node that counts how often it is looked at.
#[derive(Default)]
struct Node {
    looks: AtomicU32,
    /// Why it cannot say what it knows, if it cannot.
    waits: Mutex<Option<String>>,
}

impl Source for Node {
    async fn measured(&self) -> Result<Measured, String> {
        let looks = 1 + self.looks.fetch_add(1, Ordering::SeqCst);
        if let Some(why) = &*self.waits.lock().expect("no panic") {
            return Err(why.clone());
        }
        let mut status = master();
        status.local.turns = looks.into();
        Ok(measured(status))
    }
}

struct Exporting {
    runtime: Runtime,
    exporter: Exporter,
    node: Arc<Node>,
}

fn exporting(wanted: Exported) -> Exporting {
    let runtime = Runtime::new().expect("a runtime");
    let node = Arc::new(Node::default());
    let inside = runtime.enter();
    let exporter = Exporter::new(Arc::clone(&node));
    drop(inside);
    exporter.go_by(wanted);
    Exporting {
        runtime,
        exporter,
        node,
    }
}

fn scraped() -> (Exporting, SocketAddr) {
    let place = free_place();
    let wanted = Exported {
        place: Some(place),
        textfile: None,
    };
    (exporting(wanted), place)
}

fn get(place: SocketAddr, accept: &str) -> Answer {
    ask(place, "GET", "/metrics", &format!("Accept: {accept}\r\n"))
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let (_exporting, place) = scraped();
    let openmetrics = get(
        place,
        "application/openmetrics-text;version=1.0.0,*/*;q=0.1",
    );
    assert_eq!(openmetrics.status, 200);
    assert!(
        openmetrics
            .head
            .contains("content-type: application/openmetrics-text; version=1.0.0")
    );
    assert!(
        openmetrics.body.ends_with("# EOF\n"),
        "{}",
        openmetrics.body
    );
    let text = get(place, "text/plain");
    assert!(
        text.head
            .contains("content-type: text/plain; version=0.0.4"),
        "{}",
        text.head
    );
    let master = "heartbeatd_is_master{cluster=\"storage-a\",node=\"n1\"} 1\n";
    assert!(text.body.contains(master), "{}", text.body);
}

#[test]
fn all_who_scrape_at_the_same_time_cost_one_look() {
    let (exporting, place) = scraped();
    let mut looks = 0;
    // A machine that is taken away in between looks twice.
    for _ in 0..20 {
        let before = exporting.node.looks.load(Ordering::SeqCst);
        let answers: Vec<_> = (0..3).map(|_| get(place, "*/*").body).collect();
        assert!(
            answers
                .iter()
                .all(|body| body.contains("heartbeatd_pulse_turns_total{"))
        );
        looks = exporting.node.looks.load(Ordering::SeqCst) - before;
        if looks == 1 {
            break;
        }
    }
    assert_eq!(looks, 1);
    let before = exporting.node.looks.load(Ordering::SeqCst);
    wait_until("what is old is looked at anew", || {
        get(place, "*/*");
        exporting.node.looks.load(Ordering::SeqCst) > before
    });
}

#[test]
fn a_node_that_waits_for_something_says_so_and_has_no_metrics() {
    let (exporting, place) = scraped();
    let why = "heartbeatd is waiting for interface mgmt0";
    *exporting.node.waits.lock().expect("no panic") = Some(why.to_owned());
    let answer = get(place, "*/*");
    assert_eq!((answer.status, answer.error()), (503, why.to_owned()));
}

#[test]
fn nothing_else_is_there_and_nothing_can_be_changed() {
    let (_exporting, place) = scraped();
    for path in ["/", "/api/v1/status", "/metrics/"] {
        let answer = ask(place, "GET", path, "");
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.error().contains("the metrics are at /metrics"));
    }
    assert_eq!(ask(place, "POST", "/metrics", "").status, 405);
}

#[test]
fn it_ends_when_it_is_not_wanted_any_more() {
    let (exporting, place) = scraped();
    assert_eq!(get(place, "*/*").status, 200);
    exporting.exporter.go_by(Exported::default());
    let begun = Instant::now();
    while std::net::TcpStream::connect(place).is_ok() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is still served"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn written(folder: &Path) -> (Exporting, PathBuf) {
    let path = folder.join("heartbeatd.prom");
    let wanted = Exported {
        place: None,
        textfile: Some(Textfile {
            path: path.clone(),
            interval: Duration::from_millis(20),
        }),
    };
    (exporting(wanted), path)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_file_is_whole_whenever_it_is_read_and_is_gone_with_the_daemon() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (exporting, path) = written(folder.path());
    wait_until("it is written", || path.exists());
    let turns = |text: &str| {
        let line = text
            .lines()
            .find(|it| it.starts_with("heartbeatd_pulse_turns_total{"));
        line.expect("whole").to_owned()
    };
    let first = turns(&fs::read_to_string(&path).expect("readable"));
    let mut reads = 0;
    wait_until("it is written again", || {
        let text = fs::read_to_string(&path).expect("it never vanishes");
        assert!(
            text.ends_with('\n') && text.contains("heartbeatd_sink_failing{"),
            "{text}"
        );
        reads += 1;
        turns(&text) != first
    });
    assert!(reads > 0);
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o444, 0o444, "others read it: {mode:o}");
    let why = "heartbeatd is starting";
    *exporting.node.waits.lock().expect("no panic") = Some(why.to_owned());
    wait_until("what is not known is not told", || !path.exists());
    *exporting.node.waits.lock().expect("no panic") = None;
    wait_until("it is there again", || path.exists());
    drop(exporting.runtime);
    assert!(!path.exists(), "nobody renews it");
}

#[test]
fn what_others_put_in_the_files_way_is_not_written_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").expect("written");
    symlink(&victim, folder.path().join("heartbeatd.prom.new")).expect("made");
    symlink(&victim, folder.path().join("heartbeatd.prom")).expect("made");
    let (_exporting, path) = written(folder.path());
    wait_until("it is written", || {
        fs::symlink_metadata(&path).is_ok_and(|it| it.is_file())
    });
    assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
}
