//! The real socket with a daemon behind it that only pretends.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::master;
use crate::config::change::{Facts, Place};
use crate::config::tests_support::three_nodes;
use crate::control::{
    AlarmsStatus, BindError, Bucket, Client, ClientError, ControlSocket, Details, EpochParts,
    Event, Handler, HistoryEntry, InfoAnswer, InfoRequest, Membership, NodeStatus, PinnedMap,
    Request, Response, Role, Running, SinkTest, Status, pinned_maps,
};

struct Pretender;

impl Handler for Pretender {
    async fn status(&self) -> Result<Status, String> {
        Ok(master())
    }

    async fn history(&self) -> Vec<Event> {
        vec![entry()]
    }

    fn maps(&self) -> Vec<PinnedMap> {
        pinned_maps(Path::new("/sys/fs/bpf/heartbeatd/storage-a"))
    }

    async fn alarms(&self) -> Result<AlarmsStatus, String> {
        Ok(AlarmsStatus {
            alarms: Vec::new(),
            sinks: Vec::new(),
        })
    }

    async fn test_alarms(&self) -> Result<Vec<SinkTest>, String> {
        Err("no sink is configured".to_owned())
    }

    async fn details(&self) -> Result<Details, String> {
        Ok(super::details())
    }

    async fn lateness(&self) -> Result<Vec<Bucket>, String> {
        Ok(super::details().gaps)
    }

    async fn members(&self) -> Result<Membership, String> {
        let (status, snapshot) = (master(), super::snapshot_of_master());
        Ok(Membership::new(
            status,
            &snapshot,
            Err("no file".to_owned()),
        ))
    }

    async fn nodes(&self) -> Result<Vec<NodeStatus>, String> {
        Ok(vec![NodeStatus {
            slot: 2,
            name: "n2".to_owned(),
            answered: false,
            fault: Some("no link to slot 2: it is off".to_owned()),
            age_us: None,
            facts: None,
        }])
    }

    async fn apply_members(&self) -> Result<String, String> {
        Err("no file".to_owned())
    }

    async fn switchover(&self, to: Option<u16>) -> Result<String, String> {
        match to {
            Some(9) => Err("slot 9 is no member".to_owned()),
            Some(slot) => Ok(format!("to {slot}")),
            None => Ok("to the successor".to_owned()),
        }
    }

    async fn reload(&self) -> Result<String, String> {
        Err("the file is wrong".to_owned())
    }

    async fn configuration(&self) -> Result<Running, String> {
        Ok(running())
    }

    async fn info(&self, request: InfoRequest) -> Result<InfoAnswer, String> {
        match request {
            InfoRequest::Put { value, .. } => Ok(InfoAnswer::Written {
                revision: value.0.len() as u64,
                copies: 2,
            }),
            _ => Err("nothing is stored".to_owned()),
        }
    }

    async fn restart(&self) -> Result<String, String> {
        Err("no majority granted".to_owned())
    }

    async fn force(&self, cluster: String) -> Result<String, String> {
        Ok(format!("this node is master of {cluster}"))
    }

    async fn maintenance(&self, on: bool) -> Result<String, String> {
        Ok(format!("maintenance {on}"))
    }
}

fn running() -> Running {
    Running {
        node: Place {
            slot: 1,
            electors: vec![1, 2, 3],
            highest_slot: 63,
        },
        facts: Facts::of(&three_nodes()),
    }
}

fn entry() -> Event {
    Event::Role(HistoryEntry {
        at: "2025-01-31T12:00:00.000Z".to_owned(),
        slot: 1,
        from: Role::Candidate,
        to: Role::Master,
        epoch: EpochParts { round: 4, slot: 1 },
        reason: "a majority of electors voted for this node".to_owned(),
        duration_us: 812,
        takeover: None,
    })
}

/// A daemon that serves a socket in a folder of its own.
struct Served {
    runtime: Runtime,
    server: Option<JoinHandle<()>>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("run/control.sock");
        let runtime = Runtime::new().expect("a runtime");
        let socket = {
            let _inside = runtime.enter();
            ControlSocket::bind(&path).expect("nobody else has it")
        };
        let server = runtime.spawn(async move { socket.serve(Arc::new(Pretender)).await });
        Self {
            runtime,
            server: Some(server),
            path,
            _folder: folder,
        }
    }

    fn bind_again(&self) -> Result<ControlSocket, BindError> {
        let _inside = self.runtime.enter();
        ControlSocket::bind(&self.path)
    }

    /// Ends the server, which drops its socket.
    fn stop(&mut self) {
        let server = self.server.take().expect("not stopped yet");
        server.abort();
        let _ = self.runtime.block_on(server);
    }

    fn ask(&self, request: Request) -> Response {
        Client::new(&self.path).ask(request).expect("it is served")
    }

    /// Sends these bytes as they are, and reads all that comes back.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(&self.path).expect("it is served");
        stream.write_all(bytes).expect("taken");
        stream
            .shutdown(std::net::Shutdown::Write)
            .expect("half shut");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }
}

#[test]
fn every_request_has_its_answer() {
    let served = Served::start();
    assert_eq!(
        served.ask(Request::Status),
        Response::Status(Box::new(master()))
    );
    assert_eq!(
        served.ask(Request::History),
        Response::History(vec![entry()])
    );
    let Response::Explanation(sentences) = served.ask(Request::Explain) else {
        panic!("an explanation");
    };
    assert!(sentences[0].contains("slot 1 (n1)"), "{sentences:?}");
    let Response::Maps(maps) = served.ask(Request::Maps) else {
        panic!("maps");
    };
    let verdicts = maps
        .iter()
        .find(|map| map.name == "hb_verdicts")
        .expect("it is one");
    assert_eq!(
        verdicts.dump,
        "bpftool map dump pinned /sys/fs/bpf/heartbeatd/storage-a/maps/v7/hb_verdicts"
    );
    for (request, response) in [
        (
            Request::Switchover { to: None },
            Response::Done("to the successor".to_owned()),
        ),
        (
            Request::Switchover { to: Some(2) },
            Response::Done("to 2".to_owned()),
        ),
        (
            Request::Switchover { to: Some(9) },
            Response::Refused("slot 9 is no member".to_owned()),
        ),
        (
            Request::Maintenance { on: true },
            Response::Done("maintenance true".to_owned()),
        ),
    ] {
        assert_eq!(served.ask(request), response);
    }
}

#[test]
fn only_the_owner_may_use_the_socket() {
    let served = Served::start();
    let mode = std::fs::metadata(&served.path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn a_second_daemon_is_refused_and_the_first_one_goes_on() {
    let served = Served::start();
    let error = served.bind_again().expect_err("it is served");
    assert!(matches!(error, BindError::Busy { .. }), "{error}");
    assert!(error.to_string().contains("--control"), "{error}");
    assert!(matches!(served.ask(Request::Status), Response::Status(_)));
}

#[test]
fn a_stopped_daemon_leaves_no_socket_and_the_next_one_has_it() {
    let mut served = Served::start();
    served.stop();
    assert!(!served.path.exists());
    let error = Client::new(&served.path)
        .ask(Request::Status)
        .expect_err("nobody there");
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    served.bind_again().expect("free again");
}

#[test]
fn a_dead_daemons_socket_is_replaced() {
    let mut served = Served::start();
    served.stop();
    drop(UnixListener::bind(&served.path).expect("a socket that nobody serves"));
    assert!(served.path.exists());
    served.bind_again().expect("replaced");
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    let mut served = Served::start();
    served.stop();
    std::fs::write(&served.path, "precious").expect("written");
    let error = served.bind_again().expect_err("no socket");
    assert!(matches!(error, BindError::NoSocket { .. }), "{error}");
    assert_eq!(
        std::fs::read(&served.path).expect("still there"),
        b"precious"
    );
}

#[test]
fn nonsense_endless_lines_and_other_schemas_are_refused_in_words() {
    let served = Served::start();
    for (bytes, expected) in [
        (b"nonsense\n".to_vec(), "the request is none"),
        (b"".to_vec(), "the request is none"),
        (vec![b'x'; 4096], "the request is none"),
        (
            b"{\"schema\":1,\"request\":{\"command\":\"explode\"}}\n".to_vec(),
            "explode",
        ),
        (
            b"{\"schema\":2,\"request\":{\"command\":\"status\"}}\n".to_vec(),
            "asked in schema 2",
        ),
    ] {
        let answer = served.raw(&bytes);
        assert!(
            answer.contains("refused") && answer.contains(expected),
            "{answer}"
        );
    }
    assert!(matches!(served.ask(Request::Status), Response::Status(_)));
}

#[test]
fn silent_clients_take_their_places_for_a_bounded_time_only() {
    let served = Served::start();
    let silent: Vec<UnixStream> = (0..16)
        .map(|_| UnixStream::connect(&served.path).expect("taken"))
        .collect();
    let asked = Instant::now();
    assert!(matches!(served.ask(Request::Status), Response::Status(_)));
    let waited = asked.elapsed();
    assert!(
        waited > Duration::from_secs(1),
        "all places were taken: {waited:?}"
    );
    assert!(
        waited < Duration::from_secs(10),
        "and became free: {waited:?}"
    );
    drop(silent);
}

#[test]
fn the_longest_value_there_may_be_gets_through_however_it_is_written_in_json() {
    use crate::control::{Expected, Value};

    let served = Served::start();
    for byte in [b'x', 0x01, 0xff] {
        let request = InfoRequest::Put {
            key: "k".to_owned(),
            value: Value(vec![byte; heartbeat_store::bounds::VALUE_BYTES].into()),
            expect: Expected::Anything,
        };
        let answer = Client::new(&served.path)
            .ask(Request::Info(request))
            .unwrap();
        let written = Response::Info(InfoAnswer::Written {
            revision: 1 << 20,
            copies: 2,
        });
        assert_eq!(answer, written, "{byte}");
    }
}
