//! Exec sites in shell code: POSIX sh, dash, busybox ash and bash.
//!
//! `brush-parser` gives the grammar; a script is then read as it would run: variables, defaults, functions with their arguments,
//! sourced files of the tree, substitutions, and what wrappers (`exec`, `gosu`, `xargs`, `find -exec`, `sh -c`) run. A word that
//! cannot be settled is a dynamic site with its reason. Nothing is executed, and nothing outside the tree is read.

mod builtin;
mod command;
mod definition;
mod execline;
mod expand;
mod guard;
mod script;
mod simple;
mod value;
mod walk;
mod wrapped;
mod wrapper;

pub use script::CRLF_SHEBANG;

use super::{Root, Scan, ScanContext};
use crate::file::MappedText;
use crate::shell::{lex, parse};
use crate::walk::Tree;
use std::collections::BTreeSet;
use value::{State, Value};
use walk::Walker;

/// The stack of the thread that reads scripts: parser and walker recurse, to a bounded depth.
const STACK: usize = 256 * 1024 * 1024;

/// Whether a path is a root of this language: a shell's shebang, or a shell script's ending.
pub fn detects(tree: &Tree, path: &str) -> bool {
    script::detects(tree, path)
}

/// Scans the roots together.
pub fn scan(context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    on_large_stack(|| {
        let mut all: Vec<_> =
            roots.iter().map(|root| script::scan_root(context, &root.path, BTreeSet::new())).collect();
        for (index, root) in roots.iter().enumerate() {
            // What the scripts that source this one define is there when it runs.
            let callers = roots.iter().zip(&all).filter(|(other, _)| *other != root);
            let callers = callers.filter(|(_, caller)| caller.sourced.contains(&root.path));
            let outer: BTreeSet<String> = callers.flat_map(|(_, caller)| caller.functions.iter().cloned()).collect();
            if !outer.is_empty() {
                all[index] = script::scan_root(context, &root.path, outer);
            }
        }
        let mut scan = Scan::default();
        for scanned in all {
            scan.extend(scanned.scan);
        }
        scan
    })
}

/// The shell that reads a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `/bin/sh` of an unknown system: POSIX and no more.
    Posix,
    /// busybox ash, Alpine's `/bin/sh`.
    Ash,
    /// dash, Debian's `/bin/sh`.
    Dash,
    /// bash.
    Bash,
}

/// Scans shell code that stands in another language's file (`sh -c "…"`, a Dockerfile instruction, a YAML value).
///
/// `arguments` are the positional parameters where they are known (`$1`, …); each site's span lies in the original file.
pub fn scan_text(context: &ScanContext<'_>, text: &MappedText, dialect: Dialect, arguments: &[String]) -> Scan {
    scan_with(context, text, dialect, arguments, false)
}

/// Whether a script that is started with these arguments and no others runs `program`: branches for other arguments are
/// not read.
pub fn runs(
    context: &ScanContext<'_>,
    text: &MappedText,
    dialect: Dialect,
    arguments: &[String],
    program: &str,
) -> bool {
    let scan = scan_with(context, text, dialect, arguments, true);
    scan.sites.iter().any(|site| site.program.text() == Some(program))
}

fn scan_with(
    context: &ScanContext<'_>,
    text: &MappedText,
    dialect: Dialect,
    arguments: &[String],
    certain: bool,
) -> Scan {
    on_large_stack(|| {
        let value = |argument: &String| Value { platform: certain, ..Value::made(argument, text.span(0, 0)) };
        let mut walker = Walker::new(context, dialect, None);
        let mut state = State::new(vec![arguments.iter().map(value).collect()]);
        walker.run(text.clone(), &mut state);
        walker.run_uncalled(&state);
        walker.finish()
    })
}

/// Runs the work in a thread whose stack holds the deepest recursion that the bounds allow.
fn on_large_stack(work: impl FnOnce() -> Scan + Send) -> Scan {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(scan)) => scan,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Scan::default(),
        }
    })
}
