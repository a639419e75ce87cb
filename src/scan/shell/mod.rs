//! Exec sites in shell code.

mod lex;
mod parse;

use super::{Root, Scan, ScanContext, Skipped};
use crate::walk::Tree;

/// Whether a path is a root of this language.
pub fn detects(_tree: &Tree, _path: &str) -> bool {
    false
}

/// Scans the roots together.
pub fn scan(_context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    let skipped =
        roots.iter().map(|root| Skipped { path: root.path.clone(), why: "shell is not scanned yet".to_owned() });
    Scan { skipped: skipped.collect(), ..Scan::default() }
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
pub fn scan_text(
    _context: &ScanContext<'_>,
    _text: &crate::file::MappedText,
    _dialect: Dialect,
    _arguments: &[String],
) -> Scan {
    Scan::default()
}
