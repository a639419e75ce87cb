//! `missing-program`: the code runs a program that the image does not have.

use super::Subject;
use crate::finding::{Edit, Finding, Fix, Rule, Severity};
use crate::need::Need;
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
    let Some(contents) = subject.contents else { return Vec::new() };
    let rendered = subject.image.is_some_and(|image| image.template.is_some());
    subject
        .needs
        .iter()
        .filter(|need| contents.find(&need.program).is_none() && !subject.is_ignored(need))
        // In a rendered image the manifest is what is wrong: `undeclared-program` says so once.
        .filter(|need| !rendered || subject.is_declared(need))
        .map(|need| missing(subject, need))
        .collect()
}

fn missing(subject: &Subject<'_>, need: &Need) -> Finding {
    let finding = Finding::new(&RULE, format!("`{}` is run but not in the image", need.program));
    let gaps = subject.contents.map_or(&[][..], |contents| &contents.gaps);
    let severity = match (need.optional, gaps.is_empty()) {
        (true, _) => Severity::Note,
        (false, true) => Severity::Error,
        // Something that cannot be known may bring it.
        (false, false) => Severity::Warning,
    };
    let mut finding = label_sites(finding.severity(severity), need, "runs it");
    if let Some(apk_add) = subject.apk_add {
        finding = finding.label(apk_add.span, "installs nothing that brings it");
    } else if let Some(stage) = subject.stage {
        finding = finding.label(stage, "this stage installs nothing that brings it");
    }
    for given in subject.contents.iter().flat_map(|contents| contents.elsewhere(&need.program)) {
        if let Some(path) = &given.path {
            finding = finding.help(format!("the image has {path} ({}), which is not looked up there", given.provider.describe()));
        }
    }
    for gap in gaps {
        finding = finding.help(format!("it may be there all the same: {}", gap.why));
    }
    let finding = supply_help(finding, subject, need);
    match (subject.supply.choose(need.name()), subject.apk_add) {
        (Some(choice), Some(apk_add)) if severity == Severity::Error => finding.fix(Fix {
            description: format!("add {} to the `apk add` line", choice.package),
            edits: vec![Edit { span: apk_add.end, replacement: format!(" {}", choice.package) }],
        }),
        _ => finding,
    }
}

/// Labels the places that run a program, the first ones each and the others as a number.
pub fn label_sites(mut finding: Finding, need: &Need, message: &str) -> Finding {
    for site in need.sites.iter().take(SITES_SHOWN) {
        finding = finding.label(site.span, format!("{message} ({})", site.api));
    }
    let more = need.sites.len().saturating_sub(SITES_SHOWN);
    if more > 0 { finding.help(format!("{more} more places run it: `aboard why {}` lists them", need.name())) } else { finding }
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
