//! `unknown-effect`: a step of the Dockerfile does something to the image that cannot be known without running it.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};

/// The rule.
pub static RULE: Rule = Rule {
    code: "unknown-effect",
    severity: Severity::Note,
    summary: "what a step does to the image is not known",
    docs: include_str!("../../docs/findings/unknown-effect.md"),
};

/// The steps of the stage that ships whose effect on programs is not known, each place once.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let mut effects: Vec<_> = docker.plan.unknown.iter().filter(|effect| effect.programs).collect();
    effects.sort();
    effects.dedup_by_key(|effect| effect.span);
    effects
        .into_iter()
        .map(|effect| {
            Finding::new(&RULE, effect.why.clone())
                .label(effect.span, "")
                .help("`aboard verify` looks at the built image, where it shows")
        })
        .collect()
}
