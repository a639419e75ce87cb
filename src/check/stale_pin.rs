//! `stale-pin`: a package is pinned, in a Dockerfile or by the lock, to a version that the index no longer has.

use super::Subject;
use super::subject::Docker;
use crate::apk::catalog::Catalog;
use crate::apk::pin::{self, Pin};
use crate::dockerfile::{Distribution, Package};
use crate::finding::{Edit, Finding, Fix, Rule, Severity};
use crate::manifest;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub static RULE: Rule = Rule {
    code: "stale-pin",
    severity: Severity::Error,
    summary: "a package is pinned to a version that the index no longer has",
    docs: include_str!("../../docs/findings/stale-pin.md"),
};

/// Pins that no index at hand can satisfy: of every stage that stands on the image's release, and of the lock.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(catalog) = subject.supply.catalog() else { return Vec::new() };
    let pinned = subject.dockerfile.map(|docker| pinned(subject, &docker)).unwrap_or_default();
    let stands: BTreeSet<&str> = pinned.values().map(|(_, entry)| entry.as_str()).collect();
    let of_lock = in_lock(subject, catalog, &stands);
    let in_dockerfile = pinned.values().filter_map(|(package, entry)| {
        let newest = newer(catalog, entry)?;
        Some(in_dockerfile(subject, package, entry, &newest))
    });
    in_dockerfile.chain(of_lock).collect()
}

/// The packages that a Dockerfile asks for with a version, in the order of the file, each with the whole word. A package
/// under a tag or from a repository of its own is not judged by the image's indexes.
fn pinned<'d>(subject: &Subject<'_>, docker: &Docker<'d>) -> BTreeMap<crate::file::Span, (&'d Package, String)> {
    let release = subject.supply.release();
    let others = docker.others.iter().filter(|stage| match &stage.base.distribution {
        Distribution::Alpine(Some(of_stage)) => {
            release.trim_start_matches("Alpine v") == of_stage.trim_start_matches('v')
        }
        _ => false,
    });
    let packages = others.chain([docker.plan]).flat_map(|stage| &stage.packages);
    let own = packages.filter(|package| package.repositories.is_empty() && package.tag.is_none());
    own.filter_map(|package| {
        let constraint = package.constraint.as_ref()?;
        Some((package.span, (package, format!("{}{constraint}", package.name))))
    })
    .collect()
}

/// The newest version that there is, where a pin is stale.
fn newer(catalog: &Catalog, entry: &str) -> Option<String> {
    match pin::check(catalog, entry) {
        Ok(Pin::Stale { newest }) => Some(newest),
        _ => None,
    }
}

fn in_dockerfile(subject: &Subject<'_>, package: &Package, entry: &str, newest: &str) -> Finding {
    let message = format!("{entry} is pinned, and {} has {newest}", subject.supply.release());
    let finding = Finding::new(&RULE, message).label(package.span, "no such build is on the mirror any more");
    if subject.image.is_some_and(|image| image.template.is_some()) {
        return finding.help("`aboard update` resolves the image anew and rewrites the pins");
    }
    let finding = finding.help(
        "`aboard update` brings a managed block up to date; elsewhere pin to the minor version (`~=`), or to none",
    );
    let exact = format!("{}={}", package.name, entry.rsplit('=').next().unwrap_or_default());
    let written = subject.files().get(package.span.file);
    if entry != exact || written.text().get(package.span.start as usize..package.span.end as usize) != Some(entry) {
        return finding;
    }
    finding.fix(Fix {
        description: format!("pin {} to {newest}", package.name),
        edits: vec![Edit { span: package.span, replacement: format!("{}={newest}", package.name) }],
    })
}

/// Pins that rendering would write by the lock, but for those that stand in the Dockerfile already.
fn in_lock(subject: &Subject<'_>, catalog: &Catalog, stands: &BTreeSet<&str>) -> Vec<Finding> {
    let (Some(image), Some(locked)) = (subject.image, subject.locked) else { return Vec::new() };
    if image.pin.value == manifest::Pin::None {
        return Vec::new();
    }
    let named = locked.packages.iter().filter(|(_, package)| package.named);
    named
        .filter_map(|(name, package)| {
            let entry = format!("{name}{}", image.pin.text(package.version.as_ref()?));
            let newest = newer(catalog, &entry).filter(|_| !stands.contains(entry.as_str()))?;
            let message =
                format!("the lock of image {} pins {entry}, and {} has {newest}", image.name, subject.supply.release());
            let finding = Finding::new(&RULE, message).label(image.pin.span, "pinned by this");
            Some(finding.help("`aboard update` resolves the image anew and rewrites lock and pins"))
        })
        .collect()
}
