//! `missing-interpreter`: a script's first line names an interpreter that the image does not have.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;
use crate::resolve::answer::Answer;

/// The rule.
pub static RULE: Rule = Rule {
    code: "missing-interpreter",
    severity: Severity::Error,
    summary: "a script's interpreter is not in the image",
    docs: include_str!("../../docs/findings/missing-interpreter.md"),
};

/// Interpreters of scanned scripts that the image has not.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let mut findings = Vec::new();
    for (need, answer) in subject.answered().filter(|(need, _)| !subject.is_ignored(need)) {
        let severity = match answer {
            Answer::Given(_) => continue,
            // What the base may bring is told once, by `unknown-base`.
            Answer::Perhaps(gap) if gap.span == Some(docker.plan.base.span) => continue,
            Answer::Perhaps(_) => Severity::Warning,
            Answer::Missing => Severity::Error,
        };
        for site in need.sites.iter().filter(|site| site.api == "shebang") {
            let script = subject.files().path(site.span.file);
            let message = format!("{script} is a script for `{}`, which is not in the image", need.program);
            let finding = Finding::new(&RULE, message).severity(severity).label(site.span, "named here");
            let finding = super::missing_program::supply_help(finding, subject, need);
            findings.push(match answer {
                Answer::Perhaps(gap) => finding.help(gap.why.clone()),
                _ => finding,
            });
        }
    }
    findings
}

/// Whether a missing need is this rule's alone: only first lines name it.
pub fn covers(need: &Need) -> bool {
    !need.sites.is_empty() && need.sites.iter().all(|site| site.api == "shebang")
}
