//! `wrong-stage`: the package of a missing program is installed, but in a stage that does not ship.

use super::Subject;
use super::subject::run_here;
use crate::dockerfile::StagePlan;
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;
use std::collections::BTreeSet;

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
    let pairs = subject.unmet().flat_map(|unmet| docker.others.iter().map(move |stage| (unmet, stage)));
    // A stage has what the one that it starts from installs: each place is told once, with the stage that it stands in.
    let mut told = BTreeSet::new();
    let elsewhere = |((need, severity), stage): ((&Need, Severity), &StagePlan)| {
        let package = stage.packages.iter().find(|package| subject.supply.gives(&package.name, need.name()))?;
        if !told.insert((package.span, need.program.clone())) {
            return None;
        }
        let stage = docker.others.iter().find(|other| other.stage == package.stage).unwrap_or(stage);
        let message = format!("{} is installed in stage {}, which does not ship", package.name, stage.label);
        let finding = Finding::new(&RULE, message).severity(severity).label(package.span, "installed here");
        Some(run_here(finding, need).label(docker.plan.base.span, "the stage that ships starts here"))
    };
    pairs.filter_map(elsewhere).collect()
}
