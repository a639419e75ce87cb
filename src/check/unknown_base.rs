//! `unknown-base`: the image stands on a base whose programs are not known, so that what is not installed on top may
//! still be there.

use super::Subject;
use crate::dockerfile::Base;
use crate::finding::{Finding, Rule, Severity};

/// The rule.
pub static RULE: Rule = Rule {
    code: "unknown-base",
    severity: Severity::Warning,
    summary: "the programs of the base image are not known",
    docs: include_str!("../../docs/findings/unknown-base.md"),
};

/// The base of the stage that ships, where neither Alpine nor the table of official images describes it.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let base = &docker.plan.base;
    let Some(why) = base.unknown() else { return Vec::new() };
    let finding = Finding::new(&RULE, format!("what {} brings is not known", shown(base)))
        .label(base.span, why)
        .help("`aboard verify` looks at the built image itself")
        .help("or declare what the base has in the manifest, with `provided_by: base`");
    vec![finding]
}

fn shown(base: &Base) -> &str {
    if base.reference.is_empty() { "the base image" } else { &base.reference }
}
