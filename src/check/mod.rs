//! The rules, one file each, and the one table of them all.

use crate::finding::Rule;
use crate::manifest;

/// Every rule; help, docs and tests are driven from it.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    manifest::RULES.iter().copied()
}
