//! `unknown-package` in a Dockerfile: an `apk add` names a package that does not exist in the image's release.

use super::Subject;
use crate::finding::Finding;
use crate::resolve::image::UNKNOWN_PACKAGE;
use crate::resolve::supply::Existence;

/// Packages of the stages on the image's release that no index has.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(docker) = subject.dockerfile else { return Vec::new() };
    docker
        .plan
        .packages
        .iter()
        // Another repository's packages are not in the indexes at hand.
        .filter(|package| package.repositories.is_empty() && package.tag.is_none())
        .filter(|package| subject.supply.existence(&package.name) == Existence::Absent)
        .map(|package| {
            let message = format!("{} has no package `{}`", subject.supply.release(), package.name);
            let finding = Finding::new(&UNKNOWN_PACKAGE, message).label(package.span, "installed here");
            let near = subject.supply.near_packages(&package.name);
            if near.is_empty() { finding } else { finding.help(format!("packages of near names: {}", near.join(", "))) }
        })
        .collect()
}
