//! What `apk add` would do: the packages that come, are upgraded or go, or why the set is impossible.
//!
//! The selection follows apk-tools 2.14 step for step, so that its answer is apk's own, ties included; a test compares
//! the two on real indexes (`tests/apk_oracle.rs`). Files, scripts and triggers of packages play no part.

mod budget;
mod changes;
mod explain;
mod solver;
mod universe;

pub use explain::{Problem, ProblemKind};

use super::catalog::Catalog;
use super::dependency::{Dependency, DependencyError};
use super::installed::Installed;
use budget::Budget;
use changes::{Change, GivenUp};
use solver::Solver;
use std::collections::{BTreeMap, BTreeSet};
use universe::{NameId, PackageId, Universe, Want};

/// Why there is no closure.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClosureError {
    /// A requested package is no name with an optional version (`docker-cli`, `openssl~3.3`).
    #[error(transparent)]
    Request(#[from] DependencyError),
    /// A requested package carries a tag that no repository has.
    #[error("{request}: no repository has the tag @{tag}")]
    UnknownTag {
        /// The request.
        request: String,
        /// The tag.
        tag: String,
    },
    /// The packages cannot be installed together; each problem says which constraint broke and who asked.
    #[error("the packages cannot be installed together: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))]
    Impossible(Vec<Problem>),
    /// The index holds a chain of dependencies that is longer than any real one.
    #[error("a chain of dependencies in the index is too long to follow")]
    TooDeep,
    /// The packages of the index hang together in more ways than those of any real one.
    #[error("the dependencies in the index are too tangled to work out")]
    TooTangled,
}

/// What installing packages would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The packages that come or are replaced by another build, sorted by name.
    pub packages: Vec<Added>,
    /// The installed packages that go, as `name-version`, sorted.
    pub removed: Vec<String>,
    /// The sum of the package files' sizes in bytes.
    pub download_size: u64,
    /// How many bytes the image's files grow by; below zero where they shrink.
    pub installed_size: i64,
}

/// A package that comes, or takes the place of another build of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The installed version whose place it takes.
    pub replaces: Option<String>,
    /// The repository that it comes from, as the catalog calls it.
    pub repository: String,
    /// The size of the package file in bytes.
    pub download_size: u64,
    /// The size in bytes of what it installs.
    pub installed_size: u64,
    /// Why it comes, sorted: `requested`, `NAME needs CONSTRAINT`, `comes by itself with A and B`.
    pub because: Vec<String>,
}

/// A catalog and what is installed, made ready for many requests.
pub struct Planner<'a> {
    catalog: &'a Catalog,
    universe: Universe<'a>,
}

impl<'a> Planner<'a> {
    /// Makes a catalog and what is installed ready.
    pub fn new(catalog: &'a Catalog, installed: &'a Installed) -> Self {
        Self { catalog, universe: Universe::new(catalog, installed) }
    }

    /// What `apk add` of these packages would do. Requests are as on apk's command line: `name`, `name=version`,
    /// `name~version`, `name@tag`, `!name`.
    pub fn add(&self, requests: &[&str]) -> Result<Closure, ClosureError> {
        if self.universe.is_tangled {
            return Err(ClosureError::TooTangled);
        }
        let mut world = self.universe.world.clone();
        let (mut asked_for, mut unknown) = (Vec::new(), Vec::new());
        for &request in requests {
            let dependency = Dependency::parse(request)?;
            let unknown_tag = || ClosureError::UnknownTag {
                request: request.to_owned(),
                tag: dependency.tag.unwrap_or_default().to_owned(),
            };
            let want = self.universe.request(dependency, &mut unknown).ok_or_else(unknown_tag)?;
            asked_for.push(want.name);
            match world.iter_mut().find(|known| known.name == want.name) {
                Some(known) => *known = want,
                None => world.push(want),
            }
        }
        // apk sorts without regard to case first.
        world.sort_by_cached_key(|want| (want.text.to_ascii_lowercase(), want.text));
        let budget = Budget::new(budget::MOST);
        let mut solver = Solver::new(&self.universe, unknown.len(), &budget);
        solver.run(&world, &asked_for);
        let changes = changes::changes(&mut solver, &world, &budget).map_err(|given_up| match given_up {
            GivenUp::TooDeep => ClosureError::TooDeep,
            GivenUp::TooTangled => ClosureError::TooTangled,
        })?;
        if budget.is_spent() {
            return Err(ClosureError::TooTangled);
        }
        if solver.errors > 0 {
            return Err(ClosureError::Impossible(explain::explain(&self.universe, &changes, &world)));
        }
        Ok(self.closure(&solver, &changes, &world, &asked_for))
    }

    fn closure(
        &self,
        solver: &Solver<'_, '_>,
        changes: &[Change],
        world: &[Want<'_>],
        asked_for: &[NameId],
    ) -> Closure {
        let mut reasons = self.reasons(solver, changes, world, asked_for);
        let mut closure = Closure::default();
        for change in changes {
            let old = change.old.map(|old| self.universe.build(old));
            closure.installed_size -= old.map_or(0, |old| old.package.installed_size() as i64);
            let Some(id) = change.new else {
                closure.removed.extend(change.old.map(|old| self.universe.label(old)));
                continue;
            };
            let new = self.universe.build(id);
            closure.installed_size += new.package.installed_size() as i64;
            if change.old == change.new {
                continue;
            }
            closure.download_size += new.package.download_size();
            let repository = self.catalog.sources().get(new.repositories.trailing_zeros() as usize);
            closure.packages.push(Added {
                name: new.package.name().to_owned(),
                version: new.version.to_owned(),
                replaces: old.map(|old| old.version.to_owned()),
                repository: repository.map_or_else(String::new, |source| source.repository.clone()),
                download_size: new.package.download_size(),
                installed_size: new.package.installed_size(),
                because: reasons.remove(&id).unwrap_or_default().into_iter().collect(),
            });
        }
        closure.packages.sort_by(|a, b| a.name.cmp(&b.name));
        closure.removed.sort();
        closure
    }

    /// Why each selected package is there.
    fn reasons(
        &self,
        solver: &Solver<'_, '_>,
        changes: &[Change],
        world: &[Want<'_>],
        asked_for: &[NameId],
    ) -> BTreeMap<PackageId, BTreeSet<String>> {
        let mut reasons: BTreeMap<PackageId, BTreeSet<String>> = BTreeMap::new();
        let mut give = |want: &Want<'_>, reason: String| {
            if let (false, Some(chosen)) = (want.conflict, solver.name(want.name).chosen) {
                reasons.entry(chosen.package).or_default().insert(reason);
            }
        };
        for want in world {
            let requested = asked_for.contains(&want.name);
            give(want, if requested { "requested".to_owned() } else { "asked for by the base".to_owned() });
        }
        for id in changes.iter().filter_map(|change| change.new) {
            let build = self.universe.build(id);
            for want in &build.depends {
                give(want, format!("{} needs {}", build.package.name(), self.universe.show(want)));
            }
        }
        for id in changes.iter().filter_map(|change| change.new) {
            let build = self.universe.build(id);
            if !reasons.contains_key(&id) && !build.install_if.is_empty() {
                let with: Vec<String> = build.install_if.iter().map(|want| self.universe.show(want)).collect();
                let reason = format!("comes by itself with {}", with.join(" and "));
                reasons.entry(id).or_default().insert(reason);
            }
        }
        reasons
    }
}

/// What `apk add` of these packages would do; a [`Planner`] answers many requests faster.
pub fn closure(catalog: &Catalog, installed: &Installed, requests: &[&str]) -> Result<Closure, ClosureError> {
    Planner::new(catalog, installed).add(requests)
}
