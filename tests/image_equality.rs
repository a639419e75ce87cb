//! What `verify` says of a program against starting it: every program on the PATH of an Alpine root and of a Debian root,
//! and some that are broken on purpose, as root and as another user.
//!
//! Needs an engine, root's rights, `cc` and `musl-gcc`; the Debian root is made by debootstrap unless `ABOARD_DEBIAN_ROOT`
//! names one. The table is printed (`--nocapture`), and any disagreement fails.
#![cfg(all(feature = "engine-tests", feature = "shared-data-tests"))]
#![allow(clippy::print_stdout, reason = "the table is what the test is run for")]

use aboard::engine;
use aboard::image::lookup::{LookupError, Runtime};
use aboard::image::start::{self, Trouble};
use aboard::image::{self, Image, Limits, Source};
use aboard::platform::Platform;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn shared() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("ABOARD_SHARED").map_or_else(default, PathBuf::from);
    assert!(shared.join("data").is_dir(), "{}: the folder of real data is missing", shared.display());
    shared
}

#[track_caller]
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A root in a folder, with the programs that are broken on purpose.
struct Root {
    folder: PathBuf,
    broken: Vec<String>,
    /// A dynamic program, the loader that it names, a library that it needs.
    program: Vec<u8>,
    loader: &'static str,
    library: &'static str,
}

impl Root {
    fn put(&mut self, name: &str, mode: u32, body: &[u8]) {
        let path = self.folder.join("usr/local/bin").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, body).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        self.broken.push(name.to_owned());
    }

    fn link(&mut self, name: &str, target: &str) {
        symlink(target, self.folder.join("usr/local/bin").join(name)).expect("linked");
        self.broken.push(name.to_owned());
    }

    /// The program with a text replaced by one that is not longer.
    fn patched(&self, from: &str, to: &str) -> Vec<u8> {
        let mut bytes = self.program.clone();
        let at = memchr::memmem::find(&bytes, format!("{from}\0").as_bytes()).expect("the text is in the program");
        bytes[at..at + from.len()].fill(0);
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    }

    fn with_byte(&self, at: usize, value: u8) -> Vec<u8> {
        let mut bytes = self.program.clone();
        bytes[at] = value;
        bytes
    }

    fn break_things(&mut self) {
        let program = self.program.clone();
        self.put("whole", 0o755, &program);
        self.put("empty", 0o755, b"");
        self.put("mode-644", 0o644, &program);
        self.put("mode-000", 0o000, &program);
        self.put("mode-700", 0o700, &program);
        self.put("mode-711", 0o711, &program);
        self.put("mode-067", 0o067, &program);
        self.put("set-user-id", 0o4755, &program);
        self.put("text", 0o755, b"echo hello\n");
        self.put("text-644", 0o644, b"#!/bin/sh\n");
        for (name, line) in [
            ("script", "#!/bin/sh"),
            ("script-spaces", "#! \t/bin/sh  -e  "),
            ("script-no-such", "#!/bin/no-such-shell"),
            ("script-crlf", "#!/bin/sh\r"),
            ("script-nothing", "#!"),
            ("script-blank", "#!   "),
            ("script-folder", "#!/etc"),
            ("script-passwd", "#!/etc/passwd"),
            ("script-relative", "#!sh"),
            ("script-itself", "#!/usr/local/bin/script-itself"),
            ("script-1", "#!/usr/local/bin/script"),
            ("script-2", "#!/usr/local/bin/script-1"),
            ("script-3", "#!/usr/local/bin/script-2"),
            ("script-4", "#!/usr/local/bin/script-3"),
            ("script-5", "#!/usr/local/bin/script-4"),
            ("script-6", "#!/usr/local/bin/script-5"),
            ("env", "#!/usr/bin/env sh"),
            ("env-no-such", "#!/usr/bin/env no-such-program"),
            ("env-crlf", "#!/usr/bin/env sh\r"),
            ("env-two-words", "#!/usr/bin/env sh -e"),
            ("env-split", "#!/usr/bin/env -S sh -e"),
            ("env-split-no-such", "#!/usr/bin/env -S no-such-program -e"),
            ("env-broken", "#!/usr/bin/env missing-library"),
        ] {
            let name = if name == "env" { "env-script" } else { name };
            self.put(name, 0o755, format!("{line}\nexit 0\n").as_bytes());
        }
        self.put("script-long", 0o755, format!("#!/{}bin/sh\n", "./".repeat(200)).as_bytes());
        self.put("arm64", 0o755, &self.with_byte(18, 183));
        self.put("s390x", 0o755, &self.with_byte(18, 22));
        self.put("object-file", 0o755, &self.with_byte(16, 1));
        self.put("core-file", 0o755, &self.with_byte(16, 4));
        self.put("cut-40", 0o755, &program[..40]);
        self.put("cut-100", 0o755, &program[..100]);
        self.put("cut-half", 0o755, &program[..program.len() / 2]);
        self.put("loader-no-such", 0o755, &self.patched(self.loader, "/lib/ld-no.so.1"));
        self.put("loader-passwd", 0o755, &self.patched(self.loader, "/etc/passwd"));
        self.put("loader-folder", 0o755, &self.patched(self.loader, "/etc"));
        self.put("loader-text", 0o755, &self.patched(self.loader, "/usr/local/bin/text"));
        self.put("missing-library", 0o755, &self.patched(self.library, "libq.so"));
        self.link("link", "whole");
        self.link("link-absolute", "/usr/local/bin/link");
        self.link("link-out", "../../../../../../usr/local/bin/whole");
        self.link("link-dangling", "no-such-file");
        self.link("link-dangling-absolute", "/opt/no/such/file");
        self.link("link-itself", "link-itself");
        self.link("link-there", "link-back");
        self.link("link-back", "link-there");
        self.link("link-through-file", "whole/more");
        self.link("link-passwd", "/etc/passwd");
        fs::create_dir(self.folder.join("usr/local/bin/folder")).expect("made");
        self.broken.push("folder".to_owned());
        run(Command::new("mkfifo").arg("-m").arg("755").arg(self.folder.join("usr/local/bin/pipe")));
        self.broken.push("pipe".to_owned());
        let hidden = self.folder.join("opt/hidden");
        fs::create_dir_all(&hidden).expect("made");
        fs::write(hidden.join("tool"), &program).expect("written");
        fs::set_permissions(hidden.join("tool"), Permissions::from_mode(0o755)).expect("set");
        fs::set_permissions(&hidden, Permissions::from_mode(0o700)).expect("set");
        for name in ["no-such-program", "/opt/hidden/tool", "tool", "/opt/no-such", "/usr/local/bin", "/etc/passwd"] {
            self.broken.push(name.to_owned());
        }
        self.link("link-hidden", "/opt/hidden/tool");
    }

    /// Programs compiled for the purpose: run paths, versions, the other C library.
    fn compile(&mut self, compiler: &str, other: &str) {
        let work = tempfile::tempdir().expect("a folder");
        let at = |name: &str| work.path().join(name);
        fs::write(at("main.c"), "int f(void); int main(void) { return f(); }\n").expect("written");
        fs::write(at("plain.c"), "int main(void) { return 0; }\n").expect("written");
        fs::write(at("f.c"), "int f(void) { return 0; }\n").expect("written");
        fs::write(at("v1.map"), "V1 { global: f; };\n").expect("written");
        fs::write(at("v2.map"), "V2 { global: f; };\n").expect("written");
        let cc = |compiler: &str, arguments: &[&str]| {
            run(Command::new(compiler).current_dir(work.path()).args(arguments));
        };
        cc(
            compiler,
            &["-shared", "-fPIC", "-Wl,-soname,libf.so.1", "-Wl,--version-script,v1.map", "-o", "libf.so.1", "f.c"],
        );
        cc(
            compiler,
            &["-shared", "-fPIC", "-Wl,-soname,libf.so.1", "-Wl,--version-script,v2.map", "-o", "libf2.so", "f.c"],
        );
        cc(compiler, &["-o", "origin", "main.c", "libf.so.1", "-Wl,-rpath,$ORIGIN/../own"]);
        cc(compiler, &["-o", "absolute", "main.c", "libf.so.1", "-Wl,-rpath,/opt/own"]);
        cc(compiler, &["-o", "nowhere", "main.c", "libf.so.1", "-Wl,-rpath,/opt/nowhere"]);
        cc(compiler, &["-o", "version", "main.c", "libf.so.1", "-Wl,-rpath,/opt/other"]);
        cc(compiler, &["-o", "unset", "main.c", "libf.so.1"]);
        let lib = "-Wl,-rpath,/opt/var/$LIB:/opt/nowhere";
        for (name, run_path) in [
            ("variable-lib", lib),
            ("variable-platform", "-Wl,-rpath,/opt/var/$PLATFORM"),
            ("variable-unknown", "-Wl,-rpath,/opt/var/$UNKNOWN"),
            ("newer-processor", "-Wl,-rpath,/opt/newer"),
            ("broken-first", "-Wl,-rpath,/opt/text:/opt/own"),
            ("folder-first", "-Wl,-rpath,/opt/folder:/opt/own"),
            ("unreadable-first", "-Wl,-rpath,/opt/unreadable:/opt/own"),
        ] {
            cc(compiler, &["-o", name, "main.c", "libf.so.1", run_path]);
            self.put(&format!("compiled-{name}"), 0o755, &fs::read(at(name)).expect("compiled"));
        }
        cc(other, &["-o", "other-libc", "plain.c"]);
        cc(compiler, &["-static", "-o", "static", "plain.c"]);
        for (folder, library) in [
            ("usr/local/own", "libf.so.1"),
            ("opt/own", "libf.so.1"),
            ("opt/other", "libf2.so"),
            ("opt/var/lib/x86_64-linux-gnu", "libf.so.1"),
            // What glibc up to 2.36 calls the processor: another name on some of Intel's.
            ("opt/var/x86_64", "libf.so.1"),
            ("opt/var/haswell", "libf.so.1"),
            ("opt/var/xeon_phi", "libf.so.1"),
            ("opt/var/$UNKNOWN", "libf.so.1"),
            ("opt/newer/glibc-hwcaps/x86-64-v2", "libf.so.1"),
            ("opt/text", "main.c"),
            ("opt/unreadable", "main.c"),
        ] {
            let folder = self.folder.join(folder);
            fs::create_dir_all(&folder).expect("made");
            fs::copy(at(library), folder.join("libf.so.1")).expect("copied");
        }
        let unreadable = self.folder.join("opt/unreadable/libf.so.1");
        fs::set_permissions(unreadable, Permissions::from_mode(0o600)).expect("set");
        fs::create_dir_all(self.folder.join("opt/folder/libf.so.1")).expect("made");
        for name in ["origin", "absolute", "nowhere", "version", "unset", "other-libc", "static"] {
            let bytes = fs::read(at(name)).expect("compiled");
            self.put(&format!("compiled-{name}"), 0o755, &bytes);
        }
        self.put("compiled-shared-library", 0o755, &fs::read(at("libf.so.1")).expect("compiled"));
    }
}

/// What became of a program, coarse enough for what a start can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Starts,
    NotFound,
    Permission,
    ExecFormat,
    LoaderOrInterpreter,
    Library,
}

fn judged(result: &Result<start::Start, Trouble>) -> Class {
    match result {
        Ok(_) => Class::Starts,
        Err(Trouble::Lookup(LookupError::NotFound | LookupError::Dangling { .. }) | Trouble::NoApplet { .. }) => {
            Class::NotFound
        }
        Err(Trouble::Lookup(LookupError::NotExecutable { .. })) => Class::Permission,
        Err(Trouble::NoProgram { .. } | Trouble::WrongArchitecture { .. }) => Class::ExecFormat,
        Err(Trouble::MissingLoader { .. } | Trouble::MissingInterpreter { .. }) => Class::LoaderOrInterpreter,
        Err(Trouble::MissingLibrary { .. }) => Class::Library,
    }
}

/// Reads a line of the driver: how, code, first words on stderr. Two errors of `execve` have two meanings each: EIO is a
/// file too short to be a program, or a loader that is; EACCES a file that is no regular one, or an interpreter that may not
/// be executed.
fn observed(how: &str, code: i32, words: &str) -> Vec<Class> {
    const EIO: i32 = 5;
    const ENOEXEC: i32 = 8;
    const EACCES: i32 = 13;
    const EISDIR: i32 = 21;
    const ELOOP: i32 = 40;
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let class = match (how, code) {
        ("exec", EIO) => return vec![Class::ExecFormat, Class::LoaderOrInterpreter],
        ("exec", EACCES) => return vec![Class::Permission, Class::LoaderOrInterpreter],
        ("lookup", EACCES | EISDIR) => Class::Permission,
        ("lookup", _) => Class::NotFound,
        // SIGBUS and SIGSEGV: the kernel mapped what is no program.
        ("exec", ENOEXEC | ELOOP) | ("signal", 7 | 11) => Class::ExecFormat,
        ("exec", _) => Class::LoaderOrInterpreter,
        ("exit", 127) if says(&["Error loading shared library", "error while loading shared libraries"]) => {
            Class::Library
        }
        ("exit", 1 | 127) if says(&[": version `"]) => Class::Library,
        ("exit", 127) if says(&["applet not found"]) => Class::NotFound,
        ("exit", 125..=127 | 1 | 2) if words.starts_with("env: ") || says(&["/env: "]) => Class::LoaderOrInterpreter,
        _ => Class::Starts,
    };
    vec![class]
}

/// The names of everything in the folders of the PATH.
fn on_path(image: &Image) -> BTreeSet<String> {
    image.config.path().split(':').flat_map(|folder| image.tree.list(folder)).map(|(name, _)| name).collect()
}

fn compare(root: &Root, what: &str, user: &str) {
    let engine = engine::find(None).expect("an engine answers");
    let tag = format!("aboard-test/equality-{what}-{}", if user.is_empty() { "root" } else { "user" });
    let user_change = format!("USER {user}");
    let mut import = Command::new(&engine.program);
    import.args(["import", "--platform", "linux/amd64", "-c", "CMD [\"/bin/sh\"]"]);
    if !user.is_empty() {
        import.args(["-c", &user_change]);
    }
    let archive = root.folder.with_extension("tar");
    run(Command::new("tar").arg("-C").arg(&root.folder).args(["--numeric-owner", "-cf"]).arg(&archive).arg("."));
    run(import.arg(&archive).arg(&tag));
    let _remove = Remove(engine.program.clone(), tag.clone());
    let source = Source::Engine(engine.clone(), tag.clone());
    let image = image::open(&source, Platform::default(), Limits::default()).expect("the image is read");
    let runtime = Runtime::new(&image).expect("the user is known");

    let mut names = on_path(&image);
    let own: BTreeSet<String> = root.broken.iter().cloned().collect();
    names.extend(own.iter().cloned());
    let work = tempfile::tempdir().expect("a folder");
    fs::set_permissions(work.path(), Permissions::from_mode(0o755)).expect("set");
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image_equality_driver/start.c");
    run(Command::new("musl-gcc").args(["-static", "-O1", "-o"]).arg(work.path().join("start")).arg(driver));
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    fs::write(work.path().join("names"), list.join("\n") + "\n").expect("written");
    let mount = format!("{}:/aboard-driver:ro", work.path().display());
    let mut start = Command::new(&engine.program);
    start.args(["run", "--rm", "--network", "none", "--read-only", "--volume", &mount, &tag]);
    let output = run(start.args(["/aboard-driver/start", "/aboard-driver/names"]));

    let mut table: BTreeMap<(Class, Class), usize> = BTreeMap::new();
    let mut disagreements = Vec::new();
    let mut seen = 0;
    for line in String::from_utf8_lossy(&output).lines() {
        let fields: Vec<&str> = line.splitn(4, '\t').collect();
        let [name, how, code, words] = fields[..] else { continue };
        seen += 1;
        let verdict = start::program(&runtime, Platform::default(), name);
        let (judged, possible) = (judged(&verdict), observed(how, code.parse().expect("a number"), words));
        let pair = (judged, if possible.contains(&judged) { judged } else { possible[0] });
        *table.entry(pair).or_default() += 1;
        if pair.0 != pair.1 {
            disagreements.push(format!("{name}: verify says {:?} ({verdict:?}), it was {how} {code} {words}", pair.0));
        }
    }
    assert_eq!(seen, names.len(), "the driver tried every program");
    println!(
        "{what} as {}: {seen} programs, {} of them made for the purpose",
        if user.is_empty() { "root" } else { user },
        own.len()
    );
    for ((judged, observed), count) in &table {
        println!("  verify {judged:?}, started {observed:?}: {count}");
    }
    assert!(seen - own.len() >= 300, "{seen} programs, of which {} were made", own.len());
    assert!(own.len() >= 30);
    assert!(disagreements.is_empty(), "{} disagree:\n{}", disagreements.len(), disagreements.join("\n"));
}

/// Removes an image of the engine at the end.
struct Remove(PathBuf, String);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = Command::new(&self.0).args(["image", "rm", "--force", &self.1]).output();
    }
}

#[test]
fn every_program_of_alpine() {
    let work = tempfile::tempdir().expect("a folder");
    let folder = work.path().join("root");
    fs::create_dir(&folder).expect("made");
    let archive = shared().join("data/rootfs/alpine-minirootfs-3.20.3-x86_64.tar.gz");
    run(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&folder));
    let program = fs::read(folder.join("sbin/apk")).expect("apk is there");
    let (loader, library) = ("/lib/ld-musl-x86_64.so.1", "libz.so.1");
    let mut root = Root { folder, broken: Vec::new(), program, loader, library };
    root.break_things();
    root.compile("musl-gcc", "cc");
    root.link("no-applet", "/bin/busybox");
    root.link("ls-again", "/bin/ls");
    compare(&root, "alpine", "");
    compare(&root, "alpine", "nobody");
}

#[test]
fn every_program_of_debian() {
    let work = tempfile::tempdir().expect("a folder");
    let folder = work.path().join("root");
    match std::env::var_os("ABOARD_DEBIAN_ROOT") {
        Some(made) => drop(run(Command::new("cp").arg("-a").arg(made).arg(&folder))),
        None => drop(run(Command::new("debootstrap")
            .args(["--variant=minbase", "bookworm"])
            .arg(&folder)
            .arg("http://deb.debian.org/debian"))),
    }
    let program = fs::read(folder.join("bin/ls")).expect("ls is there");
    let (loader, library) = ("/lib64/ld-linux-x86-64.so.2", "libselinux.so.1");
    let mut root = Root { folder, broken: Vec::new(), program, loader, library };
    root.break_things();
    root.compile("cc", "musl-gcc");
    // Built where glibc is newer.
    let newer = root.patched("GLIBC_2.34", "GLIBC_2.99");
    root.put("newer-glibc", 0o755, &newer);
    compare(&root, "debian", "");
    compare(&root, "debian", "nobody");
}
