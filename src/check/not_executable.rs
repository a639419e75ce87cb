//! `not-executable`: a file that the image starts is copied without its execute bit, and nothing sets it.

use super::Subject;
use super::subject::Docker;
use crate::dockerfile::{ImageFile, Origin, Presence, path};
use crate::finding::{Finding, Rule, Severity};
use crate::need::Need;
use crate::site::Program;

/// The rule.
pub static RULE: Rule = Rule {
    code: "not-executable",
    severity: Severity::Error,
    summary: "a program is in the image, but the image's user cannot execute it",
    docs: include_str!("../../docs/findings/not-executable.md"),
};

/// Needs whose file is known to have no execute bit.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    let needs = subject.needs.iter().filter(|need| !subject.is_ignored(need));
    needs
        .filter_map(|need| {
            let file = file_of(&docker, need).filter(|file| file.executable == Some(false) && !file.conditional)?;
            // A folder that stands before it on the PATH is no matter: the first match counts.
            let message = format!("{} is run, and has no execute bit", file.path);
            let help = match file.origin {
                Origin::Context(_) => format!("`COPY --chmod=0755`, or `RUN chmod +x {}`", file.path),
                _ => format!("`RUN chmod +x {}`", file.path),
            };
            let severity = if need.optional { Severity::Note } else { RULE.severity };
            let finding = Finding::new(&RULE, message).severity(severity).label(file.span, "put here without it");
            let finding = match need.sites.first() {
                Some(site) => finding.label(site.span, "run here"),
                None => finding,
            };
            Some(finding.help(help))
        })
        .collect()
}

/// The file that an instruction puts where a need looks.
pub fn file_of<'a>(docker: &Docker<'a>, need: &Need) -> Option<&'a ImageFile> {
    let presence = match &need.program {
        Program::Name(name) => docker.plan.program(name),
        Program::Path(at) => docker.plan.presence(&path::join(&docker.plan.workdir, at)),
        Program::Dynamic(_) => return None,
    };
    match presence {
        Presence::Provided(file) => Some(file),
        _ => None,
    }
}
