//! A file of a record: a header, then chunks. Each chunk says how long it is and has a checksum, so that what was
//! cut short and what is damaged can be told; what is in them is one stream of deflate, which begins anew wherever a
//! replay can begin.
//!
//! ```text
//! header   "heartbeatd record\n"  format (u16)  length of the version (u8)  version of heartbeatd
//! chunk    length (u32)  first 8 bytes of BLAKE3 of the rest  1 if the stream begins anew (u8)  deflate, flushed
//! ```
//! Numbers are little-endian.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::ReadError;

const MAGIC: &[u8; 18] = b"heartbeatd record\n";
/// Number of this file's format.
pub(super) const FORMAT: u16 = 1;
/// This heartbeatd.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Longest chunk, in bytes: a copy of the election in a cluster of 10,000 is a tenth of it.
const MAX_CHUNK: u32 = 64 * 1024 * 1024;
/// Length and checksum.
const PREFIX: usize = 12;

/// What stands in one chunk.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Where it begins in the file.
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
}

/// A record's chunks, from the first on.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) path: PathBuf,
    file: BufReader<File>,
    /// Which heartbeatd wrote it.
    pub(super) version: String,
    /// Where the next chunk begins.
    pub(super) at: u64,
    /// How many bytes at the end are no whole chunk.
    pub(super) torn: u64,
    inflate: Decompress,
}

impl Chunks {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let failed = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let mut head = Vec::new();
        file.by_ref()
            .take(MAGIC.len() as u64 + 3)
            .read_to_end(&mut head)
            .map_err(failed)?;
        let foreign = || ReadError::Foreign {
            path: path.to_owned(),
        };
        let (format, length) = match head.strip_prefix(MAGIC) {
            Some(&[low, high, length]) => (u16::from_le_bytes([low, high]), u64::from(length)),
            Some(_) | None => return Err(foreign()),
        };
        let mut version = String::new();
        file.by_ref()
            .take(length)
            .read_to_string(&mut version)
            .map_err(|_| foreign())?;
        if format != FORMAT {
            return Err(ReadError::Format {
                path: path.to_owned(),
                version,
                format,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            version,
            at: head.len() as u64 + length,
            torn: 0,
            inflate: Decompress::new(false),
        })
    }

    /// The next chunk; none at the end, and none where the file was cut short, which [`Self::torn`] then says.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, ReadError> {
        let Some(rest) = self.next_whole()? else {
            return Ok(None);
        };
        let at = self.at;
        self.at += (PREFIX + rest.len()) as u64;
        let (is_fresh, deflated) = match rest.split_first() {
            Some((flag, deflated)) => (*flag == 1, deflated),
            None => return Err(self.damaged(at)),
        };
        if is_fresh {
            self.inflate.reset(false);
        }
        let bytes = inflate(&mut self.inflate, deflated).map_err(|_| self.damaged(at))?;
        Ok(Some(Chunk { at, bytes }))
    }

    /// What follows length and checksum, if all of it is there and fits the checksum.
    fn next_whole(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let prefix = self.read(PREFIX as u64)?;
        let (Some(length), Some(check)) = (prefix.get(..4), prefix.get(4..PREFIX)) else {
            self.torn = prefix.len() as u64;
            return Ok(None);
        };
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        if length > MAX_CHUNK {
            return Err(self.damaged(self.at));
        }
        let rest = self.read(u64::from(length))?;
        if rest.len() < length as usize {
            self.torn = (PREFIX + rest.len()) as u64;
            return Ok(None);
        }
        if checksum(&rest) != check {
            return Err(self.damaged(self.at));
        }
        Ok(Some(rest))
    }

    fn read(&mut self, length: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        match self.file.by_ref().take(length).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(source) => Err(ReadError::Io {
                path: self.path.clone(),
                source,
            }),
        }
    }

    fn damaged(&self, at: u64) -> ReadError {
        ReadError::Damaged {
            path: self.path.clone(),
            at,
        }
    }
}

/// All of what is flushed.
fn inflate(inflate: &mut Decompress, mut deflated: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(deflated.len() * 4 + 64);
    loop {
        let before = inflate.total_in();
        inflate.decompress_vec(deflated, &mut bytes, FlushDecompress::Sync)?;
        let taken = usize::try_from(inflate.total_in() - before).map_err(io::Error::other)?;
        deflated = &deflated[taken..];
        if deflated.is_empty() && bytes.len() < bytes.capacity() {
            return Ok(bytes);
        }
        if taken == 0 && bytes.len() < bytes.capacity() {
            return Err(ErrorKind::InvalidData.into());
        }
        bytes.reserve(bytes.capacity());
    }
}

/// A file that is written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    pub(super) length: u64,
    deflate: Compress,
    chunk: Vec<u8>,
}

impl Segment {
    /// Begins a new file.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let mut segment = Self::at(file, 0);
        let mut header = MAGIC.to_vec();
        header.extend(FORMAT.to_le_bytes());
        header.push(VERSION.len() as u8);
        header.extend(VERSION.as_bytes());
        segment.append(&header)?;
        Ok(segment)
    }

    /// Goes on with a file of an earlier life, behind its last whole chunk. `None` if it cannot be gone on with: it
    /// is damaged, or another version's.
    pub(super) fn go_on(path: &Path) -> Result<Option<Self>, ReadError> {
        let mut chunks = match Chunks::open(path) {
            Ok(chunks) if chunks.version == VERSION => chunks,
            Ok(_) | Err(ReadError::Format { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        loop {
            match chunks.next_whole() {
                Ok(Some(rest)) => chunks.at += (PREFIX + rest.len()) as u64,
                Ok(None) => break,
                Err(ReadError::Damaged { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let whole = chunks.at;
        let file = OpenOptions::new().write(true).open(path);
        file.and_then(|file| {
            file.set_len(whole)?;
            Ok(Some(Self::at(file, whole)))
        })
        .map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })
    }

    fn at(file: File, length: u64) -> Self {
        Self {
            file,
            length,
            deflate: Compress::new(Compression::fast(), false),
            chunk: Vec::new(),
        }
    }

    /// Adds a chunk. `is_fresh`: it can be read without those before it. After an error only such a one may follow;
    /// the file is then as it was.
    pub(super) fn write(&mut self, is_fresh: bool, bytes: &[u8]) -> io::Result<()> {
        if is_fresh {
            self.deflate.reset();
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.clear();
        chunk.extend([0; PREFIX]);
        chunk.push(u8::from(is_fresh));
        deflate(&mut self.deflate, bytes, &mut chunk)?;
        let length = u32::try_from(chunk.len() - PREFIX).map_err(io::Error::other)?;
        if length > MAX_CHUNK {
            return Err(io::Error::other("a copy of the election is too long"));
        }
        let check = checksum(&chunk[PREFIX..]);
        chunk[..4].copy_from_slice(&length.to_le_bytes());
        chunk[4..PREFIX].copy_from_slice(&check);
        let written = self.append(&chunk);
        self.chunk = chunk;
        written
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = self.file.write_all(bytes) {
            // Half a chunk is of no use, and its room may be what others lack.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn deflate(deflate: &mut Compress, mut bytes: &[u8], chunk: &mut Vec<u8>) -> io::Result<()> {
    loop {
        chunk.reserve(bytes.len() / 2 + 256);
        let before = deflate.total_in();
        deflate.compress_vec(bytes, chunk, FlushCompress::Sync)?;
        let taken = usize::try_from(deflate.total_in() - before).map_err(io::Error::other)?;
        bytes = &bytes[taken..];
        // Room that is left says that all of it was flushed.
        if bytes.is_empty() && chunk.len() < chunk.capacity() {
            return Ok(());
        }
    }
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    first
}
