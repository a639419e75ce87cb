//! `missing-file`: ENTRYPOINT, CMD or HEALTHCHECK names a file by its path that nothing puts into the image.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;
use crate::resolve::answer::Answer;
use crate::site::Program;

/// The rule.
pub static RULE: Rule = Rule {
    code: "missing-file",
    severity: Severity::Error,
    summary: "the image starts a file that nothing puts there",
    docs: include_str!("../../docs/findings/missing-file.md"),
};

/// Paths that the Dockerfile starts and that are not in the image.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.dockerfile.is_none() {
        return Vec::new();
    }
    let missing =
        subject.answered().filter(|(need, answer)| matches!(answer, Answer::Missing) && !subject.is_ignored(need));
    missing
        .filter(|(need, _)| covers(need))
        .map(|(need, _)| {
            let mut finding = Finding::new(&RULE, format!("nothing puts {} into the image", need.program));
            for site in need.sites.iter().filter(|site| site.language == "dockerfile") {
                finding = finding.label(site.span, format!("{} starts it", site.api));
            }
            finding.help("a COPY is missing, its destination is another, or `.dockerignore` keeps the file out")
        })
        .collect()
}

/// Whether a missing need is this rule's to report: a path that an instruction of the Dockerfile starts.
pub fn covers(need: &Need) -> bool {
    matches!(need.program, Program::Path(_)) && need.sites.iter().any(|site| site.language == "dockerfile")
}
