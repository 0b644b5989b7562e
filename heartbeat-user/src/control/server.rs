//! The daemon's end of the control socket: no client can hold it up.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::Slot;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::details::{Bucket, Details};
use super::event::Event;
use super::explain::explain;
use super::info::{InfoAnswer, InfoRequest};
use super::maps::PinnedMap;
use super::membership::Membership;
use super::nodes::NodeStatus;
use super::protocol::{Call, Reply, Request, Response, Running};
use super::sinks::{AlarmsStatus, SinkTest};
use super::snapshot::{SCHEMA, Status};
use super::socket::ControlSocket;

/// Longest request, in bytes: a value of 1 MiB of which each byte is escaped in JSON.
const MAX_REQUEST_LEN: u64 = 8 << 20;
/// Clients served at once; more wait in the kernel's queue, and the oldest of these ends within
/// [`CLIENT_TIME`] and [`HANDLER_TIME`].
pub(super) const MAX_CLIENTS: usize = 16;
/// How long a client may take to send its line, and to take the answer.
const CLIENT_TIME: Duration = Duration::from_secs(2);
/// How long the daemon may take to carry out a request.
const HANDLER_TIME: Duration = Duration::from_secs(5);
/// Pause after an accept that failed, since its cause (no free descriptor) does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a daemon that ends lets its last answers leave. A restart's lease runs meanwhile, and an answer
/// takes some microseconds.
const LAST_ANSWERS: Duration = Duration::from_millis(10);

/// What the daemon does for an operator.
pub trait Handler: Send + Sync + 'static {
    /// What this node knows, or why it cannot say.
    fn status(&self) -> impl Future<Output = Result<Status, String>> + Send;
    /// The role changes of this node, oldest first.
    fn history(&self) -> impl Future<Output = Vec<Event>> + Send;
    /// Which map holds what.
    fn maps(&self) -> Vec<PinnedMap>;
    /// Which alarms are in force, and who heard of them, or why this node cannot say.
    fn alarms(&self) -> impl Future<Output = Result<AlarmsStatus, String>> + Send;
    /// Sends a test to every sink of alarms: how each took it, or why nothing was sent.
    fn test_alarms(&self) -> impl Future<Output = Result<Vec<SinkTest>, String>> + Send;
    /// What the kernel counted, or why this node cannot say.
    fn details(&self) -> impl Future<Output = Result<Details, String>> + Send;
    /// How late the pulse's turns began since its start, one turn a period, or why this node cannot say.
    fn lateness(&self) -> impl Future<Output = Result<Vec<Bucket>, String>> + Send;
    /// Members and electors, and what the configuration file proposes, or why this node cannot say.
    fn members(&self) -> impl Future<Output = Result<Membership, String>> + Send;
    /// The fixed information of every node, by its own words, or why this node cannot say.
    fn nodes(&self) -> impl Future<Output = Result<Vec<NodeStatus>, String>> + Send;
    /// Goes to the electors that the file proposes: what was begun, or why nothing was.
    fn apply_members(&self) -> impl Future<Output = Result<String, String>> + Send;
    /// Hands mastership to this slot, or to the successor: what was done, or why nothing was.
    fn switchover(&self, to: Option<Slot>) -> impl Future<Output = Result<String, String>> + Send;
    /// Goes by what the configuration file says now: what was changed, or why nothing was.
    fn reload(&self) -> impl Future<Output = Result<String, String>> + Send;
    /// What comes of a request for dynamic information.
    fn info(&self, request: InfoRequest)
    -> impl Future<Output = Result<InfoAnswer, String>> + Send;
    /// What the configuration in force says, or why this node cannot say.
    fn configuration(&self) -> impl Future<Output = Result<Running, String>> + Send;
    /// Exits for the next process, keeping mastership: what was done, or why nothing was.
    fn restart(&self) -> impl Future<Output = Result<String, String>> + Send;
    /// Makes this node master without a majority, for who names this cluster: what was done, or why nothing was.
    fn force(&self, cluster: String) -> impl Future<Output = Result<String, String>> + Send;
    /// Puts this node into maintenance, or takes it out: what was done, or why nothing was.
    fn maintenance(&self, on: bool) -> impl Future<Output = Result<String, String>> + Send;
}

impl ControlSocket {
    /// Who is being served.
    #[must_use]
    pub fn clients(&self) -> Clients {
        Clients(Arc::clone(&self.places))
    }

    /// Serves clients until it is dropped.
    pub async fn serve(&self, handler: Arc<impl Handler>) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let handler = Arc::clone(&handler);
                    tokio::spawn(async move {
                        if let Err(error) = client(stream, &*handler).await {
                            debug!(%error, "a control client went away");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!(%error, "cannot accept a control client");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// The clients that are being served; outlives the socket's server.
#[derive(Clone, Debug)]
pub struct Clients(Arc<Semaphore>);

impl Clients {
    /// Waits until every client has its answer, for a moment at most: the daemon ends.
    pub async fn served(&self) {
        // The server holds one place for the client that it waits for.
        let all_others = self.0.acquire_many(MAX_CLIENTS as u32 - 1);
        // Who still asks now is told by the socket's end.
        let _ = timeout(LAST_ANSWERS, all_others).await;
    }
}

async fn client(mut stream: UnixStream, handler: &impl Handler) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    let mut bounded = BufReader::new(read.take(MAX_REQUEST_LEN));
    timeout(CLIENT_TIME, bounded.read_line(&mut line)).await??;
    let response = match understand(&line) {
        Ok(request) => timeout(HANDLER_TIME, answer(request, handler))
            .await
            .unwrap_or_else(|_| Response::Refused(late())),
        Err(refusal) => Response::Refused(refusal),
    };
    let reply = Reply {
        schema: SCHEMA,
        response,
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    timeout(CLIENT_TIME, write.write_all(&line)).await??;
    Ok(())
}

/// What a client's line asks for.
///
/// # Errors
/// Why it asks for nothing, in words for who sent it.
pub fn understand(line: &str) -> Result<Request, String> {
    match serde_json::from_str::<Call>(line) {
        Ok(call) if call.schema == SCHEMA => Ok(call.request),
        Ok(call) => Err(format!(
            "this daemon ({}) speaks schema {SCHEMA} of the control socket and was asked in schema {}: use the \
             heartbeatctl of its version",
            env!("CARGO_PKG_VERSION"),
            call.schema
        )),
        Err(error) => Err(format!("the request is none: {error}")),
    }
}

async fn answer(request: Request, handler: &impl Handler) -> Response {
    match request {
        Request::Status => told(handler.status().await, |status| {
            Response::Status(Box::new(status))
        }),
        Request::Explain => told(handler.status().await, |status| {
            Response::Explanation(explain(&status))
        }),
        Request::History => Response::History(handler.history().await),
        Request::Maps => Response::Maps(handler.maps()),
        Request::Alarms => told(handler.alarms().await, |alarms| {
            Response::Alarms(Box::new(alarms))
        }),
        Request::TestAlarms => told(handler.test_alarms().await, Response::TestedAlarms),
        Request::Details => told(handler.details().await, |details| {
            Response::Details(Box::new(details))
        }),
        Request::Lateness => told(handler.lateness().await, Response::Lateness),
        Request::Members => told(handler.members().await, |members| {
            Response::Members(Box::new(members))
        }),
        Request::Nodes => told(handler.nodes().await, Response::Nodes),
        Request::ApplyMembers => told(handler.apply_members().await, Response::Done),
        Request::Switchover { to } => told(handler.switchover(to).await, Response::Done),
        Request::Reload => told(handler.reload().await, Response::Done),
        Request::Configuration => told(handler.configuration().await, |running| {
            Response::Configuration(Box::new(running))
        }),
        Request::Info(request) => told(handler.info(request).await, Response::Info),
        Request::Restart => told(handler.restart().await, Response::Done),
        Request::Force { cluster } => told(handler.force(cluster).await, Response::Done),
        Request::Maintenance { on } => told(handler.maintenance(on).await, Response::Done),
    }
}

fn told<T>(result: Result<T, String>, response: impl FnOnce(T) -> Response) -> Response {
    result.map_or_else(Response::Refused, response)
}

fn late() -> String {
    format!(
        "the daemon did not finish within {} s; `heartbeatctl status` shows what became of it",
        HANDLER_TIME.as_secs()
    )
}
