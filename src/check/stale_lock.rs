//! `stale-lock`: the lock does not fit the manifest, or was edited by hand. Found where the lock is read.

use crate::finding::{Rule, Severity};

/// The rule.
pub static RULE: Rule = Rule {
    code: "stale-lock",
    severity: Severity::Error,
    summary: "the lock does not fit the manifest",
    docs: include_str!("../../docs/findings/stale-lock.md"),
};
