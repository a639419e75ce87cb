//! The example on a real engine: a base image from Alpine's own minimal root, packages from a mirror of this test, the server
//! compiled by Go, the Dockerfile rendered by aboard and built as it stands, the image verified, started, and asked over HTTP
//! to run `docker`. And what happens where the manifest lacks `docker`.
//!
//! Needs docker, go and the folder of real data (`ABOARD_SHARED`). Puts an image `alpine:3.20` of its own into the engine while
//! it runs; one that was there before is put back.

#![cfg(all(feature = "engine-tests", feature = "shared-data-tests"))]
#![allow(clippy::panic, reason = "a test fails by panicking, and says what it saw")]

mod apk_fixture;
mod harness;
mod package_mirror;

use harness::{Run, run_in, shared};
use package_mirror::{Mirror, Package};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const BASE: &str = "alpine:3.20";
const IMAGE: &str = "workspace-server";
const TAG: &str = "workspace-server:dev";
/// The mirror listens on this machine alone.
const NETWORK: &str = "--engine-arg=--network=host";

/// Says that it was run: nothing more is asked of most programs here.
const STAND_IN: &str = "#!/bin/sh\necho \"${0##*/} test\" \"$@\"\n";

const DOCKER: &str = "#!/bin/sh
if [ \"$1\" = --version ]; then
    echo Docker version test
else
    echo \"$@\"
fi
";

/// Drops privileges as the real one does, by other means.
const SU_EXEC: &str = "#!/bin/sh
user=$1
shift
exec su -s /bin/sh -c 'exec \"$0\" \"$@\"' \"$user\" \"$@\"
";

/// The packages of the example's images.
const PACKAGES: &[Package] = &[
    package("main", "bash", &[("bin/bash", 0o755, STAND_IN)]),
    package("main", "ca-certificates", &[("usr/share/ca-certificates/test.crt", 0o644, "none\n")]),
    Package { depends: "ca-certificates", ..package("community", "docker-cli", &[("usr/bin/docker", 0o755, DOCKER)]) },
    package("main", "git", &[("usr/bin/git", 0o755, STAND_IN)]),
    package("main", "jq", &[("usr/bin/jq", 0o755, STAND_IN)]),
    package("main", "nodejs", &[("usr/bin/node", 0o755, STAND_IN)]),
    package("main", "python3", &[("usr/bin/python3", 0o755, STAND_IN)]),
    package("main", "su-exec", &[("sbin/su-exec", 0o755, SU_EXEC)]),
    package("main", "tzdata", &[("usr/share/zoneinfo/UTC", 0o644, "TZif2\n")]),
];

const fn package(
    repository: &'static str,
    name: &'static str,
    files: &'static [(&'static str, u32, &'static str)],
) -> Package {
    Package { repository, name, version: "1.2.3-r4", depends: "", files }
}

fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("docker starts")
}

#[track_caller]
fn docker_does(arguments: &[&str]) -> String {
    let output = docker(arguments);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "docker {arguments:?}\n{stdout}\n{stderr}");
    stdout.trim().to_owned()
}

/// Names of images that belong to others too: what they named before is kept and comes back, however the test ends.
struct Names {
    kept: Vec<(&'static str, Option<String>)>,
    /// One test has the names at a time, of all that run on this machine.
    _alone: fs::File,
}

impl Names {
    fn take() -> Self {
        let alone = fs::File::create(std::env::temp_dir().join("aboard-engine-example.lock")).expect("a file");
        alone.lock().expect("locked");
        let keep = |name: &'static str| {
            let keeper = format!("aboard-test/kept-{}:{}", name.replace(':', "-"), std::process::id());
            let kept = docker(&["tag", name, &keeper]).status.success();
            if kept {
                docker_does(&["image", "rm", name]);
            }
            (name, kept.then_some(keeper))
        };
        let kept = [BASE, TAG, "workspace-shell:dev", "workspace-python:dev", "workspace-node:dev"].map(keep).into();
        Self { kept, _alone: alone }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // The images before their base.
        for (name, kept) in self.kept.iter().rev() {
            docker(&["image", "rm", "--force", name]);
            if let Some(kept) = kept {
                docker(&["tag", kept, name]);
                docker(&["image", "rm", kept]);
            }
        }
    }
}

/// The example in a folder of its own, with a mirror and a base image that knows it.
struct Example {
    folder: tempfile::TempDir,
    mirror: Mirror,
    _names: Names,
}

impl Example {
    /// The base image knows the mirror and its key, as that of a company with a mirror of its own does.
    fn new() -> Self {
        let names = Names::take();
        let mirror = Mirror::start("v3.20", PACKAGES);
        let repositories = ["main", "community"].map(|name| format!("{}/v3.20/{name}\n", mirror.address)).concat();
        let key = format!("etc/apk/keys/{}", apk_fixture::KEY);
        import_base(&[("etc/apk/repositories", &repositories), (&key, &mirror.public_key)]);
        Self::with(names, mirror)
    }

    /// The base image is Alpine's, and the manifest names the mirror and its key.
    fn with_its_own_mirror() -> Self {
        let names = Names::take();
        let mirror = Mirror::start("v3.20", PACKAGES);
        import_base(&[]);
        let example = Self::with(names, mirror);
        let key = format!("keys/{}", apk_fixture::KEY);
        let alpine = format!("version: 1\nalpine:\n  mirror: {}\n  keys: [{key}]\n", example.mirror.address);
        example.edit_manifest("version: 1\n", &alpine);
        fs::create_dir(example.path().join("keys")).expect("a folder");
        fs::write(example.path().join(key), &example.mirror.public_key).expect("written");
        example
    }

    /// The server's Dockerfile is this text instead.
    fn write_dockerfile(&self, text: &str) {
        fs::write(self.path().join("workspace-server/Dockerfile"), text).expect("written");
    }

    fn with(names: Names, mirror: Mirror) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workspace-platform");
        copy(&from, &folder.path().join("project"));
        let example = Self { folder, mirror, _names: names };
        compile(&example.path());
        example.edit_manifest("# prebuilt: dist/workspace-server", "prebuilt: dist/workspace-server");
        example
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("the file is there")
    }

    fn edit_manifest(&self, old: &str, new: &str) {
        let text = self.read("aboard.yaml");
        assert_eq!(text.matches(old).count(), 1, "`{old}` is to stand once in aboard.yaml:\n{text}");
        fs::write(self.path().join("aboard.yaml"), text.replace(old, new)).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_in(&self.path(), &self.folder.path().join("cache"), arguments)
    }

    /// As [`Self::run`], with the mirror.
    fn run_with_mirror(&self, arguments: &[&str]) -> Run {
        self.run(&[arguments, &["--mirror", &self.mirror.address, "--allow-untrusted"]].concat())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
    }
}

/// Alpine's minimal root as `alpine:3.20`, with these files instead of its own.
fn import_base(files: &[(&str, &str)]) {
    let path = shared().join("data/rootfs/alpine-minirootfs-3.20.3-x86_64.tar.gz");
    let file = fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut root = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut builder = tar::Builder::new(Vec::new());
    for entry in root.entries().expect("an archive").raw(true) {
        let mut entry = entry.expect("an entry");
        if !files.iter().any(|(path, _)| entry.path_bytes().ends_with(path.as_bytes())) {
            let header = entry.header().clone();
            builder.append(&header, &mut entry).expect("appended");
        }
    }
    for (path, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, path, text.as_bytes()).expect("appended");
    }
    let archive = builder.into_inner().expect("ended");
    let arguments = ["import", "--platform", "linux/amd64", "-c", r#"CMD ["/bin/sh"]"#, "-", BASE];
    let mut child = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docker starts");
    let _ = child.stdin.take().expect("a pipe").write_all(&archive);
    let output = child.wait_with_output().expect("docker ends");
    assert!(output.status.success(), "docker {arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn compile(project: &Path) {
    let output = Command::new("go")
        .args(["build", "-o", "../dist/workspace-server", "./cmd/server"])
        .current_dir(project.join("workspace-server"))
        .envs([("CGO_ENABLED", "0"), ("GOOS", "linux"), ("GOARCH", "amd64"), ("GOFLAGS", ""), ("GOPROXY", "off")])
        .output()
        .expect("go starts");
    assert!(output.status.success(), "go build\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The server in a container on the host's network, gone afterwards.
struct Server {
    container: String,
    address: String,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let address = format!("127.0.0.1:{port}");
        let listen = format!("LISTEN_ADDRESS={address}");
        let container = docker_does(&["run", "--detach", "--network", "host", "--env", &listen, TAG]);
        let server = Self { container, address };
        let start = Instant::now();
        while server.ask("GET", "/health").is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "the server does not answer:\n{}", server.logs());
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn logs(&self) -> String {
        let output = docker(&["logs", &self.container]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// The status and the JSON of an answer; nothing where none came.
    fn ask(&self, method: &str, path: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: test\r\nContent-Length: 0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.container]);
    }
}

#[test]
fn the_example_is_rendered_built_verified_and_runs_docker() {
    let example = Example::new();
    example.run_with_mirror(&["lock"]).status(0);
    example.run(&["--offline", "render", IMAGE]).status(0);
    let dockerfile = example.read("workspace-server/Dockerfile");
    assert!(!dockerfile.contains(&example.mirror.address), "the mirror is the base's matter:\n{dockerfile}");
    assert!(dockerfile.contains("COPY dist/workspace-server "), "{dockerfile}");
    example.mirror.fetched();

    let arguments = ["--offline", "render-and-verify", IMAGE, "--run", NETWORK, "--engine-arg=--force-rm"];
    let run = example.run(&arguments).status(0);
    run.prints(&["render: passed", "check: passed", "build: passed", "verify: passed"]);
    assert_eq!(example.read("workspace-server/Dockerfile"), dockerfile, "built as it was rendered");
    let mut fetched = example.mirror.fetched();
    fetched.sort();
    assert_eq!(fetched, ["ca-certificates", "docker-cli", "git", "su-exec", "tzdata"], "what real apk fetched");

    let server = Server::start();
    let run = |program: &str, args: &[&str], output: &str| json!({"program": program, "args": args, "output": output});
    let versions =
        json!([run("docker", &["--version"], "Docker version test"), run("git", &["--version"], "git test --version")]);
    assert_eq!(server.ask("GET", "/versions"), Some((200, versions.clone())), "{}", server.logs());
    let inspect = ["image", "inspect", "--format", "{{.Id}}", "workspace:dev"];
    let inspected = run("docker", &inspect, &inspect.join(" "));
    let answer = server.ask("POST", "/workspaces?image=workspace:dev&template=/templates/shell");
    assert_eq!(answer, Some((200, inspected.clone())), "{}", server.logs());
    assert_eq!(server.ask("GET", "/runs"), Some((200, json!([versions[0], versions[1], inspected]))));
    let owners = docker_does(&["exec", &server.container, "stat", "-c", "%U", "/proc/1"]);
    assert_eq!(owners, "platform", "the entrypoint dropped its privileges");
}

#[test]
fn without_docker_in_the_manifest_check_and_verify_say_so() {
    let example = Example::new();
    example.edit_manifest("      docker: {probe: [--version]}\n", "");
    example.run_with_mirror(&["lock"]).status(0);
    example.run(&["--offline", "render", IMAGE]).status(0);
    assert!(!example.read("workspace-server/Dockerfile").contains("docker-cli"));
    example.mirror.fetched();

    let named = [
        "`docker`",
        "package docker-cli of Alpine v3.20 brings it",
        "workspace-server/internal/provisioner/localbuild.go:",
    ];
    example.run_with_mirror(&["check", IMAGE]).status(1).prints(&named);
    let run = example.run_with_mirror(&["render-and-verify", IMAGE, NETWORK, "--engine-arg=--force-rm"]).status(1);
    run.prints(&["render: passed", "check: FAILED"]);
    assert_eq!(example.mirror.fetched(), [""; 0], "what fails the check is not built");

    example.run(&["build", IMAGE, NETWORK, "--engine-arg=--force-rm"]).status(0);
    assert!(!example.mirror.fetched().contains(&"docker-cli".to_owned()));
    let run = example.run(&["--offline", "verify", IMAGE]).status(1);
    run.prints(&["missing-program", "`docker`", "workspace-server/internal/provisioner/localbuild.go:"]);

    let server = Server::start();
    let (status, answer) = server.ask("GET", "/versions").expect("an answer");
    assert_eq!(status, 502, "{answer}");
    let error = r#"exec: "docker": executable file not found in $PATH"#;
    assert_eq!(answer[0], json!({"program": "docker", "args": ["--version"], "output": "", "error": error}));
}

#[test]
fn images_of_a_project_with_a_mirror_and_a_key_of_its_own_are_built() {
    let example = Example::with_its_own_mirror();
    example.run(&["lock"]).status(0);
    let lock = example.read("aboard.lock");
    assert!(!lock.contains("unverified"), "the index is signed by the manifest's key:\n{lock}");
    example.run(&["--offline", "render"]).status(0);
    let dockerfile = example.read("workspace-server/Dockerfile");
    assert!(dockerfile.contains(&format!("COPY keys/{} /etc/apk/keys/\n", apk_fixture::KEY)), "{dockerfile}");
    let run = example.run(&["--offline", "render-and-verify", NETWORK, "--engine-arg=--force-rm"]).status(0);
    run.prints(&["build: passed (4 images)", "verify: passed (4 images)"]);
}

/// The processes that a process started, by their ids.
fn children(parent: u32) -> Vec<u32> {
    let started_by = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(") ")?;
        after_name.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let ids = fs::read_dir("/proc").expect("processes").flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| started_by(*id) == Some(parent)).collect()
}

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_interrupted_build_ends_the_engines_command_too() {
    let example = Example::new();
    let marker = format!(": {} && sleep 60", std::process::id());
    let running = || docker_does(&["ps", "--no-trunc", "--format", "{{.Command}}"]).contains(&marker);
    example.write_dockerfile(&format!("FROM {BASE}\nRUN {marker}\n"));
    let mut aboard = Command::new(env!("CARGO_BIN_EXE_aboard"))
        .args(["build", IMAGE])
        .current_dir(example.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("aboard starts");
    until("the step runs", running);
    let builds = children(aboard.id());
    assert_eq!(builds.len(), 1, "the engine's command is under way");

    let killed = Command::new("kill").args(["-INT", &aboard.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    let mut status = None;
    until("aboard ends", || {
        status = aboard.try_wait().expect("a process");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(2));
    let mut stderr = String::new();
    aboard.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert!(stderr.contains("interrupted"), "{stderr}");
    assert!(!Path::new(&format!("/proc/{}", builds[0])).exists(), "the engine's command ended with it");
    until("the engine stops the step", || !running());
}

#[test]
fn a_build_that_fails_names_its_step_and_nothing_is_there_to_verify() {
    let example = Example::new();
    example.write_dockerfile(&format!("FROM {BASE}\nRUN apk add --no-cache no-such-package\nRUN true\n"));
    let run = example.run(&["build", IMAGE, NETWORK, "--engine-arg=--force-rm"]).status(2);
    let run = run.notes(&["no-such-package (no such package)", "image workspace-server was not built"]);
    let error = run.stderr.lines().rfind(|line| line.contains("error: ")).unwrap_or_default();
    assert!(error.contains("2/3") && error.contains("RUN apk add --no-cache no-such-package"), "{error}");
    example.run(&["verify", IMAGE, "--offline"]).status(2).notes(&["has no image `workspace-server:dev`"]);
}
