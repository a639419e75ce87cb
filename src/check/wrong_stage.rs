//! `wrong-stage`: the package of a missing program is installed, but in a stage that does not ship.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};
use crate::resolve::answer::Answer;

/// The rule.
pub static RULE: Rule = Rule {
    code: "wrong-stage",
    severity: Severity::Error,
    summary: "a package is installed in a stage that does not ship",
    docs: include_str!("../../docs/findings/wrong-stage.md"),
};

/// Missing programs whose package another stage of the Dockerfile installs.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let missing = subject
        .answered()
        .filter(|(need, answer)| !matches!(answer, Answer::Given(_)) && !need.optional && !subject.is_ignored(need));
    missing
        .flat_map(|(need, answer)| docker.others.iter().map(move |stage| (need, answer, stage)))
        .filter_map(|(need, answer, stage)| {
            let package = stage.packages.iter().find(|package| subject.supply.gives(&package.name, need.name()))?;
            let severity = if matches!(answer, Answer::Missing) { Severity::Error } else { Severity::Warning };
            let message = format!("{} is installed in stage {}, which does not ship", package.name, stage.label);
            let finding = Finding::new(&RULE, message).severity(severity).label(package.span, "installed here");
            let finding = match need.sites.first() {
                Some(site) => finding.label(site.span, format!("`{}` is run here", need.program)),
                None => finding,
            };
            Some(finding.label(docker.plan.base.span, "the stage that ships starts here"))
        })
        .collect()
}
