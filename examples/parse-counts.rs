//! Reads every Dockerfile and every shell script of the repositories in a folder and prints what was not read, with the reason:
//! `cargo run --release --example parse-counts FOLDER`.
//!
//! The folder holds one work tree a repository. A Dockerfile is a file that is named like one and whose ending
//! does not say that it is something else (a template, code, prose); a shell script has a shell's
//! first line or a shell script's ending. Hidden folders and those of packages of others are left out.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is run by hand")]

use aboard::dockerfile::{Options, Plans, parse};
use aboard::scan::{Root, ScanContext, dockerfile, shell};
use aboard::walk::{Kind, Tree};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// How many scripts of one repository are read.
const MAX_SCRIPTS: usize = 400;

#[derive(Default)]
struct Count {
    dockerfiles: usize,
    refused: Vec<String>,
    scripts: usize,
    broken: Vec<String>,
    slowest: (u128, String),
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: parse-counts FOLDER");
        return ExitCode::from(2);
    };
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("{folder}: cannot be read");
        return ExitCode::from(2);
    };
    let mut repositories: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    repositories.sort();
    let started = Instant::now();
    let mut total = Count::default();
    let mut with_dockerfiles = 0;
    for repository in &repositories {
        let Some(count) = read(repository) else { continue };
        let name = repository.file_name().unwrap_or_default().to_string_lossy().replace('+', "/");
        println!(
            "{name}: {} of {} Dockerfiles, {} of {} scripts",
            count.dockerfiles - count.refused.len(),
            count.dockerfiles,
            count.scripts - count.broken.len(),
            count.scripts
        );
        for line in count.refused.iter().chain(&count.broken) {
            println!("    {line}");
        }
        with_dockerfiles += usize::from(count.dockerfiles > 0);
        total.dockerfiles += count.dockerfiles;
        total.scripts += count.scripts;
        total.refused.extend(count.refused);
        total.broken.extend(count.broken);
        total.slowest = total.slowest.max(count.slowest);
    }
    println!(
        "{} repositories, {with_dockerfiles} with Dockerfiles; {} of {} Dockerfiles and {} of {} scripts read in {} s; slowest {} ms: {}",
        repositories.len(),
        total.dockerfiles - total.refused.len(),
        total.dockerfiles,
        total.scripts - total.broken.len(),
        total.scripts,
        started.elapsed().as_secs(),
        total.slowest.0,
        total.slowest.1
    );
    ExitCode::SUCCESS
}

/// What one repository holds; nothing where it cannot be opened.
fn read(repository: &Path) -> Option<Count> {
    let tree = Tree::open(repository).ok()?;
    let mut count = Count::default();
    for path in files(&tree) {
        let started = Instant::now();
        if dockerfile::detects(&tree, &path) && !dockerfile::is_about(&path) {
            count.dockerfiles += 1;
            let Ok(file) = tree.read(&path) else { continue };
            match parse(tree.files(), file) {
                // The plans read every `RUN` as shell code.
                Ok(dockerfile) => drop(Plans::new(&dockerfile, &Options::default())),
                Err(finding) => count.refused.push(format!("{path}: {}", finding.message)),
            }
        } else if count.scripts < MAX_SCRIPTS && shell::detects(&tree, &path) {
            count.scripts += 1;
            let root = Root { language: "shell", path: path.clone() };
            let scan = shell::scan(&ScanContext::new(&tree), &[root]);
            let trouble = scan.skipped.iter().find(|skipped| skipped.path == path);
            count.broken.extend(trouble.map(|skipped| format!("{path}: {}", skipped.why)));
        }
        count.slowest = std::mem::take(&mut count.slowest).max((started.elapsed().as_millis(), path));
    }
    Some(count)
}

/// The files of a tree, sorted.
fn files(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in tree.list(&folder).unwrap_or_default() {
            let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
            match entry.kind {
                Kind::Folder => {
                    let skipped = ["node_modules", "third_party", "vendor"].contains(&entry.name.as_str());
                    if !skipped && !entry.name.starts_with('.') {
                        folders.push(path);
                    }
                }
                Kind::File => found.push(path),
                Kind::Other => {}
            }
        }
    }
    found.sort();
    found
}
