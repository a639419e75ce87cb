//! The container of an index: gzip members one after another, each a piece of a tar archive.
//!
//! The first member of a signed index holds the signatures; they cover the raw bytes of all members after it. This module
//! takes an archive apart within fixed bounds. It does not judge signatures ([`super::signature`]) and does not read
//! packages ([`super::index`]).

use flate2::bufread::GzDecoder;
use std::io::Read;

/// The size in bytes above which an index file is not opened. Alpine's largest is about 2.5 MB.
pub const MAX_COMPRESSED: usize = 64 << 20;

/// The size in bytes that all members together may have once decompressed. Alpine's largest is about 12 MB.
pub const MAX_DECOMPRESSED: usize = 512 << 20;

/// More gzip members than any tool writes.
const MAX_MEMBERS: usize = 64;

/// More signatures than any repository has.
const MAX_SIGNATURES: usize = 64;

/// The size in bytes that a signature may have; RSA with 16,384 bits fits.
const MAX_SIGNATURE: u64 = 2048;

/// Why bytes are not an index archive. All but [`ArchiveError::TooLarge`] mean that the file is damaged or is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// It does not start as gzip does; a captive portal's or a proxy's HTML page is the usual cause.
    #[error("not a gzip file{0}")]
    NotGzip(String),
    /// The file ends inside a gzip member.
    #[error("cut short: the file ends inside a gzip member at byte {0}")]
    Truncated(usize),
    /// A gzip member is damaged, or something that is no member follows the last one.
    #[error("damaged: the gzip member at byte {at} cannot be read ({why})")]
    Gzip {
        /// Where the member starts.
        at: usize,
        /// What is wrong with it.
        why: String,
    },
    /// It is larger than an index can be, or unpacks to more: a bomb, or the wrong file.
    #[error("larger than an index can be: more than {limit} bytes {what}")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
        /// `compressed` or `decompressed`.
        what: &'static str,
    },
    /// The tar archive inside is damaged.
    #[error("damaged: the tar archive inside cannot be read ({0})")]
    Tar(String),
    /// There is no file APKINDEX inside: a package, or another archive.
    #[error("no APKINDEX inside")]
    NoIndex,
    /// There are two files of one name inside; it is unclear which one counts.
    #[error("two files named {0} inside")]
    Twice(&'static str),
    /// APKINDEX or DESCRIPTION is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
}

/// One signature of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFile {
    /// The name of the file (`.SIGN.RSA.alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub`).
    pub name: String,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// An index file taken apart.
#[derive(Debug)]
pub struct Archive<'a> {
    /// The signatures; none where the index is unsigned.
    pub signatures: Vec<SignatureFile>,
    /// The raw bytes that the signatures cover.
    pub signed: &'a [u8],
    /// Whether the member that holds the signatures is, byte for byte, in the form that Alpine's tools write.
    pub canonical: bool,
    /// The text of DESCRIPTION: what the mirror calls this state of the repository (`v3.20.3-38-g5b99a0b2f22`).
    pub description: String,
    /// The text of APKINDEX.
    pub index: String,
}

impl<'a> Archive<'a> {
    /// Takes an index file apart.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let members = members(bytes)?;
        let signatures = signatures(&members[0].data)?;
        let (signed, canonical, rest) = if signatures.is_empty() {
            (bytes, true, &members[..])
        } else {
            (&bytes[members[0].end..], is_canonical(&bytes[..members[0].end], &members[0].data), &members[1..])
        };
        let content: Vec<u8> = match rest {
            [only] => only.data.clone(),
            _ => rest.iter().flat_map(|member| member.data.iter().copied()).collect(),
        };
        let (mut description, mut index) = (None, None);
        for_each_file(&content, |name, size, file| {
            let slot = match name {
                "DESCRIPTION" => (&mut description, "DESCRIPTION"),
                "APKINDEX" => (&mut index, "APKINDEX"),
                _ => return Ok(()),
            };
            if slot.0.is_some() {
                return Err(ArchiveError::Twice(slot.1));
            }
            *slot.0 = Some(text(read(file, size)?, slot.1)?);
            Ok(())
        })?;
        let index = index.ok_or(ArchiveError::NoIndex)?;
        let description = description.map(|text: String| text.trim_end().to_owned()).unwrap_or_default();
        Ok(Self { signatures, signed, canonical, description, index })
    }
}

/// A gzip member: its content, and where the next one starts.
struct Member {
    data: Vec<u8>,
    end: usize,
}

fn members(bytes: &[u8]) -> Result<Vec<Member>, ArchiveError> {
    if bytes.is_empty() {
        return Err(ArchiveError::Empty);
    }
    if bytes.len() > MAX_COMPRESSED {
        return Err(ArchiveError::TooLarge { limit: MAX_COMPRESSED, what: "compressed" });
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        let start = bytes[..bytes.len().min(512)].trim_ascii_start();
        let hint = if start.starts_with(b"<") { " but an HTML or XML page" } else { "" };
        return Err(ArchiveError::NotGzip(hint.to_owned()));
    }
    let mut members = Vec::new();
    let (mut at, mut left) = (0, MAX_DECOMPRESSED);
    while at < bytes.len() {
        if members.len() == MAX_MEMBERS {
            return Err(ArchiveError::Gzip { at, why: format!("more than {MAX_MEMBERS} members") });
        }
        let member = member(bytes, at, left)?;
        left -= member.data.len();
        at = member.end;
        members.push(member);
    }
    Ok(members)
}

fn member(bytes: &[u8], at: usize, limit: usize) -> Result<Member, ArchiveError> {
    let mut decoder = GzDecoder::new(&bytes[at..]);
    // The last four bytes of a file are the size of its last member, modulo 4 GiB: a hint, bounded by what can be.
    let size = bytes.last_chunk().map_or(0, |last| u32::from_le_bytes(*last) as usize);
    let mut data = Vec::with_capacity(size.min(limit).min((bytes.len() - at).saturating_mul(16)));
    match decoder.by_ref().take(limit as u64 + 1).read_to_end(&mut data) {
        Ok(_) if data.len() > limit => Err(ArchiveError::TooLarge { limit: MAX_DECOMPRESSED, what: "decompressed" }),
        Ok(_) => Ok(Member { data, end: bytes.len() - decoder.into_inner().len() }),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(ArchiveError::Truncated(at)),
        Err(error) => Err(ArchiveError::Gzip { at, why: error.to_string() }),
    }
}

/// The signatures that a first member holds; none where it holds anything else.
fn signatures(data: &[u8]) -> Result<Vec<SignatureFile>, ArchiveError> {
    let mut signatures = Vec::new();
    if !starts_with_signature(data) {
        return Ok(signatures);
    }
    for_each_file(data, |name, size, file| {
        if !name.starts_with(".SIGN.") {
            return Err(ArchiveError::Tar(format!("{name} stands among the signatures")));
        }
        if size > MAX_SIGNATURE || signatures.len() == MAX_SIGNATURES {
            return Err(ArchiveError::Tar(format!("{name} is no signature")));
        }
        signatures.push(SignatureFile { name: name.to_owned(), bytes: read(file, size)? });
        Ok(())
    })?;
    Ok(signatures)
}

/// Whether the first file of a tar archive is a signature; extended headers may stand before it.
fn starts_with_signature(data: &[u8]) -> bool {
    let mut archive = tar::Archive::new(data);
    let Ok(mut entries) = archive.entries() else { return false };
    matches!(entries.next(), Some(Ok(entry)) if entry.path_bytes().starts_with(b".SIGN."))
}

/// Whether the bytes of a signature member could not be others with the same content, as far as gzip lets one tell: the
/// signature does not cover them, so nothing else would notice.
fn is_canonical(raw: &[u8], data: &[u8]) -> bool {
    // No name, no time, best compression, Unix: what `gzip -n -9` writes, and so abuild-sign.
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
    const TRAILER: usize = 8;
    if !raw.starts_with(&HEADER) || raw.len() <= HEADER.len() + TRAILER {
        return false;
    }
    // The bits after the end of the deflate stream are zero: clearing the highest one that is set changes the content.
    let last = raw.len() - TRAILER - 1;
    if raw[last] == 0 {
        return true;
    }
    let mut cleared = raw.to_vec();
    cleared[last] ^= 0x80 >> raw[last].leading_zeros();
    match member(&cleared, 0, data.len()) {
        Ok(member) => member.data != data || member.end != raw.len(),
        Err(_) => true,
    }
}

/// Calls back for each regular file of a tar archive with its name and size.
fn for_each_file(
    data: &[u8],
    mut each: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let tar_error = |error: std::io::Error| ArchiveError::Tar(error.to_string());
    let mut archive = tar::Archive::new(data);
    for entry in archive.entries().map_err(tar_error)? {
        let mut entry = entry.map_err(tar_error)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        let Ok(name) = std::str::from_utf8(&name) else { continue };
        let size = entry.size();
        each(name.trim_start_matches("./"), size, &mut entry)?;
    }
    Ok(())
}

fn read(file: &mut dyn Read, size: u64) -> Result<Vec<u8>, ArchiveError> {
    let wanted = usize::try_from(size).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(wanted.min(MAX_COMPRESSED));
    file.take(size).read_to_end(&mut bytes).map_err(|error| ArchiveError::Tar(error.to_string()))?;
    if bytes.len() != wanted {
        return Err(ArchiveError::Tar("a file is shorter than its header says".to_owned()));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>, name: &'static str) -> Result<String, ArchiveError> {
    String::from_utf8(bytes).map_err(|_| ArchiveError::NotUtf8(name))
}
