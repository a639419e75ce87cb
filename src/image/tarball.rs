//! A reader of tar streams that never trusts one: every length is bounded before memory is taken for it.
//!
//! It knows ustar, PAX and GNU names, GNU's old and PAX sparse files, and file capabilities in PAX records. The `tar` crate
//! reads PAX and long-name bodies whole whatever their size, knows only the old sparse form, and hides where a body
//! starts once it is sparse; an index of entries with bodies on demand needs all three. Global PAX headers are ignored, as
//! Docker does. Nothing is unpacked.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

const BLOCK: usize = 512;
/// The most that a PAX header or a long name may hold; Go's `archive/tar` has the same bound.
const MAX_EXTENSION: u64 = 1024 * 1024;
/// The longest path of an entry, and the longest target of a link.
const MAX_PATH: usize = 16 * 1024;
/// The most data segments of one sparse file.
const MAX_SEGMENTS: usize = 64 * 1024;

/// Why a stream is no tar archive.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The stream under it failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It ends within an entry.
    #[error("the archive ends in the middle of an entry")]
    Truncated,
    /// A header is not one.
    #[error("byte {at}: {what}")]
    Invalid {
        /// Where in the archive.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberKind {
    File,
    HardLink,
    SymbolicLink,
    Folder,
    /// A device or a pipe.
    Special,
    /// A kind that tar readers skip.
    Unknown,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) path: Vec<u8>,
    pub(super) kind: MemberKind,
    /// Permission bits with set-user-id, set-group-id and sticky.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The file's size, holes included.
    pub(super) size: u64,
    /// The target of a link.
    pub(super) link: Vec<u8>,
    /// Where the stored bytes start, from the start of the archive.
    pub(super) offset: u64,
    /// How many bytes are stored.
    pub(super) stored: u64,
    /// The stored segments of a sparse file: offset in the file, length.
    pub(super) segments: Option<Vec<(u64, u64)>>,
    /// It carries file capabilities.
    pub(super) capabilities: bool,
}

/// A tar stream, read entry by entry.
pub(super) struct Tarball<R> {
    reader: R,
    position: u64,
    /// Bytes of the current entry that are not read yet, without padding.
    left: u64,
    padding: u64,
    done: bool,
    skip: Skip<R>,
}

/// Passes over some bytes; says how many there were.
type Skip<R> = fn(&mut R, u64) -> io::Result<u64>;

/// What the headers before an entry say of it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    capabilities: bool,
    sparse_major: Option<u64>,
    sparse_size: Option<u64>,
    sparse_name: Option<Vec<u8>>,
    sparse_numbers: Option<Vec<u64>>,
}

impl<R: BufRead> Tarball<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, position: 0, left: 0, padding: 0, done: false, skip: read_past }
    }

    /// The next entry; what was not read of the current one is skipped.
    pub(super) fn next(&mut self) -> Result<Option<Member>, TarError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_rest()?;
            let at = self.position;
            let Some(block) = self.header()? else { return Ok(None) };
            let size = number(&block[124..136]).ok_or(TarError::Invalid { at, what: "no size" })?;
            match block[156] {
                b'x' => {
                    let body = self.extension(size)?;
                    extensions.read_pax(&body).ok_or(TarError::Invalid { at, what: "a broken PAX record" })?;
                }
                b'g' => self.body_follows(size),
                b'L' => extensions.path = Some(until_nul(&self.extension(size)?).to_vec()),
                b'K' => extensions.link = Some(until_nul(&self.extension(size)?).to_vec()),
                _ => return self.member(&block, at, size, extensions).map(Some),
            }
        }
    }

    /// Reads on in the current entry's stored bytes; 0 at their end.
    pub(super) fn read_body(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = read_some(&mut self.reader, &mut buffer[..most])?;
        if count == 0 {
            return Err(TarError::Truncated);
        }
        self.position += count as u64;
        self.left -= count as u64;
        Ok(count)
    }

    /// Reads the first `most` bytes of the current entry, or as many as there are.
    pub(super) fn read_head(&mut self, most: usize) -> Result<Vec<u8>, TarError> {
        let mut head = vec![0; usize::try_from(self.left).unwrap_or(usize::MAX).min(most)];
        let mut filled = 0;
        while filled < head.len() {
            filled += self.read_body(&mut head[filled..])?;
        }
        Ok(head)
    }

    /// The reader under the archive, at its end once [`Self::next`] said so.
    pub(super) fn into_inner(self) -> R {
        self.reader
    }

    fn member(&mut self, block: &[u8; BLOCK], at: u64, size: u64, ext: Extensions) -> Result<Member, TarError> {
        let invalid = |what| TarError::Invalid { at, what };
        let path = match (ext.sparse_name, ext.path) {
            (Some(path), _) | (None, Some(path)) => path,
            (None, None) => ustar_path(block),
        };
        let link = ext.link.unwrap_or_else(|| until_nul(&block[157..257]).to_vec());
        if path.len() > MAX_PATH || link.len() > MAX_PATH {
            return Err(invalid("a path that is too long"));
        }
        let kind = match block[156] {
            0 if path.ends_with(b"/") => MemberKind::Folder,
            0 | b'0' | b'7' | b'S' => MemberKind::File,
            b'1' => MemberKind::HardLink,
            b'2' => MemberKind::SymbolicLink,
            b'3' | b'4' | b'6' => MemberKind::Special,
            b'5' => MemberKind::Folder,
            _ => MemberKind::Unknown,
        };
        let has_body = matches!(kind, MemberKind::File | MemberKind::Unknown);
        let mut stored = if has_body { ext.size.unwrap_or(size) } else { 0 };
        let mut full = stored;
        let mut segments = None;
        if block[156] == b'S' {
            segments = Some(self.old_sparse_map(block, at)?);
            full = number(&block[483..495]).ok_or(invalid("no size of a sparse file"))?;
        }
        self.body_follows(stored);
        if kind == MemberKind::File && block[156] != b'S' {
            if ext.sparse_major == Some(1) {
                let (map, used) = self.sparse_map_in_body(at)?;
                segments = Some(map);
                stored = stored.checked_sub(used).ok_or(invalid("a sparse map longer than its file"))?;
            } else if let Some(numbers) = ext.sparse_numbers {
                segments = Some(pairs(&numbers).ok_or(invalid("a broken sparse map"))?);
            }
            if segments.is_some() {
                full = ext.sparse_size.ok_or(invalid("no size of a sparse file"))?;
            }
        }
        if let Some(segments) = &segments {
            check_segments(segments, full, stored).ok_or(invalid("a broken sparse map"))?;
        }
        let id = |pax: Option<u64>, field: &[u8]| {
            u32::try_from(pax.or_else(|| number(field)).unwrap_or(0))
                .map_err(|_| invalid("a user or group out of range"))
        };
        Ok(Member {
            kind,
            mode: number(&block[100..108]).unwrap_or(0) as u32 & 0o7777,
            uid: id(ext.uid, &block[108..116])?,
            gid: id(ext.gid, &block[116..124])?,
            size: full,
            link,
            offset: self.position,
            stored,
            segments,
            capabilities: ext.capabilities,
            path,
        })
    }

    /// The next header; nothing at the archive's end, where what follows is read away.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        if self.done {
            return Ok(None);
        }
        let at = self.position;
        let mut block = [0; BLOCK];
        let filled = fill(&mut self.reader, &mut block)?;
        self.position += filled as u64;
        if filled == 0 || (filled == BLOCK && block.iter().all(|&byte| byte == 0)) {
            self.done = true;
            (self.skip)(&mut self.reader, i64::MAX as u64)?;
            return Ok(None);
        }
        if filled < BLOCK {
            return Err(TarError::Truncated);
        }
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        let field: u64 = block[148..156].iter().map(|&byte| u64::from(byte)).sum();
        if number(&block[148..156]) != Some(sum - field + 8 * u64::from(b' ')) {
            return Err(TarError::Invalid { at, what: "not a tar header" });
        }
        Ok(Some(block))
    }

    fn body_follows(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > MAX_EXTENSION {
            return Err(TarError::Invalid { at: self.position, what: "an extended header that is too long" });
        }
        self.body_follows(size);
        self.read_head(size as usize)
    }

    fn skip_rest(&mut self) -> Result<(), TarError> {
        let rest = self.left.checked_add(self.padding).ok_or(TarError::Truncated)?;
        if rest == 0 {
            return Ok(());
        }
        let skipped = (self.skip)(&mut self.reader, rest)?;
        self.position += skipped;
        // Some writers leave the last entry's padding out.
        if skipped < self.left {
            return Err(TarError::Truncated);
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    /// The map of GNU's old form: four segments in the header, the rest in blocks behind it.
    fn old_sparse_map(&mut self, block: &[u8; BLOCK], at: u64) -> Result<Vec<(u64, u64)>, TarError> {
        let invalid = TarError::Invalid { at, what: "a broken sparse map" };
        let mut numbers = Vec::new();
        let mut take = |fields: &[u8]| {
            for field in fields.chunks_exact(12).take_while(|field| field[0] != 0) {
                numbers.push(number(field)?);
            }
            (numbers.len() <= 2 * MAX_SEGMENTS).then_some(())
        };
        let mut more = block[482] != 0;
        if take(&block[386..482]).is_none() {
            return Err(invalid);
        }
        while more {
            let mut next = [0; BLOCK];
            if fill(&mut self.reader, &mut next)? < BLOCK {
                return Err(TarError::Truncated);
            }
            self.position += BLOCK as u64;
            if take(&next[..504]).is_none() {
                return Err(invalid);
            }
            more = next[504] != 0;
        }
        pairs(&numbers).ok_or(invalid)
    }

    /// The map of PAX form 1.0: decimal lines at the start of the body, padded to a block. Also says how long it is.
    fn sparse_map_in_body(&mut self, at: u64) -> Result<(Vec<(u64, u64)>, u64), TarError> {
        let invalid = || TarError::Invalid { at, what: "a broken sparse map" };
        let mut text = Vec::new();
        let mut wanted = None;
        let mut numbers = Vec::new();
        let mut used = 0;
        while wanted.is_none_or(|wanted| numbers.len() < wanted) {
            let block = self.read_head(BLOCK)?;
            if block.len() < BLOCK {
                return Err(invalid());
            }
            used += BLOCK as u64;
            text.extend_from_slice(&block);
            let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            for line in text[..whole].split(|&byte| byte == b'\n') {
                if wanted.is_some_and(|wanted| numbers.len() == wanted) || line.is_empty() {
                    break;
                }
                let value = decimal(line).ok_or_else(invalid)?;
                if wanted.is_none() {
                    let count = usize::try_from(value).ok().filter(|count| *count <= MAX_SEGMENTS);
                    wanted = Some(2 * count.ok_or_else(invalid)?);
                } else {
                    numbers.push(value);
                }
            }
            text.drain(..whole);
            if text.len() > BLOCK {
                return Err(invalid());
            }
        }
        Ok((pairs(&numbers).ok_or_else(invalid)?, used))
    }
}

impl Tarball<BufReader<File>> {
    /// An archive in a file: bodies that are not read are jumped over.
    pub(super) fn seekable(file: File) -> Self {
        let mut tarball = Self::new(BufReader::new(file));
        tarball.skip = |reader, count| {
            use std::io::Seek;
            let (at, end) = (reader.stream_position()?, reader.get_ref().metadata()?.len());
            let count = count.min(end.saturating_sub(at));
            reader.seek_relative(i64::try_from(count).map_err(io::Error::other)?)?;
            Ok(count)
        };
        tarball
    }
}

impl Extensions {
    /// Takes over the records `LENGTH KEY=VALUE\n`; nothing where one is broken.
    fn read_pax(&mut self, mut body: &[u8]) -> Option<()> {
        while !body.is_empty() && body[0] != 0 {
            let space = body.iter().take(20).position(|&byte| byte == b' ')?;
            let length = usize::try_from(decimal(&body[..space])?).ok()?;
            if length > body.len() || length <= space + 1 || body[length - 1] != b'\n' {
                return None;
            }
            let record = &body[space + 1..length - 1];
            let equals = record.iter().position(|&byte| byte == b'=')?;
            self.record(&record[..equals], &record[equals + 1..])?;
            body = &body[length..];
        }
        Some(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(decimal(value)?),
            b"uid" => self.uid = Some(decimal(value)?),
            b"gid" => self.gid = Some(decimal(value)?),
            b"SCHILY.xattr.security.capability" => self.capabilities = !value.is_empty(),
            b"GNU.sparse.major" => self.sparse_major = Some(decimal(value)?),
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse_size = Some(decimal(value)?),
            b"GNU.sparse.numblocks" => self.sparse_numbers = Some(Vec::new()),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                let numbers = self.sparse_numbers.get_or_insert_default();
                numbers.push(decimal(value)?);
                if numbers.len() > 2 * MAX_SEGMENTS {
                    return None;
                }
            }
            b"GNU.sparse.map" if value.is_empty() => self.sparse_numbers = Some(Vec::new()),
            b"GNU.sparse.map" => {
                let numbers: Option<Vec<u64>> = value.split(|&byte| byte == b',').map(decimal).collect();
                self.sparse_numbers = Some(numbers.filter(|numbers| numbers.len() <= 2 * MAX_SEGMENTS)?);
            }
            _ => {}
        }
        Some(())
    }
}

/// The name of a header without extensions: GNU's has no prefix, ustar's may.
fn ustar_path(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&block[..100]);
    let prefix = until_nul(&block[345..500]);
    if &block[257..263] == b"ustar\0" && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Segments must rise, must not overlap, and must fit both the file and what is stored.
fn check_segments(segments: &[(u64, u64)], size: u64, stored: u64) -> Option<()> {
    let mut end = 0;
    let mut sum: u64 = 0;
    for &(offset, length) in segments {
        if offset < end {
            return None;
        }
        end = offset.checked_add(length)?;
        sum = sum.checked_add(length)?;
    }
    (end <= size && sum <= stored).then_some(())
}

fn pairs(numbers: &[u64]) -> Option<Vec<(u64, u64)>> {
    numbers.len().is_multiple_of(2).then(|| numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// A header's number: octal text, or base 256 where the first bit is set. Nothing where negative or not a number.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return None;
        }
        let mut value: u64 = u64::from(field[0] & 0x3f);
        for &byte in &field[1..] {
            value = value.checked_mul(256)?.checked_add(u64::from(byte))?;
        }
        return Some(value);
    }
    let text = until_nul(field).trim_ascii();
    let mut value: u64 = 0;
    for &byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// Reads until the buffer is full or the stream ends; says how much.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read_some(reader, &mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Reads some bytes away; says how many there were.
fn read_past<R: BufRead>(reader: &mut R, count: u64) -> io::Result<u64> {
    let mut past = 0;
    while past < count {
        let there = match reader.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => bytes.len(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let step = usize::try_from(count - past).unwrap_or(usize::MAX).min(there);
        reader.consume(step);
        past += step as u64;
    }
    Ok(past)
}

fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
