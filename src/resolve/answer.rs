//! Whether an image has a program, and what gives it: the join of a need with the image's contents and its Dockerfile.

use super::contents::{Contents, Gap, Given, Provider};
use crate::apk::builtin;
use crate::dockerfile::path::below;
use crate::dockerfile::{ImageFile, Origin, Presence, Shape, StagePlan};
use crate::lock::LockedPackage;
use crate::site::Program;
use crate::walk::{self, Tree};
use std::collections::BTreeMap;

/// The answer to a need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The image has it.
    Given(Given),
    /// It may have it: a step that cannot be known may bring it.
    Perhaps(Gap),
    /// It has it not.
    Missing,
}

/// What an image has after the instructions of its Dockerfile: the base's programs, those of the installed packages, and
/// the files that instructions name.
pub fn contents(
    plan: &StagePlan,
    base: &super::base::Base,
    packages: &BTreeMap<String, LockedPackage>,
    complete: bool,
) -> Contents {
    let path = plan.path_folders().join(":");
    let mut contents = Contents::new(Some(&path), &plan.workdir);
    // What the stage added and removed again says nothing of a package that the base has too.
    let removed: Vec<&str> = plan
        .removed
        .iter()
        .filter(|gone| !gone.conditional && gone.added.is_none())
        .map(|gone| gone.name.as_str())
        .collect();
    for (path, package) in &base.programs {
        if !removed.contains(&package.as_str()) {
            contents.add_path(path, Provider::Base(path.clone()));
        }
    }
    for path in plan.base.official().iter().flat_map(|row| &row.programs) {
        contents.add_path(path, Provider::Base(path.clone()));
    }
    for (name, package) in packages {
        let span = plan.packages.iter().find(|added| added.name == *name).map(|added| added.span);
        let provider = Provider::Package {
            name: name.clone(),
            version: package.version.clone(),
            because: package.because.clone(),
            span,
        };
        for program in &package.programs {
            contents.add_name(program, provider.clone());
        }
        // No index tells what it brings: most packages of a program are named like it.
        if package.version.is_none() && package.programs.is_empty() {
            contents.add_name(name, provider);
            let why = format!("what package {name} brings is not known");
            contents.unknown_packages.insert(name.clone(), Gap { why, span });
        }
    }
    // Packages of other systems are in no index of Alpine's; most packages of a program are named like it.
    for package in plan.foreign.iter().filter(|package| matches!(package.manager, "apt" | "dnf")) {
        contents.add_name(&package.name, Provider::Built(package.span));
    }
    for file in plan.files.iter().filter(|file| file.shape != Shape::Tree) {
        contents.add_path(&file.path, provider_of(file));
    }
    for unknown in plan.unknown.iter().filter(|unknown| unknown.programs) {
        contents.gaps.push(Gap { why: unknown.why.clone(), span: Some(unknown.span) });
    }
    if !complete {
        let why = format!("what {} brings is not known", plan.base.reference);
        // First: what a base may have stands before what a step may have made.
        contents.gaps.insert(0, Gap { why, span: Some(plan.base.span) });
    }
    contents
}

fn provider_of(file: &ImageFile) -> Provider {
    match file.origin {
        Origin::Built(_) | Origin::Link(_) | Origin::Remote(_) => Provider::Built(file.span),
        _ => Provider::Copied(file.span),
    }
}

/// Whether the image has a program.
pub fn answer(
    program: &Program,
    contents: &Contents,
    plan: Option<&StagePlan>,
    context: Option<(&Tree, &str)>,
) -> Answer {
    if let Some(given) = contents.find(program) {
        return Answer::Given(given.clone());
    }
    let within = plan.and_then(|plan| within(program, plan, context));
    let unknown = program.base_name().and_then(|name| unknown_package(name, contents));
    match (within, contents.gaps.first().or(unknown)) {
        (Some(answer), _) => answer,
        (None, Some(gap)) => Answer::Perhaps(gap.clone()),
        (None, None) => Answer::Missing,
    }
}

/// The package of which no index tells what it brings and that may bring a program. A well-known program is known to come
/// from its own package: only one of the same family (`openssh-server` for `openssh-keygen`) may bring that along.
fn unknown_package<'c>(program: &str, contents: &'c Contents) -> Option<&'c Gap> {
    let family = |package: &str| package.split('-').next().unwrap_or(package).to_owned();
    let known = builtin::package(program).map(|known| family(known.package));
    let mut packages = contents.unknown_packages.iter();
    packages.find(|(name, _)| known.as_ref().is_none_or(|known| *known == family(name))).map(|(_, gap)| gap)
}

/// The answer of a folder that is copied whole: known where it comes from the context, else a perhaps.
fn within(program: &Program, plan: &StagePlan, context: Option<(&Tree, &str)>) -> Option<Answer> {
    let candidates: Vec<String> = match program {
        Program::Name(name) => {
            plan.path_folders().iter().map(|folder| crate::dockerfile::path::join(folder, name)).collect()
        }
        Program::Path(path) => vec![crate::dockerfile::path::join(&plan.workdir, path)],
        Program::Dynamic(_) => return None,
    };
    let mut perhaps = None;
    for path in candidates {
        let Presence::Within(folder) = plan.presence(&path) else { continue };
        match (&folder.origin, context) {
            (Origin::Context(source), Some((tree, root))) => {
                if is_in_context(tree, root, source, folder, &path) {
                    return Some(Answer::Given(Given { path: Some(path), provider: Provider::Copied(folder.span) }));
                }
            }
            _ => {
                let why = format!("{path} may be in the folder that is copied to {}", folder.path);
                perhaps = perhaps.or(Some(Answer::Perhaps(Gap { why, span: Some(folder.span) })));
            }
        }
    }
    perhaps
}

fn is_in_context(tree: &Tree, root: &str, source: &str, folder: &ImageFile, path: &str) -> bool {
    let Some(rest) = below(&folder.path, path) else { return false };
    let Some(source) = walk::join(root, source.trim_start_matches('/')) else { return false };
    walk::join(&source, rest.trim_start_matches('/')).is_some_and(|path| tree.is_file(&path))
}
