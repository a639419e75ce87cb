//! Signed indexes made by tests, with a key of their own.
#![allow(dead_code, reason = "each test file uses a part")]

use flate2::{Compression, GzBuilder};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use std::io::Write;

/// The name of the test key.
pub const KEY: &str = "test.rsa.pub";

/// Numbers that are the same in every run: the key guards nothing.
struct Fixed(u64);

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Fixed {}

/// A private key; another seed makes another one.
pub fn key(seed: u64) -> RsaPrivateKey {
    RsaPrivateKey::new(&mut Fixed(seed), 1024).expect("a key")
}

/// The public half in PEM form.
pub fn public_pem(key: &RsaPrivateKey) -> String {
    key.to_public_key().to_public_key_pem(LineEnding::LF).expect("encoded")
}

/// A tar archive of files, without the blocks that end one.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        // A file without a type is a regular one to all but apk, which skips it.
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).expect("appended");
    }
    let mut bytes = builder.into_inner().expect("ended");
    bytes.truncate(bytes.len() - 1024);
    bytes
}

/// One gzip member, as `gzip -n -9` writes it.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().operating_system(3).write(Vec::new(), Compression::best());
    encoder.write_all(content).expect("written");
    encoder.finish().expect("finished")
}

/// The member with DESCRIPTION and APKINDEX.
pub fn content(description: &str, index: &str) -> Vec<u8> {
    let mut bytes = tar(&[("DESCRIPTION", description.as_bytes()), ("APKINDEX", index.as_bytes())]);
    bytes.extend([0; 1024]);
    gzip(&bytes)
}

/// A content member with its signature in front. The method is `RSA`, `RSA256` or `RSA512`.
pub fn signed(content: &[u8], key: &RsaPrivateKey, method: &str) -> Vec<u8> {
    let signature = match method {
        "RSA256" => key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(content)),
        "RSA512" => key.sign(Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(content)),
        _ => key.sign(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(content)),
    };
    let name = format!(".SIGN.{method}.{KEY}");
    let mut bytes = gzip(&tar(&[(&name, &signature.expect("signed"))]));
    bytes.extend(content);
    bytes
}

/// A record of an index.
pub fn record(name: &str, version: &str, built: u64, rest: &str) -> String {
    format!("C:Q1{name}{version}\nP:{name}\nV:{version}\nA:x86_64\nS:10\nI:20\nt:{built}\n{rest}\n\n")
        .replace("\n\n\n", "\n\n")
}
