//! One layer: an index of its entries, and the bodies that may be asked for.
//!
//! A layer is read once, front to back, whatever its compression. Bodies of an uncompressed layer that lies in a file
//! stay where they are; of any other layer, what a verification can ask for (programs, libraries, scripts, the
//! databases of users and packages) is kept in a temporary file that has no name. Everything else passes by.

use super::ImageError;
use super::digest::{Digest, HashingReader};
use super::tarball::{Member, MemberKind, TarError, Tarball};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bounds on what one image may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Entries of all layers together.
    pub entries: u64,
    /// Bytes of names of all layers together.
    pub names: u64,
    /// Bytes kept in temporary files.
    pub kept: u64,
    /// Uncompressed bytes of all layers together.
    pub unpacked: u64,
    /// A stream that unpacks to more than this many bytes must not unpack to more than [`Self::ratio`] times its size.
    pub ratio_from: u64,
    /// See [`Self::ratio_from`].
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4_000_000,
            names: 512 << 20,
            kept: 32 << 30,
            unpacked: 256 << 30,
            ratio_from: 1 << 30,
            ratio: 256,
        }
    }
}

/// What was used up of the [`Limits`], shared by all layers of an image.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub(super) limits: Limits,
    entries: AtomicU64,
    names: AtomicU64,
    kept: AtomicU64,
    unpacked: AtomicU64,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    fn entry(&self, names: usize) -> Result<(), ImageError> {
        if self.entries.fetch_add(1, Ordering::Relaxed) >= self.limits.entries {
            return Err(ImageError::TooMuch(format!("more than {} entries", self.limits.entries)));
        }
        if self.names.fetch_add(names as u64, Ordering::Relaxed) + names as u64 > self.limits.names {
            return Err(ImageError::TooMuch(format!("more than {} MiB of file names", self.limits.names >> 20)));
        }
        Ok(())
    }

    fn keep(&self, bytes: u64) -> Result<(), ImageError> {
        if self.kept.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.limits.kept {
            return Err(ImageError::TooMuch(format!("more than {} GiB of programs", self.limits.kept >> 30)));
        }
        Ok(())
    }
}

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// Tells it from the first bytes; other forms than those that images use are refused by name.
    pub(super) fn of(head: &[u8]) -> Result<Self, ImageError> {
        match head {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(ImageError::Compression("xz")),
            [b'B', b'Z', b'h', ..] => Err(ImageError::Compression("bzip2")),
            _ => Ok(Self::None),
        }
    }
}

/// A stream whose first bytes were looked at.
pub(super) type Peeked<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// Looks at the first `count` bytes of a stream without losing them.
pub(super) fn peek<R: Read>(mut reader: R, count: usize) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = vec![0; count];
    let filled = super::tarball::fill(&mut reader, &mut head)?;
    head.truncate(filled);
    Ok((head.clone(), io::Cursor::new(head).chain(reader)))
}

/// Unpacks a stream, within the budget.
pub(super) fn unpack<'a, R: Read + 'a>(
    reader: R,
    compression: Compression,
    budget: &'a Budget,
) -> Result<Box<dyn Read + 'a>, ImageError> {
    let input = Arc::new(AtomicU64::new(0));
    let counted = Counted { inner: reader, count: Arc::clone(&input) };
    let inner: Box<dyn Read + 'a> = match compression {
        Compression::None => Box::new(counted),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, counted))),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, counted))?),
    };
    Ok(Box::new(Guarded { inner, input, output: 0, budget }))
}

const BUFFER: usize = 256 * 1024;

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Ends a stream that unpacks to more than it may.
struct Guarded<'a, R> {
    inner: R,
    input: Arc<AtomicU64>,
    output: u64,
    budget: &'a Budget,
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.output += count as u64;
        let limits = &self.budget.limits;
        let input = self.input.load(Ordering::Relaxed);
        if self.output > limits.ratio_from && self.output / limits.ratio > input {
            return Err(io::Error::other(format!(
                "{input} compressed bytes unpack to more than {} (a bomb)",
                self.output
            )));
        }
        let all = self.budget.unpacked.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if all > limits.unpacked {
            return Err(io::Error::other(format!("the layers unpack to more than {} GiB", limits.unpacked >> 30)));
        }
        Ok(count)
    }
}

/// A range of [`Layer::names`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    start: u32,
    len: u32,
}

/// One entry of the index.
#[derive(Clone, Debug)]
pub(super) struct LayerEntry {
    pub(super) path: Name,
    pub(super) link: Name,
    pub(super) kind: MemberKind,
    pub(super) mode: u16,
    pub(super) capabilities: bool,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) body: Stored,
}

/// Where a body is, and how much of it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Where the kept bytes start in the layer's file.
    pub(super) offset: u64,
    /// How many are kept, from the first on.
    pub(super) kept: u64,
    /// The segments of a sparse file.
    pub(super) segments: Option<Arc<[(u64, u64)]>>,
}

/// The index of a layer.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) entries: Vec<LayerEntry>,
    names: Vec<u8>,
    /// Holds the bodies.
    pub(super) bodies: Arc<File>,
    /// The digest of the layer as it is stored.
    pub(super) blob: Digest,
    /// Its size in bytes as it is stored.
    pub(super) blob_size: u64,
    /// The digest of the uncompressed layer.
    pub(super) diff_id: Digest,
}

impl Layer {
    pub(super) fn name(&self, name: Name) -> &[u8] {
        &self.names[name.start as usize..][..name.len as usize]
    }
}

/// The file in which an uncompressed layer may lie, and where it starts.
pub(super) type InPlace = (Arc<File>, u64);

/// Reads a layer to its end.
pub(super) fn read<R: Read>(reader: R, in_place: Option<InPlace>, budget: &Budget) -> Result<Layer, ImageError> {
    let (head, reader) = peek(reader, 6)?;
    let compression = Compression::of(&head)?;
    if compression == Compression::None {
        return index(HashingReader::new(unpack(reader, compression, budget)?), in_place, budget);
    }
    let mut raw = HashingReader::new(reader);
    let mut layer = index(HashingReader::new(unpack(&mut raw, compression, budget)?), None, budget)?;
    // What follows the compressed data belongs to the blob.
    io::copy(&mut raw, &mut io::sink())?;
    layer.blob_size = raw.read_so_far();
    layer.blob = raw.finish();
    Ok(layer)
}

/// Reads an uncompressed layer to its end.
fn index<R: Read>(reader: HashingReader<R>, in_place: Option<InPlace>, budget: &Budget) -> Result<Layer, ImageError> {
    let (mut keeper, bodies) = if let Some((file, start)) = in_place {
        (Keeper::InPlace(start), file)
    } else {
        let file = tempfile::tempfile()?;
        let bodies = Arc::new(file.try_clone()?);
        let file = io::BufWriter::with_capacity(BUFFER, file);
        (Keeper::Copy { file, length: 0, buffer: vec![0; BUFFER], budget }, bodies)
    };
    let mut tarball = Tarball::new(reader);
    let mut names = Vec::new();
    let mut entries = Vec::new();
    while let Some(member) = tarball.next()? {
        budget.entry(member.path.len() + member.link.len())?;
        let body = keeper.keep(&member, &mut tarball)?;
        let path = add_name(&mut names, &member.path)?;
        let link = add_name(&mut names, &member.link)?;
        entries.push(LayerEntry {
            path,
            link,
            kind: member.kind,
            mode: member.mode as u16,
            capabilities: member.capabilities,
            uid: member.uid,
            gid: member.gid,
            size: member.size,
            body,
        });
    }
    keeper.finish()?;
    let reader = tarball.into_inner();
    let blob_size = reader.read_so_far();
    let diff_id = reader.finish();
    Ok(Layer { entries, names, bodies, blob: diff_id.clone(), blob_size, diff_id })
}

fn add_name(names: &mut Vec<u8>, name: &[u8]) -> Result<Name, ImageError> {
    let start = u32::try_from(names.len()).map_err(|_| ImageError::TooMuch("too many file names".to_owned()))?;
    names.extend_from_slice(name);
    Ok(Name { start, len: name.len() as u32 })
}

/// Sees to it that bodies can be read later.
enum Keeper<'a> {
    /// They lie in a file already, which starts there.
    InPlace(u64),
    /// Those that may be wanted are copied.
    Copy { file: io::BufWriter<File>, length: u64, buffer: Vec<u8>, budget: &'a Budget },
}

impl Keeper<'_> {
    fn keep<R: BufRead>(&mut self, member: &Member, tarball: &mut Tarball<R>) -> Result<Stored, ImageError> {
        let segments = member.segments.clone().map(Arc::from);
        if member.kind != MemberKind::File || member.stored == 0 {
            return Ok(Stored { offset: 0, kept: 0, segments });
        }
        match self {
            Self::InPlace(start) => Ok(Stored { offset: *start + member.offset, kept: member.stored, segments }),
            Self::Copy { file, length, buffer, budget } => {
                let head = tarball.read_head(HEAD)?;
                let wanted = wanted_bytes(member, &head);
                let offset = *length;
                budget.keep(wanted)?;
                let mut kept = wanted.min(head.len() as u64);
                file.write_all(&head[..kept as usize])?;
                while kept < wanted {
                    let count = match tarball.read_body(buffer)? {
                        0 => break,
                        count => (wanted - kept).min(count as u64),
                    };
                    file.write_all(&buffer[..count as usize])?;
                    kept += count;
                }
                *length += kept;
                Ok(Stored { offset, kept, segments })
            }
        }
    }

    fn finish(self) -> Result<(), ImageError> {
        if let Self::Copy { mut file, .. } = self {
            file.flush()?;
        }
        Ok(())
    }
}

/// The bytes of a body that tell what it is: more than the kernel reads of a script's first line.
pub(super) const HEAD: usize = 4096;
/// The most that is kept of a text (a database of users or packages).
pub(super) const MAX_TEXT: u64 = 64 << 20;

/// How much of a body a verification can ask for.
fn wanted_bytes(member: &Member, head: &[u8]) -> u64 {
    let path = member.path.strip_prefix(b"./").unwrap_or(&member.path);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    if member.segments.is_some() || head.starts_with(b"\x7fELF") {
        return member.stored;
    }
    if TEXTS.iter().any(|folder| path.starts_with(folder.as_bytes())) {
        return member.stored.min(MAX_TEXT);
    }
    if member.mode & 0o111 != 0 || head.starts_with(b"#!") {
        return member.stored.min(HEAD as u64);
    }
    0
}

/// Where the texts lie that say how the image works: users, loader paths, packages.
const TEXTS: [&str; 7] = [
    "etc/",
    "lib/apk/db/installed",
    "usr/etc/",
    "usr/lib/apk/db/installed",
    "usr/lib/os-release",
    "var/lib/dpkg/info/",
    "var/lib/dpkg/status",
];

/// Reads kept bytes of a body at an offset of the file; holes and what was not kept read as nothing kept.
pub(super) fn read_stored(
    bodies: &File,
    body: &Stored,
    size: u64,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    if offset >= size || buffer.is_empty() {
        return Ok(0);
    }
    let most = usize::try_from(size - offset).unwrap_or(usize::MAX).min(buffer.len());
    let buffer = &mut buffer[..most];
    let Some(segments) = &body.segments else {
        if offset >= body.kept {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file's rest was not kept"));
        }
        let most = usize::try_from(body.kept - offset).unwrap_or(usize::MAX).min(most);
        return bodies.read_at(&mut buffer[..most], body.offset + offset);
    };
    let mut stored = body.offset;
    for &(start, length) in segments.iter() {
        if offset < start {
            let hole = usize::try_from(start - offset).unwrap_or(usize::MAX).min(most);
            buffer[..hole].fill(0);
            return Ok(hole);
        }
        if offset < start + length {
            let inside = offset - start;
            let most = usize::try_from(length - inside).unwrap_or(usize::MAX).min(most);
            return bodies.read_at(&mut buffer[..most], stored + inside);
        }
        stored += length;
    }
    buffer.fill(0);
    Ok(most)
}

impl From<TarError> for ImageError {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Io(error) => Self::Io(error),
            other => Self::Tar(other),
        }
    }
}
