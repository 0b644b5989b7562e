//! Messages over a stream: cut into frames, sealed, each with its length before it (two bytes, big-endian).

use std::io;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use snow::StatelessTransportState;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::bounds::{MAX_FRAME, MAX_PLAIN, SEAL, SILENCE, STALL};
use super::error::LinkError;
use super::message::{HEADER_LEN, Header, Message};

const LENGTH_LEN: usize = 2;
/// A body's place grows with what comes, from this on: what a header says is not believed before.
const FIRST_ROOM: usize = MAX_PLAIN;

/// The end that writes.
#[derive(Debug)]
pub(super) struct Sealer<W> {
    noise: Arc<StatelessTransportState>,
    /// Number of the next frame; Noise has 2^64 - 1 of them.
    next: u64,
    to: W,
    plain: Vec<u8>,
    frame: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Sealer<W> {
    pub(super) fn new(noise: Arc<StatelessTransportState>, to: W) -> Self {
        Self {
            noise,
            next: 0,
            to,
            plain: Vec::new(),
            frame: Vec::new(),
        }
    }

    /// Writes one message. One that is dropped in the middle leaves a link that can only be closed.
    ///
    /// # Errors
    /// [`LinkError::Io`], [`LinkError::Stalled`].
    pub(super) async fn write(&mut self, message: &Message) -> Result<(), LinkError> {
        let (header, body) = message.parts();
        let (first, mut rest) = body.split_at(body.len().min(MAX_PLAIN - HEADER_LEN));
        self.plain.clear();
        self.plain.extend_from_slice(&header);
        self.plain.extend_from_slice(first);
        let plain = std::mem::take(&mut self.plain);
        let written = self.write_frame(&plain).await;
        self.plain = plain;
        written?;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(MAX_PLAIN));
            self.write_frame(part).await?;
            rest = after;
        }
        Ok(())
    }

    async fn write_frame(&mut self, plain: &[u8]) -> Result<(), LinkError> {
        let sealed = plain.len() + SEAL;
        self.frame.clear();
        self.frame
            .put_u16(u16::try_from(sealed).expect("cut to fit"));
        self.frame.resize(LENGTH_LEN + sealed, 0);
        self.noise
            .write_message(self.next, plain, &mut self.frame[LENGTH_LEN..])
            .map_err(|_| LinkError::Malformed("more frames than a key is good for"))?;
        self.next += 1;
        timeout(STALL, self.to.write_all(&self.frame))
            .await
            .map_err(|_| LinkError::Stalled)??;
        Ok(())
    }
}

/// The end that reads.
#[derive(Debug)]
pub(super) struct Opener<R> {
    noise: Arc<StatelessTransportState>,
    next: u64,
    from: R,
    frame: Vec<u8>,
    plain: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Opener<R> {
    pub(super) fn new(noise: Arc<StatelessTransportState>, from: R) -> Self {
        Self {
            noise,
            next: 0,
            from,
            frame: Vec::new(),
            plain: Vec::new(),
        }
    }

    /// Reads one message. One that is dropped in the middle leaves a link that can only be closed.
    ///
    /// # Errors
    /// [`LinkError`]; the link is of no use then.
    pub(super) async fn read(&mut self) -> Result<Message, LinkError> {
        let first = self.read_frame().await?;
        let header = Header::read(first)?;
        let mut body = BytesMut::with_capacity(header.length.min(FIRST_ROOM));
        append(&mut body, &first[HEADER_LEN..], header.length)?;
        while body.len() < header.length {
            let part = self.read_frame().await?;
            append(&mut body, part, header.length)?;
        }
        Ok(header.with(body.freeze()))
    }

    async fn read_frame(&mut self) -> Result<&[u8], LinkError> {
        timeout(SILENCE, self.fill())
            .await
            .map_err(|_| LinkError::Silent)??;
        if self.frame.len() < SEAL {
            return Err(LinkError::Unauthentic);
        }
        self.plain.resize(self.frame.len(), 0);
        let length = self
            .noise
            .read_message(self.next, &self.frame, &mut self.plain)
            .map_err(|_| LinkError::Unauthentic)?;
        self.next += 1;
        Ok(&self.plain[..length])
    }

    async fn fill(&mut self) -> io::Result<()> {
        let length = usize::from(self.from.read_u16().await?);
        const { assert!(MAX_FRAME == u16::MAX as usize) };
        self.frame.resize(length, 0);
        self.from.read_exact(&mut self.frame).await?;
        Ok(())
    }
}

fn append(body: &mut BytesMut, part: &[u8], length: usize) -> Result<(), LinkError> {
    let missing = length - body.len();
    // An empty part would be no progress, for ever.
    if part.len() > missing || (part.is_empty() && missing > 0) {
        return Err(LinkError::Malformed("a part that is not its message's"));
    }
    body.put_slice(part);
    Ok(())
}

/// What tests do to a link that nothing else does.
#[cfg(test)]
mod tests_support {
    use super::*;

    impl<W: AsyncWrite + Unpin> Sealer<W> {
        /// Writes a frame that is no message.
        pub(in crate::peer) async fn write_raw(&mut self, plain: &[u8]) {
            self.write_frame(plain).await.expect("written");
        }
    }

    impl<R> Opener<R> {
        pub(in crate::peer) fn noise(&self) -> Arc<StatelessTransportState> {
            Arc::clone(&self.noise)
        }

        /// As if one frame had been read.
        pub(in crate::peer) const fn skip_one(&mut self) {
            self.next += 1;
        }
    }
}
