//! An image of the manifest: what gives each declared program, and what its packages bring.

use super::base::Base;
use super::packages::{self, Installation, name_of};
use super::supply::{Existence, Supply};
use crate::apk::closure::ClosureError;
use crate::finding::{Finding, Rule, Severity};
use crate::lock::{By, LockedBase, LockedImage, LockedProgram};
use crate::manifest::{Image, ProgramEntry, Spanned};
use std::collections::{BTreeMap, BTreeSet};

/// No package of the image's release brings a declared program.
pub static UNKNOWN_PROGRAM: Rule = Rule {
    code: "unknown-program",
    severity: Severity::Error,
    summary: "no package brings a declared program",
    docs: include_str!("../../docs/findings/unknown-program.md"),
};

/// A package does not exist in the image's release.
pub static UNKNOWN_PACKAGE: Rule = Rule {
    code: "unknown-package",
    severity: Severity::Error,
    summary: "a package does not exist in the image's Alpine release",
    docs: include_str!("../../docs/findings/unknown-package.md"),
};

/// A package was taken from the built-in table.
pub static UNVERIFIED_PACKAGE: Rule = Rule {
    code: "unverified-package",
    severity: Severity::Warning,
    summary: "a package was taken from the built-in table, not from an index",
    docs: include_str!("../../docs/findings/unverified-package.md"),
};

/// The packages cannot be installed together.
pub static IMPOSSIBLE_PACKAGES: Rule = Rule {
    code: "impossible-packages",
    severity: Severity::Error,
    summary: "the packages of an image cannot be installed together",
    docs: include_str!("../../docs/findings/impossible-packages.md"),
};

/// A package does not bring the program that the manifest expects of it.
pub static WRONG_PACKAGE: Rule = Rule {
    code: "wrong-package",
    severity: Severity::Error,
    summary: "a package does not bring the program that the manifest expects of it",
    docs: include_str!("../../docs/findings/wrong-package.md"),
};

/// What gives each declared program of an image, and the packages that this takes.
pub fn resolve(image: &Image, base: &Base, supply: &Supply) -> (LockedImage, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut programs = BTreeMap::new();
    let mut wanted: BTreeMap<String, &Spanned<String>> = BTreeMap::new();
    for (name, entry) in &image.packages {
        wanted.insert(name.clone(), &entry.name);
        findings.extend(unknown_package(name_of(name), &entry.name, supply));
    }
    for (name, entry) in &image.programs {
        match provider(entry, base, supply) {
            Ok(program) => {
                if matches!(program.by, By::Package | By::Unverified) {
                    wanted.entry(program.what.clone()).or_insert(&entry.name);
                }
                programs.insert(name.clone(), program);
            }
            Err(finding) => findings.push(finding),
        }
    }
    prefer_few(&mut programs, &mut wanted, image, supply);
    let requests: Vec<String> = wanted.keys().cloned().collect();
    let Installation { packages, unverified } = match packages::install(supply, &base.installed, &requests) {
        Ok(installation) => installation,
        Err(error) => {
            findings.push(impossible(image, &error, &wanted));
            Installation::default()
        }
    };
    for package in &unverified {
        if supply.existence(package) == Existence::Unknown {
            findings.push(unverified_package(package, wanted.get(package).copied(), supply));
        }
    }
    let base = LockedBase {
        reference: image.base.as_ref().map(|base| base.value.clone()).unwrap_or_default(),
        release: image.release.as_ref().map(|release| release.value.clone()),
        ..base.locked.clone()
    };
    (LockedImage { base, programs, packages }, findings)
}

fn provider(entry: &ProgramEntry, base: &Base, supply: &Supply) -> Result<LockedProgram, Finding> {
    let name = entry.name.value.rsplit('/').next().unwrap_or(&entry.name.value);
    if let Some(how) = &entry.provided_by {
        return Ok(LockedProgram { by: By::Declared, what: how.value.clone() });
    }
    if let Some(package) = &entry.package {
        return named_package(name, package, supply);
    }
    if let Some(path) = base.path_of(&entry.name.value) {
        return Ok(LockedProgram { by: By::Base, what: path.to_owned() });
    }
    match supply.choose(name) {
        Some(choice) if choice.verified => Ok(LockedProgram { by: By::Package, what: choice.package }),
        Some(choice) => Ok(LockedProgram { by: By::Unverified, what: choice.package }),
        None => {
            let mut finding =
                Finding::new(&UNKNOWN_PROGRAM, format!("no package of {} brings `{name}`", supply.release()))
                    .label(entry.name.span, "declared here");
            let near = supply.near_programs(name);
            if !near.is_empty() {
                finding = finding.help(format!("programs of near names: {}", near.join(", ")));
            }
            if !supply.absent().is_empty() {
                finding = finding
                    .help(format!("not every index was at hand: {} could not be read", supply.absent().join(", ")));
            }
            Err(finding.help("say `provided_by: …` where something other than a package brings it"))
        }
    }
}

/// The manifest's own word for the package of a program.
fn named_package(program: &str, package: &Spanned<String>, supply: &Supply) -> Result<LockedProgram, Finding> {
    if let Some(finding) = unknown_package(name_of(package), package, supply) {
        return Err(finding);
    }
    match supply.brings(name_of(package), program) {
        Some(false) => {
            let message = format!("package {package} of {} brings no `{program}`", supply.release());
            let finding = Finding::new(&WRONG_PACKAGE, message).label(package.span, "named here");
            Err(match supply.choose(program) {
                Some(choice) => finding.help(format!("package {} does", choice.package)),
                None => finding,
            })
        }
        Some(true) => Ok(LockedProgram { by: By::Package, what: package.value.clone() }),
        None => Ok(LockedProgram { by: By::Unverified, what: package.value.clone() }),
    }
}

/// Drops packages that were chosen for programs which another package of the image brings anyhow. That is not only
/// cheaper: apk does not install two packages together that both provide a program.
fn prefer_few(
    programs: &mut BTreeMap<String, LockedProgram>,
    wanted: &mut BTreeMap<String, &Spanned<String>>,
    image: &Image,
    supply: &Supply,
) {
    let fixed: BTreeSet<String> = image
        .packages
        .keys()
        .cloned()
        .chain(image.programs.values().filter_map(|entry| Some(entry.package.as_ref()?.value.clone())))
        .collect();
    for (name, program) in programs.iter_mut() {
        if program.by != By::Package || fixed.contains(&program.what) {
            continue;
        }
        let base_name = name.rsplit('/').next().unwrap_or(name);
        if let Some(other) = fixed.iter().find(|package| supply.brings(name_of(package), base_name) == Some(true)) {
            program.what.clone_from(other);
        }
    }
    merge_chosen(programs, &fixed, supply);
    let used: BTreeSet<&String> = programs.values().map(|program| &program.what).collect();
    wanted.retain(|package, _| fixed.contains(package) || used.contains(package));
}

/// Moves the programs of a chosen package to another chosen one that brings them all; the package of the fewest programs
/// goes first.
fn merge_chosen(programs: &mut BTreeMap<String, LockedProgram>, fixed: &BTreeSet<String>, supply: &Supply) {
    let chosen = programs.values().filter(|program| program.by == By::Package && !fixed.contains(&program.what));
    let mut chosen: Vec<String> = chosen.map(|program| program.what.clone()).collect();
    chosen.sort();
    chosen.dedup();
    let given = |programs: &BTreeMap<String, LockedProgram>, package: &str| -> Vec<String> {
        let own = programs.iter().filter(|(_, program)| program.by == By::Package && program.what == package);
        own.map(|(name, _)| name.clone()).collect()
    };
    chosen.sort_by_key(|package| given(programs, package).len());
    for package in &chosen {
        let names = given(programs, package);
        let brings = |other: &String| {
            let mut names = names.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
            other != package && names.all(|name| supply.brings(name_of(other), name) == Some(true))
        };
        let others = chosen.iter().rev().filter(|other| !given(programs, other).is_empty());
        if let Some(other) = others.clone().find(|other| brings(other)) {
            for name in names {
                programs.entry(name).and_modify(|program| program.what.clone_from(other));
            }
        }
    }
}

/// The finding that a package does not exist, where every index of the image was at hand.
pub fn unknown_package(name: &str, place: &Spanned<String>, supply: &Supply) -> Option<Finding> {
    if supply.existence(name) != Existence::Absent {
        return None;
    }
    let message = format!("{} has no package `{name}`", supply.release());
    let finding = Finding::new(&UNKNOWN_PACKAGE, message).label(place.span, "named here");
    let near = supply.near_packages(name);
    Some(if near.is_empty() { finding } else { finding.help(format!("packages of near names: {}", near.join(", "))) })
}

fn unverified_package(package: &str, place: Option<&Spanned<String>>, supply: &Supply) -> Finding {
    let finding = Finding::new(
        &UNVERIFIED_PACKAGE,
        format!("package {package} was not verified: no index of {} at hand has it", supply.release()),
    );
    let finding = match place {
        Some(place) => finding.label(place.span, "needs it"),
        None => finding,
    };
    match supply.absent() {
        [] => finding.help("`aboard index update` fetches the indexes"),
        absent => finding.help(format!("could not be read: {}", absent.join(", "))),
    }
}

fn impossible(image: &Image, error: &ClosureError, wanted: &BTreeMap<String, &Spanned<String>>) -> Finding {
    let finding = Finding::new(
        &IMPOSSIBLE_PACKAGES,
        format!("the packages of image {} cannot be installed together", image.name),
    );
    let finding = match error {
        ClosureError::Impossible(problems) => {
            problems.iter().fold(finding, |finding, problem| finding.help(problem.to_string()))
        }
        other => finding.help(other.to_string()),
    };
    wanted.values().fold(finding.label(image.name.span, "of this image"), |finding, place| {
        finding.label(place.span, "asked for here")
    })
}

/// Why a locked image does not fit the manifest any more; nothing where it does.
pub fn stale(image: &Image, locked: &LockedImage) -> Option<String> {
    let base = image.base.as_ref().map(|base| base.value.as_str()).unwrap_or_default();
    if locked.base.reference != base {
        return Some(format!("the base is {base}, the lock has {}", locked.base.reference));
    }
    for (name, entry) in &image.programs {
        let Some(program) = locked.programs.get(name) else { return Some(format!("program {name} is new")) };
        let fits = match (&entry.provided_by, &entry.package) {
            (Some(how), _) => program.by == By::Declared && program.what == how.value,
            (None, Some(package)) => program.by != By::Declared && program.what == package.value,
            (None, None) => program.by != By::Declared,
        };
        if !fits {
            return Some(format!("program {name} was changed"));
        }
    }
    if let Some(name) = locked.programs.keys().find(|name| !image.programs.contains_key(*name)) {
        return Some(format!("program {name} is gone"));
    }
    if let Some(name) = image.packages.keys().find(|name| !locked.packages.contains_key(name_of(name))) {
        return Some(format!("package {name} is new"));
    }
    let needed: BTreeSet<&str> = locked
        .programs
        .values()
        .filter(|program| matches!(program.by, By::Package | By::Unverified))
        .map(|program| name_of(&program.what))
        .chain(image.packages.keys().map(|name| name_of(name)))
        .collect();
    let gone = locked.packages.iter().find(|(name, package)| package.named && !needed.contains(name.as_str()));
    gone.map(|(name, _)| format!("package {name} is gone"))
}
