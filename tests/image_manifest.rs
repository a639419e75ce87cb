//! An image of a manifest with its lock: what `lock --base` reads of the base, what `check` knows by it without an engine, and
//! what `verify` finds where the built image is not what was locked.

mod apk_fixture;
mod harness;
mod image_kit;
mod image_stand_in;
mod package_mirror;

use harness::{Project, Run};
use image_kit::{Elf, Fixture, Tar};
use image_stand_in::StandIn;
use package_mirror::{Mirror, Package};

const BASE: &str = "registry.example/platform/node:20-alpine3.20";
const TAG: &str = "server:dev";

const PACKAGES: &[Package] = &[
    Package {
        repository: "main",
        name: "git",
        version: "2.45.2-r0",
        depends: "libtest",
        files: &[("usr/bin/git", 0o755, "#!/bin/sh\n")],
    },
    Package {
        repository: "main",
        name: "nodejs",
        version: "20.15.1-r0",
        depends: "",
        files: &[("usr/bin/node", 0o755, "#!/bin/sh\n")],
    },
    Package { repository: "main", name: "libtest", version: "1.3.1-r1", depends: "", files: &[] },
];

const MANIFEST: &str = "images:
  server:
    dockerfile: Dockerfile
    template: static-binary
    base: registry.example/platform/node:20-alpine3.20
    code: [start.sh]
    tags: [server:dev]
    programs: {git: {}, node: {}}
    vars: {prebuilt: dist/server}
";

/// The package database with these packages.
fn database(packages: &[(&str, &str)]) -> String {
    let record = |(name, version): &(&str, &str)| {
        format!("C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=\nP:{name}\nV:{version}\nA:x86_64\nI:1000\n\n")
    };
    packages.iter().map(record).collect()
}

/// A company's own image: Alpine's shell, and a `node` that no package brings.
fn base_layer() -> Tar {
    let elf = Elf::program().bytes();
    Tar::new().file("bin/sh", 0o755, &elf).file("usr/local/bin/node", 0o755, &elf).file(
        "lib/apk/db/installed",
        0o644,
        database(&[("company-tools", "7.1-r0"), ("libtest", "1.3.1-r1")]).as_bytes(),
    )
}

/// What the build adds to it.
fn own_layer(git: &str) -> Tar {
    let packages = [("company-tools", "7.1-r0"), ("git", git), ("libtest", "1.3.1-r1")];
    Tar::new()
        .file("usr/bin/git", 0o755, &Elf::program().bytes())
        .file("lib/apk/db/installed", 0o644, database(&packages).as_bytes())
        .file("app/server", 0o755, &Elf::program().bytes())
}

struct Platform {
    project: Project,
    engine: StandIn,
    _mirror: Mirror,
}

impl Platform {
    fn new() -> Self {
        let mirror = Mirror::start("v3.20", PACKAGES);
        let manifest =
            format!("version: 1\nalpine: {{mirror: '{}', keys: [keys/test.rsa.pub]}}\n{MANIFEST}", mirror.address);
        let project = Project::new(&[
            ("aboard.yaml", &manifest),
            ("keys/test.rsa.pub", &mirror.public_key),
            ("start.sh", "#!/bin/sh\ngit fetch\nexec node server.js\n"),
            ("dist/server", ""),
        ]);
        let engine = StandIn::new("docker");
        engine.has(BASE, &Fixture::new(vec![base_layer()]).docker_archive());
        Self { project, engine, _mirror: mirror }
    }

    /// Runs with the engine.
    fn run(&self, arguments: &[&str]) -> Run {
        self.project.run_with(&[("PATH", &self.engine.path())], arguments)
    }

    /// Runs where there is no engine and no network.
    fn alone(&self, arguments: &[&str]) -> Run {
        let none = StandIn::none();
        self.project.run_with(&[("PATH", &none.path())], &[arguments, &["--offline"]].concat())
    }

    fn lock(&self) -> String {
        self.project.read("aboard.lock")
    }

    /// Verifies an image of these layers.
    fn verify(&self, layers: Vec<Tar>) -> Run {
        self.engine.has(TAG, &Fixture::new(layers).with("Entrypoint", vec!["/app/server"]).docker_archive());
        self.run(&["verify", "server"])
    }
}

/// The part of a lock that says what gives `node`.
fn node_of(lock: &str) -> String {
    let (_, rest) = lock.split_once("      node:\n").expect("node is locked");
    rest.lines().take(2).map(str::trim).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_a_base_brings_is_locked_and_known_without_an_engine() {
    let platform = Platform::new();
    platform.run(&["lock"]).status(0);
    assert_eq!(node_of(&platform.lock()), "by: package, what: nodejs");
    platform.run(&["lock", "--base"]).status(0).notes(&["wrote aboard.lock"]);
    let lock = platform.lock();
    assert_eq!(node_of(&lock), "by: base, what: /usr/local/bin/node");
    assert!(!lock.contains("nodejs"), "{lock}");
    for fact in ["digest: sha256:", "diff_ids:", "/usr/local/bin/node: ''", "company-tools: 7.1-r0"] {
        assert!(lock.contains(fact), "`{fact}` is not in the lock:\n{lock}");
    }
    // Later runs keep what was read.
    platform.run(&["lock"]).status(0);
    assert_eq!(platform.lock(), lock);
    platform.alone(&["render"]).status(0);
    assert!(!platform.project.read("Dockerfile").contains("nodejs"));
    platform.alone(&["check"]).status(0).notes(&["checked 1 image"]);
}

#[test]
fn what_a_read_base_lacks_is_missing() {
    let platform = Platform::new();
    let manifest = platform.project.read("aboard.yaml");
    platform.project.write("aboard.yaml", &manifest.replace("    template: static-binary\n", ""));
    let dockerfile = format!("FROM {BASE}\nRUN apk add --no-cache git\nCOPY start.sh /\nENTRYPOINT [\"/start.sh\"]\n");
    platform.project.write("Dockerfile", &dockerfile);
    platform.project.write("start.sh", "#!/bin/sh\ngit fetch\njq . config.json\nexec node server.js\n");
    platform.run(&["lock"]).status(0);
    let run = platform.alone(&["check"]);
    assert!(run.stdout.contains("unknown-base") && !run.stdout.contains("missing-program"), "{}", run.stdout);
    platform.run(&["lock", "--base"]).status(0);
    let run = platform.alone(&["check"]).status(1);
    assert!(!run.stdout.contains("unknown-base"), "{}", run.stdout);
    run.prints(&["error[missing-program]: `jq` is run but not in the image"]);
}

#[test]
fn the_built_image_is_held_against_the_lock() {
    let platform = Platform::new();
    platform.run(&["lock", "--base"]).status(0);
    let run = platform.verify(vec![base_layer(), own_layer("2.45.2-r0")]).status(0);
    assert_eq!(run.stdout, printed_in_the_docs("aboard verify server"));
}

/// What docs/verify.md says that a command prints.
fn printed_in_the_docs(command: &str) -> String {
    let docs = include_str!("../docs/verify.md");
    let start = format!("```console\n$ {command}\n");
    let (_, rest) = docs.split_once(&start).expect("the docs show it");
    rest.split("```").next().expect("its end").to_owned()
}

#[test]
fn other_packages_than_the_locks_are_package_drift() {
    let platform = Platform::new();
    platform.run(&["lock", "--base"]).status(0);
    platform
        .verify(vec![base_layer(), own_layer("2.45.3-r0")])
        .status(0)
        .prints(&["warning[package-drift]: package git is installed as 2.45.3-r0, the lock has 2.45.2-r0"]);
}

#[test]
fn another_base_than_the_locks_is_base_drift() {
    let platform = Platform::new();
    platform.run(&["lock", "--base"]).status(0);
    let other = base_layer().file("etc/alpine-release", 0o644, b"3.20.4\n");
    platform.verify(vec![other, own_layer("2.45.2-r0")]).status(0).prints(&[
        "warning[base-drift]: the image does not stand on the locked registry.example/platform/node:20-alpine3.20",
        "its lowest layer is not that of the base in the lock",
    ]);
}

#[test]
fn a_program_that_the_plan_takes_from_the_base_must_be_in_it() {
    let platform = Platform::new();
    platform.run(&["lock", "--base"]).status(0);
    let without = Tar::new().file("usr/local/bin/.wh.node", 0o644, b"");
    platform.verify(vec![base_layer(), without, own_layer("2.45.2-r0")]).status(1).prints(&[
        "error[missing-program]: `node` is run, but is not on the image's PATH",
        "by the plan it comes from the base (/usr/local/bin/node)",
    ]);
}

#[test]
fn an_archive_can_be_an_image_of_the_manifest() {
    let platform = Platform::new();
    platform.run(&["lock", "--base"]).status(0);
    let fixture = Fixture::new(vec![base_layer(), own_layer("2.45.3-r0")]);
    fixture.write_docker_archive(platform.project.path());
    platform.alone(&["verify", "--archive", "image.tar", "--as", "server", "absent"]).status(1).prints(&[
        "/usr/local/bin/node",
        "warning[package-drift]",
        "error[missing-program]: `absent` is run",
    ]);
    platform.alone(&["verify", "--as", "server"]).status(2);
    platform.alone(&["verify", "--archive", "image.tar", "--as", "other"]).status(2).notes(&["other"]);
}

/// What would bring what is missing, by the index of the release that the image says it is of.
#[test]
fn packages_that_would_help_are_named() {
    let record = |name: &str, provides: &str| {
        format!("C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=\nP:{name}\nV:1-r0\nA:x86_64\nS:1\nI:1\nT:t\np:{provides}\n\n")
    };
    let index = [
        record("docker-cli", "cmd:docker=1-r0"),
        record("zlib", "so:libz.so.1=1.3.1"),
        record("zlib-ng-compat", "so:libz.so.1=1.3.1"),
        record("bash", "cmd:bash=1-r0"),
    ];
    let key = package_mirror::signing_key();
    let signed = |text: &str| apk_fixture::signed(&apk_fixture::content("v3.20", text), &key, "RSA");
    let mirror = Mirror::of_files(
        [("main", index.concat()), ("community", String::new())]
            .map(|(name, text)| (format!("/v3.20/{name}/x86_64/APKINDEX.tar.gz"), signed(&text)))
            .into(),
    );
    let manifest = format!(
        "version: 1\nalpine: {{mirror: '{}', keys: [keys/test.rsa.pub]}}\nimages:\n  app: {{dockerfile: Dockerfile}}\n",
        mirror.address
    );
    let project = Project::new(&[
        ("aboard.yaml", &manifest),
        ("keys/test.rsa.pub", &mirror.public_key),
        ("Dockerfile", "FROM alpine:3.20\n"),
    ]);
    let dynamic = Elf { interpreter: Some(image_kit::MUSL), needed: vec!["libz.so.1"], ..Elf::program() };
    let image = |release: &[u8]| {
        let root = Tar::new()
            .file("etc/alpine-release", 0o644, release)
            .file("lib/ld-musl-x86_64.so.1", 0o755, &Elf { kind: 3, ..Elf::program() }.bytes())
            .file("bin/tool", 0o755, &dynamic.bytes())
            .file("bin/script", 0o755, b"#!/bin/bash\n");
        Fixture::new(vec![root]).write_docker_archive(project.path());
    };
    let verify =
        || project.run(&["verify", "--archive", "image.tar", "--as", "app", "docker", "tool", "script"]).status(1);
    image(b"3.20.3\n");
    verify().prints(&[
        "package docker-cli provides cmd:docker",
        "one of the packages zlib, zlib-ng-compat provides so:libz.so.1",
        "package bash provides cmd:bash",
    ]);
    // Of another release nothing is known here.
    image(b"3.19.1\n");
    let run = verify();
    assert!(!run.stdout.contains("provides"), "{}", run.stdout);
}

/// The two YAML texts of docs/verify.md: a structure test, and the manifest that does its work.
fn structure_test_and_manifest() -> (String, String) {
    let docs = include_str!("../docs/verify.md");
    let blocks: Vec<&str> = docs.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let block = |start: &str| (*blocks.iter().find(|block| block.starts_with(start)).expect("it is there")).to_owned();
    (block("schemaVersion: 2.0.0\n"), block("version: 1\n"))
}

const GO: &str = r#"package main

import (
	"log"
	"os/exec"
)

func main() {
	for _, command := range [][]string{{"docker", "--version"}, {"git", "--version"}, {"ssh", "-V"}} {
		if err := exec.Command(command[0], command[1:]...).Run(); err != nil {
			log.Fatal(err)
		}
	}
}
"#;

/// The manifest finds each gap that the structure test names, and the programs that would not run although they exist.
#[test]
fn five_lines_find_what_forty_find() {
    let (structure_test, manifest) = structure_test_and_manifest();
    assert_eq!((structure_test.lines().count(), manifest.lines().count()), (40, 5));
    let project = Project::new(&[
        ("aboard.yaml", &manifest),
        ("go.mod", "module example.org/app\n\ngo 1.21\n"),
        ("cmd/app/main.go", GO),
        ("entrypoint.sh", "#!/bin/sh\nexec su-exec app /app \"$@\"\n"),
        ("Dockerfile", "FROM alpine:3.20\nRUN apk add docker-cli git openssh-client su-exec\nCOPY entrypoint.sh /\n"),
    ]);
    let engine = StandIn::new("docker");
    let programs = ["usr/bin/docker", "usr/bin/git", "usr/bin/ssh", "sbin/su-exec", "entrypoint.sh", "bin/sh", "app"];
    for path in programs {
        assert!(structure_test.contains(&format!("path: /{path}\n")), "{path}");
    }
    let verify = |change: &dyn Fn(&str, Tar) -> Tar| {
        let image = programs.iter().fold(Tar::new(), |tar, path| change(path, tar));
        engine.has("app:dev", &Fixture::new(vec![image]).with("Entrypoint", vec!["/entrypoint.sh"]).docker_archive());
        project.run_with(&[("PATH", &engine.path())], &["verify", "--offline"])
    };
    let whole = |path: &str, tar: Tar| match path {
        "entrypoint.sh" => tar.file(path, 0o755, b"#!/bin/sh\nexec su-exec app /app\n"),
        path => tar.file(path, 0o755, &Elf::program().bytes()),
    };
    verify(&whole).status(0);
    for gone in programs {
        let run = verify(&|path, tar| if path == gone { tar } else { whole(path, tar) }).status(1);
        let name = gone.rsplit('/').next().expect("a name");
        let code = if gone == "bin/sh" { "missing-interpreter" } else { "missing-program" };
        run.prints(&[&format!("error[{code}]"), name]);
        let run =
            verify(&|path, tar| if path == gone { tar.file(path, 0o644, b"#!/bin/sh\n") } else { whole(path, tar) });
        let code = if gone == "bin/sh" { "missing-interpreter" } else { "not-executable" };
        run.status(1).prints(&[&format!("error[{code}]"), name]);
    }
    let glibc = Elf { interpreter: Some(image_kit::GLIBC), ..Elf::program() }.bytes();
    let run =
        verify(&|path, tar| if path == "usr/bin/docker" { tar.file(path, 0o755, &glibc) } else { whole(path, tar) });
    run.status(1).prints(&["error[missing-loader]: `docker`"]);
}
