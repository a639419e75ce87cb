//! Runs that end before their time: a signal while the mirror stalls, a disk that is full. What is kept is whole or not there.
#![cfg(unix)]

mod apk_fixture;
mod closure_cases;

use apk_fixture::{content, key, public_pem, signed};
use closure_cases::text;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the mirror does with its first request; it answers the others.
#[derive(Clone, Copy)]
enum First {
    SaysNothing,
    StopsInside,
}

/// A mirror of one index that stalls once; a stalled connection is held until the mirror ends.
struct Mirror {
    address: String,
    stalled: Receiver<()>,
}

impl Mirror {
    fn start(file: Vec<u8>, first: First) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, stalled) = channel();
        thread::spawn(move || {
            let mut held = Vec::new();
            for mut stream in listener.incoming().flatten() {
                read_head(&stream);
                let ok = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", file.len());
                if held.is_empty() {
                    if matches!(first, First::StopsInside) {
                        let half = [ok.as_bytes(), &file[..file.len() / 2]].concat();
                        stream.write_all(&half).expect("half is sent");
                    }
                    held.push(stream);
                    let _ = tell.send(());
                } else {
                    let _ = stream.write_all(&[ok.as_bytes(), &file].concat());
                }
            }
        });
        Self { address, stalled }
    }

    /// Returns once the first request hangs.
    fn wait(&self) {
        self.stalled.recv_timeout(Duration::from_secs(20)).expect("a run asks the mirror");
    }
}

fn read_head(stream: &TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
}

/// An index whose text has about 400 kB.
fn large() -> Vec<u8> {
    let mut packages = String::new();
    (0..4_000).for_each(|at| writeln!(packages, "package-{at} 1-r0; p:cmd:program-{at}=1-r0").expect("written"));
    signed(&content("large", &text(&packages)), &key(1), "RSA")
}

fn project() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("test.rsa.pub"), public_pem(&key(1))).expect("written");
    folder
}

const UPDATE: [&str; 8] = ["index", "update", "--repository", "main", "--key", "test.rsa.pub", "--index-dir", "kept"];

/// Runs it as it is.
const PLAIN: &str = "exec \"$@\"";

/// Starts `aboard index update` by a shell line.
fn start(project: &TempDir, mirror: &str, shell: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh", env!("CARGO_BIN_EXE_aboard")]).args(UPDATE).args(["--mirror", mirror]);
    command.current_dir(project.path()).env_remove("ABOARD_MIRROR").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

fn end(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

/// The names of kept indexes, and of files that were being written.
fn kept(project: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(project.path().join("kept")).expect("the folder is there").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".lock")).collect();
    names.sort();
    names
}

#[test]
fn a_run_that_is_stopped_keeps_nothing_and_holds_nobody_up() {
    for (signal, first) in [("-INT", First::SaysNothing), ("-INT", First::StopsInside), ("-KILL", First::StopsInside)] {
        let mirror = Mirror::start(large(), first);
        let project = project();
        let child = start(&project, &mirror.address, PLAIN);
        mirror.wait();
        let began = Instant::now();
        send(signal, &child);
        let output = end(child);
        assert!(began.elapsed() < Duration::from_secs(5), "{signal}: it ends at once");
        assert!(!output.status.success(), "{signal}: {:?}", output.status);
        assert_eq!(kept(&project), Vec::<String>::new(), "{signal}");
        let output = end(start(&project, &mirror.address, PLAIN));
        assert!(output.status.success(), "{signal}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(kept(&project).len(), 1, "{signal}");
    }
}

#[test]
fn a_run_waits_for_another_that_fetches_the_same_and_goes_on_once_that_is_killed() {
    let mirror = Mirror::start(large(), First::StopsInside);
    let project = project();
    let first = start(&project, &mirror.address, PLAIN);
    mirror.wait();
    let mut second = start(&project, &mirror.address, PLAIN);
    thread::sleep(Duration::from_millis(500));
    assert!(second.try_wait().expect("asked").is_none(), "the second waits for the first");
    send("-KILL", &first);
    assert!(!end(first).status.success());
    assert!(end(second).status.success());
    assert_eq!(kept(&project).len(), 1);
}

/// `ulimit -f` counts in blocks of 512 bytes, or of 1,024: what is kept has more than either.
#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    let mirror = Mirror::start(large(), First::SaysNothing);
    let project = project();
    let stalled = start(&project, &mirror.address, PLAIN);
    mirror.wait();
    send("-KILL", &stalled);
    end(stalled);
    let output = end(start(&project, &mirror.address, "trap '' XFSZ; ulimit -f 100; exec \"$@\""));
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{notes}");
    assert!(notes.contains("kept/") && notes.contains("File too large"), "{notes}");
    assert_eq!(kept(&project), Vec::<String>::new());
    // Where the system ends the run in the middle of a write, the next one cleans up.
    let output = end(start(&project, &mirror.address, "ulimit -f 100; exec \"$@\""));
    assert_eq!(output.status.code(), None, "a signal ends it: {output:?}");
    assert!(kept(&project).iter().all(|name| name.ends_with(".part")), "{:?}", kept(&project));
    assert_eq!(kept(&project).len(), 1);
    let output = end(start(&project, &mirror.address, PLAIN));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(kept(&project).len() == 1 && kept(&project)[0].ends_with(".index"), "{:?}", kept(&project));
}

#[test]
fn an_older_index_survives_what_a_newer_one_does_not() {
    let small = signed(&content("small", &text("tool 1-r0; p:cmd:tool")), &key(1), "RSA");
    let project = project();
    let folder = project.path().join("mirror/v3.20/main/x86_64");
    fs::create_dir_all(&folder).expect("a folder");
    let mirror = format!("file://{}", project.path().join("mirror").display());
    fs::write(folder.join("APKINDEX.tar.gz"), small).expect("written");
    assert!(end(start(&project, &mirror, PLAIN)).status.success());
    let before = fs::read(project.path().join("kept").join(&kept(&project)[0])).expect("kept");
    fs::write(folder.join("APKINDEX.tar.gz"), large()).expect("written");
    let output = end(start(&project, &mirror, "trap '' XFSZ; ulimit -f 100; exec \"$@\""));
    assert_eq!(output.status.code(), Some(2));
    let after = fs::read(project.path().join("kept").join(&kept(&project)[0])).expect("kept");
    assert!(before == after && kept(&project).len() == 1, "the old one is as it was");
}
