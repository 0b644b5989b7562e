//! A record's entries, file by file.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::ReadError;
use super::file::{Chunks, VERSION};
use super::item::Item;
use super::older;

/// Files that follow each other, the oldest first.
#[derive(Debug)]
pub struct Record {
    files: VecDeque<PathBuf>,
    chunks: Option<Chunks>,
    chunk: Vec<u8>,
    /// How much of it was read.
    read: usize,
    at: u64,
}

/// How one file of a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub file: PathBuf,
    /// The heartbeatd that wrote it, if it is not this one's version.
    pub other_version: Option<String>,
    /// Bytes at its end that are no whole chunk: the daemon was killed while it wrote, or the copy was cut short.
    pub torn: u64,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Item(Item<'static>),
    /// A file is over.
    Ended(Ended),
    /// All of them are.
    End,
}

impl Record {
    /// The record that is written to `file`: the older file beside it, if there is one, and then this.
    ///
    /// # Errors
    /// When `file` is no record that can be read.
    pub fn open(file: &Path) -> Result<Self, ReadError> {
        drop(Chunks::open(file)?);
        let files = [older(file), file.to_owned()];
        Ok(Self {
            files: files.into_iter().filter(|file| file.exists()).collect(),
            chunks: None,
            chunk: Vec::new(),
            read: 0,
            at: 0,
        })
    }

    /// The next entry, or how a file ended. After an error it goes on with the next file.
    pub(super) fn next(&mut self) -> Result<Next, ReadError> {
        loop {
            let Some(chunks) = &mut self.chunks else {
                let Some(file) = self.files.front() else {
                    return Ok(Next::End);
                };
                match Chunks::open(file) {
                    Ok(chunks) => self.chunks = Some(chunks),
                    Err(error) => {
                        self.turn_to_next();
                        return Err(error);
                    }
                }
                continue;
            };
            if let Some(bytes) = self
                .chunk
                .get(self.read..)
                .filter(|bytes| !bytes.is_empty())
            {
                let Ok((item, rest)) = postcard::take_from_bytes(bytes) else {
                    let error = chunks.unknown(self.at);
                    self.turn_to_next();
                    return Err(error);
                };
                self.read += bytes.len() - rest.len();
                return Ok(Next::Item(item));
            }
            match chunks.next() {
                Ok(Some(chunk)) => (self.chunk, self.read, self.at) = (chunk.bytes, 0, chunk.at),
                Ok(None) => {
                    let ended = chunks.ended();
                    self.turn_to_next();
                    return Ok(Next::Ended(ended));
                }
                Err(error) => {
                    self.turn_to_next();
                    return Err(error);
                }
            }
        }
    }

    fn turn_to_next(&mut self) {
        (self.chunks, self.read) = (None, 0);
        self.chunk.clear();
        self.files.pop_front();
    }
}

impl Chunks {
    fn ended(&self) -> Ended {
        Ended {
            file: self.path.clone(),
            other_version: (self.version != VERSION).then(|| self.version.clone()),
            torn: self.torn,
        }
    }

    fn unknown(&self, at: u64) -> ReadError {
        ReadError::Unknown {
            path: self.path.clone(),
            at,
            version: self.version.clone(),
        }
    }
}
