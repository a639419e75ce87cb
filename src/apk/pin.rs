//! Pins: whether an index still has the version that an `apk add` line asks for.
//!
//! Alpine's mirrors keep the newest build of a package alone, so that `pkg=1.2-r3` breaks the build once `-r4` is out.

use super::catalog::Catalog;
use super::dependency::{Dependency, DependencyError};
use super::version::Operator;

/// What an index says of a pinned package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The entry names no version: there is nothing to rot.
    Free,
    /// A build that fits is there.
    Held {
        /// The version that apk would take.
        version: String,
    },
    /// The package is there, but no build of it fits.
    Stale {
        /// The newest version that is there.
        newest: String,
    },
    /// No package has the name, and none provides it.
    Unknown,
}

/// Holds one entry of an `apk add` line (`docker-cli=26.1.5-r0`, `openssl~=3.3`, `git@edge`) against a catalog.
pub fn check(catalog: &Catalog, entry: &str) -> Result<Pin, DependencyError> {
    let wanted = Dependency::parse(entry)?;
    let under_tag = |tag: Option<&String>| match tag {
        Some(tag) => wanted.tag == Some(tag.as_str()),
        None => true,
    };
    let builds: Vec<&str> = catalog
        .versions(wanted.name)
        .into_iter()
        .filter(|entry| under_tag(entry.source.tag.as_ref()))
        .map(|entry| entry.package.version())
        .collect();
    let provided: Vec<&str> = catalog
        .providers(wanted.name)
        .into_iter()
        .filter(|provided| under_tag(provided.entry.source.tag.as_ref()))
        .filter_map(|provided| provided.version)
        .collect();
    if builds.is_empty() && provided.is_empty() && catalog.providers(wanted.name).is_empty() {
        return Ok(Pin::Unknown);
    }
    if wanted.operator == Operator::ANY || wanted.operator == Operator::CHECKSUM || wanted.conflict {
        return Ok(Pin::Free);
    }
    let all = || builds.iter().chain(&provided);
    let held = all().find(|version| wanted.is_met_by(Some(version)));
    let newest = all().max_by(|a, b| super::version::compare(a, b));
    Ok(match (held, newest) {
        (Some(version), _) => Pin::Held { version: (*version).to_owned() },
        (None, Some(newest)) => Pin::Stale { newest: (*newest).to_owned() },
        (None, None) => Pin::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apk::catalog::Source;
    use crate::apk::index::Index;
    use std::sync::Arc;

    #[test]
    fn pins_are_held_stale_or_unknown() {
        let text = "C:Q1a\nP:git\nV:2.45.2-r1\np:cmd:git=2.45.2-r1\n\n";
        let index = Arc::new(Index::parse(text.to_owned()).expect("an index"));
        let catalog = Catalog::new(vec![Source { repository: "main".to_owned(), tag: None, index }]);
        let pin = |entry: &str| check(&catalog, entry).expect("an entry");
        let held = Pin::Held { version: "2.45.2-r1".to_owned() };
        let stale = Pin::Stale { newest: "2.45.2-r1".to_owned() };
        assert_eq!(pin("git"), Pin::Free);
        assert_eq!([pin("git=2.45.2-r1"), pin("git~=2.45"), pin("git>2")], [held.clone(), held.clone(), held]);
        assert_eq!([pin("git=2.45.2-r0"), pin("git~2.44")], [stale.clone(), stale]);
        assert_eq!(pin("gti=1"), Pin::Unknown);
        assert!(check(&catalog, "git=").is_err());
    }
}
