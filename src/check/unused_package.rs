//! `unused-package`: a package is installed in the stage that ships, brings programs, and nothing in the code runs one.

use super::Subject;
use crate::finding::{Finding, Rule, Severity};

/// The rule.
pub static RULE: Rule = Rule {
    code: "unused-package",
    severity: Severity::Note,
    summary: "a package is installed, and the code runs none of its programs",
    docs: include_str!("../../docs/findings/unused-package.md"),
};

/// Packages that are installed for their data; their programs are by-products. Sorted.
/// Source: <https://pkgs.alpinelinux.org/package/v3.20/main/x86_64/ca-certificates>: its description is the certificates.
const DATA: [&str; 1] = ["ca-certificates"];

/// Packages of hand-written `apk add` lines that bring programs which no need names.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile.filter(|_| subject.scanned) else { return Vec::new() };
    let Some(catalog) = subject.supply.catalog() else { return Vec::new() };
    // What the manifest lists has its reason there.
    let listed = |name: &str| subject.image.is_some_and(|image| image.packages.keys().any(|known| known == name));
    let mut findings = Vec::new();
    for package in
        docker.plan.packages.iter().filter(|package| !listed(&package.name) && !DATA.contains(&package.name.as_str()))
    {
        let Some(entry) = catalog.package(&package.name) else { continue };
        let programs: Vec<&str> = entry.package.programs().map(|(name, _)| name).collect();
        if programs.is_empty() || subject.needs.iter().any(|need| programs.contains(&need.name())) {
            continue;
        }
        let some = programs.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = if programs.len() > 3 { format!(" and {} more", programs.len() - 3) } else { String::new() };
        let finding = Finding::new(&RULE, format!("nothing in the code runs a program of {}", package.name))
            .label(package.span, format!("brings {some}{more}"));
        findings.push(if subject.dynamic.is_empty() {
            finding
        } else {
            finding.help(format!(
                "{} places run programs that are not known: it may be for one of them",
                subject.dynamic.len()
            ))
        });
    }
    findings
}
