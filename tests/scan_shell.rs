//! Shell scripts: the fixtures name the programs of each line in a comment (`#> docker jq? (dynamic)`), and that is
//! checked both ways: what is named is found, and nothing else is.

use aboard::file::{MappedText, Span};
use aboard::scan::shell::{self, Dialect};
use aboard::scan::{Root, Scan, ScanContext};
use aboard::site::Program;
use aboard::walk::Tree;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shell")
}

fn scan(tree: &Tree, path: &str) -> Scan {
    shell::scan(&ScanContext::new(tree), &[Root { language: "shell", path: path.to_owned() }])
}

/// The programs of each line of a file: `docker`, `jq?` where optional, `(dynamic)`.
fn found(tree: &Tree, scan: &Scan, path: &str) -> BTreeSet<(u32, String)> {
    let files = tree.files();
    let sites = scan.sites.iter().filter(|site| site.api != "shebang" && files.path(site.span.file) == path);
    sites
        .map(|site| {
            let text = match &site.program {
                Program::Name(text) | Program::Path(text) => format!("{text}{}", if site.optional { "?" } else { "" }),
                Program::Dynamic(_) => "(dynamic)".to_owned(),
            };
            (files.start(site.span).line, text)
        })
        .collect()
}

fn named(text: &str) -> BTreeSet<(u32, String)> {
    let mut named = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        if let Some((_, programs)) = line.split_once("#> ") {
            named.extend(programs.split_whitespace().map(|program| (index as u32 + 1, program.to_owned())));
        }
    }
    named
}

fn check(path: &str, beside: &[&str]) -> Scan {
    let tree = Tree::open(&fixtures()).expect("the fixtures are there");
    let scan = scan(&tree, path);
    for file in std::iter::once(&path).chain(beside) {
        let id = tree.read(file).expect("readable");
        let expected = named(tree.files().get(id).text());
        let found = found(&tree, &scan, file);
        let missed: Vec<_> = expected.difference(&found).collect();
        let wrong: Vec<_> = found.difference(&expected).collect();
        assert!(missed.is_empty() && wrong.is_empty(), "{file}: missed {missed:?}, wrong {wrong:?}");
        assert!(!expected.is_empty(), "{file} names no program");
    }
    scan
}

#[test]
fn a_program_is_found_in_every_disguise() {
    check("disguises.sh", &[]);
}

#[test]
fn what_only_names_a_program_runs_none() {
    check("not_programs.sh", &[]);
}

#[test]
fn builtins_are_no_programs() {
    check("builtins.sh", &[]);
}

#[test]
fn wrappers_and_what_they_run_both_count() {
    check("wrappers.sh", &[]);
}

#[test]
fn a_program_that_is_looked_for_first_is_optional() {
    check("guards.sh", &[]);
}

#[test]
fn branches_for_other_platforms_are_not_read() {
    check("platform.sh", &[]);
}

#[test]
fn an_entrypoint_and_the_file_it_sources() {
    let scan = check("entrypoint.sh", &["lib.sh"]);
    let shebang: Vec<_> = scan.sites.iter().filter(|site| site.api == "shebang").map(|site| &site.program).collect();
    assert_eq!(shebang, [&Program::Path("/usr/bin/env".to_owned()), &Program::Name("bash".to_owned())]);
    let server = scan.sites.iter().find(|site| site.program == Program::Name("server".to_owned())).expect("found");
    assert_eq!(server.api, "exec");
    let reasons: Vec<_> = scan.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
    assert_eq!(reasons, ["/etc/os-release"]);
}

#[test]
fn a_syntax_error_costs_its_command_and_is_listed() {
    let scan = check("broken.sh", &[]);
    assert_eq!(scan.skipped.len(), 1, "{:?}", scan.skipped);
    assert_eq!(scan.skipped[0].why, "line 3: syntax error");
}

#[test]
fn a_shebang_with_a_carriage_return_is_a_finding() {
    let tree = Tree::open(&fixtures()).expect("the fixtures are there");
    let scan = scan(&tree, "crlf.sh");
    assert_eq!(scan.findings.len(), 1);
    assert_eq!(scan.findings[0].rule.code, "crlf-shebang");
    assert_eq!(tree.files().text(scan.findings[0].labels[0].span), "#!/bin/sh");
    assert!(self::scan(&tree, "lib.sh").findings.is_empty());
}

/// A tree with one script.
fn with_script(text: &[u8]) -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.sh"), text).expect("written");
    let tree = Tree::open(folder.path()).expect("opened");
    (folder, tree)
}

fn programs(scan: &Scan) -> Vec<String> {
    scan.sites.iter().map(|site| site.program.to_string()).collect()
}

#[test]
fn shebangs_of_every_form() {
    for (line, expected) in [
        ("#!/bin/sh", vec!["/bin/sh"]),
        ("#! /bin/bash -eu", vec!["/bin/bash"]),
        ("#!/usr/bin/env bash", vec!["/usr/bin/env", "bash"]),
        ("#!/usr/bin/env -S bash -eu", vec!["/usr/bin/env", "bash"]),
        ("#!/usr/bin/env -S FOO=1 bash", vec!["/usr/bin/env", "bash"]),
        ("#!/usr/bin/with-contenv bash", vec!["/usr/bin/with-contenv", "bash"]),
        ("#!/command/with-contenv sh", vec!["/command/with-contenv", "sh"]),
        ("#!/bin/busybox sh", vec!["/bin/busybox", "sh"]),
    ] {
        let (_folder, tree) = with_script(format!("{line}\n:\n").as_bytes());
        assert!(shell::detects(&tree, "a.sh"), "{line}");
        assert_eq!(programs(&scan(&tree, "a.sh")), expected, "{line}");
    }
    let (_folder, tree) = with_script(b"#!/usr/bin/python3\nimport os\n");
    assert!(!shell::detects(&tree, "a.sh"));
}

#[test]
fn a_text_of_another_file_maps_back_to_it() {
    let (_folder, tree) = with_script(b"RUN x && docker \"$1\" | $2\n");
    let id = tree.read("a.sh").expect("readable");
    let text = MappedText::verbatim(tree.files(), Span::new(id, 4, 25));
    let scan = shell::scan_text(&ScanContext::new(&tree), &text, Dialect::Ash, &["ps".to_owned(), "grep".to_owned()]);
    let mut found: Vec<_> =
        scan.sites.iter().map(|site| (site.program.to_string(), tree.files().text(site.span))).collect();
    found.sort();
    let pair = |program: &str, text: &str| (program.to_owned(), text.to_owned());
    assert_eq!(found, [pair("docker", "docker"), pair("grep", "$2"), pair("x", "x")]);
    let docker = scan.sites.iter().find(|site| site.program.text() == Some("docker")).expect("found");
    assert_eq!(docker.arguments, ["ps"]);
}

#[test]
fn the_environment_of_the_image_answers() {
    let (_folder, tree) = with_script(b"\"$JAVA_HOME/bin/java\" -jar x\n${TOOL:-fallback} y\n$NOWHERE\n");
    let mut context = ScanContext::new(&tree);
    context.env.insert("JAVA_HOME".to_owned(), "/opt/java".to_owned());
    let scan = shell::scan(&context, &[Root { language: "shell", path: "a.sh".to_owned() }]);
    let mut shown: Vec<_> = scan.sites.iter().map(|site| (site.program.to_string(), site.default)).collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            ("(dynamic: the variable NOWHERE, which nothing here sets)".to_owned(), true),
            ("/opt/java/bin/java".to_owned(), true),
            ("fallback".to_owned(), true),
        ]
    );
}

/// What a hostile script may cost.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn hostile_scripts_end_soon_and_quietly() {
    let functions = |count: usize| {
        let bodies = (0..count).map(|n| format!("f{n}() {{ f{} a; f{} b; }}\n", (n + 1) % count, (n + 2) % count));
        bodies.collect::<String>() + "f0\n"
    };
    let evals = (0..200).fold("docker ps".to_owned(), |code, _| format!("eval \"{}\"", code.replace(['\\', '"'], "x")));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("parentheses", "(".repeat(100_000).into_bytes()),
        ("closed parentheses", ("(".repeat(50_000) + "a" + &")".repeat(50_000)).into_bytes()),
        ("spaced parentheses", "( ".repeat(100_000).into_bytes()),
        ("substitutions", ("$(".repeat(100_000) + &")".repeat(100_000)).into_bytes()),
        ("quoted substitutions", "\"$(".repeat(100_000).into_bytes()),
        ("braces", "${a:-".repeat(100_000).into_bytes()),
        ("backquotes", "`a \\`".repeat(50_000).into_bytes()),
        ("arithmetic", "$((".repeat(50_000).into_bytes()),
        ("arithmetic commands", "((".repeat(50_000).into_bytes()),
        ("ifs", "if a; then ".repeat(50_000).into_bytes()),
        ("cases", "case a in b) ".repeat(50_000).into_bytes()),
        ("functions in functions", "f() { ".repeat(50_000).into_bytes()),
        ("a word of 8 MB", vec![b'a'; 8 * 1024 * 1024]),
        (
            "alternatives",
            ("x=1\n".to_owned() + &"if a; then x=$x$x; else x=b$x; fi\n".repeat(200) + "$x\n").into_bytes(),
        ),
        ("recursion", b"f() { f; g; }\ng() { f; g; h; }\nh() { g; f; }\nf\n".to_vec()),
        ("many functions", functions(200).into_bytes()),
        ("eval of eval", evals.into_bytes()),
        ("eval of itself", b"x='eval \"$x\"'\neval \"$x\"\n".to_vec()),
        ("loops in loops", ("for a in b c; do ".repeat(40) + "d" + &"; done".repeat(40)).into_bytes()),
        ("self sourcing", b". ./a.sh\nsh ./a.sh\n".to_vec()),
        ("no UTF-8", (0..=255_u8).cycle().take(200_000).collect()),
        ("here-documents", "cat <<A <<B <<C\n".repeat(10_000).into_bytes()),
        ("pipes", "a | ".repeat(100_000).into_bytes()),
        ("and-or", "a && b || ".repeat(50_000).into_bytes()),
        ("aliases", b"alias a='a a'\nalias b='a b'\na\nb\n".to_vec()),
    ];
    for (name, text) in cases {
        let (_folder, tree) = with_script(&text);
        let start = Instant::now();
        let scan = scan(&tree, "a.sh");
        assert!(start.elapsed() < PATIENCE, "{name}: {:?}", start.elapsed());
        assert!(scan.sites.len() < 200_000, "{name}");
    }
}

/// Every program once, sorted.
fn names(scan: &Scan) -> BTreeSet<String> {
    programs(scan).into_iter().collect()
}

#[test]
fn functions_of_the_script_that_sources_another_are_no_programs_there() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in [
        ("run.sh", "#!/bin/sh\nsay() { echo \"$@\"; }\n. ./part.sh\nwork\n"),
        ("part.sh", "#!/bin/sh\nwork() { say x; tool; }\nsay ready\n"),
    ] {
        std::fs::write(folder.path().join(path), text).expect("written");
    }
    let tree = Tree::open(folder.path()).expect("opened");
    let of = |paths: &[&str]| {
        let roots: Vec<Root> = paths.iter().map(|path| Root { language: "shell", path: (*path).to_owned() }).collect();
        names(&shell::scan(&ScanContext::new(&tree), &roots))
    };
    assert_eq!(of(&["part.sh", "run.sh"]), ["/bin/sh", "tool"].map(str::to_owned).into());
    // By itself nobody can tell.
    assert_eq!(of(&["part.sh"]), ["/bin/sh", "say"].map(str::to_owned).into());
}

#[test]
fn a_command_word_that_vanishes_makes_no_program_of_the_next() {
    let text = b"#!/bin/sh\nC=\nif x; then C='docker compose'; fi\n$C down\nS=\nif x; then S=sudo; fi\n$S tool\nD=\nif x; then D=echo; fi\n$D rm y\n";
    let (_folder, tree) = with_script(text);
    let want = ["/bin/sh", "docker", "rm", "sudo", "tool", "x"].map(str::to_owned).into();
    assert_eq!(names(&scan(&tree, "a.sh")), want);
}
