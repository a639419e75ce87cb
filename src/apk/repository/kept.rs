//! The index as it is kept between runs: one file a repository, a line of facts and then the text.
//!
//! The signature was verified before the file was written; the line says by which key, and a reader that does not trust
//! that very key does not take the file. A checksum tells a damaged file, which counts as none.

use super::fetch::Validators;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;
use std::{fs, str};

/// The form of the file; another number is not read.
const FORM: u32 = 1;

/// The length in bytes that the line of facts may have.
const MAX_FACTS: usize = 16 << 10;

/// How the name of a file that is being written ends.
const PART: &str = ".part";

/// What is known of a kept index besides its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    form: u32,
    /// Where it came from.
    pub(super) address: String,
    /// What the mirror calls this state of the repository.
    pub(super) description: String,
    /// SHA-256 of the file that the mirror served.
    pub(super) digest: String,
    /// The name and the fingerprint of the key that signed it; nothing where it was taken unverified.
    pub(super) signer: Option<(String, String)>,
    /// When it was last known to be what the mirror has, in seconds since 1970.
    pub(super) checked: u64,
    /// When its newest package was built, in seconds since 1970.
    pub(super) newest: u64,
    etag: Option<String>,
    last_modified: Option<String>,
    length: u64,
    crc: u32,
}

impl Facts {
    pub(super) fn new(
        address: &str,
        description: String,
        digest: String,
        signer: Option<(String, String)>,
        validators: Validators,
    ) -> Self {
        Self {
            form: FORM,
            address: address.to_owned(),
            description,
            digest,
            signer,
            checked: 0,
            newest: 0,
            etag: validators.etag,
            last_modified: validators.last_modified,
            length: 0,
            crc: 0,
        }
    }

    pub(super) fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
    }
}

/// Reads a kept index; nothing where there is none, or a damaged one.
pub(super) fn read(file: &Path) -> Option<(Facts, String)> {
    let mut bytes = fs::read(file).ok()?;
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(MAX_FACTS)])?;
    let facts: Facts = serde_json::from_slice(&bytes[..end]).ok()?;
    let text = &bytes[end + 1..];
    if facts.form != FORM || facts.length != text.len() as u64 || facts.crc != crc(text) {
        return None;
    }
    bytes.drain(..=end);
    Some((facts, String::from_utf8(bytes).ok()?))
}

/// Writes an index: to a file beside, which then takes the place of the old one. The caller holds the lock of the file.
pub(super) fn write(file: &Path, facts: &Facts, text: &str) -> io::Result<()> {
    let facts = Facts { length: text.len() as u64, crc: crc(text.as_bytes()), ..facts.clone() };
    let folder = file.parent().unwrap_or(Path::new("."));
    let prefix = format!("{}.", file.file_name().unwrap_or_default().to_string_lossy());
    remove_leftovers(folder, &prefix);
    let mut beside = tempfile::Builder::new().prefix(&prefix).suffix(PART).tempfile_in(folder)?;
    serde_json::to_writer(&mut beside, &facts)?;
    beside.write_all(b"\n")?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    Ok(())
}

/// Removes what a run that was killed while it wrote has left behind.
fn remove_leftovers(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(prefix) && name.ends_with(PART) {
            // Where that fails the file is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
