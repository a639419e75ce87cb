//! `stale-pin`: an `apk add` pins a package to a version that the index no longer has.

use super::Subject;
use crate::apk::pin::{self, Pin};
use crate::finding::{Finding, Rule, Severity};

/// The rule.
pub static RULE: Rule = Rule {
    code: "stale-pin",
    severity: Severity::Error,
    summary: "a package is pinned to a version that the index no longer has",
    docs: include_str!("../../docs/findings/stale-pin.md"),
};

/// Pinned packages of the runtime stage that no index at hand can satisfy.
pub fn find(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(docker), Some(catalog)) = (subject.dockerfile, subject.supply.catalog()) else { return Vec::new() };
    let own = docker.plan.packages.iter().filter(|package| package.repositories.is_empty() && package.tag.is_none());
    own.filter_map(|package| {
        let constraint = package.constraint.as_ref()?;
        let entry = format!("{}{constraint}", package.name);
        let Ok(Pin::Stale { newest }) = pin::check(catalog, &entry) else { return None };
        let message = format!("{entry} is pinned, and {} has {newest}", subject.supply.release());
        Some(
            Finding::new(&RULE, message)
                .label(package.span, "no such build is on the mirror any more")
                .help("`aboard update` re-resolves a rendered image; in a hand-written Dockerfile pin to the minor version (`~=`)"),
        )
    })
    .collect()
}
