//! Exec sites in python code.

use super::{Root, Scan, ScanContext, Skipped};
use crate::walk::Tree;

/// Whether a path is a root of this language.
pub fn detects(_tree: &Tree, _path: &str) -> bool {
    false
}

/// Scans the roots together.
pub fn scan(_context: &ScanContext<'_>, roots: &[Root]) -> Scan {
    let skipped =
        roots.iter().map(|root| Skipped { path: root.path.clone(), why: "python is not scanned yet".to_owned() });
    Scan { skipped: skipped.collect(), ..Scan::default() }
}
