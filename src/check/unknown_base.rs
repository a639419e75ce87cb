//! `unknown-base`: the image stands on a base whose programs are not known, so that what is not installed on top may
//! still be there.

use super::Subject;
use crate::dockerfile::{Base, Distribution};
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
    let Some(why) = unknown(base) else { return Vec::new() };
    let finding = Finding::new(&RULE, format!("what {} brings is not known", shown(base)))
        .label(base.span, why)
        .help("`aboard verify` looks at the built image itself")
        .help("or declare what the base has in the manifest, with `provided_by: base`");
    vec![finding]
}

fn shown(base: &Base) -> &str {
    if base.reference.is_empty() { "the base image" } else { &base.reference }
}

/// Why a base is not known; nothing where it is.
fn unknown(base: &Base) -> Option<String> {
    if !base.unset.is_empty() {
        return Some(format!("the value of {} is not known", base.unset.join(", ")));
    }
    match base.distribution {
        Distribution::Scratch => None,
        Distribution::Alpine(_) if base.is_plain_alpine() || base.official().is_some() => None,
        Distribution::Alpine(_) => Some("not an official image: it may hold more than Alpine does".to_owned()),
        Distribution::Debian => Some("not built on Alpine, whose packages alone are resolved".to_owned()),
        Distribution::Unknown => Some("no image that is known by its name".to_owned()),
    }
}
