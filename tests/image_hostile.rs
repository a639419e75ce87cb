//! Archives made to do harm: a clear error or the right answer, in bounded memory and time, and nothing written anywhere.

mod image_kit;

use aboard::image::{self, Image, ImageError, Limits, Source};
use aboard::platform::Platform;
use aboard::verify::{self, Expectation, Wanted};
use image_kit::{Elf, Fixture, GLIBC, MUSL, Meta, Pack, Tar, gzip, pax, sha256, zstd};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const META: Meta = Meta { mode: 0o755, uid: 0, gid: 0 };

fn open_with(bytes: &[u8], limits: Limits) -> Result<Image, ImageError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.tar");
    std::fs::write(&path, bytes).expect("written");
    image::open(&Source::Path(path, None), Platform::default(), limits)
}

fn open(fixture: &Fixture) -> Result<Image, ImageError> {
    open_with(&fixture.docker_archive(), Limits::default())
}

#[track_caller]
fn refused(fixture: &Fixture, words: &str) {
    let plain = open(fixture).expect_err("refused").to_string();
    assert!(plain.contains(words), "{plain}");
    let streamed = open_with(&gzip(&fixture.docker_archive()), Limits::default()).expect_err("refused").to_string();
    assert!(streamed.contains(words), "{streamed}");
}

fn codes(image: &Image, programs: &[&str]) -> Vec<Option<&'static str>> {
    let programs = programs.iter().map(|name| Wanted::named(name)).collect();
    let report = verify::verify(image, &Expectation { programs, ..Expectation::default() });
    report.rows.iter().map(|row| row.code).collect()
}

#[test]
fn paths_that_leave_the_root_are_refused() {
    for path in ["../evil", "a/../../evil", "/../evil", "./../evil", "../.wh.etc"] {
        refused(&Fixture::new(vec![Tar::new().file(path, 0o755, b"x")]), "leaves the image's root");
    }
    let target = Tar::new().hard_link("evil", "../../etc/shadow");
    refused(&Fixture::new(vec![target]), "is a hard link to `../../etc/shadow`, where no file is");
}

#[test]
fn paths_and_links_to_outside_mean_the_images_own_files() {
    let elf = Elf::program().bytes();
    let tar = Tar::new()
        .file("/bin/absolute", 0o755, &elf)
        .link("bin/out", "../../../../../../bin/absolute")
        .link("bin/passwd", "/etc/passwd")
        .link("way", "../../..")
        .file("way/bin/behind", 0o755, &elf)
        .link("to-tmp", "/tmp")
        .file("to-tmp/evil", 0o755, &elf);
    let image = open(&Fixture::new(vec![tar])).expect("an image");
    let programs = ["absolute", "out", "passwd", "behind", "/tmp/evil", "/way/bin/behind"];
    assert_eq!(codes(&image, &programs), [None, None, Some("dangling-link"), None, None, None]);
    assert!(!Path::new("/tmp/evil").exists());
}

#[test]
fn a_hard_link_to_a_folder_is_refused() {
    let tar = Tar::new().folder("a", 0o755).hard_link("a/b", "a");
    refused(&Fixture::new(vec![tar]), "where no file is");
}

#[test]
fn circles_of_links_end() {
    let tar = Tar::new().link("bin", "bin").link("a", "b").link("b", "a").file("a/tool", 0o755, b"x");
    refused(&Fixture::new(vec![tar]), "lies behind something that is no folder");
    let tar = Tar::new().link("usr/bin/x", "y").link("usr/bin/y", "x").link("usr/bin/z", "z/z/z");
    let image = open(&Fixture::new(vec![tar])).expect("an image");
    assert_eq!(codes(&image, &["x", "z"]), [Some("dangling-link"); 2]);
}

#[test]
fn links_that_grow_end() {
    // Each link doubles the path that is left.
    let mut tar = Tar::new();
    for number in 0..60 {
        let next = number + 1;
        tar = tar.link(&format!("bin/l{number}"), &format!("l{next}/../l{next}"));
    }
    let start = Instant::now();
    let image = open(&Fixture::new(vec![tar])).expect("an image");
    assert_eq!(codes(&image, &["l0"]), [Some("dangling-link")]);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_bomb_is_refused() {
    let limits = Limits { ratio_from: 8 << 20, ..Limits::default() };
    let zeros = Tar::new().file("zeros", 0o755, &vec![0; 64 << 20]);
    let image = Fixture::new(vec![zeros]);
    for bytes in [gzip(&image.docker_archive()), zstd(&image.docker_archive()), image.oci_archive(Pack::Gzip)] {
        let error = open_with(&bytes, limits).expect_err("a bomb").to_string();
        assert!(error.contains("(a bomb)"), "{error}");
    }
    // One in the other: 64 MiB in some hundred bytes.
    let error = open_with(&gzip(&image.oci_archive(Pack::Zstd)), limits).expect_err("a bomb").to_string();
    assert!(error.contains("(a bomb)"), "{error}");
}

#[test]
fn what_is_kept_and_unpacked_has_bounds() {
    let elf = [Elf::program().bytes(), vec![1; 4 << 20]].concat();
    let bytes = gzip(&Fixture::new(vec![Tar::new().file("bin/a", 0o755, &elf)]).docker_archive());
    let error = |limits| open_with(&bytes, limits).expect_err("too much").to_string();
    assert!(error(Limits { kept: 1 << 20, ..Limits::default() }).contains("GiB of programs"));
    assert!(error(Limits { unpacked: 1 << 20, ..Limits::default() }).contains("the layers unpack to more than"));
}

#[test]
fn headers_that_promise_too_much_are_refused() {
    let huge = |kind| Tar::new().raw("long", kind, META, "", 1 << 40, b"");
    for kind in [b'x', b'L', b'K'] {
        refused(&Fixture::new(vec![huge(kind)]), "an extended header that is too long");
    }
    refused(&Fixture::new(vec![huge(b'0')]), "broken archive");
    let records = pax("size", b"99999999999999999999");
    let broken = Tar::new().raw("pax", b'x', META, "", records.len() as u64, &records).file("a", 0o755, b"x");
    refused(&Fixture::new(vec![broken]), "a broken PAX record");
    let map = "1,2,".repeat(20_000);
    let records = [pax("GNU.sparse.size", b"9"), pax("GNU.sparse.map", map.trim_end_matches(',').as_bytes())].concat();
    let sparse = Tar::new().raw("pax", b'x', META, "", records.len() as u64, &records).file("a", 0o755, b"x");
    refused(&Fixture::new(vec![sparse]), "broken sparse map");
    let deep = format!("{}x", "d/".repeat(5000));
    refused(&Fixture::new(vec![Tar::new().file(&deep, 0o755, b"x")]), "lies too deep");
    let long = "n".repeat(100_000);
    refused(&Fixture::new(vec![Tar::new().file(&long, 0o755, b"x")]), "a path that is too long");
}

/// Names that do not fit the header: in ustar's prefix, in GNU's entries before, in PAX records.
#[test]
fn long_names_of_every_form_are_whole() {
    let elf = Elf::program().bytes();
    let folder = "long-folder-name/".repeat(8);
    let name = format!("{folder}tool");
    let gnu = |tar: Tar, kind: u8, text: &str| {
        let body = format!("{text}\0");
        tar.raw("././@LongLink", kind, META, "", body.len() as u64, body.as_bytes())
    };
    let mut block = [0u8; 512];
    block[..4].copy_from_slice(b"tool");
    block[100..108].copy_from_slice(b"0000755\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", elf.len()).as_bytes());
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    let prefix = folder.trim_end_matches('/');
    block[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    let forms = [
        Tar::new().checked(block, &elf),
        gnu(Tar::new(), b'L', &name).file(&name[..100], 0o755, &elf),
        Tar::new().file(&name, 0o755, &elf),
    ];
    for tar in forms {
        let tar = gnu(tar, b'K', &format!("/{name}")).link("bin/t", &name[..100]);
        let fixture = Fixture::new(vec![tar]);
        for bytes in [fixture.docker_archive(), gzip(&fixture.docker_archive())] {
            let image = open_with(&bytes, Limits::default()).expect("an image");
            assert_eq!(codes(&image, &["t", &format!("/{name}")]), [None, None]);
        }
    }
}

/// A sparse file in each of the forms that tar writers know.
#[test]
fn sparse_files_read_as_they_are() {
    let elf = Elf::program().bytes();
    let (head, tail) = elf.split_at(elf.len() / 2);
    // A hole of 4096 zero bytes could not lie in so small a program: it follows, to a size of 7 GiB.
    let size = 7u64 << 30;
    let segments = [(0, head.len()), (head.len(), tail.len())];
    let map: Vec<String> = segments.iter().flat_map(|(at, length)| [at.to_string(), length.to_string()]).collect();
    let with_pax = |records: Vec<u8>, body: &[u8]| {
        Tar::new().raw("pax", b'x', META, "", records.len() as u64, &records).file("GNUSparseFile.0/t", 0o755, body)
    };
    let real = size.to_string();
    let one = [
        pax("GNU.sparse.major", b"1"),
        pax("GNU.sparse.minor", b"0"),
        pax("GNU.sparse.name", b"bin/t"),
        pax("GNU.sparse.realsize", real.as_bytes()),
    ];
    let mut body = format!("2\n{}\n", map.join("\n")).into_bytes();
    body.resize(512, 0);
    body.extend(&elf);
    let form_1_0 = with_pax(one.concat(), &body);
    let form_0_1 = with_pax(
        [
            pax("GNU.sparse.numblocks", b"2"),
            pax("GNU.sparse.map", map.join(",").as_bytes()),
            pax("GNU.sparse.name", b"bin/t"),
            pax("GNU.sparse.size", real.as_bytes()),
        ]
        .concat(),
        &elf,
    );
    let mut block = [0u8; 512];
    block[..5].copy_from_slice(b"bin/t");
    block[100..108].copy_from_slice(b"0000755\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", elf.len()).as_bytes());
    block[156] = b'S';
    block[257..265].copy_from_slice(b"ustar  \0");
    for (number, (at, length)) in segments.iter().enumerate() {
        let field = 386 + number * 24;
        block[field..field + 24].copy_from_slice(format!("{at:011o}\0{length:011o}\0").as_bytes());
    }
    block[483..495].copy_from_slice(format!("{size:011o}\0").as_bytes());
    let old = Tar::new().checked(block, &elf);
    for tar in [form_1_0, form_0_1, old] {
        let fixture = Fixture::new(vec![tar]);
        for bytes in [fixture.docker_archive(), gzip(&fixture.docker_archive())] {
            let image = open_with(&bytes, Limits::default()).expect("an image");
            assert_eq!(codes(&image, &["t"]), [None]);
            let body = image.tree.file("/bin/t").expect("it is there");
            assert_eq!(body.size, size);
            assert_eq!(body.head(elf.len() + 10).expect("read"), [elf.clone(), vec![0; 10]].concat());
            assert_eq!(body.range(size - 5, 10).expect("read"), [0; 5]);
        }
    }
}

#[test]
fn a_circle_of_layers_or_indexes_ends() {
    let config = Fixture::new(vec![Tar::new()]).config_json();
    let name = format!("{}.json", sha256(&config));
    let manifest = serde_json::json!([{"Config": name, "Layers": ["a/layer.tar"]}]);
    let tar = Tar::new()
        .file(&name, 0o644, &config)
        .link("a/layer.tar", "../b/layer.tar")
        .link("b/layer.tar", "../a/layer.tar")
        .file("manifest.json", 0o644, manifest.to_string().as_bytes())
        .finish();
    let error = open_with(&tar, Limits::default()).expect_err("a circle").to_string();
    assert!(error.contains("circle of links"), "{error}");
    // An index cannot name itself by its digest, but indexes can lie in each other.
    let (mut blobs, mut descriptor) = Fixture::new(vec![Tar::new()]).blobs(Pack::Plain);
    for _ in 0..10 {
        let index = image_kit::index(&[descriptor]);
        let digest = sha256(&index);
        descriptor = serde_json::json!({
            "mediaType": "application/vnd.oci.image.index.v1+json", "digest": format!("sha256:{digest}"), "size": index.len()});
        blobs.insert(digest, index);
    }
    let error = open_with(&image_kit::oci_archive(&blobs, &[descriptor]), Limits::default()).expect_err("nested");
    assert!(error.to_string().contains("indexes lie in each other"), "{error}");
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    let fixture = Fixture::new(vec![Tar::new().file("bin/a", 0o755, &Elf::program().bytes())]);
    let archive = fixture.docker_archive();
    let at = memchr::memmem::find(&archive, b"\x7fELF").expect("the program");
    let mut changed = archive.clone();
    changed[at + 60] ^= 1;
    let error = open_with(&changed, Limits::default()).expect_err("changed").to_string();
    assert!(error.starts_with("layer 1 (uncompressed) is sha256:"), "{error}");
    let mut changed = archive.clone();
    let at = memchr::memmem::find(&archive, b"COPY step0").expect("the history");
    changed[at] = b'K';
    assert!(
        open_with(&changed, Limits::default()).expect_err("changed").to_string().starts_with("the configuration is")
    );
    for pack in [Pack::Gzip, Pack::Zstd, Pack::Plain] {
        let (mut blobs, descriptor) = fixture.blobs(pack);
        for digest in blobs.keys().cloned().collect::<Vec<_>>() {
            let honest = blobs[&digest].clone();
            blobs.get_mut(&digest).expect("there").push(b' ');
            let error =
                open_with(&image_kit::oci_archive(&blobs, std::slice::from_ref(&descriptor)), Limits::default());
            let error = error.expect_err("one byte more").to_string();
            // A byte behind compressed data may be noticed before the digest is.
            let noticed = error.contains("it was changed or cut short") || error.contains("layer sha256:");
            assert!(noticed, "{error}");
            blobs.insert(digest, honest);
        }
    }
}

#[test]
fn the_last_of_several_entries_counts() {
    let elf = Elf::program().bytes();
    let tar = Tar::new()
        .file("bin/a", 0o755, b"")
        .file("bin/a", 0o755, &elf)
        .file("bin/b", 0o755, &elf)
        .file("./bin//b", 0o644, &elf)
        .folder("bin/c", 0o755)
        .file("bin/c", 0o755, &elf)
        .file("bin/d", 0o755, &elf)
        .folder("bin/d", 0o755)
        .folder("bin", 0o755);
    let image = open(&Fixture::new(vec![tar])).expect("an image");
    let wrong = Some("not-executable");
    assert_eq!(codes(&image, &["a", "b", "c", "d"]), [None, wrong, None, wrong]);
}

#[test]
fn white_outs_act_on_the_layers_below() {
    let elf = Elf::program().bytes();
    let below = Tar::new()
        .file("usr/bin/a", 0o755, &elf)
        .file("usr/bin/b", 0o755, &elf)
        .file("opt/x/y/tool", 0o755, &elf)
        .link("bin", "usr/bin");
    // The order within a layer does not matter, and a white-out may go by way of a link.
    let above = Tar::new()
        .file("usr/bin/a", 0o755, &elf)
        .file("usr/bin/.wh.a", 0o644, b"")
        .file("bin/.wh.b", 0o644, b"")
        .file("opt/x/new", 0o755, &elf)
        .file("opt/x/.wh..wh..opq", 0o644, b"")
        .file("bin/.wh.never-there", 0o644, b"")
        .file(".wh..wh.plnk", 0o644, b"")
        .file("usr/bin/.wh.", 0o644, b"");
    let image = open(&Fixture::new(vec![below, above])).expect("an image");
    let missing = Some("missing-program");
    let programs = ["a", "b", "/opt/x/new", "/opt/x/y/tool"];
    assert_eq!(codes(&image, &programs), [None, missing, None, missing]);
    assert_eq!(image.tree.list("/usr/bin").len(), 1);
}

#[test]
fn too_many_entries_are_refused() {
    let tar = (0..2000).fold(Tar::new(), |tar, number| tar.file(&format!("f{number}"), 0o644, b""));
    let bytes = Fixture::new(vec![tar]).docker_archive();
    let error = open_with(&bytes, Limits { entries: 1000, ..Limits::default() }).expect_err("too many").to_string();
    assert!(error.ends_with("the image has more than 1000 entries"), "{error}");
    let error = open_with(&bytes, Limits { names: 1000, ..Limits::default() }).expect_err("too many").to_string();
    assert!(error.contains("of file names"), "{error}");
}

/// A million entries: read by the binary in an address space of 1.2 GB, with nothing left behind.
#[test]
fn a_million_entries_are_read_in_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let layer = folder.path().join("layer.tar");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&layer).expect("a file"));
    let one = Tar::new().file("00000000/file", 0o755, b"").finish();
    for number in 0..1_000_000 {
        let mut block = [0u8; 512];
        block.copy_from_slice(&one[..512]);
        let name = format!("{:04}/{number:08}", number / 1000);
        block[..100].fill(0);
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.write_all(&block).expect("written");
    }
    out.write_all(&[0; 1024]).expect("written");
    drop(out);
    let bytes = std::fs::read(&layer).expect("read");
    let fixture = Fixture { layers: vec![bytes], ..Fixture::new(Vec::new()) };
    let archive = fixture.write_docker_archive(folder.path());
    drop(fixture);
    std::fs::remove_file(&layer).expect("removed");
    let temporary = folder.path().join("temporary");
    let here = folder.path().join("here");
    std::fs::create_dir(&temporary).expect("a folder");
    std::fs::create_dir(&here).expect("a folder");
    let command = r#"ulimit -v 1200000; exec "$0" verify --archive "$1" /0999/00999999 nothing"#;
    let start = Instant::now();
    let output = Command::new("sh")
        .args(["-c", command, env!("CARGO_BIN_EXE_aboard")])
        .arg(&archive)
        .current_dir(&here)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", &temporary)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("/0999/00999999  /0999/00999999"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    for folder in [temporary, here] {
        assert_eq!(std::fs::read_dir(folder).expect("listed").count(), 0);
    }
}

/// Bytes of archives and programs changed and cut at random (by a fixed seed): an answer or an error, never a panic.
#[test]
fn changed_bytes_do_no_harm() {
    let dynamic = Elf {
        interpreter: Some(GLIBC),
        needed: vec!["libz.so.1", "libc.so.6"],
        runpath: Some("$ORIGIN/../lib"),
        versions_needed: vec![("libc.so.6", "GLIBC_2.36"), ("libz.so.1", "Z1")],
        versions_defined: vec!["Z1", "Z2"],
        ..Elf::program()
    };
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let programs = [dynamic.bytes(), Elf { interpreter: Some(MUSL), ..dynamic }.bytes()];
    let tar = |elf: &[u8], other: &[u8]| {
        let tar = Tar::new().file("bin/a", 0o755, elf).file("lib64/ld-linux-x86-64.so.2", 0o755, other);
        let tar = tar.file("lib/ld-musl-x86_64.so.1", 0o755, other).file("lib/libz.so.1", 0o755, elf);
        let tar = tar.file("etc/ld.so.cache", 0o644, b"glibc-ld.so.cache1.1\xff\xff\xff\xffxxxxxxxx");
        tar.file("lib/libc.so.6", 0o755, other).file("bin/b", 0o755, b"#!/usr/bin/env a\n").link("usr", ".")
    };
    let mut outcomes = [0; 2];
    for round in 0..1500 {
        let mut elf = programs[round % 2].clone();
        for _ in 0..=random(6) {
            let at = random(elf.len());
            elf[at] = random(256) as u8;
        }
        elf.truncate(elf.len() - random(3) * random(200));
        let fixture = Fixture::new(vec![tar(&elf, &programs[0])]);
        let mut bytes = fixture.docker_archive();
        if round % 3 == 0 {
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            bytes.truncate(bytes.len() - random(2) * random(bytes.len()));
        }
        let bytes = match round % 5 {
            0 => gzip(&bytes),
            1 => zstd(&bytes),
            _ => bytes,
        };
        match open_with(&bytes, Limits::default()) {
            Ok(image) => {
                assert_eq!(codes(&image, &["a", "b"]).len(), 2);
                outcomes[0] += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                outcomes[1] += 1;
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 100), "{outcomes:?}");
}

#[test]
fn what_is_no_image_is_said_to_be_none() {
    for bytes in [&b""[..], b"text", &[0; 4096], b"\x1f\x8bbroken", b"\x28\xb5\x2f\xfdbroken"] {
        let error = open_with(bytes, Limits::default()).expect_err("no image").to_string();
        assert!(!error.is_empty());
    }
    let error = open_with(b"\xfd7zXZ\0", Limits::default()).expect_err("xz").to_string();
    assert!(error.contains("xz compression is not one that images use"), "{error}");
    let tar = Tar::new().file("README", 0o644, b"hello").finish();
    let error = open_with(&tar, Limits::default()).expect_err("no image").to_string();
    assert!(error.contains("neither a docker-archive nor an OCI archive"), "{error}");
}
