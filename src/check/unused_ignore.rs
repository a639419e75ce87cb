//! `unused-ignore`: an entry under `ignore` names a program that the code does not run.

use super::Subject;
use super::subject::names;
use crate::finding::{Finding, Rule, Severity};

/// The rule.
pub static RULE: Rule = Rule {
    code: "unused-ignore",
    severity: Severity::Warning,
    summary: "an ignored program is not run by the code",
    docs: include_str!("../../docs/findings/unused-ignore.md"),
};

/// Ignored programs that no exec site runs.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let entries = subject.image.filter(|_| subject.scanned).map(|image| image.ignore.iter());
    entries
        .into_iter()
        .flatten()
        .filter(|(name, _)| !subject.needs.iter().any(|need| names(name, need)))
        .map(|(name, entry)| {
            Finding::new(&RULE, format!("`{name}` is ignored, but the code does not run it"))
                .label(entry.name.span, "ignored here")
                .help("remove the entry: it would hide a real need later")
        })
        .collect()
}
