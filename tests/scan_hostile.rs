//! Python, JavaScript and Rust code that is meant to hurt: the scan ends, soon, and says what it did not read.

use aboard::scan::{Root, Scan, ScanContext, scan};
use aboard::walk::Tree;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

const LANGUAGES: [(&str, &str); 4] =
    [("python", "a.py"), ("javascript", "a.js"), ("javascript", "a.ts"), ("rust", "a.rs")];

/// How long one hostile file may take, in a build without optimization.
const SOON: Duration = Duration::from_secs(30);

fn scanned(language: &'static str, files: &[(&str, &[u8])]) -> Scan {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    let tree = Tree::open(folder.path()).expect("opened");
    let start = Instant::now();
    let result = scan(&ScanContext::new(&tree), &[Root { language, path: String::new() }]);
    assert!(start.elapsed() < SOON, "{language}: {:?}", start.elapsed());
    result
}

fn names(scan: &Scan) -> Vec<String> {
    scan.sites.iter().filter_map(|site| site.program.text().map(str::to_owned)).collect()
}

#[test]
fn deep_nesting_is_not_followed_and_said() {
    for (language, name) in LANGUAGES {
        for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("!(", ")"), ("{", "}"), ("if x {", "}")] {
            let deep = 20_000;
            let text = format!(
                "import subprocess\nrequire('child_process')\nuse std::process::Command;\nx = {}{}\n",
                open.repeat(deep),
                close.repeat(deep)
            );
            scanned(language, &[(name, text.as_bytes())]);
        }
    }
    let text = format!("import subprocess\nsubprocess.run({}['git']{})\n", "(".repeat(5_000), ")".repeat(5_000));
    let result = scanned("python", &[("a.py", text.as_bytes())]);
    assert!(result.skipped.iter().any(|skipped| skipped.why.contains("nest too deeply")), "{:?}", result.skipped);
}

#[test]
fn long_chains_end() {
    let sum = vec!["'a'"; 20_000].join(" + ");
    let calls = ".strip()".repeat(5_000);
    let branches = "elif x:\n    pass\n".repeat(5_000);
    let python = format!(
        "import subprocess\nsubprocess.run([{sum}])\nsubprocess.run(['git'{calls}])\nif x:\n    pass\n{branches}\nsubprocess.run(['hg'])\n"
    );
    assert!(names(&scanned("python", &[("a.py", python.as_bytes())])).contains(&"hg".to_owned()));
    let branches = "else if (x) {} ".repeat(5_000);
    let script =
        format!("const cp = require('child_process')\ncp.spawn({sum})\nif (x) {{}} {branches}\ncp.spawn('hg')\n");
    assert!(names(&scanned("javascript", &[("a.js", script.as_bytes())])).contains(&"hg".to_owned()));
}

#[test]
fn circles_end() {
    let python = "import subprocess\n\
        def a(x):\n    return b(x)\n\
        def b(x):\n    return a([*x, *a(x)])\n\
        class A(A):\n    cmd = cmd\n\
        x = y\ny = x\n\
        t = {**t}\n\
        l = l + [*l]\nl += l\n\
        f = lambda z: f(f(z))\n\
        for n in l:\n    l = [n, *l]\n    l.append(l)\n\
        subprocess.run(a(l))\nsubprocess.run(x)\nsubprocess.run(t[x])\nsubprocess.run(l)\nsubprocess.run(f(l))\n\
        subprocess.run(A().cmd)\nsubprocess.run(['git'])\n";
    assert_eq!(names(&scanned("python", &[("a.py", python.as_bytes())])), ["git"]);
    let one = "import { x as y, z } from './b'\nexport * from './b'\nexport { y as x }\nz(z)\nrequire('child_process').spawn(y)\n";
    let two = "export * from './a'\nexport const z = (q) => z(z(q))\nimport { x } from './a'\nrequire('child_process').spawn(z(x))\n";
    scanned("javascript", &[("a.js", one.as_bytes()), ("b.js", two.as_bytes())]);
}

#[test]
fn alternatives_do_not_multiply_without_end() {
    let mut python = String::from("import subprocess\na0 = 'x' if p else 'y'\n");
    for at in 1..60 {
        let _ = writeln!(python, "a{at} = (a{0} + a{0}) if p else (a{0} + 'z')", at - 1);
    }
    python.push_str("subprocess.run([a59])\ndef f0(x):\n    subprocess.run([x])\n");
    for at in 1..40 {
        let _ = writeln!(python, "def f{at}(x):\n    f{0}(x)\n    f{0}(x + 'a')\n    f{0}(x + 'b')", at - 1);
    }
    python.push_str("f39('c')\nsubprocess.run(['git'])\n");
    assert!(names(&scanned("python", &[("a.py", python.as_bytes())])).contains(&"git".to_owned()));
}

#[test]
fn broken_bytes_and_syntax_are_read_as_far_as_they_go() {
    for (language, name) in LANGUAGES {
        for bytes in [
            &b"\xff\xfe\x00subprocess child_process Command"[..],
            b"subprocess.run([\"git\", \xc3\x28])\n\0\0\0",
            b"import subprocess\ndef (:\n  subprocess.run([,,,\nclass",
            b"const {exec, = require('child_process'; exec(`${`${`",
            b"use std::process::{Command, ; fn main( { Command::new(\"x\"",
            b"",
            b"\r\n\r\r\n\\",
        ] {
            scanned(language, &[(name, bytes)]);
        }
    }
    let text = "import subprocess\nsubprocess.run(['git'])\ndef broken(:\n";
    assert_eq!(names(&scanned("python", &[("a.py", text.as_bytes())])), ["git"]);
}

#[test]
fn folders_that_hold_themselves_end() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["one", "two"] {
        std::os::unix::fs::symlink(".", folder.path().join(name)).expect("linked");
    }
    fs::write(folder.path().join("a.py"), "import subprocess\nsubprocess.run(['git'])\n").expect("written");
    let tree = Tree::open(folder.path()).expect("opened");
    let start = Instant::now();
    let result = scan(&ScanContext::new(&tree), &[Root { language: "python", path: String::new() }]);
    assert!(names(&result).contains(&"git".to_owned()));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}
