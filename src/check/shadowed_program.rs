//! `shadowed-program`: a program that the code runs stands twice on the PATH, and the first is not the package's.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};
use crate::resolve::contents::{Given, Provider};
use crate::site::Program;

/// The rule.
pub static RULE: Rule = Rule {
    code: "shadowed-program",
    severity: Severity::Note,
    summary: "a program stands twice on the PATH",
    docs: include_str!("../../docs/findings/shadowed-program.md"),
};

/// Needs by name for which a copied or built file stands before the base's or a package's program.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let needs = subject.needs.iter().filter(|need| matches!(need.program, Program::Name(_)));
    needs
        .filter_map(|need| {
            let all = docker.contents.elsewhere(&need.program);
            let place = |given: &Given| {
                let folder = given.path.as_deref()?.rsplit_once('/')?.0;
                docker.contents.path.iter().position(|on_path| on_path == folder)
            };
            let (own, span) = all.iter().find_map(|given| match given.provider {
                Provider::Copied(span) | Provider::Built(span) if place(given).is_some() => Some((*given, span)),
                _ => None,
            })?;
            // A package's program stands in /usr/bin or /bin, behind /usr/local/bin.
            let other = all.iter().find(|given| match given.provider {
                Provider::Package { .. } => own.path.as_deref().is_some_and(|path| path.starts_with("/usr/local/")),
                Provider::Base(_) => place(given) > place(own),
                _ => false,
            })?;
            let path = own.path.as_deref().unwrap_or_default();
            let message =
                format!("`{}` is {path}, which stands before the one from {}", need.name(), by(&other.provider));
            let finding = Finding::new(&RULE, message).label(span, "put here");
            Some(match &other.provider {
                Provider::Package { span: Some(span), .. } => finding.label(*span, "the other is installed here"),
                _ => finding,
            })
        })
        .collect()
}

fn by(provider: &Provider) -> String {
    match provider {
        Provider::Base(path) => format!("the base ({path})"),
        other => other.describe(),
    }
}
