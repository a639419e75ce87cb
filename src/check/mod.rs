//! The rules, one file each, and the one table of them all.

use crate::finding::Rule;

/// Every rule, sorted by code; help, docs and tests are driven from it.
pub static RULES: &[&Rule] = &[];
