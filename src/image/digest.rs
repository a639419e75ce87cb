//! Content digests (`sha256:…`), and a reader that computes them while it reads.
//!
//! SHA-256 is the only algorithm that images in use have; others are refused by name.

use super::tarball::fill;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

/// The name of some bytes by their content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// Why a text is no [`Digest`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a digest; sha256: and 64 lower-case hexadecimal digits are meant")]
pub struct BadDigest(String);

impl Digest {
    /// The hexadecimal part: safe as a file name.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("{:x}", Sha256::digest(bytes)))
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(hex.to_owned()))
        } else {
            Err(BadDigest(text.chars().take(160).collect()))
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Passes bytes on, counting and hashing them. Of a long stream the hashing is done by a thread of its own, which takes
/// longer than reading does; both look at the same chunks, so that nothing is copied for it.
pub(super) struct HashingReader<R> {
    inner: R,
    read: u64,
    /// The bytes that pass now; not hashed yet.
    chunk: Chunk,
    /// How many of them were passed on.
    passed: usize,
    /// Buffers whose bytes were passed on, the oldest first: to be used again once they are hashed.
    used: VecDeque<Arc<Vec<u8>>>,
    worker: Option<Worker>,
}

/// Bytes that are hashed at once: the first ones of a buffer.
struct Chunk {
    buffer: Arc<Vec<u8>>,
    length: usize,
}

struct Worker {
    chunks: SyncSender<Chunk>,
    thread: JoinHandle<Sha256>,
}

/// The size of a buffer.
const CHUNK: usize = 256 << 10;
/// Chunks that may wait for the thread.
const WAITING: usize = 8;

impl Chunk {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl<R: Read> HashingReader<R> {
    pub(super) fn new(inner: R) -> Self {
        let chunk = Chunk { buffer: Arc::default(), length: 0 };
        Self { inner, read: 0, chunk, passed: 0, used: VecDeque::new(), worker: None }
    }

    /// Bytes passed on so far.
    pub(super) fn read_so_far(&self) -> u64 {
        self.read
    }

    /// The digest of everything that was read. What was read ahead and not passed on counts too.
    pub(super) fn finish(self) -> Digest {
        let Some(worker) = self.worker else { return Digest::of(self.chunk.bytes()) };
        let _ = worker.chunks.send(self.chunk);
        drop(worker.chunks);
        let hasher = worker.thread.join().expect("internal: hashing does not panic");
        Digest(format!("{:x}", hasher.finalize()))
    }

    /// Reads the next chunk and hands the one before it to the thread; at the stream's end the last one stays.
    fn next_chunk(&mut self) -> io::Result<()> {
        let mut buffer = self.empty_buffer();
        let bytes = Arc::get_mut(&mut buffer).expect("internal: nobody else has an empty buffer");
        let length = fill(&mut self.inner, bytes)?;
        if length == 0 {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.chunk, Chunk { buffer, length });
        self.passed = 0;
        if full.length > 0 {
            self.used.push_back(Arc::clone(&full.buffer));
            let worker = self.worker.get_or_insert_with(Worker::start);
            let _ = worker.chunks.send(full);
        }
        Ok(())
    }

    /// A buffer that is hashed, or a new one: there are never more than may wait, and one each that is read and hashed.
    fn empty_buffer(&mut self) -> Arc<Vec<u8>> {
        match self.used.pop_front().map(|mut oldest| (Arc::get_mut(&mut oldest).is_some(), oldest)) {
            Some((true, hashed)) => return hashed,
            Some((false, waiting)) => self.used.push_front(waiting),
            None => {}
        }
        Arc::new(vec![0; CHUNK])
    }
}

impl Worker {
    fn start() -> Self {
        let (chunks, received) = mpsc::sync_channel::<Chunk>(WAITING);
        let thread = std::thread::spawn(move || {
            received.iter().fold(Sha256::new(), |mut hasher, chunk| {
                hasher.update(chunk.bytes());
                hasher
            })
        });
        Self { chunks, thread }
    }
}

impl<R: Read> BufRead for HashingReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.passed == self.chunk.length {
            self.next_chunk()?;
        }
        Ok(&self.chunk.bytes()[self.passed..])
    }

    fn consume(&mut self, count: usize) {
        self.passed += count;
        self.read += count as u64;
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lower_case_digests_are_read() {
        let text = Digest::of(b"").to_string();
        assert_eq!(text, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(text.parse(), Ok(Digest::of(b"")));
        for bad in ["", "sha256:", "sha256:../../etc/passwd", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        assert!(text.replace('e', "E").parse::<Digest>().is_err());
    }

    #[test]
    fn a_reader_hashes_what_passes() {
        let mut reader = HashingReader::new(&b"abc"[..]);
        io::copy(&mut reader, &mut io::sink()).expect("copied");
        assert_eq!(reader.read_so_far(), 3);
        assert_eq!(reader.finish(), Digest::of(b"abc"));
        // More chunks than there are buffers, passed on in steps that do not fit them.
        let long: Vec<u8> = (0..40 * CHUNK + 3).map(|number| (number % 251) as u8).collect();
        let mut reader = HashingReader::new(long.as_slice());
        let mut passed = Vec::new();
        while let Some(first) = reader.fill_buf().expect("read").chunks(100_003).next().map(<[u8]>::to_vec) {
            reader.consume(first.len());
            passed.extend(first);
        }
        assert_eq!(passed, long);
        assert_eq!(reader.read_so_far(), long.len() as u64);
        assert_eq!(reader.finish(), Digest::of(&long));
    }
}
