//! Whether an index is signed by someone who is trusted.
//!
//! A signature is RSA with PKCS#1 v1.5 padding over the SHA-1, SHA-256 or SHA-512 of the raw bytes of every gzip member after
//! the first. Its file's name says which, and which key made it. DSA is not supported, as apk-tools 3 does not either.

use super::archive::Archive;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// One of Alpine's keys: its name, and the text of the file under `data/apk/keys`.
macro_rules! key {
    ($id:literal) => {
        (
            concat!("alpine-devel@lists.alpinelinux.org-", $id, ".rsa.pub"),
            include_str!(concat!("../../data/apk/keys/alpine-devel@lists.alpinelinux.org-", $id, ".rsa.pub")),
        )
    };
}

/// Alpine's own public keys, by the name that signatures give them. They are those of `/etc/apk/keys` in an Alpine root.
static ALPINE_KEYS: [(&str, &str); 17] = [
    key!("4a6a0840"),
    key!("5243ef4b"),
    key!("524d27bb"),
    key!("5261cecb"),
    key!("58199dcc"),
    key!("58cbb476"),
    key!("58e4f17d"),
    key!("5e69ca50"),
    key!("60ac2099"),
    key!("6165ee59"),
    key!("61666e3f"),
    key!("616a9724"),
    key!("616abc23"),
    key!("616ac3bc"),
    key!("616adfeb"),
    key!("616ae350"),
    key!("616db30d"),
];

/// Why a key cannot be used. The file, or the manifest that names it, is at fault.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not a public RSA key in PEM form (`-----BEGIN PUBLIC KEY-----`).
    #[error("{name}: not a public RSA key in PEM form ({why})")]
    NotAKey {
        /// The file's name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Signatures name a key by its file's name; this path has none.
    #[error("{0}: has no file name")]
    NoName(String),
}

/// Why an index is not trusted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The index holds no signature.
    #[error("the index is not signed")]
    Unsigned,
    /// It is signed, but by no key that is trusted.
    #[error("signed with a key that is not trusted: {}", .0.join(", "))]
    UnknownKey(Vec<String>),
    /// A trusted key's signature does not fit the bytes: they were changed on the way.
    #[error("the signature by {0} does not fit the index: it was changed, or damaged on the way")]
    Wrong(String),
    /// A trusted key signed it, but by a method that is not supported.
    #[error("the signature {0} is made by a method that aboard does not know (RSA, RSA256 and RSA512 are known)")]
    UnknownMethod(String),
}

/// The keys that are trusted.
#[derive(Clone, Debug)]
pub struct Keys {
    keys: BTreeMap<String, Key>,
}

#[derive(Clone, Debug)]
struct Key {
    public: RsaPublicKey,
    /// SHA-256 of the PEM text; tells two keys of one name apart.
    fingerprint: String,
    /// Whether it is one of Alpine's, whose tools are known to write the signature member in one form alone.
    alpine: bool,
}

impl Keys {
    /// No key at all.
    pub fn none() -> Self {
        Self { keys: BTreeMap::new() }
    }

    /// Alpine's own keys.
    pub fn alpine() -> &'static Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(|| {
            let mut keys = Self::none();
            for (name, pem) in ALPINE_KEYS {
                keys.insert(name, pem, true).expect("internal: Alpine's keys are read by a test");
            }
            keys
        })
    }

    /// Trusts a key besides those already trusted. The name is that of its file: signatures name it so.
    pub fn add(&mut self, path: &Path, pem: &str) -> Result<(), KeyError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| KeyError::NoName(path.display().to_string()))?;
        self.insert(name, pem, false)
    }

    fn insert(&mut self, name: &str, pem: &str, alpine: bool) -> Result<(), KeyError> {
        let public = RsaPublicKey::from_public_key_pem(pem.trim())
            .map_err(|error| KeyError::NotAKey { name: name.to_owned(), why: error.to_string() })?;
        let fingerprint = hex(&Sha256::digest(pem.trim().as_bytes()));
        self.keys.insert(name.to_owned(), Key { public, fingerprint, alpine });
        Ok(())
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// What tells a trusted key apart from another of the same name.
    pub fn fingerprint(&self, name: &str) -> Option<&str> {
        self.keys.get(name).map(|key| key.fingerprint.as_str())
    }

    /// Checks an index's signatures; the name of the key that signed it. Every signature by a trusted key must fit.
    pub fn verify(&self, archive: &Archive<'_>) -> Result<String, SignatureError> {
        if archive.signatures.is_empty() {
            return Err(SignatureError::Unsigned);
        }
        let (mut signer, mut unknown) = (None, Vec::new());
        for signature in &archive.signatures {
            let rest = signature.name.strip_prefix(".SIGN.").unwrap_or(&signature.name);
            let (method, name) = rest.split_once('.').unwrap_or((rest, ""));
            let Some(key) = self.keys.get(name) else {
                unknown.push(name.to_owned());
                continue;
            };
            let (scheme, digest) = match method {
                "RSA" => (Pkcs1v15Sign::new::<Sha1>(), Sha1::digest(archive.signed).to_vec()),
                "RSA256" => (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(archive.signed).to_vec()),
                "RSA512" => (Pkcs1v15Sign::new::<Sha512>(), Sha512::digest(archive.signed).to_vec()),
                _ => return Err(SignatureError::UnknownMethod(signature.name.clone())),
            };
            let fits = key.public.verify(scheme, &digest, &signature.bytes).is_ok();
            if !fits || (key.alpine && !archive.canonical) {
                return Err(SignatureError::Wrong(name.to_owned()));
            }
            signer.get_or_insert_with(|| name.to_owned());
        }
        signer.ok_or(SignatureError::UnknownKey(unknown))
    }
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_key_is_read() {
        assert_eq!(Keys::alpine().names().count(), ALPINE_KEYS.len());
        assert!(ALPINE_KEYS.is_sorted_by_key(|row| row.0));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let mut keys = Keys::none();
        assert!(matches!(keys.add(Path::new("keys/a.pub"), "nonsense"), Err(KeyError::NotAKey { .. })));
        assert!(matches!(keys.add(Path::new("/"), ALPINE_KEYS[0].1), Err(KeyError::NoName(_))));
        keys.add(Path::new("keys/a.rsa.pub"), ALPINE_KEYS[0].1).expect("a key");
        assert_eq!(keys.names().collect::<Vec<_>>(), ["a.rsa.pub"]);
    }
}
