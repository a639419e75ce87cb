//! `applet-option`: the code gives a program an option that busybox's applet of that name lacks.

use super::Subject;
use crate::apk::applet;
use crate::dockerfile::Distribution;
use crate::finding::{Finding, Rule, Severity};
use crate::resolve::answer::Answer;
use crate::resolve::contents::Provider;

/// The rule.
pub static RULE: Rule = Rule {
    code: "applet-option",
    severity: Severity::Note,
    summary: "an option is used that busybox's applet lacks",
    docs: include_str!("../../docs/findings/applet-option.md"),
};

/// Sites that run a program of an Alpine base with an option that the applet does not know.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let alpine = |docker: &super::subject::Docker<'_>| matches!(docker.plan.base.distribution, Distribution::Alpine(_));
    if !subject.dockerfile.as_ref().is_some_and(alpine) {
        return Vec::new();
    }
    let by_base =
        |answer: &Answer| matches!(answer, Answer::Given(given) if matches!(given.provider, Provider::Base(_)));
    let needs = subject.answered().filter(|(_, answer)| by_base(answer)).map(|(need, _)| need);
    needs
        .flat_map(|need| need.sites.iter().map(move |site| (need, site)))
        .filter_map(|(need, site)| {
            let arguments: Vec<&str> = site.arguments.iter().map(String::as_str).collect();
            let option = applet::lacks(need.name(), &arguments)?;
            let message = format!("busybox's `{}` has no {option}", need.name());
            let finding = Finding::new(&RULE, message).label(site.span, "given here");
            Some(match subject.supply.choose(need.name()) {
                Some(choice) => finding.help(format!("package {} has the full program", choice.package)),
                None => finding,
            })
        })
        .collect()
}
