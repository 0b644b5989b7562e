//! The daemon's end of the control socket: only its owner may use it, and no client can hold it up.

use std::fs::{self, File, OpenOptions, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::Slot;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::explain::explain;
use super::history::HistoryEntry;
use super::maps::PinnedMap;
use super::protocol::{Call, Reply, Request, Response};
use super::snapshot::{SCHEMA, Status};

/// Longest request, in bytes: the longest one there is has less than a hundred.
const MAX_REQUEST_LEN: u64 = 4096;
/// Clients served at once; more wait in the kernel's queue, and the oldest of these ends within
/// [`CLIENT_TIME`] and [`HANDLER_TIME`].
const MAX_CLIENTS: usize = 16;
/// Connections that wait for one of [`MAX_CLIENTS`] places.
const BACKLOG: i32 = 64;
/// How long a client may take to send its line, and to take the answer.
const CLIENT_TIME: Duration = Duration::from_secs(2);
/// How long the daemon may take to carry out a request.
const HANDLER_TIME: Duration = Duration::from_secs(5);
/// Pause after an accept that failed, since its cause (no free descriptor) does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the daemon does for an operator.
pub trait Handler: Send + Sync + 'static {
    /// What this node knows, or why it cannot say.
    fn status(&self) -> impl Future<Output = Result<Status, String>> + Send;
    /// The role changes of this node, oldest first.
    fn history(&self) -> impl Future<Output = Vec<HistoryEntry>> + Send;
    /// Which map holds what.
    fn maps(&self) -> Vec<PinnedMap>;
    /// Hands mastership to this slot, or to the successor: what was done, or why nothing was.
    fn switchover(&self, to: Option<Slot>) -> impl Future<Output = Result<String, String>> + Send;
    /// Puts this node into maintenance, or takes it out: what was done, or why nothing was.
    fn maintenance(&self, on: bool) -> impl Future<Output = Result<String, String>> + Send;
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon has it.
    #[error(
        "another daemon serves control socket {path}: stop it first, or give this one a socket of its own with \
         --control"
    )]
    Busy {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has its name.
    #[error("{path} is no socket: move it away, or name another control socket with --control")]
    NoSocket {
        /// What is there.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("cannot {what} {path}: {source}; --control names another place")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// The listening socket; its file goes when this is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Held as long as the daemon lives, however it dies; the file stays, since removing it would let two
    /// daemons hold two files of one name.
    _lock: Flock<File>,
}

impl ControlSocket {
    /// Makes the socket for this user alone, its folder if missing; a dead daemon's socket is replaced.
    /// Must run inside tokio.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| BindError::Failed { what, path, source }
        };
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(folder)
                .map_err(failed("make folder", folder))?;
        }
        let lock = lock(path)?;
        remove_dead(path)?;
        let listener = listen(path).map_err(failed("listen on control socket", path))?;
        let listener =
            UnixListener::from_std(listener).map_err(failed("listen on control socket", path))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Serves clients until it is dropped.
    pub async fn serve(&self, handler: Arc<impl Handler>) {
        let places = Arc::new(Semaphore::new(MAX_CLIENTS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
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

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Whoever comes next replaces a socket that stays behind.
        let _ = fs::remove_file(&self.path);
    }
}

fn lock(socket: &Path) -> Result<Flock<File>, BindError> {
    let mut path = socket.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |source| BindError::Failed {
        what: "lock",
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => BindError::Busy {
            path: socket.to_owned(),
        },
        errno => failed(errno.into()),
    })
}

/// With the lock held, a socket file can only be a dead daemon's.
fn remove_dead(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Failed {
        what: "replace dead control socket",
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.file_type().is_socket() => fs::remove_file(path).map_err(failed),
        Ok(_) => Err(BindError::NoSocket {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Sets the mode between bind and listen: before listen nobody can connect.
fn listen(path: &Path) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

async fn client(mut stream: UnixStream, handler: &impl Handler) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    let mut bounded = BufReader::new(read.take(MAX_REQUEST_LEN));
    timeout(CLIENT_TIME, bounded.read_line(&mut line)).await??;
    let response = match serde_json::from_str::<Call>(&line) {
        Ok(call) if call.schema == SCHEMA => timeout(HANDLER_TIME, answer(call.request, handler))
            .await
            .unwrap_or_else(|_| Response::Refused(late())),
        Ok(call) => Response::Refused(format!(
            "this daemon ({}) speaks schema {SCHEMA} of the control socket and was asked in schema {}: use the \
             heartbeatctl of its version",
            env!("CARGO_PKG_VERSION"),
            call.schema
        )),
        Err(error) => Response::Refused(format!("the request is none: {error}")),
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
        Request::Switchover { to } => told(handler.switchover(to).await, Response::Done),
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
