//! `unknown-base`: the image stands on a base whose programs are not known, so that what is not installed on top may
//! still be there.

use super::Subject;
use crate::dockerfile::Base;
use crate::file::Span;
use crate::finding::{Finding, Rule, Severity};
use crate::resolve::answer::Answer;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    code: "unknown-base",
    severity: Severity::Warning,
    summary: "the programs of the base image are not known",
    docs: include_str!("../../docs/findings/unknown-base.md"),
};

/// The base of the stage that ships, where neither Alpine nor the table of official images describes it, and the lock does
/// not hold what was read of the image itself.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let base = &docker.plan.base;
    let Some(why) = base.unknown() else { return Vec::new() };
    if docker.contents.gaps.iter().all(|gap| gap.span != Some(base.span)) {
        return Vec::new();
    }
    let finding = Finding::new(&RULE, format!("what {} brings is not known", shown(base)))
        .label(base.span, why)
        .help("`aboard verify` looks at the built image itself")
        .help("or declare what the base has in the manifest, with `provided_by: base`")
        .help("or take it into the lock with `aboard lock --base`, where an engine has the image");
    vec![match open(subject, base.span) {
        Some(programs) => finding.help(format!("it must bring {programs}, which nothing else does")),
        None => finding,
    }]
}

/// The programs that only the base can bring, the first ones by name.
fn open(subject: &Subject<'_>, base: Span) -> Option<String> {
    const SHOWN: usize = 8;
    let of_base = |answer: &Answer| matches!(answer, Answer::Perhaps(gap) if gap.span == Some(base));
    let needs = subject.answered().filter(|(need, answer)| of_base(answer) && !subject.is_ignored(need));
    let names: BTreeSet<String> = needs.map(|(need, _)| format!("`{}`", need.program)).collect();
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<String> = names.into_iter().take(SHOWN).collect();
    match (shown.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown.join(", ")),
        (false, more) => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

fn shown(base: &Base) -> &str {
    if base.reference.is_empty() { "the base image" } else { &base.reference }
}
