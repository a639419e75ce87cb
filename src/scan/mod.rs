//! From code to exec sites: one module a language, and the one table of them.
//!
//! A scanner reports what production code in the image can run on the image's platform, and lists what it could not
//! settle. It never guesses and never executes anything from the tree.

mod cache;
pub mod deploy;
pub mod dockerfile;
pub mod go;
pub mod javascript;
pub mod python;
pub mod rust;
pub mod service;
pub mod shell;
mod value;

use crate::finding::Finding;
use crate::platform::Platform;
use crate::site::ExecSite;
use crate::walk::Tree;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a scan is told besides the code.
#[derive(Debug)]
pub struct ScanContext<'a> {
    /// The tree that holds the code.
    pub tree: &'a Tree,
    /// The platform that the code runs on.
    pub platform: Platform,
    /// The variables of the image's own `ENV`; they answer look-ups of the environment.
    pub env: BTreeMap<String, String>,
    /// Build tags (Go) beside those of the platform.
    pub build_tags: Vec<String>,
    /// The stage that ships, where a Dockerfile has several; the last one by default.
    pub target: Option<String>,
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, String>,
    /// A folder for results keyed by content; nothing is kept without one.
    pub cache: Option<PathBuf>,
}

impl<'a> ScanContext<'a> {
    /// A context with every default: linux/amd64, nothing set, nothing kept.
    pub fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            platform: Platform::default(),
            env: BTreeMap::new(),
            build_tags: Vec::new(),
            target: None,
            build_args: BTreeMap::new(),
            cache: None,
        }
    }
}

/// A place from which scanning starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root {
    /// The language's name, as in [`LANGUAGES`].
    pub language: &'static str,
    /// A file, a folder or (Python, JavaScript, Rust) a glob, relative to the tree.
    pub path: String,
}

/// Why a file was not scanned on which the scanner itself failed.
const FAULT: &str = "a fault of aboard's own, told above; please report it";

/// Code that was not scanned, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Skipped {
    /// The path, or the import path of a package that was not found.
    pub path: String,
    /// The reason.
    pub why: String,
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// The exec sites, dynamic ones too.
    pub sites: Vec<ExecSite>,
    /// Code that was not scanned.
    pub skipped: Vec<Skipped>,
    /// Faults of the scanned files themselves (`crlf-shebang`).
    pub findings: Vec<Finding>,
}

impl Scan {
    /// Takes over what another scan found.
    pub fn extend(&mut self, other: Self) {
        self.sites.extend(other.sites);
        self.skipped.extend(other.skipped);
        self.findings.extend(other.findings);
    }
}

/// A language that can be scanned.
pub struct Language {
    /// The name in roots (`go:PATH`), in JSON and in docs.
    pub name: &'static str,
    /// Whether a path without a prefix is a root of this language; asked in the table's order.
    pub detects: fn(&Tree, &str) -> bool,
    /// Scans all roots of the language together.
    pub scan: fn(&ScanContext<'_>, &[Root]) -> Scan,
}

/// The languages, in the order in which a path is offered to them.
pub static LANGUAGES: [Language; 7] = [
    Language { name: "dockerfile", detects: dockerfile::detects, scan: dockerfile::scan },
    Language { name: "shell", detects: shell::detects, scan: shell::scan },
    Language { name: "service", detects: service::detects, scan: service::scan },
    Language { name: "go", detects: go::detects, scan: go::scan },
    Language { name: "python", detects: python::detects, scan: python::scan },
    Language { name: "javascript", detects: javascript::detects, scan: javascript::scan },
    Language { name: "rust", detects: rust::detects, scan: rust::scan },
];

/// Why an argument is not a root.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RootError {
    /// The prefix before the colon is no language.
    #[error("`{0}:` is not a language that aboard scans; known are {1}")]
    UnknownLanguage(String, String),
    /// Nothing stands at the path, or it leaves the project.
    #[error("{0}: no such file or folder in the project")]
    NotFound(String),
    /// Something stands there, but no language claims it.
    #[error("{0}: no language was recognized; write `go:{0}`, `python:{0}` or the like")]
    Unrecognized(String),
}

impl Root {
    /// Reads `LANGUAGE:PATH`, or a path whose language is then detected.
    pub fn parse(tree: &Tree, argument: &str) -> Result<Self, RootError> {
        if let Some((prefix, path)) = argument.split_once(':') {
            let language = LANGUAGES.iter().find(|language| language.name == prefix).ok_or_else(|| {
                let known: Vec<&str> = LANGUAGES.iter().map(|language| language.name).collect();
                RootError::UnknownLanguage(prefix.to_owned(), known.join(", "))
            })?;
            let path = crate::walk::normalize(path).ok_or_else(|| RootError::NotFound(path.to_owned()))?;
            let is_glob = path.contains(['*', '?', '[']);
            if !is_glob && tree.kind(&path).is_none() {
                return Err(RootError::NotFound(path));
            }
            return Ok(Self { language: language.name, path });
        }
        let path = crate::walk::normalize(argument).ok_or_else(|| RootError::NotFound(argument.to_owned()))?;
        if tree.kind(&path).is_none() {
            return Err(RootError::NotFound(argument.to_owned()));
        }
        let language = LANGUAGES.iter().find(|language| (language.detects)(tree, &path));
        let language = language.ok_or_else(|| RootError::Unrecognized(argument.to_owned()))?;
        Ok(Self { language: language.name, path })
    }
}

/// Scans every root, each language's roots together, and sorts what is found by place.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    let mut scan = Scan::default();
    for language in &LANGUAGES {
        let own: Vec<Root> = roots.iter().filter(|root| root.language == language.name).cloned().collect();
        if !own.is_empty() {
            scan.extend((language.scan)(context, &own));
        }
    }
    let files = context.tree.files();
    scan.sites.sort_by_cached_key(|site| (files.sort_key(site.span), site.clone()));
    scan.sites.dedup();
    scan.skipped.sort();
    scan.skipped.dedup();
    scan
}
