//! The built image against what it must hold: would each program that the code runs start, as the image's user.
//!
//! [`verify`] takes an [`Image`] and an [`Expectation`] and returns a table of programs and findings. It reads the image's
//! files alone and starts nothing; what the Dockerfile, the lock or the code say counts only as what is expected.

mod judge;
mod run;
pub mod rules;

pub use rules::RULES;
pub use run::{Probe, run};

use crate::file::{Files, Span};
use crate::finding::Finding;
use crate::image::lookup::Runtime;
use crate::image::packages::Packages;
use crate::image::start::{self, Start};
use crate::image::tree::{Found, NodeKind};
use crate::image::{Image, user::Identity};
use crate::need::Need;
use crate::platform::Platform;
use crate::site::{ExecSite, Program};
use serde::Serialize;
use std::fmt::Write;

/// Answers which packages provide something.
pub type Provides<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// What an image must hold.
#[derive(Default)]
pub struct Expectation<'a> {
    /// The programs.
    pub programs: Vec<Wanted>,
    /// The packages that the lock names.
    pub packages: Vec<WantedPackage>,
    /// The platform that the image is for.
    pub platform: Platform,
    /// The base that the lock names.
    pub base: Option<WantedBase>,
    /// The packages that provide something, as an index has it (`so:libssl.so.3`, `cmd:docker`).
    pub provides: Option<&'a Provides<'a>>,
}

/// A program that must be in the image.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The program.
    pub program: Program,
    /// The code copes without it.
    pub optional: bool,
    /// The places in code that run it.
    pub sites: Vec<ExecSite>,
    /// What runs it where no code does (`the image's entrypoint`).
    pub origin: Option<String>,
    /// The place in the manifest that declares it.
    pub declared: Option<Span>,
    /// Arguments with which it is started where that is asked for.
    pub probe: Option<Vec<String>>,
    /// What the plan says gives it (`package git`, `the base`).
    pub provider: Option<String>,
}

impl Wanted {
    /// A program that somebody asks for by name.
    pub fn named(program: &str) -> Self {
        let program = Program::from_text(program);
        Self { program, optional: false, sites: Vec::new(), origin: None, declared: None, probe: None, provider: None }
    }
}

impl From<Need> for Wanted {
    fn from(need: Need) -> Self {
        Self { optional: need.optional, sites: need.sites, program: need.program, ..Self::named("") }
    }
}

/// A package as the lock names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A base image as the lock names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedBase {
    /// The reference (`alpine:3.20`).
    pub reference: String,
    /// The digest of its manifest, where it is known.
    pub digest: Option<String>,
    /// The digests of its uncompressed layers, where they are known.
    pub diff_ids: Vec<String>,
}

/// What became of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It would start.
    Starts,
    /// It is not there, and the code copes without it.
    Absent,
    /// It would not start: a finding says why.
    Fails,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The program as it is asked for.
    pub program: String,
    /// Its path in the image, links followed.
    pub path: Option<String>,
    /// The links that lead there.
    pub links: Vec<String>,
    /// What brought it into the image.
    pub given_by: Option<String>,
    /// The file's size in bytes.
    pub size: Option<u64>,
    /// Whether it would start.
    pub status: Status,
    /// The code of the finding that says why not.
    pub code: Option<&'static str>,
}

/// The shell that an image is asked by.
const SHELL: &str = "/bin/sh";

/// What verifying an image came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The image, as the user named it.
    pub image: String,
    /// Its id.
    pub id: String,
    /// Its platform.
    pub platform: String,
    /// Whom its processes belong to.
    pub user: String,
    /// A row for each program.
    pub rows: Vec<Row>,
    /// The bytes that the expected packages take up, as the image's database says.
    pub added: u64,
    /// The image has a shell that would start, which can be asked.
    pub has_shell: bool,
    /// What starting programs came to, where that was asked for.
    pub probes: Vec<Probe>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Holds an image against what is expected of it.
pub fn verify(image: &Image, expected: &Expectation<'_>) -> Report {
    let mut findings = Vec::new();
    let (identity, known) = match Identity::of(&image.config.config.user, &image.tree) {
        Ok(identity) => (identity, true),
        Err(error) => {
            findings.push(judge::unknown_user(image, &error));
            (Identity::root(), false)
        }
    };
    let runtime = Runtime::with_user(image, identity);
    let packages = Packages::of(&image.tree);
    let judge = judge::Judge { image, runtime: &runtime, packages: &packages, expected };
    let mut rows = Vec::new();
    for wanted in expected.programs.iter().chain(&own_programs(image)) {
        let Some(name) = wanted.program.text() else { continue };
        let result = start::program(&runtime, expected.platform, name);
        let (row, more) = judge.program(wanted, name, &result);
        findings.extend(more);
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    findings.extend(judge.packages());
    findings.extend(judge.base());
    findings.dedup();
    let sizes = expected.packages.iter().filter_map(|wanted| packages.installed.get(&wanted.name));
    Report {
        image: image.name.clone(),
        id: image.id.to_string(),
        platform: image.config.platform(),
        user: if known { runtime.who() } else { format!("{} (unknown; judged as root)", runtime.who()) },
        rows,
        added: sizes.map(|package| package.size).sum(),
        has_shell: start::program(&runtime, expected.platform, SHELL).is_ok(),
        probes: Vec::new(),
        findings,
    }
}

/// The programs that the image's configuration runs: the entrypoint and the health check.
pub fn own_programs(image: &Image) -> Vec<Wanted> {
    let process = &image.config.config;
    let command = process.entrypoint.first().or_else(|| process.cmd.first());
    let test = process.healthcheck.as_ref().map(|check| check.test.as_slice()).unwrap_or_default();
    let shell = process.shell.first().map_or(SHELL, String::as_str);
    let health = match test.first().map(String::as_str) {
        Some("CMD") => test.get(1).map(String::as_str),
        Some("CMD-SHELL") => Some(shell),
        _ => None,
    };
    let with_origin =
        |program: &str, origin: &str| Wanted { origin: Some(origin.to_owned()), ..Wanted::named(program) };
    command
        .map(|program| with_origin(program, "the image's entrypoint"))
        .into_iter()
        .chain(health.map(|program| with_origin(program, "the image's health check")))
        .collect()
}

/// Shell code that an image's configuration carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellText {
    /// What runs it.
    pub origin: &'static str,
    /// The shell's name without its folder.
    pub shell: String,
    /// The code.
    pub text: String,
}

/// The shell code that the image's configuration runs: the entrypoint and the health check in shell form.
pub fn own_shell_texts(image: &Image) -> Vec<ShellText> {
    let process = &image.config.config;
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let argv: Vec<&String> = process.entrypoint.iter().chain(&process.cmd).collect();
    let mut texts = Vec::new();
    if let [shell, flag, text, ..] = argv.as_slice()
        && flag.as_str() == "-c"
    {
        texts.push(ShellText { origin: "the image's entrypoint", shell: base(shell), text: (*text).clone() });
    }
    let test = process.healthcheck.as_ref().map(|check| check.test.as_slice()).unwrap_or_default();
    if let [kind, text] = test
        && kind == "CMD-SHELL"
    {
        let shell = base(process.shell.first().map_or("sh", String::as_str));
        texts.push(ShellText { origin: "the image's health check", shell, text: text.clone() });
    }
    texts.retain(|text| matches!(text.shell.as_str(), "sh" | "ash" | "dash" | "bash"));
    texts
}

/// What gave a file to the image: its package, or the instruction of the layer that brought it.
pub fn given_by(image: &Image, packages: &Packages, found: &Found) -> Option<String> {
    if let Some(package) = packages.owner(&found.path) {
        return Some(format!("{} {}", package.name, package.version));
    }
    let layer = image.tree.node(found.node).layer? as usize;
    let step = image.layers.get(layer).map(|layer| layer.created_by.trim()).unwrap_or_default();
    let step = step.strip_prefix("/bin/sh -c #(nop) ").unwrap_or(step).trim();
    let short: String = step.chars().take(60).collect();
    Some(if short.is_empty() { format!("layer {}", layer + 1) } else { format!("layer {}: {short}", layer + 1) })
}

/// The size of a found file in bytes.
fn size_of(image: &Image, found: &Found) -> Option<u64> {
    match &image.tree.node(found.node).kind {
        NodeKind::File(body) => Some(body.size),
        _ => None,
    }
}

/// Everything that a start touches, each file once: the program first.
fn touched(start: &Start) -> Vec<&Found> {
    std::iter::once(&start.found).chain(&start.interpreters).collect()
}

impl Report {
    /// The table for people.
    pub fn table(&self, human_size: fn(u64) -> String) -> String {
        let mut cells = vec![["PROGRAM", "PATH", "GIVEN BY", "SIZE", "STATUS"].map(str::to_owned)];
        for row in &self.rows {
            let arrow = if row.links.is_empty() { "" } else { " (link)" };
            cells.push([
                row.program.clone(),
                row.path.as_ref().map_or_else(|| "-".to_owned(), |path| format!("{path}{arrow}")),
                row.given_by.clone().unwrap_or_else(|| "-".to_owned()),
                row.size.map_or_else(|| "-".to_owned(), human_size),
                match (row.status, row.code) {
                    (Status::Starts, _) => "starts".to_owned(),
                    (Status::Absent, _) => "absent, optional".to_owned(),
                    (Status::Fails, code) => code.unwrap_or("fails").to_owned(),
                },
            ]);
        }
        let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..5).map(width).collect();
        let mut text = format!("{} ({}, {}), as {}\n", self.image, short(&self.id), self.platform, self.user);
        for row in &cells {
            let line = row.iter().zip(&widths).fold(String::new(), |line, (cell, width)| {
                let cell = cell.replace(char::is_control, "?");
                format!("{line}{cell}{}", " ".repeat(2 + width.saturating_sub(cell.chars().count())))
            });
            text.push_str(line.trim_end());
            text.push('\n');
        }
        for probe in &self.probes {
            text.push_str(&probe.shown());
        }
        if self.added > 0 {
            let _ = writeln!(text, "the locked packages take up {}", human_size(self.added));
        }
        text
    }

    /// Version 1 of the JSON form, without the findings.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "version": 1,
            "image": self.image,
            "id": self.id,
            "platform": self.platform,
            "user": self.user,
            "programs": self.rows,
            "packages_size": self.added,
            "probes": self.probes,
        })
    }

    /// Sorts the findings as every command does.
    pub fn sort(&mut self, files: &Files) {
        self.findings.sort_by_cached_key(|finding| {
            let place = finding.labels.first().map(|label| files.sort_key(label.span));
            (std::cmp::Reverse(finding.severity), place, finding.rule.code, finding.message.clone())
        });
        self.findings.dedup();
    }
}

fn short(id: &str) -> String {
    id.chars().take("sha256:".len() + 12).collect()
}
