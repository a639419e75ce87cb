//! `stale-pin`: a package is pinned, in a Dockerfile or by the lock, to a version that the index no longer has.

use super::Subject;
use crate::apk::catalog::Catalog;
use crate::apk::pin::{self, Pin};
use crate::dockerfile::{Distribution, Package};
use crate::file::Span;
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

/// A pinned package of a Dockerfile.
struct Pinned<'d> {
    package: &'d Package,
    /// The whole word (`git=2.45.2-r0`).
    entry: String,
}

/// Pins that no index at hand can satisfy: of every stage that stands on the image's release, and of the lock.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(catalog) = subject.supply.catalog() else { return Vec::new() };
    let pinned = pinned(subject);
    let stands: BTreeSet<&str> = pinned.values().map(|pinned| pinned.entry.as_str()).collect();
    let of_lock = in_lock(subject, catalog, &stands);
    let in_dockerfile = pinned.values().filter_map(|pinned| {
        let newest = newer(catalog, &pinned.entry)?;
        Some(in_dockerfile(subject, pinned, &newest))
    });
    in_dockerfile.chain(of_lock).collect()
}

/// What mending the pins of a hand-written Dockerfile changes, as `package old -> new`.
pub fn changes(subject: &Subject<'_>) -> Vec<String> {
    let Some(catalog) = subject.supply.catalog() else { return Vec::new() };
    let stale = pinned(subject).into_values().filter_map(|pinned| {
        let newest = newer(catalog, &pinned.entry)?;
        let old = pinned.exact(subject)?;
        Some(format!("{} {old} -> {newest}", pinned.package.name))
    });
    stale.collect()
}

impl Pinned<'_> {
    /// The version, where the pin is to one build and stands in the file as it is meant.
    fn exact(&self, subject: &Subject<'_>) -> Option<&str> {
        let version = self.entry.strip_prefix(self.package.name.as_str())?.strip_prefix('=')?;
        let span = self.package.span;
        let written = subject.files().get(span.file);
        let written = written.text().get(span.start as usize..span.end as usize);
        (written == Some(self.entry.as_str())).then_some(version)
    }
}

/// The packages that a Dockerfile asks for with a version, by their place. A package under a tag or from a repository of its
/// own is not judged by the image's indexes.
fn pinned<'d>(subject: &Subject<'d>) -> BTreeMap<Span, Pinned<'d>> {
    let Some(docker) = subject.dockerfile else { return BTreeMap::new() };
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
        let entry = format!("{}{}", package.name, package.constraint.as_ref()?);
        Some((package.span, Pinned { package, entry }))
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

fn in_dockerfile(subject: &Subject<'_>, pinned: &Pinned<'_>, newest: &str) -> Finding {
    let Pinned { package, entry } = pinned;
    let message = format!("{entry} is pinned, and {} has {newest}", subject.supply.release());
    let finding = Finding::new(&RULE, message).label(package.span, "no such build is on the mirror any more");
    if subject.image.is_some_and(|image| image.template.is_some()) {
        return finding.help("`aboard update` resolves the image anew and rewrites the pins");
    }
    let finding = finding.help(
        "`aboard update` mends the pins of images in the manifest; pinned to the minor version (`~=`), or not at all, it lasts longer",
    );
    if pinned.exact(subject).is_none() {
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
