//! `applet-option`: the code gives a program an option that busybox's applet of that name lacks.

use super::Subject;
use crate::apk::applet;
use crate::dockerfile::Distribution;
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;
use crate::resolve::answer::Answer;
use crate::resolve::contents::{Given, Provider};

/// The rule.
pub static RULE: Rule = Rule {
    code: "applet-option",
    severity: Severity::Note,
    summary: "an option is used that busybox's applet lacks",
    docs: include_str!("../../docs/findings/applet-option.md"),
};

/// Sites that run a program of an Alpine base with an option that the applet does not know.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    if !matches!(docker.plan.base.distribution, Distribution::Alpine(_)) {
        return Vec::new();
    }
    let by_base = |given: &Given| matches!(given.provider, Provider::Base(_));
    let is_applet = |need: &Need, answer: &Answer| {
        // A package of the full program takes the applet's place.
        matches!(answer, Answer::Given(given) if by_base(given))
            && docker.contents.elsewhere(&need.program).into_iter().all(by_base)
    };
    let needs = subject.answered().filter(|(need, answer)| is_applet(need, answer)).map(|(need, _)| need);
    needs
        .flat_map(|need| need.sites.iter().map(move |site| (need, site)))
        .filter_map(|(need, site)| {
            let arguments: Vec<&str> = site.arguments.iter().map(String::as_str).collect();
            let lack = applet::lacks(need.name(), &arguments)?;
            let finding = Finding::new(&RULE, lack).label(site.span, "given here");
            Some(finding.help("install that package, or use an option that both know"))
        })
        .collect()
}
