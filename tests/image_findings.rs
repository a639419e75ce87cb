//! One image for each finding of `verify`, and one beside it that is right: read from an archive, judged as a whole.

mod image_kit;

use aboard::image::{self, Limits, Source};
use aboard::platform::Platform;
use aboard::verify::{self, Expectation, Report, Wanted, WantedBase, WantedPackage};
use image_kit::{Elf, Fixture, GLIBC, MUSL, Tar, sha256};

fn open(fixture: &Fixture) -> image::Image {
    let folder = tempfile::tempdir().expect("a folder");
    let path = fixture.write_docker_archive(folder.path());
    image::open(&Source::Path(path, None), Platform::default(), Limits::default()).expect("the image is read")
}

fn report(fixture: &Fixture, programs: &[&str]) -> Report {
    let programs = programs.iter().map(|name| Wanted::named(name)).collect();
    verify::verify(&open(fixture), &Expectation { programs, ..Expectation::default() })
}

/// The codes found for one program, with all that is said.
#[track_caller]
fn expect(fixture: &Fixture, program: &str, code: &str, words: &[&str]) {
    let report = report(fixture, &[program]);
    let found: Vec<_> = report.findings.iter().map(|finding| finding.rule.code).collect();
    assert_eq!(found, [code], "{:#?}", report.findings);
    let finding = &report.findings[0];
    let text = format!("{}\n{}", finding.message, finding.help.join("\n"));
    for word in words {
        assert!(text.contains(word), "`{word}` is not said: {text}");
    }
}

#[track_caller]
fn starts(fixture: &Fixture, program: &str) {
    let report = report(fixture, &[program]);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.rows[0].status, verify::Status::Starts);
}

fn image(tar: Tar) -> Fixture {
    Fixture::new(vec![tar])
}

/// A root with musl: its loader is its C library.
fn musl() -> Tar {
    Tar::new().file("lib/ld-musl-x86_64.so.1", 0o755, &Elf { kind: 3, ..Elf::program() }.bytes())
}

/// A root with glibc: its loader names the folders that it searches.
fn glibc() -> Tar {
    let mut loader = Elf::library().bytes();
    loader.extend(b"\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0glibc-hwcaps\0");
    let libc = Elf { versions_defined: vec!["libc.so.6", "GLIBC_2.2.5", "GLIBC_2.36"], ..Elf::library() };
    Tar::new().file("lib64/ld-linux-x86-64.so.2", 0o755, &loader).file(
        "lib/x86_64-linux-gnu/libc.so.6",
        0o755,
        &libc.bytes(),
    )
}

fn dynamic(interpreter: &'static str, needed: &[&'static str]) -> Elf {
    Elf { interpreter: Some(interpreter), needed: needed.to_vec(), ..Elf::program() }
}

#[test]
fn missing_program() {
    let fixture = image(Tar::new().file("opt/bin/tool", 0o755, &Elf::program().bytes()));
    expect(&fixture, "docker", "missing-program", &["`docker` is run, but is not on the image's PATH"]);
    expect(&fixture, "tool", "missing-program", &["the image has /opt/bin/tool, where it is not looked up"]);
    expect(&fixture, "/usr/sbin/iptables", "missing-program", &["nothing is there"]);
    starts(&fixture.clone().with("Env", vec!["PATH=/opt/bin"]), "tool");
    starts(&fixture, "/opt/bin/tool");
    starts(&fixture.with("WorkingDir", "/opt"), "bin/tool");
}

#[test]
fn optional_programs_may_be_absent() {
    let fixture = image(Tar::new().file("bin/x", 0o755, b""));
    let programs = vec![Wanted { optional: true, ..Wanted::named("docker") }];
    let report = verify::verify(&open(&fixture), &Expectation { programs, ..Expectation::default() });
    assert_eq!(report.rows[0].status, verify::Status::Absent);
    assert!(report.findings.iter().all(|finding| finding.severity == aboard::finding::Severity::Note));
}

#[test]
fn dangling_link() {
    let root = Tar::new().link("usr/bin/tool", "../lib/tool/main").link("bin/loop", "loop");
    expect(
        &image(root.clone()),
        "tool",
        "dangling-link",
        &["/usr/bin/tool to ../lib/tool/main", "nothing stands at /usr/lib"],
    );
    expect(&image(root.clone()), "loop", "dangling-link", &["circle of links"]);
    starts(&image(root.file("usr/lib/tool/main", 0o755, &Elf::program().bytes())), "tool");
}

#[test]
fn not_executable() {
    let program = Elf::program().bytes();
    expect(&image(Tar::new().file("bin/t", 0o644, &program)), "t", "not-executable", &["/bin/t", "mode 0644", "root"]);
    expect(&image(Tar::new().file("bin/t", 0o755, b"")), "t", "not-executable", &["an empty file"]);
    expect(&image(Tar::new().folder("bin/t", 0o755)), "t", "not-executable", &["it is a folder"]);
    expect(&image(Tar::new().file("bin/t", 0o755, b"echo hello\n")), "t", "not-executable", &["#!"]);
    expect(&image(Tar::new().file("bin/t", 0o755, &program[..180])), "t", "not-executable", &["broken"]);
    expect(&image(Tar::new().file("bin/t", 0o755, &program[..250])), "t", "not-executable", &["cut short"]);
    expect(
        &image(Tar::new().file("bin/t", 0o755, &Elf::library().bytes())),
        "t",
        "not-executable",
        &["shared library"],
    );
    let object = Elf { kind: 1, ..Elf::program() };
    expect(&image(Tar::new().file("bin/t", 0o755, &object.bytes())), "t", "not-executable", &["object file"]);
    // A later folder of the PATH has one that can be executed.
    starts(&image(Tar::new().file("usr/bin/t", 0o644, &program).file("bin/t", 0o755, &program)), "t");
}

#[test]
fn not_executable_for_the_images_user() {
    let program = Elf::program().bytes();
    let meta = |mode, uid, gid| image_kit::Meta { mode, uid, gid };
    let root = Tar::new()
        .file("etc/passwd", 0o644, b"root:x:0:0::/:/bin/sh\napp:x:100:101::/:/bin/sh\n")
        .file("etc/group", 0o644, b"root:x:0:\napp:x:101:\ntools:x:200:other,app\n")
        .entry("bin/owned", b'0', meta(0o744, 0, 0), "", &program)
        .entry("bin/grouped", b'0', meta(0o750, 0, 200), "", &program)
        .entry("bin/shut-out", b'0', meta(0o677, 100, 0), "", &program)
        .folder("opt", 0o700)
        .file("opt/tool", 0o755, &program);
    let app = |user: &str| image(root.clone()).with("User", user);
    expect(&app("app"), "owned", "not-executable", &["user `app` may not execute it"]);
    expect(&app("app"), "/opt/tool", "not-executable", &["may not search the folder /opt"]);
    expect(&app("app"), "shut-out", "not-executable", &["mode 0677, owner 100:0"]);
    starts(&app(""), "owned");
    starts(&app(""), "/opt/tool");
    starts(&app("app"), "grouped");
    starts(&app("100"), "grouped");
    // With a group of its own the user has no further ones.
    expect(&app("app:app"), "grouped", "not-executable", &[]);
    starts(&app("app:tools"), "grouped");
    starts(&app("4711:200"), "grouped");
    expect(&app("4711"), "grouped", "not-executable", &[]);
}

#[test]
fn unknown_user() {
    let root = Tar::new().file("bin/t", 0o755, &Elf::program().bytes()).file("etc/passwd", 0o644, b"root:x:0:0::/:\n");
    expect(&image(root.clone()).with("User", "app"), "t", "unknown-user", &["`app`"]);
    expect(&image(root.clone()).with("User", "root:www"), "t", "unknown-user", &["group `www`"]);
    starts(&image(root).with("User", "root"), "t");
}

#[test]
fn wrong_architecture() {
    let machine = |machine| image(Tar::new().file("bin/t", 0o755, &Elf { machine, ..Elf::program() }.bytes()));
    expect(&machine(183), "t", "wrong-architecture", &["linux/arm64, not linux/amd64"]);
    expect(&machine(22), "t", "wrong-architecture", &["linux/s390x"]);
    let freebsd = Elf { os_abi: 9, ..Elf::program() };
    expect(&image(Tar::new().file("bin/t", 0o755, &freebsd.bytes())), "t", "wrong-architecture", &["FreeBSD"]);
    starts(&image(Tar::new().file("bin/t", 0o755, &Elf { os_abi: 3, ..Elf::program() }.bytes())), "t");
}

#[test]
fn missing_loader() {
    let program = dynamic(GLIBC, &["libc.so.6"]).bytes();
    let on_musl = image(musl().file("bin/t", 0o755, &program));
    expect(&on_musl, "t", "missing-loader", &[GLIBC, "built for glibc, and the image has musl"]);
    expect(&image(Tar::new().file("bin/t", 0o755, &program)), "t", "missing-loader", &["it is not there"]);
    let not_executable = Tar::new().file("lib64/ld-linux-x86-64.so.2", 0o644, &Elf::library().bytes());
    expect(&image(not_executable.file("bin/t", 0o755, &program)), "t", "missing-loader", &["may not execute"]);
    let empty = Tar::new().file("lib64/ld-linux-x86-64.so.2", 0o755, b"text");
    expect(&image(empty.file("bin/t", 0o755, &program)), "t", "missing-loader", &["not an ELF file"]);
    starts(&image(glibc().file("bin/t", 0o755, &program)), "t");
}

#[test]
fn missing_library_on_musl() {
    let program = dynamic(MUSL, &["libz.so.1", "libc.musl-x86_64.so.1", "libpthread.so.0"]).bytes();
    let root = musl().file("bin/t", 0o755, &program);
    expect(&image(root.clone()), "t", "missing-library", &["`t` (/bin/t) needs libz.so.1, which the image lacks"]);
    let library = Elf::library().bytes();
    for folder in ["lib", "usr/local/lib", "usr/lib"] {
        starts(&image(root.clone().file(&format!("{folder}/libz.so.1"), 0o644, &library)), "t");
    }
    let elsewhere = image(root.clone().file("opt/lib/libz.so.1", 0o644, &library));
    expect(&elsewhere, "t", "missing-library", &[]);
    starts(&elsewhere.clone().with("Env", vec!["LD_LIBRARY_PATH=/srv:/opt/lib"]), "t");
    let listed = root.clone().file("opt/lib/libz.so.1", 0o644, &library);
    starts(&image(listed.file("etc/ld-musl-x86_64.path", 0o644, b"/lib\n/opt/lib\n")), "t");
    // musl takes the first file of the name, whatever it is.
    let broken_first = root.file("lib/libz.so.1", 0o644, b"text").file("usr/lib/libz.so.1", 0o644, &library);
    expect(&image(broken_first), "t", "missing-library", &["/lib/libz.so.1 is not an ELF file"]);
}

#[test]
fn missing_library_of_a_library() {
    let needs = Elf { needed: vec!["libdeep.so.2"], ..Elf::library() }.bytes();
    let root = musl().file("bin/t", 0o755, &dynamic(MUSL, &["libz.so.1"]).bytes()).file("lib/libz.so.1", 0o644, &needs);
    expect(&image(root.clone()), "t", "missing-library", &["libdeep.so.2 is needed by /lib/libz.so.1"]);
    // musl searches the run paths of those that needed the library's user, too.
    let program = Elf { runpath: Some("$ORIGIN/../own"), ..dynamic(MUSL, &["libz.so.1"]) }.bytes();
    let own = root.clone().file("bin/t", 0o755, &program).file("own/libdeep.so.2", 0o644, &Elf::library().bytes());
    starts(&image(own), "t");
    // glibc searches a library by the RUNPATH of the object that needs it alone; by RPATH also of those above.
    let deep = |elf: Elf| {
        glibc().file("bin/t", 0o755, &elf.bytes()).file("own/libz.so.1", 0o644, &needs).file(
            "own/libdeep.so.2",
            0o644,
            &Elf::library().bytes(),
        )
    };
    let runpath = Elf { runpath: Some("${ORIGIN}/../own"), ..dynamic(GLIBC, &["libz.so.1"]) };
    expect(&image(deep(runpath)), "t", "missing-library", &["libdeep.so.2"]);
    let rpath = Elf { rpath: Some("${ORIGIN}/../own"), ..dynamic(GLIBC, &["libz.so.1"]) };
    starts(&image(deep(rpath)), "t");
}

#[test]
fn missing_library_on_glibc() {
    let root = glibc().file("bin/t", 0o755, &dynamic(GLIBC, &["libz.so.1", "libc.so.6"]).bytes());
    let library = Elf::library().bytes();
    expect(&image(root.clone()), "t", "missing-library", &["libz.so.1"]);
    starts(&image(root.clone().file("usr/lib/x86_64-linux-gnu/libz.so.1", 0o644, &library)), "t");
    // Folders that the loader does not search are no help without its cache.
    let local = root.clone().file("usr/local/lib/libz.so.1", 0o644, &library);
    let elsewhere = "the image has /usr/local/lib/libz.so.1, where the loader does not look";
    expect(&image(local.clone()), "t", "missing-library", &[elsewhere]);
    let configured = local.file("etc/ld.so.conf", 0o644, b"/usr/local/lib\n");
    expect(&image(configured), "t", "missing-library", &[elsewhere, "`ldconfig` takes the folders"]);
    let cached = root.clone().file("usr/local/lib/libz.so.1", 0o644, &library);
    starts(&image(cached.file("etc/ld.so.cache", 0o644, &cache("libz.so.1", "/usr/local/lib/libz.so.1"))), "t");
    // One for another machine is passed over.
    let foreign = Elf { machine: 183, ..Elf::library() }.bytes();
    let passed = root.file("lib/x86_64-linux-gnu/libz.so.1", 0o644, &foreign);
    expect(&image(passed.clone()), "t", "missing-library", &["is for arm64"]);
    starts(&image(passed.file("usr/lib/libz.so.1", 0o644, &library)), "t");
}

fn cache(name: &str, path: &str) -> Vec<u8> {
    let strings = 48 + 24;
    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    bytes.extend([1u32, (name.len() + path.len() + 2) as u32, 2, 0, 0, 0, 0].iter().flat_map(|n| n.to_le_bytes()));
    bytes.extend([0x303u32, strings, strings + name.len() as u32 + 1, 0, 0, 0].iter().flat_map(|n| n.to_le_bytes()));
    bytes.extend(format!("{name}\0{path}\0").bytes());
    bytes
}

/// What the variables of run paths stand for, glibc's loader and the processor say; musl knows `$ORIGIN` alone.
#[test]
fn run_paths_with_variables_and_folders_for_newer_processors() {
    let library = Elf::library().bytes();
    let with = |root: Tar, interpreter, path, at: &str| {
        let program = Elf { runpath: Some(path), ..dynamic(interpreter, &["libz.so.1"]) }.bytes();
        image(root.file("bin/t", 0o755, &program).file(&format!("{at}/libz.so.1"), 0o644, &library))
    };
    for (path, at) in [
        ("/opt/$LIB", "opt/lib/x86_64-linux-gnu"),
        ("/opt/${LIB}/own", "opt/lib/x86_64-linux-gnu/own"),
        ("/opt/$PLATFORM", "opt/x86_64"),
        ("$ORIGIN/../$PLATFORM/own:/opt", "x86_64/own"),
        ("/opt/$OTHER", "opt/$OTHER"),
    ] {
        starts(&with(glibc(), GLIBC, path, at), "t");
        expect(&with(musl(), MUSL, path, at), "t", "missing-library", &["libz.so.1"]);
    }
    let newer = "opt/glibc-hwcaps/x86-64-v2";
    starts(&with(glibc(), GLIBC, "/opt", newer), "t");
    expect(&with(musl(), MUSL, "/opt", newer), "t", "missing-library", &["libz.so.1"]);
    starts(&with(glibc(), GLIBC, "/nowhere", "usr/lib/glibc-hwcaps/x86-64-v3"), "t");
    // An empty folder is the one that the program starts in.
    let plain =
        glibc().file("bin/t", 0o755, &dynamic(GLIBC, &["libz.so.1"]).bytes()).file("srv/libz.so.1", 0o644, &library);
    let here = |path: &str| {
        image(plain.clone()).with("WorkingDir", "/srv").with("Env", vec![format!("LD_LIBRARY_PATH={path}")])
    };
    starts(&here("/opt/lib:"), "t");
    expect(&here(""), "t", "missing-library", &["libz.so.1"]);
}

/// A loader goes on where it sees nothing, and gives up where it sees something that it cannot load.
#[test]
fn the_first_library_that_can_be_opened_counts() {
    let library = Elf::library().bytes();
    let meta = image_kit::Meta { mode: 0o600, uid: 0, gid: 0 };
    for (root, interpreter) in [(glibc(), GLIBC), (musl(), MUSL)] {
        let program = Elf { runpath: Some("/first:/second"), ..dynamic(interpreter, &["libz.so.1"]) }.bytes();
        let root = root.file("bin/t", 0o755, &program).file("second/libz.so.1", 0o644, &library);
        let hidden = root.clone().entry("first/libz.so.1", b'0', meta, "", b"text");
        starts(&image(hidden.clone()).with("User", "100"), "t");
        expect(&image(hidden), "t", "missing-library", &["/first/libz.so.1 is not an ELF file"]);
        let folder = root.clone().folder("first/libz.so.1", 0o755);
        expect(&image(folder), "t", "missing-library", &["/first/libz.so.1 is no file"]);
        starts(&image(root), "t");
    }
}

/// gcompat's loader starts musl's: the search is musl's, and what glibc programs need of the C library is there.
#[test]
fn gcompat_lets_glibc_programs_start_on_musl() {
    let mut loader = Elf { kind: 3, ..Elf::program() }.bytes();
    loader.extend(b"\0/lib/ld-musl-x86_64.so.1\0--preload\0/lib/libgcompat.so.0\0");
    let needed = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"];
    let versions = vec![("libc.so.6", "GLIBC_2.38")];
    let program = Elf { versions_needed: versions, ..dynamic(GLIBC, &needed) }.bytes();
    let gcompat = Tar::new()
        .file("lib/ld-linux-x86-64.so.2", 0o755, &loader)
        .link("lib64/ld-linux-x86-64.so.2", "../lib/ld-linux-x86-64.so.2")
        .file("bin/t", 0o755, &program);
    let with_musl = gcompat.clone().file("lib/ld-musl-x86_64.so.1", 0o755, &Elf { kind: 3, ..Elf::program() }.bytes());
    let whole = with_musl.clone().file("lib/libgcompat.so.0", 0o755, &Elf::library().bytes());
    starts(&image(whole.clone()), "t");
    expect(&image(with_musl), "t", "missing-library", &["/lib/libgcompat.so.0 is needed by /lib/ld-linux-x86-64.so.2"]);
    let without = gcompat.file("lib/libgcompat.so.0", 0o755, &Elf::library().bytes());
    expect(&image(without), "t", "missing-library", &["/lib/ld-musl-x86_64.so.1 is needed by"]);
    let more = Elf { runpath: Some("/opt"), ..dynamic(GLIBC, &["libc.so.6", "libstdc++.so.6"]) }.bytes();
    let more = whole.file("bin/t", 0o755, &more);
    expect(&image(more.clone()), "t", "missing-library", &["needs libstdc++.so.6, which the image lacks"]);
    starts(&image(more.file("opt/libstdc++.so.6", 0o644, &Elf::library().bytes())), "t");
}

#[test]
fn missing_version_of_a_library() {
    let version = |version| {
        let program = Elf { versions_needed: vec![("libc.so.6", version)], ..dynamic(GLIBC, &["libc.so.6"]) };
        image(glibc().file("bin/t", 0o755, &program.bytes()))
    };
    expect(&version("GLIBC_2.38"), "t", "missing-library", &["needs GLIBC_2.38 of libc.so.6, which the image lacks"]);
    starts(&version("GLIBC_2.36"), "t");
}

#[test]
fn a_package_that_provides_the_library_is_named() {
    let fixture = image(musl().file("bin/t", 0o755, &dynamic(MUSL, &["libz.so.1"]).bytes()));
    let provides = |what: &str| if what == "so:libz.so.1" { vec!["zlib".to_owned()] } else { Vec::new() };
    let programs = vec![Wanted::named("t")];
    let expected = Expectation { programs, provides: Some(&provides), ..Expectation::default() };
    let report = verify::verify(&open(&fixture), &expected);
    assert_eq!(report.findings[0].help, ["package zlib provides so:libz.so.1"]);
}

#[test]
fn missing_interpreter() {
    let script = |line: &str| Tar::new().file("bin/t", 0o755, format!("{line}\necho\n").as_bytes());
    let shell = Elf::program().bytes();
    expect(&image(script("#!/bin/bash")), "t", "missing-interpreter", &["script for /bin/bash, but it is not there"]);
    let crlf = script("#!/bin/sh\r").file("bin/sh", 0o755, &shell);
    expect(&image(crlf), "t", "missing-interpreter", &["carriage return"]);
    let env = |line: &str| script(line).file("usr/bin/env", 0o755, &shell);
    expect(&image(env("#!/usr/bin/env python3")), "t", "missing-interpreter", &["python3", "not on the image's PATH"]);
    expect(&image(env("#!/usr/bin/env python3\r")), "t", "missing-interpreter", &["carriage return"]);
    expect(&image(env("#!/usr/bin/env node --flag")), "t", "missing-interpreter", &["node --flag"]);
    expect(&image(env("#!/usr/bin/env -S node --flag")), "t", "missing-interpreter", &["node"]);
    let unreadable = script("#!/bin/sh").file("bin/sh", 0o644, &shell);
    expect(&image(unreadable), "t", "missing-interpreter", &["may not execute"]);
    expect(&image(script("#!/bin/t")), "t", "not-executable", &["circle"]);
    expect(&image(script("#!   ")), "t", "not-executable", &["names no interpreter"]);
    starts(&image(script("#! /bin/sh -e").file("bin/sh", 0o755, &shell)), "t");
    starts(&image(env("#!/usr/bin/env python3").file("usr/local/bin/python3", 0o755, &shell)), "t");
    starts(&image(env("#!/usr/bin/env -S A=1 python3 -u").file("usr/local/bin/python3", 0o755, &shell)), "t");
    let busybox = script("#!/usr/bin/env -S sh").file("bin/busybox", 0o755, &shell).link("usr/bin/env", "/bin/busybox");
    expect(&image(busybox.link("bin/sh", "busybox")), "t", "missing-interpreter", &["no option -S"]);
}

#[test]
fn the_interpreter_itself_must_start() {
    let root = musl().file("bin/t", 0o755, b"#!/bin/bash\n").file(
        "bin/bash",
        0o755,
        &dynamic(MUSL, &["libreadline.so.8"]).bytes(),
    );
    expect(&image(root), "t", "missing-library", &["`t` (/bin/bash) needs libreadline.so.8"]);
}

#[test]
fn a_link_to_busybox_needs_an_applet() {
    let mut busybox = Elf::program().bytes();
    let applets = ["[", "[[", "acpid", "add-shell", "ar", "arch", "arp", "ash", "awk", "base64", "basename", "cat"];
    busybox.extend(format!("BusyBox v1.36.1\0{}\0\0", applets.join("\0")).bytes());
    let root = Tar::new().file("bin/busybox", 0o755, &busybox).link("bin/cat", "busybox").link("bin/docker", "busybox");
    starts(&image(root.clone()), "cat");
    starts(&image(root.clone()), "busybox");
    expect(&image(root), "docker", "dangling-link", &["no applet `docker`"]);
}

#[test]
fn privileged_program() {
    let elf = Elf::program().bytes();
    expect(&image(Tar::new().file("bin/t", 0o4755, &elf)), "t", "privileged-program", &["/bin/t has set-user-id to 0"]);
    let records = image_kit::pax("SCHILY.xattr.security.capability", b"\x01\0\0\x02\0\0\0\0");
    let meta = image_kit::Meta { mode: 0o755, uid: 0, gid: 0 };
    let tar = Tar::new().raw("pax", b'x', meta, "", records.len() as u64, &records).file("bin/t", 0o755, &elf);
    expect(&image(tar), "t", "privileged-program", &["file capabilities"]);
}

#[test]
fn package_drift() {
    let database = b"C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=\nP:git\nV:2.45.2-r0\nI:1000\nF:usr/bin\nR:git\n\nC:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=\nP:zlib\nV:1.3.1-r1\nI:500\n\n";
    let root =
        Tar::new().file("lib/apk/db/installed", 0o644, database).file("usr/bin/git", 0o755, &Elf::program().bytes());
    let wanted = |name: &str, version: &str| WantedPackage { name: name.to_owned(), version: version.to_owned() };
    let verify = |packages| {
        let programs = vec![Wanted::named("git")];
        verify::verify(&open(&image(root.clone())), &Expectation { programs, packages, ..Expectation::default() })
    };
    let right = verify(vec![wanted("git", "2.45.2-r0"), wanted("zlib", "1.3.1-r1")]);
    assert!(right.findings.is_empty(), "{:#?}", right.findings);
    assert_eq!(right.added, 1500);
    assert_eq!(right.rows[0].given_by.as_deref(), Some("git 2.45.2-r0"));
    let wrong = verify(vec![wanted("git", "2.45.4-r0"), wanted("docker-cli", "26.1.5-r0")]);
    let messages: Vec<_> = wrong.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(wrong.findings.iter().all(|finding| finding.rule.code == "package-drift"));
    assert_eq!(
        messages,
        [
            "package git is installed as 2.45.2-r0, the lock has 2.45.4-r0",
            "package docker-cli 26.1.5-r0 of the lock is not installed"
        ]
    );
}

#[test]
fn base_drift() {
    let base = Tar::new().file("bin/sh", 0o755, &Elf::program().bytes());
    let own = Tar::new().file("bin/app", 0o755, &Elf::program().bytes());
    let fixture = Fixture::new(vec![base.clone(), own]);
    let verify = |base: WantedBase| {
        let programs = vec![Wanted::named("app")];
        let expected = Expectation { programs, base: Some(base), ..Expectation::default() };
        verify::verify(&open(&fixture), &expected).findings
    };
    let diff_id = format!("sha256:{}", sha256(&base.finish()));
    let reference = "alpine:3.20".to_owned();
    let same = WantedBase { reference: reference.clone(), digest: None, diff_ids: vec![diff_id] };
    assert!(verify(same).is_empty());
    let other = WantedBase { reference, digest: None, diff_ids: vec![format!("sha256:{}", "0".repeat(64))] };
    assert_eq!(verify(other)[0].rule.code, "base-drift");
}

#[test]
fn the_images_own_programs_are_judged_too() {
    let root = Tar::new().file("app", 0o644, &Elf::program().bytes());
    let fixture = image(root)
        .with("Entrypoint", vec!["/app", "serve"])
        .with("Cmd", vec!["ignored"])
        .with("Healthcheck", serde_json::json!({"Test": ["CMD", "wget", "-q", "localhost"]}));
    let report = report(&fixture, &[]);
    let found: Vec<_> = report.findings.iter().map(|f| (f.rule.code, f.help[0].as_str())).collect();
    assert_eq!(
        found,
        [("not-executable", "the image's entrypoint runs it"), ("missing-program", "the image's health check runs it")]
    );
    assert_eq!(report.rows[0].given_by.as_deref(), Some("layer 1: COPY step0 /"));
}

#[test]
fn every_rule_is_documented_under_its_code() {
    for rule in verify::RULES {
        assert!(rule.docs.starts_with(&format!("# {}\n", rule.code)), "{}", rule.code);
    }
    assert!(verify::RULES.is_sorted_by_key(|rule| rule.code));
}
