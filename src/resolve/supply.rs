//! What could give an image a program: the indexes of its release where they are at hand, else the built-in table.

use crate::apk::catalog::Catalog;
use crate::apk::closure::Planner;
use crate::apk::installed::Installed;
use crate::apk::{builtin, choice};
use crate::lock::LockedIndex;
use std::sync::Arc;

/// The packages that an image can get.
#[derive(Clone, Debug, Default)]
pub struct Supply {
    release: String,
    catalog: Option<Arc<Catalog>>,
    absent: Vec<String>,
    identities: Vec<LockedIndex>,
}

/// A package that brings a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub package: String,
    /// Its version, from the index.
    pub version: Option<String>,
    /// Why this one, where there are several; else empty.
    pub reason: String,
    /// An index says so; else the built-in table does.
    pub verified: bool,
}

/// Whether a package exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// An index has it.
    Exists,
    /// Every index of the image was read, and none has it.
    Absent,
    /// Not every index of the image was at hand.
    Unknown,
}

impl Supply {
    /// The packages of a release: its indexes, and the repositories whose index could not be read.
    pub fn new(release: &str, catalog: Option<Arc<Catalog>>, absent: Vec<String>) -> Self {
        Self { release: release.to_owned(), catalog, absent, identities: Vec::new() }
    }

    /// Says which indexes these are, for the lock.
    #[must_use]
    pub fn identified(mut self, identities: Vec<LockedIndex>) -> Self {
        self.identities = identities;
        self
    }

    /// Which indexes these are.
    pub fn identities(&self) -> &[LockedIndex] {
        &self.identities
    }

    /// The release in words (`Alpine v3.20`).
    pub fn release(&self) -> String {
        if self.release.is_empty() { "Alpine".to_owned() } else { format!("Alpine {}", self.release) }
    }

    /// The indexes.
    pub fn catalog(&self) -> Option<&Catalog> {
        self.catalog.as_deref()
    }

    /// The repositories whose index could not be read.
    pub fn absent(&self) -> &[String] {
        &self.absent
    }

    /// The package that would bring a program: by the indexes, else by the built-in table where not every index was at hand.
    pub fn choose(&self, program: &str) -> Option<Choice> {
        let by_index = self.catalog().and_then(|catalog| {
            let nothing = Installed::none();
            let planner = Planner::new(catalog, &nothing);
            let choice = choice::choose(catalog, &planner, &nothing, program)?;
            let package = choice.entry.package;
            Some(Choice {
                package: package.name().to_owned(),
                version: Some(package.version().to_owned()),
                reason: if choice.others.is_empty() {
                    String::new()
                } else {
                    format!("{} was chosen before {}: {}", package.name(), choice.others.join(", "), choice.reason)
                },
                verified: true,
            })
        });
        if by_index.is_some() || (self.catalog.is_some() && self.absent.is_empty()) {
            return by_index;
        }
        let package = builtin::package(program)?.package;
        // A package that an index at hand has would have been found there.
        let known = self.catalog().is_some_and(|catalog| catalog.package(package).is_some());
        (!known).then(|| Choice { package: package.to_owned(), version: None, reason: String::new(), verified: false })
    }

    /// Whether a package brings a program; nothing where no index at hand has the package.
    pub fn brings(&self, package: &str, program: &str) -> Option<bool> {
        let versions = self.catalog()?.versions(package);
        let first = versions.first()?;
        Some(first.package.programs().any(|(name, _)| name == program))
    }

    /// Whether a package brings a program, as far as that can be told.
    pub fn gives(&self, package: &str, program: &str) -> bool {
        self.brings(package, program)
            .unwrap_or_else(|| self.choose(program).is_some_and(|choice| choice.package == package))
    }

    /// Names of programs near to one that nothing brings.
    pub fn near_programs(&self, program: &str) -> Vec<String> {
        self.catalog().map(|catalog| catalog.near_programs(program, 3)).unwrap_or_default()
    }

    /// Names of packages near to one that does not exist.
    pub fn near_packages(&self, name: &str) -> Vec<String> {
        self.catalog().map(|catalog| catalog.near_packages(name, 3)).unwrap_or_default()
    }

    /// Whether a package exists.
    pub fn existence(&self, package: &str) -> Existence {
        match self.catalog() {
            Some(catalog) if !catalog.versions(package).is_empty() || !catalog.providers(package).is_empty() => {
                Existence::Exists
            }
            Some(_) if self.absent.is_empty() => Existence::Absent,
            _ => Existence::Unknown,
        }
    }
}
