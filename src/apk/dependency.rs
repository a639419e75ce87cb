//! One entry of a dependency list: a name, perhaps a version, perhaps a conflict.
//!
//! The same form serves `D:`, `p:`, `i:` and `r:` lines, `/etc/apk/world` and the arguments of `apk add`. A dependency
//! borrows the text that it was read from.

use super::version::{self, Operator};
use std::fmt;

/// `[!]name[@tag][operator version]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency<'a> {
    /// The name: a package's, or a provided one (`cmd:docker`, `so:libz.so.1`, `/bin/sh`).
    pub name: &'a str,
    /// The repository tag after `@`.
    pub tag: Option<&'a str>,
    /// `!`: what matches must not be there.
    pub conflict: bool,
    /// How the version is compared; [`Operator::ANY`] without one.
    pub operator: Operator,
    /// The version, or a checksum after `><`; empty without one.
    pub version: &'a str,
}

/// Why a text is not a dependency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// Nothing stands there, or no name does.
    #[error("`{0}` names no package")]
    NoName(String),
    /// An operator without a version after it.
    #[error("`{0}` ends where a version should stand")]
    NoVersion(String),
    /// The version breaks apk's rules.
    #[error("`{0}`: {1}")]
    Version(String, version::VersionError),
    /// A space: it is a list.
    #[error("`{0}` is more than one dependency")]
    Several(String),
}

impl<'a> Dependency<'a> {
    /// Reads one dependency (`docker-cli`, `openssl~=3.3`, `!uclibc`, `php@edge`).
    pub fn parse(text: &'a str) -> Result<Self, DependencyError> {
        if text.contains([' ', '\n']) {
            return Err(DependencyError::Several(text.to_owned()));
        }
        let (conflict, body) = text.strip_prefix('!').map_or((false, text), |body| (true, body));
        let is_operator = |c: char| matches!(c, '<' | '=' | '>' | '~');
        let (name, operator, version) = match body.find(is_operator) {
            None => (body, Operator::ANY, ""),
            Some(at) => {
                let (name, rest) = body.split_at(at);
                let version = rest.trim_start_matches(is_operator);
                let operator = Operator::parse(&rest[..rest.len() - version.len()]).unwrap_or(Operator::ANY);
                if version.is_empty() {
                    return Err(DependencyError::NoVersion(text.to_owned()));
                }
                if operator != Operator::CHECKSUM && !version::is_valid(version) {
                    let error = version::VersionError(version.to_owned());
                    return Err(DependencyError::Version(text.to_owned(), error));
                }
                (name, operator, version)
            }
        };
        let (name, tag) = name.split_once('@').map_or((name, None), |(name, tag)| (name, Some(tag)));
        if name.is_empty() {
            return Err(DependencyError::NoName(text.to_owned()));
        }
        Ok(Self { name, tag, conflict, operator, version })
    }

    /// Whether something of that name, at `version` (nothing for a name provided without one), meets the dependency.
    /// A checksum is not judged here: it never matches.
    pub fn is_met_by(&self, version: Option<&str>) -> bool {
        if self.operator == Operator::ANY {
            return !self.conflict;
        }
        let matches = version.is_some_and(|version| self.operator.matches(version, self.version));
        matches != self.conflict
    }
}

impl fmt::Display for Dependency<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.conflict { "!" } else { "" };
        write!(f, "{mark}{}", self.name)?;
        if let Some(tag) = self.tag {
            write!(f, "@{tag}")?;
        }
        if self.version.is_empty() { Ok(()) } else { write!(f, "{}{}", self.operator, self.version) }
    }
}

/// The entries of a list. Like apk it ends at the first entry that cannot be read.
pub fn list(text: &str) -> impl Iterator<Item = Dependency<'_>> {
    text.split([' ', '\n']).filter(|entry| !entry.is_empty()).map_while(|entry| Dependency::parse(entry).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back() {
        for text in ["a", "!a", "a=1", "!a<2-r0", "cmd:docker=26.1.5-r0", "so:libz.so.1", "php@edge", "a@b>=1", "a~1.2"]
        {
            assert_eq!(Dependency::parse(text).expect("a dependency").to_string(), text);
        }
        assert_eq!(Dependency::parse("a~=1.2").expect("a dependency").to_string(), "a~1.2");
    }

    #[test]
    fn faults_have_their_own_names() {
        assert_eq!(Dependency::parse(""), Err(DependencyError::NoName(String::new())));
        assert_eq!(Dependency::parse("=1"), Err(DependencyError::NoName("=1".to_owned())));
        assert_eq!(Dependency::parse("a="), Err(DependencyError::NoVersion("a=".to_owned())));
        assert!(matches!(Dependency::parse("a=1_x"), Err(DependencyError::Version(..))));
        assert!(matches!(Dependency::parse("a b"), Err(DependencyError::Several(_))));
    }

    #[test]
    fn a_list_ends_at_its_first_fault() {
        let names: Vec<&str> = list("a b=1  c=1_x d").map(|dependency| dependency.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn a_name_without_version_meets_only_what_asks_for_none() {
        let with = Dependency::parse("a>=1").expect("a dependency");
        assert!(!with.is_met_by(None));
        assert!(with.is_met_by(Some("1")));
        assert!(Dependency::parse("a").expect("a dependency").is_met_by(None));
        let conflict = Dependency::parse("!a<2").expect("a dependency");
        assert!(conflict.is_met_by(None));
        assert!(conflict.is_met_by(Some("2")));
        assert!(!conflict.is_met_by(Some("1")));
    }
}
