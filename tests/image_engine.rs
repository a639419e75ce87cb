//! One image for each finding, loaded into docker and into podman: the verdict is that of the archive. Images that podman builds
//! and writes itself. And programs started with `--run`.
//!
//! Needs docker, podman, root's rights and `cc`.
#![cfg(feature = "engine-tests")]

mod image_kit;

use aboard::engine::{self, Engine, Kind};
use aboard::image::facts::BaseFacts;
use aboard::image::{self, Image, Limits, Source};
use aboard::platform::Platform;
use aboard::verify::{self, Expectation, Wanted, WantedPackage};
use image_kit::{Elf, Fixture, GLIBC, MUSL, Tar};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn open(source: &Source) -> Image {
    image::open(source, Platform::default(), Limits::default()).expect("the image is read")
}

const KINDS: [Kind; 2] = [Kind::Docker, Kind::Podman];

/// The engine of this kind, which must answer. Podman asks for more open files and processes than the machine of a test may
/// have: it is started with a configuration that asks for less.
fn engine(kind: Kind, folder: &Path) -> Engine {
    let found = engine::find(Some(kind)).expect("the engine answers");
    if kind != Kind::Podman {
        return found;
    }
    let (config, script) = (folder.join("containers.conf"), folder.join("podman"));
    let limits = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";
    std::fs::write(&config, limits).expect("written");
    let text = format!("#!/bin/sh\nCONTAINERS_CONF={} exec {} \"$@\"\n", config.display(), found.program.display());
    std::fs::write(&script, text).expect("written");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    Engine { program: script, ..found }
}

fn run(engine: &Engine, arguments: &[&str]) -> String {
    let output = Command::new(&engine.program).args(arguments).stdin(Stdio::null()).output().expect("it starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An image of an engine, removed at the end.
struct Loaded {
    engine: Engine,
    tag: String,
    folder: tempfile::TempDir,
}

impl Loaded {
    fn new(kind: Kind, name: &str, fixture: Fixture) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(kind, folder.path());
        let tag = format!("aboard-test/{name}:{}", std::process::id());
        let path = Fixture { tag: tag.clone(), ..fixture }.write_docker_archive(folder.path());
        run(&engine, &["load", "--input", &path.display().to_string()]);
        Self { engine, tag, folder }
    }

    /// What podman builds of a Dockerfile and a root.
    fn built(name: &str, dockerfile: &str, root: Tar) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(Kind::Podman, folder.path());
        let tag = format!("localhost/aboard-test/{name}:{}", std::process::id());
        let context = folder.path().join("context");
        std::fs::create_dir(&context).expect("made");
        std::fs::write(context.join("root.tar"), root.finish()).expect("written");
        std::fs::write(context.join("Dockerfile"), dockerfile).expect("written");
        run(&engine, &["build", "--quiet", "--tag", &tag, &context.display().to_string()]);
        Self { engine, tag, folder }
    }

    /// What the engine itself writes of it, in one of podman's formats.
    fn saved(&self, format: &str) -> PathBuf {
        let path = self.folder.path().join(format);
        run(&self.engine, &["save", "--quiet", "--format", format, "--output", &path.display().to_string(), &self.tag]);
        path
    }

    fn engine_image(&self) -> Image {
        open(&Source::Engine(self.engine.clone(), self.tag.clone()))
    }

    fn archive_image(&self) -> Image {
        open(&Source::Path(self.folder.path().join("image.tar"), None))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        let _ = Command::new(&self.engine.program).args(["image", "rm", "--force", &self.tag]).output();
    }
}

/// The images: what is found, and in what.
fn cases() -> Vec<(&'static str, Tar)> {
    let elf = Elf::program().bytes();
    let dynamic = |interpreter, needed: &[&'static str]| {
        Elf { interpreter: Some(interpreter), needed: needed.to_vec(), ..Elf::program() }.bytes()
    };
    let musl = || Tar::new().file("lib/ld-musl-x86_64.so.1", 0o755, &Elf { kind: 3, ..Elf::program() }.bytes());
    vec![
        ("missing-program", Tar::new().file("bin/other", 0o755, &elf)),
        ("dangling-link", Tar::new().link("bin/t", "../opt/t")),
        ("not-executable", Tar::new().file("bin/t", 0o644, &elf)),
        ("wrong-architecture", Tar::new().file("bin/t", 0o755, &Elf { machine: 183, ..Elf::program() }.bytes())),
        ("missing-loader", musl().file("bin/t", 0o755, &dynamic(GLIBC, &[]))),
        ("missing-library", musl().file("bin/t", 0o755, &dynamic(MUSL, &["libz.so.1"]))),
        ("missing-interpreter", Tar::new().file("bin/t", 0o755, b"#!/bin/bash\n")),
        ("privileged-program", Tar::new().file("bin/t", 0o4755, &elf)),
        ("package-drift", Tar::new().file("bin/t", 0o755, &elf)),
        ("unknown-user", Tar::new().file("bin/t", 0o755, &elf)),
    ]
}

#[test]
fn an_engine_gives_the_archives_verdict_for_every_finding() {
    for (kind, (code, tar)) in KINDS.iter().flat_map(|kind| cases().into_iter().map(move |case| (*kind, case))) {
        let user = if code == "unknown-user" { "no-such-user" } else { "" };
        let loaded = Loaded::new(kind, code, Fixture::new(vec![tar]).with("User", user));
        let wanted = WantedPackage { name: "git".to_owned(), version: "2".to_owned() };
        let packages = if code == "package-drift" { vec![wanted] } else { Vec::new() };
        let expected = Expectation { programs: vec![Wanted::named("t")], packages, ..Expectation::default() };
        for image in [loaded.engine_image(), loaded.archive_image()] {
            let report = verify::verify(&image, &expected);
            let codes: Vec<_> = report.findings.iter().map(|finding| finding.rule.code).collect();
            assert_eq!(codes, [code], "{kind:?}: {:#?}", report.findings);
        }
        assert_eq!(BaseFacts::of(&loaded.engine_image()), BaseFacts::of(&loaded.archive_image()), "{kind:?}");
    }
}

/// Layers of two instructions, a white-out, a user by name: by reference, and from each form that podman writes.
#[test]
fn what_podman_builds_has_one_verdict_from_every_source() {
    let elf = Elf::program().bytes();
    let root = Tar::new()
        .folder("bin", 0o755)
        .file("bin/t", 0o755, &elf)
        .file("bin/mode", 0o700, &elf)
        .file("bin/broken", 0o755, &Elf { interpreter: Some(MUSL), ..Elf::program() }.bytes())
        .file("etc/passwd", 0o644, b"app:x:100:100::/:/bin/t\n");
    let dockerfile = "FROM scratch\nADD root.tar /\nCOPY Dockerfile /srv/\nUSER app\nENTRYPOINT [\"/bin/t\"]\n";
    let built = Loaded::built("built", dockerfile, root);
    let programs = ["t", "mode", "broken", "/srv/Dockerfile", "absent"].map(Wanted::named).to_vec();
    let expected = Expectation { programs, ..Expectation::default() };
    let verdict = |image: &Image| verify::verify(image, &expected).rows;
    let by_reference = built.engine_image();
    let codes: Vec<_> = verdict(&by_reference).iter().map(|row| row.code).collect();
    let (executable, loader) = (Some("not-executable"), Some("missing-loader"));
    assert_eq!(codes, [None, executable, loader, executable, Some("missing-program"), None]);
    assert_eq!(by_reference.layers.len(), 2);
    for format in ["docker-archive", "oci-archive", "oci-dir"] {
        let image = open(&Source::Path(built.saved(format), None));
        assert_eq!(image.id, by_reference.id, "{format}");
        assert_eq!(verdict(&image), verdict(&by_reference), "{format}");
        assert_eq!(image.layers, by_reference.layers, "{format}");
    }
}

#[test]
fn an_image_that_is_not_there_is_told_as_such() {
    for kind in KINDS {
        let engine = engine::find(Some(kind)).expect("the engine answers");
        let source = Source::Engine(engine, "aboard-test/never-built:1".to_owned());
        let error = image::open(&source, Platform::default(), Limits::default()).expect_err("not there").to_string();
        assert!(error.contains("has no image `aboard-test/never-built:1`"), "{error}");
    }
}

const PROBED: &str = r#"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "--version")) { printf("tool 1.2, user %d\n", (int)getuid()); return 0; }
    if (!strcmp(what, "write")) { FILE *f = fopen("/written", "w"); return f ? 0 : (perror("write"), 4); }
    if (!strcmp(what, "network")) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
        inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        return connect(s, (void *)&to, sizeof to) ? (perror("connect"), 5) : 0;
    }
    if (!strcmp(what, "hang")) for (;;) pause();
    return 9;
}
"#;

fn compiled(folder: &Path) -> Vec<u8> {
    let source = folder.join("tool.c");
    std::fs::write(&source, PROBED).expect("written");
    let program = folder.join("tool");
    let status = Command::new("cc").args(["-static", "-o"]).arg(&program).arg(&source).status().expect("cc runs");
    assert!(status.success());
    std::fs::read(program).expect("compiled")
}

#[test]
fn docker_starts_probes_without_network_read_only_in_time_and_as_the_user() {
    probes_of(Kind::Docker);
}

#[test]
fn podman_starts_probes_without_network_read_only_in_time_and_as_the_user() {
    probes_of(Kind::Podman);
}

fn probes_of(kind: Kind) {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = compiled(folder.path());
    let tar = Tar::new().folder("bin", 0o755).file("bin/tool", 0o755, &tool);
    let loaded = Loaded::new(kind, "probed", Fixture::new(vec![tar]).with("User", "4711"));
    let probe = |argument: &str| Wanted { probe: Some(vec![argument.to_owned()]), ..Wanted::named("tool") };
    let arguments = ["--version", "write", "network", "hang"];
    let expected = Expectation { programs: arguments.iter().map(|a| probe(a)).collect(), ..Expectation::default() };
    let mut report = verify::verify(&loaded.engine_image(), &expected);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let limit = std::time::Duration::from_secs(4);
    verify::run(&loaded.engine, &loaded.tag, &expected, limit, &mut report).expect("the engine works");
    let well: Vec<_> = report.probes.iter().map(|probe| (probe.command.as_str(), probe.well)).collect();
    assert_eq!(well, [("tool --version", true), ("tool write", false), ("tool network", false), ("tool hang", false)]);
    assert_eq!(report.probes[0].output, "tool 1.2, user 4711");
    assert!(report.probes[1].output.contains("Read-only file system"), "{}", report.probes[1].output);
    assert!(report.probes[2].output.contains("Network is unreachable"), "{}", report.probes[2].output);
    let messages: Vec<_> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`tool write` failed in the image: exit status 4",
            "`tool network` failed in the image: exit status 5",
            "`tool hang` failed in the image: it did not end within 4 s",
        ]
    );
    let left = run(&loaded.engine, &["ps", "--all", "--quiet", "--filter", &format!("ancestor={}", loaded.tag)]);
    assert_eq!(left, "", "a container is left");
}

/// The binary, as users run it: nothing is started without `--run`.
#[test]
fn the_command_line_starts_nothing_without_being_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = Loaded::new(
        Kind::Docker,
        "cli",
        Fixture::new(vec![Tar::new().file("bin/tool", 0o755, &compiled(folder.path()))]),
    );
    let verify = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_aboard"))
            .args(["verify", "--image", &loaded.tag, "tool"])
            .args(more)
            .current_dir(folder.path())
            .output()
            .expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, table) = verify(&[]);
    assert_eq!(status, Some(0), "{table}");
    assert!(table.contains("PROGRAM  PATH       GIVEN BY") && table.contains("starts"), "{table}");
    let (status, json) = verify(&["--format", "json", "--run"]);
    assert_eq!(status, Some(0), "{json}");
    let value: serde_json::Value = serde_json::from_str(&json).expect("json");
    assert_eq!(value["images"][0]["programs"][0]["path"], "/bin/tool");
    assert_eq!(value["findings"], serde_json::json!([]));
}
