//! Content digests (`sha256:…`), and a reader that computes them while it reads.
//!
//! SHA-256 is the only algorithm that images in use have; others are refused by name.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;
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
        Self(to_hex(&Sha256::digest(bytes)))
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

/// Passes bytes on, counting and hashing them. Of a long stream the hashing is done by a thread of its own: it takes longer than
/// reading does.
pub(super) struct HashingReader<R> {
    inner: R,
    read: u64,
    /// Bytes that passed, but are not hashed yet.
    pending: Vec<u8>,
    worker: Option<Worker>,
}

struct Worker {
    chunks: SyncSender<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

/// Bytes that go to the thread at once.
const CHUNK: usize = 1 << 20;
/// Chunks that may wait for the thread.
const WAITING: usize = 4;

impl<R: Read> HashingReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, read: 0, pending: Vec::new(), worker: None }
    }

    /// Bytes read so far.
    pub(super) fn read_so_far(&self) -> u64 {
        self.read
    }

    /// The digest of everything read so far.
    pub(super) fn finish(self) -> Digest {
        let Some(worker) = self.worker else { return Digest::of(&self.pending) };
        let _ = worker.chunks.send(self.pending);
        drop(worker.chunks);
        let hasher = worker.thread.join().expect("internal: hashing does not panic");
        Digest(to_hex(&hasher.finalize()))
    }

    fn pass_on(&mut self) {
        let worker = self.worker.get_or_insert_with(|| {
            let (chunks, received) = mpsc::sync_channel::<Vec<u8>>(WAITING);
            let thread = std::thread::spawn(move || {
                received.iter().fold(Sha256::new(), |mut hasher, chunk| {
                    hasher.update(&chunk);
                    hasher
                })
            });
            Worker { chunks, thread }
        });
        let full = std::mem::replace(&mut self.pending, Vec::with_capacity(CHUNK));
        let _ = worker.chunks.send(full);
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.pending.extend_from_slice(&buffer[..count]);
        self.read += count as u64;
        if self.pending.len() >= CHUNK {
            self.pass_on();
        }
        Ok(count)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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
        let long = vec![7; 5 * CHUNK + 3];
        let mut reader = HashingReader::new(long.as_slice());
        io::copy(&mut reader, &mut io::sink()).expect("copied");
        assert_eq!(reader.finish(), Digest::of(&long));
    }
}
