//! The control socket itself: one daemon has it, and only its owner may use it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::server::MAX_CLIENTS;
use crate::sys::lock::{holder, holder_text};

/// Connections that wait in the kernel until the server takes them.
const BACKLOG: i32 = 64;

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon has it.
    #[error(
        "another daemon{} serves control socket {path}: stop it first, or give this one a socket of its own with \
         --control", holder_text(*.holder)
    )]
    Busy {
        /// The socket.
        path: PathBuf,
        /// Process id of the daemon, when /proc/locks tells it.
        holder: Option<u32>,
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
    pub(super) listener: UnixListener,
    /// One for each client that may be served at a time.
    pub(super) places: Arc<Semaphore>,
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
            places: Arc::new(Semaphore::new(MAX_CLIENTS)),
            path: path.to_owned(),
            _lock: lock,
        })
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
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(file, errno)| match errno {
        Errno::EWOULDBLOCK => BindError::Busy {
            path: socket.to_owned(),
            holder: holder(&file),
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
