//! `undeclared-program`: the code runs a program that the manifest's `programs` do not declare.

use super::Subject;
use super::missing_program::{label_sites, supply_help};
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;
use crate::resolve::answer::Answer;
use crate::resolve::contents::Provider;

/// The rule.
pub static RULE: Rule = Rule {
    code: "undeclared-program",
    severity: Severity::Error,
    summary: "the code runs a program that the manifest does not declare",
    docs: include_str!("../../docs/findings/undeclared-program.md"),
};

/// Needs of a rendered image that neither the manifest nor the base nor the image's own files meet.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(image) = subject.image.filter(|image| image.template.is_some()) else { return Vec::new() };
    undeclared(subject)
        .map(|need| {
            let message = format!("`{}` is run but not declared for image {}", need.program, image.name);
            let finding = Finding::new(&RULE, message);
            let finding = if need.optional { finding.severity(Severity::Note) } else { finding };
            let finding = label_sites(finding, need, "runs it").label(image.name.span, "its `programs` do not name it");
            supply_help(finding, subject, need).help("`aboard derive` declares it")
        })
        .collect()
}

/// The needs that `derive` would declare: none that the base, a copy or a step of the build meets.
pub fn undeclared<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a Need> {
    subject
        .needs
        .iter()
        .enumerate()
        .filter(|(at, need)| {
            let own = match subject.answers.get(*at) {
                Some(Answer::Given(given)) => !matches!(given.provider, Provider::Package { .. }),
                Some(Answer::Perhaps(_) | Answer::Missing) | None => false,
            };
            !own && !subject.is_declared(need) && !subject.is_ignored(need)
        })
        .map(|(_, need)| need)
}
