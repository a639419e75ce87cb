//! `missing-program`: the code runs a program that the image does not have.

use super::Subject;
use super::subject::Docker;
use crate::file::Span;
use crate::finding::{Edit, Finding, Fix, Rule, Severity};
use crate::need::Need;
use crate::resolve::answer::Answer;
use crate::resolve::contents::Gap;
use crate::resolve::supply::Choice;

/// The rule.
pub static RULE: Rule = Rule {
    code: "missing-program",
    severity: Severity::Error,
    summary: "the code runs a program that the image does not have",
    docs: include_str!("../../docs/findings/missing-program.md"),
};

/// The number of exec sites that a finding labels; the rest are counted.
const SITES_SHOWN: usize = 3;

/// Needs that nothing in the Dockerfile meets.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let rendered = subject.image.is_some_and(|image| image.template.is_some());
    subject
        .answered()
        .filter(|(need, _)| !subject.is_ignored(need) && !super::missing_interpreter::covers(need))
        // In a rendered image the manifest is what is wrong: `undeclared-program` says so once.
        .filter(|(need, _)| !rendered || subject.is_declared(need))
        .filter_map(|(need, answer)| match answer {
            Answer::Given(_) => None,
            // What the base may bring is told once, by `unknown-base`.
            Answer::Perhaps(gap) if gap.span == Some(docker.plan.base.span) => None,
            Answer::Perhaps(gap) => Some(missing(subject, &docker, need, Some(gap))),
            // A path that the Dockerfile starts, and an interpreter, have rules of their own.
            Answer::Missing if super::missing_file::covers(need) => None,
            Answer::Missing => Some(missing(subject, &docker, need, None)),
        })
        .collect()
}

fn missing(subject: &Subject<'_>, docker: &Docker<'_>, need: &Need, gap: Option<&Gap>) -> Finding {
    let severity = match (need.optional, gap) {
        (true, _) => Severity::Note,
        (false, None) => Severity::Error,
        // Something that cannot be known may bring it.
        (false, Some(_)) => Severity::Warning,
    };
    let message = match gap {
        None => format!("`{}` is run but not in the image", need.program),
        Some(_) => format!("`{}` is run, and nothing that is known brings it into the image", need.program),
    };
    let mut finding = label_sites(Finding::new(&RULE, message).severity(severity), need, "runs it");
    let apk_add = docker.plan.apk_adds.iter().rfind(|add| add.virtual_name.is_none() && !add.conditional);
    if let Some(apk_add) = apk_add {
        finding = finding.label(apk_add.span, "installs nothing that brings it");
    } else if gap.is_none() {
        finding = finding.label(docker.plan.base.span, "nothing from here on brings it");
    }
    for given in docker.contents.elsewhere(&need.program) {
        if let Some(path) = &given.path {
            let by = given.provider.describe();
            finding = finding.help(format!("the image has {path} ({by}), where it is not looked up"));
        }
    }
    if let Some(gap) = gap {
        finding = match gap.span {
            Some(span) => finding.label(span, gap.why.clone()),
            None => finding.help(gap.why.clone()),
        };
    }
    let finding = supply_help(finding, subject, need);
    match (subject.supply.choose(need.name()), apk_add.and_then(|add| add.words.last())) {
        (Some(choice), Some((_, last))) if severity == Severity::Error => finding.fix(Fix {
            description: format!("add {} to the `apk add` line", choice.package),
            edits: vec![Edit { span: Span { start: last.end, ..*last }, replacement: format!(" {}", choice.package) }],
        }),
        _ => finding,
    }
}

/// Labels the places that run a program, the first ones each and the others as a number.
pub fn label_sites(mut finding: Finding, need: &Need, message: &str) -> Finding {
    for site in need.sites.iter().take(SITES_SHOWN) {
        finding = finding.label(site.span, format!("{message} ({})", site.api));
        // The line that decided: where the name itself stands.
        let named = site.trace.iter().rfind(|step| step.what.contains(need.name()) && step.span != site.span);
        if let Some(step) = named {
            finding = finding.label(step.span, "named here");
        }
    }
    let more = need.sites.len().saturating_sub(SITES_SHOWN);
    if more > 0 {
        finding.help(format!("{more} more places run it: `aboard why {}` lists them", need.name()))
    } else {
        finding
    }
}

/// Says which package would bring a program, or that none does.
pub fn supply_help(finding: Finding, subject: &Subject<'_>, need: &Need) -> Finding {
    match subject.supply.choose(need.name()) {
        Some(Choice { package, verified: true, reason, .. }) => {
            let finding = finding.help(format!("package {package} of {} brings it", subject.supply.release()));
            if reason.is_empty() { finding } else { finding.help(reason) }
        }
        Some(Choice { package, verified: false, .. }) => finding.help(format!(
            "package {package} brings it, by the built-in table; no index of {} was at hand to verify that",
            subject.supply.release()
        )),
        None => {
            let near = subject.supply.near_programs(need.name());
            if near.is_empty() { finding } else { finding.help(format!("programs of near names: {}", near.join(", "))) }
        }
    }
}
