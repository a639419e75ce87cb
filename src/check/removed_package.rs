//! `removed-package`: the package of a missing program was installed in the stage that ships, and removed again.

use super::Subject;
use super::subject::run_here;
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;

/// The rule.
pub static RULE: Rule = Rule {
    code: "removed-package",
    severity: Severity::Error,
    summary: "a package that the code needs is installed and removed again",
    docs: include_str!("../../docs/findings/removed-package.md"),
};

/// Programs that are not there because a later command removed their package.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let removed = |(need, severity): (&Need, Severity)| {
        let gone = docker.plan.removed.iter().find(|gone| subject.supply.gives(&gone.name, need.name()))?;
        let message = format!("{}, which brings `{}`, is removed again", gone.name, need.program);
        let mut finding = Finding::new(&RULE, message).severity(severity).label(gone.span, "removed here");
        if let Some(added) = gone.added {
            finding = finding.label(added, "installed here");
        }
        let help = format!("install {} outside the virtual package, or do not remove it", gone.name);
        Some(run_here(finding, need).help(help))
    };
    subject.unmet().filter_map(removed).collect()
}
