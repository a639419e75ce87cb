//! `dynamic-program`: the code runs a program that cannot be known from the code alone.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};
use crate::site::Program;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dynamic-program",
    severity: Severity::Note,
    summary: "the code runs a program that cannot be known from the code",
    docs: include_str!("../../docs/findings/dynamic-program.md"),
};

/// Every site that is not settled.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .dynamic
        .iter()
        .filter_map(|site| {
            let Program::Dynamic(reason) = &site.program else { return None };
            let finding = Finding::new(&RULE, "a program is run that the code alone does not settle");
            let finding = finding.label(site.span, reason.clone());
            Some(site.trace.iter().fold(finding, |finding, step| finding.label(step.span, step.what.clone())))
        })
        .collect()
}
