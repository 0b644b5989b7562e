//! TCP in the lab: an echo service that knows nothing of mastership, and clients that wait.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::lab::netns::Netns;

/// The echo service's port.
pub const PORT: u16 = 7_010;
/// How long a client waits for a connection or an echo; far above what the lab's wires take.
const SOON: Duration = Duration::from_secs(3);

/// Echoes on every address of a machine, of either family, until the test's process ends.
///
/// # Errors
/// When the port cannot be had.
pub fn serve(machine: &Netns) -> Result<()> {
    let listener = machine.run(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)))??;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
    Ok(())
}

fn echo(mut stream: TcpStream) {
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte) {
        if stream.write_all(&byte).is_err() {
            return;
        }
    }
}

/// What ended a client's wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A reset.
    Reset,
    /// Nothing did.
    Nothing,
}

/// A connection of the lab, from one machine to an address.
#[derive(Debug)]
pub struct Client(TcpStream);

impl Client {
    /// Connects from `machine` to the echo service at `address`, and has something echoed.
    ///
    /// # Errors
    /// When it is not echoed.
    pub fn connect(machine: &Netns, address: IpAddr) -> Result<Self> {
        let to = SocketAddr::from((address, PORT));
        let stream = machine
            .run(|| TcpStream::connect_timeout(&to, SOON))?
            .with_context(|| format!("no connection from {} to {to}", machine.name()))?;
        stream.set_nodelay(true)?;
        let mut client = Self(stream);
        client.echo()?;
        Ok(client)
    }

    /// Fails unless a byte is echoed.
    ///
    /// # Errors
    /// When it is not.
    pub fn echo(&mut self) -> Result<()> {
        self.0.set_read_timeout(Some(SOON))?;
        self.0.write_all(b"?").context("cannot send")?;
        let mut byte = [0];
        let length = self.0.read(&mut byte).context("nothing is echoed")?;
        ensure!(length == 1, "the connection was closed in order");
        Ok(())
    }

    /// Sits in read(2) for at most `patience`; what ended that, and after how long.
    ///
    /// # Errors
    /// When something came that nobody sent, or an end in order.
    pub fn wait(&mut self, patience: Duration) -> Result<(End, Duration)> {
        self.0.set_read_timeout(Some(patience))?;
        let begun = Instant::now();
        let end = match self.0.read(&mut [0]) {
            Ok(length) => anyhow::bail!("read(2) gave {length} bytes"),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
            Err(error) if error.kind() == ErrorKind::WouldBlock => End::Nothing,
            Err(error) => return Err(error).context("read(2) failed otherwise"),
        };
        Ok((end, begun.elapsed()))
    }

    /// Sends one byte without waiting for its echo.
    ///
    /// # Errors
    /// When the connection is dead already.
    pub fn send(&mut self) -> Result<()> {
        self.0.write_all(b"!").context("cannot send")
    }
}
