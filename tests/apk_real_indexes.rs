//! Alpine's own four indexes: signed by Alpine, and by nobody once a byte is changed.
#![cfg(feature = "shared-data-tests")]
#![allow(clippy::panic, clippy::print_stderr, reason = "a test fails by panicking, and says what it compared")]

use aboard::apk::archive::{Archive, ArchiveError};
use aboard::apk::index::Index;
use aboard::apk::signature::Keys;
use std::path::{Path, PathBuf};
use std::{env, fs};

const INDEXES: [(&str, usize); 4] =
    [("v3.12/community", 7912), ("v3.17/main", 5004), ("v3.20/main", 5522), ("v3.22/main", 5646)];

fn read(repository: &str) -> Vec<u8> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = env::var_os("ABOARD_SHARED").map_or_else(default, PathBuf::from);
    let file = shared.join("data/mirror").join(repository).join("x86_64/APKINDEX.tar.gz");
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn all_verify_and_are_read_in_full() {
    for (repository, packages) in INDEXES {
        let bytes = read(repository);
        let archive = Archive::open(&bytes).expect("an archive");
        let signer = Keys::alpine().verify(&archive).expect(repository);
        assert!(signer.starts_with("alpine-devel@lists.alpinelinux.org-"), "{signer}");
        let index = Index::parse(archive.index).expect("an index");
        assert_eq!(index.len(), packages, "{repository}");
        assert!(index.packages().all(|package| package.checksum_bytes().is_some_and(|bytes| bytes.len() == 20)));
        assert!(index.packages().all(|package| package.parsed_version().is_some()), "{repository}");
    }
}

fn is_trusted(bytes: &[u8]) -> bool {
    Archive::open(bytes).is_ok_and(|archive| Keys::alpine().verify(&archive).is_ok())
}

/// The signature does not cover the member that holds it. Every byte of it is inverted, and every bit flipped: what is
/// still trusted then must hold the very same signatures, in another spelling of the same compressed bits.
#[test]
fn no_byte_of_the_signature_member_can_be_changed() {
    for (repository, _) in INDEXES {
        let mut bytes = read(repository);
        let archive = Archive::open(&bytes).expect("an archive");
        let (first, signatures) = (bytes.len() - archive.signed.len(), archive.signatures);
        let mut spellings = 0;
        for at in 0..first {
            for change in [0xff, 1, 2, 4, 8, 16, 32, 64, 128] {
                bytes[at] ^= change;
                // The member alone first, so that the rest need not be read each time.
                if Archive::open(&bytes[..first]).err() == Some(ArchiveError::NoIndex) && is_trusted(&bytes) {
                    let changed = Archive::open(&bytes).expect("it is trusted");
                    assert!(change != 0xff, "{repository}: byte {at} of {first}");
                    assert_eq!(changed.signatures, signatures, "{repository}: byte {at} of {first}");
                    spellings += 1;
                }
                bytes[at] ^= change;
            }
        }
        eprintln!("{repository}: {spellings} of {} single bits only spell the same signature otherwise", first * 8);
    }
}

#[test]
fn no_byte_of_the_signed_members_can_be_changed() {
    for (repository, _) in INDEXES {
        let mut bytes = read(repository);
        let archive = Archive::open(&bytes).expect("an archive");
        let first = bytes.len() - archive.signed.len();
        let mut places: Vec<usize> = (first..bytes.len()).step_by(bytes.len() / 60).collect();
        // The head of the member, and the checksum and the length at its end.
        places.extend(first..first + 12);
        places.extend(bytes.len() - 10..bytes.len());
        for at in places {
            bytes[at] ^= 0x10;
            assert!(!is_trusted(&bytes), "{repository}: byte {at}");
            bytes[at] ^= 0x10;
        }
    }
}
