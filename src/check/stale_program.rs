//! `stale-program`: the manifest declares a program that the code does not run any more.

use super::Subject;
use super::subject::names;
use crate::finding::{Finding, Rule, Severity};
use crate::manifest::ProgramEntry;

/// The rule.
pub static RULE: Rule = Rule {
    code: "stale-program",
    severity: Severity::Error,
    summary: "the manifest declares a program that the code does not run",
    docs: include_str!("../../docs/findings/stale-program.md"),
};

/// Declared programs that no exec site runs; a note where a site that is not settled may run them.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(image) = subject.image else { return Vec::new() };
    let severity = if subject.dynamic.is_empty() { Severity::Error } else { Severity::Note };
    stale(subject)
        .map(|entry| {
            let message = format!("`{}` is declared for image {} but the code does not run it", entry.name, image.name);
            let finding = Finding::new(&RULE, message).severity(severity).label(entry.name.span, "declared here");
            match subject.dynamic.first() {
                Some(site) => {
                    finding.label(site.span, "this place runs a program that is not settled; it may be this one")
                }
                None => finding.help("`aboard derive` removes it"),
            }
        })
        .collect()
}

/// The entries that `derive` would remove, where every site is settled.
pub fn stale<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a ProgramEntry> {
    let entries = subject.image.filter(|_| subject.scanned).map(|image| image.programs.values());
    entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.provided_by.is_none() && !subject.needs.iter().any(|need| names(&entry.name, need)))
}
