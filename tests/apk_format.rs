//! What an index file can be instead of an index: each fault has its own error.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod apk_fixture;

use aboard::apk::archive::{Archive, ArchiveError};
use aboard::apk::index::{Index, IndexError, MAX_LINE};
use aboard::apk::signature::{Keys, SignatureError};
use apk_fixture::{content, gzip, key, public_pem, record, signed, tar};
use std::path::Path;

fn keys() -> Keys {
    let mut keys = Keys::none();
    keys.add(Path::new(apk_fixture::KEY), &public_pem(&key(1))).expect("a key");
    keys
}

fn file() -> Vec<u8> {
    signed(&content("v1", &record("tool", "1-r0", 5, "p:cmd:tool=1-r0")), &key(1), "RSA")
}

#[test]
fn every_method_of_signing_is_verified() {
    for method in ["RSA", "RSA256", "RSA512"] {
        let content = content("v1", &record("tool", "1-r0", 5, ""));
        let bytes = signed(&content, &key(1), method);
        let archive = Archive::open(&bytes).expect("an archive");
        assert_eq!(keys().verify(&archive).as_deref(), Ok(apk_fixture::KEY), "{method}");
        assert_eq!(archive.description, "v1");
        // The same signature under another method's name does not fit.
        let other = signed(&content, &key(2), method);
        let archive = Archive::open(&other).expect("an archive");
        assert_eq!(keys().verify(&archive), Err(SignatureError::Wrong(apk_fixture::KEY.to_owned())));
        assert!(matches!(Keys::alpine().verify(&archive), Err(SignatureError::UnknownKey(names)) if names.len() == 1));
    }
    let dsa = signed(&content("v1", ""), &key(1), "DSA");
    let archive = Archive::open(&dsa).expect("an archive");
    assert!(matches!(keys().verify(&archive), Err(SignatureError::UnknownMethod(_))));
    let unsigned = content("v1", "");
    let archive = Archive::open(&unsigned).expect("an archive");
    assert_eq!(keys().verify(&archive), Err(SignatureError::Unsigned));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = file();
    let first = file.len() - content("v1", &record("tool", "1-r0", 5, "p:cmd:tool=1-r0")).len();
    for length in 0..file.len() {
        match Archive::open(&file[..length]) {
            Err(_) => {}
            // Cut between two members it is an archive without an index.
            Ok(archive) => panic!("{length} of {} (first member {first}): {archive:?}", file.len()),
        }
    }
    assert_eq!(Archive::open(&[]).err(), Some(ArchiveError::Empty));
    assert_eq!(Archive::open(&file[..file.len() - 1]).err(), Some(ArchiveError::Truncated(first)));
    assert_eq!(Archive::open(&file[..first]).err(), Some(ArchiveError::NoIndex));
}

#[test]
fn what_is_no_archive_is_told_apart() {
    assert!(
        matches!(Archive::open(b"\n<!DOCTYPE html>").err(), Some(ArchiveError::NotGzip(hint)) if hint.contains("HTML"))
    );
    assert!(matches!(Archive::open(b"PK").err(), Some(ArchiveError::NotGzip(hint)) if hint.is_empty()));
    let mut trailing = file();
    trailing.extend(b"more");
    assert!(matches!(Archive::open(&trailing).err(), Some(ArchiveError::Gzip { .. } | ArchiveError::Truncated(_))));
    let package = gzip(&tar(&[(".PKGINFO", b"pkgname = x")]));
    assert_eq!(Archive::open(&package).err(), Some(ArchiveError::NoIndex));
    let twice = gzip(&tar(&[("APKINDEX", b""), ("APKINDEX", b"")]));
    assert_eq!(Archive::open(&twice).err(), Some(ArchiveError::Twice("APKINDEX")));
    let split = [gzip(&tar(&[("APKINDEX", b"")])), gzip(&tar(&[("APKINDEX", b"")]))].concat();
    assert_eq!(Archive::open(&split).err(), Some(ArchiveError::Twice("APKINDEX")));
    let binary = gzip(&tar(&[("APKINDEX", b"P:\xff\n")]));
    assert_eq!(Archive::open(&binary).err(), Some(ArchiveError::NotUtf8("APKINDEX")));
    assert!(matches!(Archive::open(&gzip(&[1; 600])).err(), Some(ArchiveError::Tar(_))));
}

#[test]
fn a_bomb_is_given_up_early() {
    let zeros = gzip(&vec![0; 32 << 20]);
    // Sixteen and one times 32 MiB are more than may be unpacked, from less than a megabyte.
    let bomb: Vec<u8> = std::iter::repeat_n(zeros, 17).flatten().collect();
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(Archive::open(&bomb).err(), Some(ArchiveError::TooLarge { what: "decompressed", .. })));
    let members: Vec<u8> = std::iter::repeat_n(gzip(b""), 100).flatten().collect();
    assert!(matches!(Archive::open(&members).err(), Some(ArchiveError::Gzip { .. })));
}

#[test]
fn the_text_is_held_to_its_form() {
    let fault = |text: &str| Index::parse(text.to_owned()).expect_err(text);
    let good = "C:Q1a\nP:a\nV:1\n\n";
    assert_eq!(fault("C:Q1a\r\nP:a\r\nV:1\r\n\r\n"), IndexError::CrLf(1));
    assert_eq!(fault(&format!("{good}hello\n")), IndexError::NotAField(5));
    assert_eq!(fault("C:Q1a\nP:a\n\n"), IndexError::Missing { line: 3, field: "version (V:)" });
    assert_eq!(fault("C:Q1a\nV:1\n\n"), IndexError::Missing { line: 3, field: "name (P:)" });
    assert_eq!(fault("P:a\nV:1\n"), IndexError::Missing { line: 2, field: "checksum (C:)" });
    assert_eq!(fault("C:Q1a\nP:a\nP:b\n"), IndexError::Twice { line: 3, field: 'P' });
    assert_eq!(fault("C:Q1a\nP:a\nV:1\nS:x\n"), IndexError::NotANumber { line: 4, field: 'S' });
    assert_eq!(fault("C:Q1a\nP:a\0\n"), IndexError::Nul(2));
    let long = format!("C:Q1a\nP:a\nV:1\np:{}\n\n", "cmd:x ".repeat(100_000 / 6));
    assert!(matches!(fault(&long), IndexError::LineTooLong { line: 4, length } if length > MAX_LINE));
    let most = format!("C:Q1a\nP:a\nV:1\np:{}\n\n", "x".repeat(MAX_LINE - 2));
    assert_eq!(Index::parse(most).expect("just fits").len(), 1);
    assert_eq!(Index::parse(String::new()).expect("nothing is an index too").len(), 0);
}

#[test]
fn every_field_is_read() {
    let text = "C:Q1pSPW9Q0fTQe4GQkNGSVLg2ZMRgI=\nP:docker-cli\nV:26.1.5-r0\nA:x86_64\nS:8000\nI:38000\nT:The CLI\nU:https://x\nL:Apache-2.0\no:docker\nm:A <a@b>\nt:1722000000\nc:abc\nk:7\nD:so:libc.musl-x86_64.so.1 !other<2 ca>=1\np:cmd:docker=26.1.5-r0 py3.12:x vcs\ni:docs docker-cli=26.1.5-r0\nr:old\n\n";
    let index = Index::parse(text.to_owned()).expect("an index");
    let package = index.find("docker-cli").next().expect("it is there");
    assert_eq!((package.version(), package.arch(), package.origin()), ("26.1.5-r0", "x86_64", "docker"));
    assert_eq!((package.download_size(), package.installed_size(), package.built()), (8000, 38000, 1_722_000_000));
    assert_eq!((package.description(), package.url(), package.license()), ("The CLI", "https://x", "Apache-2.0"));
    assert_eq!((package.maintainer(), package.commit(), package.provider_priority()), ("A <a@b>", "abc", 7));
    assert_eq!(package.checksum_bytes().expect("decoded").len(), 20);
    let shown =
        |list: Vec<aboard::apk::dependency::Dependency<'_>>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(package.depends().collect()), ["so:libc.musl-x86_64.so.1", "!other<2", "ca>=1"]);
    assert_eq!(shown(package.provides().collect()), ["cmd:docker=26.1.5-r0", "py3.12:x", "vcs"]);
    assert_eq!(shown(package.install_if().collect()), ["docs", "docker-cli=26.1.5-r0"]);
    assert_eq!(shown(package.replaces().collect()), ["old"]);
    assert_eq!(package.programs().collect::<Vec<_>>(), [("docker", Some("26.1.5-r0"))]);
}
