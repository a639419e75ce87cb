//! Exec sites in Rust code.
//!
//! Every module of the roots counts as compiled unless its `cfg` says otherwise for linux; paths are followed by their
//! last name. Nothing is built or expanded: of a macro only the tokens are read.

mod cfg;
mod lower;
mod tables;

use super::value::source::{self, Code};
use super::value::{Target, Tongue, sink};
use super::{Root, Scan, ScanContext};
use crate::walk::Tree;

/// Rust, as the core needs to know it.
pub(super) static RUST: Tongue = Tongue {
    name: "rust",
    endings: &[".rs"],
    shebangs: &[],
    left_out,
    lower: lower::lower,
    resolve,
    sinks: tables::SINKS,
    known: tables::KNOWN,
    methods: tables::METHODS,
    constructor: "",
    words: tables::WORDS,
    environment: "",
    interpreter: "",
    global_names: true,
};

/// Whether a path is a root of this language.
pub fn detects(tree: &Tree, path: &str) -> bool {
    source::detects(&RUST, tree, path)
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    sink::scan(context, &RUST, roots)
}

/// What cargo does not build into the program.
/// Source: <https://doc.rust-lang.org/cargo/guide/project-layout.html>.
fn left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folder = matches!(name, "tests" | "benches" | "examples" | "target" | "xtask" | "fuzz");
    folder
        || matches!(name, "build.rs" | "tests.rs" | "test.rs")
        || name.ends_with("_test.rs")
        || name.ends_with("_tests.rs")
}

/// Paths are followed by name, so every import is one from outside until its last name is found.
fn resolve(_code: &Code<'_>, _from: usize, module: &str) -> Target {
    let path = module.trim_start_matches('.');
    Target::Outside(path.to_owned())
}
