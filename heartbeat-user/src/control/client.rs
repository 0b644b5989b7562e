//! The operator's end of the control socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::protocol::{Call, Reply, Request, Response};
use super::snapshot::SCHEMA;

/// Longest answer, in bytes: the status of 10,000 members has about 3 MB.
const MAX_ANSWER_LEN: u64 = 32 * 1024 * 1024;
/// How long to wait for an answer: longer than the daemon waits for itself.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody serves the socket.
    #[error(
        "daemon unreachable: control socket {path}: {source}; is heartbeatd running here (systemctl status \
         heartbeatd)? --control names another socket. The kernel part may still be at work: `bpftool map`"
    )]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The socket is not for this user.
    #[error("no permission for control socket {path}: run as root")]
    Permission {
        /// The socket.
        path: PathBuf,
    },
    /// The daemon took the request and did not answer.
    #[error(
        "the daemon on control socket {path} does not answer: {source}; it may be stopped or starved: `top -H` and \
         its log show more"
    )]
    Silent {
        /// The socket.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The answer is in another language.
    #[error(
        "the answer on control socket {path} cannot be read: {cause}; use the heartbeatctl of the daemon's version"
    )]
    Foreign {
        /// The socket.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
}

/// Asks one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
    patience: Duration,
}

impl Client {
    /// Asks the daemon that serves the socket at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            patience: ANSWER_TIME,
        }
    }

    /// Waits for an answer so long, instead of 10 s.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends one request and waits for the answer, at most 10 s if not told otherwise.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask(&self, request: Request) -> Result<Response, ClientError> {
        let stream = UnixStream::connect(&self.path).map_err(|error| self.no_connection(error))?;
        let line = self
            .exchange(stream, request)
            .map_err(|error| self.no_answer(error))?;
        let reply: Reply =
            serde_json::from_slice(&line).map_err(|error| self.foreign(error.to_string()))?;
        if reply.schema != SCHEMA {
            return Err(self.foreign(format!("it is in schema {}", reply.schema)));
        }
        Ok(reply.response)
    }

    fn exchange(&self, mut stream: UnixStream, request: Request) -> io::Result<Vec<u8>> {
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        let call = Call {
            schema: SCHEMA,
            request,
        };
        let mut line = serde_json::to_vec(&call)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(MAX_ANSWER_LEN)).read_until(b'\n', &mut answer)?;
        if answer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer)
    }

    fn no_connection(&self, source: io::Error) -> ClientError {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::PermissionDenied => ClientError::Permission { path },
            _ => ClientError::Unreachable { path, source },
        }
    }

    fn no_answer(&self, error: io::Error) -> ClientError {
        let source = match error.kind() {
            // What the kernel says when a socket's timeout is over (socket(7)).
            io::ErrorKind::WouldBlock => {
                let waited = format!("no answer within {} s", self.patience.as_secs());
                io::Error::new(io::ErrorKind::TimedOut, waited)
            }
            _ => error,
        };
        ClientError::Silent {
            path: self.path.clone(),
            source,
        }
    }

    fn foreign(&self, cause: String) -> ClientError {
        ClientError::Foreign {
            path: self.path.clone(),
            cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    fn ask(socket: &Path) -> ClientError {
        let client = Client::new(socket).patient_for(Duration::from_millis(20));
        client.ask(Request::Status).expect_err("nobody answers")
    }

    #[test]
    fn a_daemon_that_takes_the_question_and_never_answers_is_told_apart_from_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("control.sock");
        assert!(matches!(ask(&path), ClientError::Unreachable { .. }));
        // The kernel takes connections for a process that is stopped, as for this one that never accepts.
        let listener = UnixListener::bind(&path).expect("a socket");
        let error = ask(&path);
        assert!(matches!(error, ClientError::Silent { .. }), "{error}");
        for part in ["no answer within", "stopped or starved"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        drop(listener);
    }

    #[test]
    fn an_answer_in_another_language_names_the_version_as_cure() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("control.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        let answers: [&[u8]; 2] = [
            b"hello\n",
            b"{\"schema\":2,\"response\":{\"answer\":\"done\",\"value\":\"x\"}}\n",
        ];
        for answer in answers {
            let error = thread::scope(|scope| {
                scope.spawn(|| {
                    let (mut stream, _) = listener.accept().expect("somebody asks");
                    let mut line = String::new();
                    BufReader::new(&stream)
                        .read_line(&mut line)
                        .expect("a question");
                    stream.write_all(answer).expect("taken");
                });
                ask(&path)
            });
            assert!(matches!(error, ClientError::Foreign { .. }), "{error}");
            assert!(error.to_string().contains("daemon's version"), "{error}");
        }
    }
}
