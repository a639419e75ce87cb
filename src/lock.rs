//! The lock `aboard.lock`: what was resolved, from which index, so that later runs need no network.
//!
//! It is YAML with sorted keys and carries the digest of its own contents: a lock that was edited by hand is refused.
//! Whether a lock still fits its manifest is for [`crate::resolve`] to say.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The lock's usual name, beside the manifest.
pub const FILE: &str = "aboard.lock";

const VERSION: u32 = 1;
const HEADER: &str = "# Written by `aboard lock`, which rewrites it. Do not edit it by hand.\n";

/// The whole lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The indexes that answered, sorted by URL.
    #[serde(default)]
    pub indexes: Vec<LockedIndex>,
    /// The images by name.
    #[serde(default)]
    pub images: BTreeMap<String, LockedImage>,
}

/// The identity of an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedIndex {
    /// The repository (`https://dl-cdn.alpinelinux.org/alpine/v3.20/main`).
    pub url: String,
    /// The architecture in apk's words.
    pub arch: String,
    /// What the index says it is (`v3.20.3-176-g5e3a6b8`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The SHA-256 of the file as served, in hexadecimal.
    pub sha256: String,
    /// The day of its newest package (`2024-09-24`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// One image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// What it stands on.
    pub base: LockedBase,
    /// What gives each program.
    #[serde(default)]
    pub programs: BTreeMap<String, LockedProgram>,
    /// The packages to install and those that they bring.
    #[serde(default)]
    pub packages: BTreeMap<String, LockedPackage>,
}

/// The base of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedBase {
    /// The reference in `FROM`.
    pub reference: String,
    /// The Alpine release (`v3.20`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The digest of the base image, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The digests of its uncompressed layers, the lowest first, where the image was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff_ids: Vec<String>,
    /// Its programs by path, with the package that each is from, where the image was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, String>,
    /// Its packages with their versions, where the image was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
}

impl LockedBase {
    /// Whether the image itself was read: its programs and packages are all that it has.
    pub fn is_read(&self) -> bool {
        self.digest.is_some()
    }
}

/// What gives a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedProgram {
    /// The kind of provider.
    pub by: By,
    /// The path in the base, the package, or the manifest's word.
    pub what: String,
}

/// The kinds of provider that a lock knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The base image.
    Base,
    /// A package that the index names.
    Package,
    /// A package that the built-in table names: no index was at hand.
    Unverified,
    /// The manifest's word for it.
    Declared,
}

/// A package that is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPackage {
    /// The version; nothing where no index answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The repository (`main`); nothing where no index answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Whether the Dockerfile names it; else another package brings it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
    /// Packages that bring it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// The programs that it gives, without their folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// Bytes to download.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub download_size: u64,
    /// Bytes once installed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub installed_size: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LockError {
    /// It is not the YAML that aboard writes.
    #[error("{FILE} cannot be read ({0}); run `aboard lock` to write it anew")]
    Syntax(String),
    /// It is of another version of aboard.
    #[error("{FILE} is of version {0}, this aboard writes version {VERSION}; run `aboard lock` to write it anew")]
    Version(u32),
    /// Its contents do not match its digest.
    #[error("{FILE} was edited by hand or merged; run `aboard lock` to write it anew")]
    Edited,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    digest: String,
    #[serde(flatten)]
    lock: Lock,
}

impl Lock {
    /// The text of the file.
    pub fn to_text(&self) -> String {
        let body = self.body();
        format!("{HEADER}version: {VERSION}\ndigest: sha256:{:x}\n{body}", Sha256::digest(body.as_bytes()))
    }

    /// Reads the text of the file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let envelope: Envelope = yaml_serde::from_str(text).map_err(|error| LockError::Syntax(error.to_string()))?;
        if envelope.version != VERSION {
            return Err(LockError::Version(envelope.version));
        }
        let digest = format!("sha256:{:x}", Sha256::digest(envelope.lock.body().as_bytes()));
        if digest != envelope.digest {
            return Err(LockError::Edited);
        }
        Ok(envelope.lock)
    }

    fn body(&self) -> String {
        yaml_serde::to_string(self).expect("internal: a lock is plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let package = LockedPackage { version: Some("2.45.2-r0".to_owned()), named: true, ..LockedPackage::default() };
        let image = LockedImage {
            base: LockedBase { reference: "alpine:3.20".to_owned(), ..LockedBase::default() },
            programs: BTreeMap::from([("git".to_owned(), LockedProgram { by: By::Package, what: "git".to_owned() })]),
            packages: BTreeMap::from([("git".to_owned(), package)]),
        };
        Lock { indexes: Vec::new(), images: BTreeMap::from([("server".to_owned(), image)]) }
    }

    #[test]
    fn a_lock_reads_back_to_itself() {
        let text = lock().to_text();
        assert_eq!(Lock::parse(&text).expect("its own text"), lock());
        assert_eq!(Lock::parse(&text).expect("its own text").to_text(), text);
    }

    #[test]
    fn an_edited_lock_is_refused() {
        let text = lock().to_text().replace("2.45.2-r0", "2.45.3-r0");
        assert_eq!(Lock::parse(&text), Err(LockError::Edited));
    }

    #[test]
    fn other_versions_and_nonsense_are_refused() {
        assert_eq!(Lock::parse(&lock().to_text().replace("version: 1\n", "version: 9\n")), Err(LockError::Version(9)));
        assert!(matches!(Lock::parse("version: ["), Err(LockError::Syntax(_))));
        assert!(matches!(Lock::parse(""), Err(LockError::Syntax(_))));
    }
}
