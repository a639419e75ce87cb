//! From a selection to what changes in the image, as apk-tools 2.14 derives it (`src/solver.c`, `generate_changeset`).
//!
//! Walking the selection from the world also finds dependencies that the selection does not meet; each counts as an error
//! of the package that asked and of those that lead to it.

use super::budget::Budget;
use super::solver::Solver;
use super::universe::{NameId, PackageId, Provider, Universe, Want};
use std::collections::HashSet;

/// How deep apk's walk over a selection may go here. Real chains stay below a hundred; apk itself would overflow its
/// stack.
const MAX_DEPTH: u32 = 700;

/// A package that comes, goes or is replaced by another build of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) old: Option<PackageId>,
    pub(super) new: Option<PackageId>,
}

/// Why the walk was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// A chain of dependencies is deeper than any real one.
    TooDeep,
    /// The budget did not last.
    TooTangled,
}

/// The changes, in the order in which apk would make them. Packages that stay as they are stand among them, with the
/// same package on both sides.
pub(super) fn changes<'a>(
    solver: &mut Solver<'_, 'a>,
    world: &[Want<'a>],
    budget: &Budget,
) -> Result<Vec<Change>, GivenUp> {
    let names = vec![NameChange::default(); solver.names.len()];
    let mut walk = Walk {
        universe: solver.universe,
        names,
        walked: vec![false; solver.packages.len()],
        depth: 0,
        changes: Vec::new(),
        budget,
        solver,
    };
    walk.start();
    let installed = &walk.universe.installed;
    for &package in installed {
        walk.track_added(package);
    }
    for &package in installed {
        walk.remove_if_orphaned(package)?;
    }
    for want in world {
        walk.dependency(None, want)?;
    }
    for &package in installed {
        walk.change(walk.universe.build(package).name)?;
    }
    Ok(walk.changes)
}

/// What the walk knows of a name.
#[derive(Clone, Copy, Default)]
struct NameChange {
    walked: bool,
    /// The installed package of that name.
    installed: Option<PackageId>,
    /// The name of the installed package that provides this one with a version.
    installed_as: Option<NameId>,
    /// How many dependencies of installed packages lead here; apk counts in 16 bits, and lets it wrap.
    requirers: u16,
}

struct Walk<'s, 'u, 'a> {
    solver: &'s mut Solver<'u, 'a>,
    universe: &'u Universe<'a>,
    budget: &'s Budget,
    names: Vec<NameChange>,
    walked: Vec<bool>,
    depth: u32,
    changes: Vec<Change>,
}

impl<'a> Walk<'_, '_, 'a> {
    fn start(&mut self) {
        for &package in &self.universe.installed {
            let build = self.universe.build(package);
            let name = self.name_mut(build.name);
            (name.installed, name.installed_as) = (Some(package), Some(build.name));
            for provided in build.provides.iter().filter(|provided| provided.version.is_some()) {
                self.name_mut(provided.name).installed_as = Some(build.name);
            }
        }
    }

    fn name(&self, id: NameId) -> &NameChange {
        &self.names[id.0 as usize]
    }

    fn name_mut(&mut self, id: NameId) -> &mut NameChange {
        &mut self.names[id.0 as usize]
    }

    fn chosen(&self, id: NameId) -> Option<Provider<'a>> {
        self.solver.name(id).chosen
    }

    fn descend(&mut self) -> Result<(), GivenUp> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(GivenUp::TooDeep) } else { self.spend(1) }
    }

    fn spend(&self, steps: usize) -> Result<(), GivenUp> {
        if self.budget.spend(steps) { Ok(()) } else { Err(GivenUp::TooTangled) }
    }

    fn track_added(&mut self, package: PackageId) {
        for want in self.universe.build(package).depends.iter().filter(|want| !want.conflict) {
            if let Some(name) = self.name(want.name).installed_as {
                let name = self.name_mut(name);
                name.requirers = name.requirers.wrapping_add(1);
            }
        }
    }

    fn track_removed(&mut self, package: PackageId) -> Result<(), GivenUp> {
        for want in self.universe.build(package).depends.iter().filter(|want| !want.conflict) {
            let Some(name) = self.name(want.name).installed_as else { continue };
            let state = self.name_mut(name);
            state.requirers = state.requirers.wrapping_sub(1);
            if state.requirers == 0
                && let Some(installed) = self.name(want.name).installed
            {
                self.remove(installed)?;
            }
        }
        Ok(())
    }

    fn remove_if_orphaned(&mut self, package: PackageId) -> Result<(), GivenUp> {
        let name = self.universe.build(package).name;
        if self.name(name).requirers == 0 && self.chosen(name).is_none() { self.remove(package) } else { Ok(()) }
    }

    /// Takes in a package that installs itself beside others, once all of those are in.
    fn install_by_trigger(&mut self, id: NameId) -> Result<(), GivenUp> {
        let Some(chosen) = self.chosen(id) else { return Ok(()) };
        if !self.solver.name(id).seen || self.name(id).walked {
            return Ok(());
        }
        for want in &self.universe.build(chosen.package).install_if {
            if !self.name(want.name).walked || !self.universe.is_met(want, self.chosen(want.name)) {
                return Ok(());
            }
        }
        self.change(id)
    }

    /// Lets go of a package that had installed itself beside one that goes.
    fn remove_by_trigger(&mut self, id: NameId) -> Result<(), GivenUp> {
        let Some(installed) = self.name(id).installed else { return Ok(()) };
        if self.name(id).walked || self.chosen(id).is_some() {
            return Ok(());
        }
        let goes = |want: &Want<'_>| self.name(want.name).walked && self.chosen(want.name).is_none();
        if self.universe.build(installed).install_if.iter().any(goes) {
            return self.remove_if_orphaned(installed);
        }
        Ok(())
    }

    fn for_each_triggered(
        &mut self,
        package: PackageId,
        each: fn(&mut Self, NameId) -> Result<(), GivenUp>,
    ) -> Result<(), GivenUp> {
        let build = self.universe.build(package);
        let names = std::iter::once(build.name).chain(build.provides.iter().map(|provided| provided.name));
        for name in names {
            for &triggered in &self.universe.name(name).triggers {
                self.spend(1)?;
                each(self, triggered)?;
            }
        }
        Ok(())
    }

    /// Lets go of packages whose name is taken by another one.
    fn remove_orphans(&mut self, id: NameId) -> Result<(), GivenUp> {
        if std::mem::replace(&mut self.name_mut(id).walked, true) {
            return Ok(());
        }
        let chosen = self.chosen(id);
        if let Some(installed) = self.name(id).installed
            && chosen.is_none_or(|chosen| self.universe.build(chosen.package).name != id)
        {
            self.remove(installed)?;
        }
        for provider in &self.universe.name(id).providers {
            self.spend(1)?;
            let own = self.universe.build(provider.package).name;
            if self.name(own).installed == Some(provider.package) && self.chosen(own).is_none() {
                self.remove(provider.package)?;
            }
        }
        Ok(())
    }

    fn change(&mut self, id: NameId) -> Result<(), GivenUp> {
        if self.name(id).walked {
            return Ok(());
        }
        self.descend()?;
        self.remove_orphans(id)?;
        if let Some(chosen) = self.chosen(id)
            && !std::mem::replace(&mut self.walked[chosen.package.0 as usize], true)
        {
            self.take(chosen.package)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Takes in a chosen package, after what it depends on.
    fn take(&mut self, package: PackageId) -> Result<(), GivenUp> {
        let build = self.universe.build(package);
        self.remove_orphans(build.name)?;
        for provided in &build.provides {
            self.remove_orphans(provided.name)?;
        }
        let old = self.name(build.name).installed;
        if let Some(old) = old {
            self.for_each_triggered(old, Self::remove_by_trigger)?;
        }
        for want in &build.depends {
            self.dependency(Some(package), want)?;
        }
        self.changes.push(Change { old, new: Some(package) });
        self.for_each_triggered(package, Self::install_by_trigger)?;
        self.track_added(package);
        if let Some(old) = old {
            self.track_removed(old)?;
        }
        Ok(())
    }

    fn remove(&mut self, package: PackageId) -> Result<(), GivenUp> {
        let name = self.universe.build(package).name;
        let stays = self.chosen(name).is_some_and(|chosen| self.universe.build(chosen.package).name == name);
        if self.walked[package.0 as usize] || stays {
            return Ok(());
        }
        self.descend()?;
        self.name_mut(name).walked = true;
        self.walked[package.0 as usize] = true;
        for dependent in installed_dependents(self.universe, package, self.budget) {
            self.remove(dependent)?;
        }
        self.for_each_triggered(package, Self::remove_by_trigger)?;
        self.changes.push(Change { old: Some(package), new: None });
        self.track_removed(package)?;
        self.depth -= 1;
        Ok(())
    }

    fn dependency(&mut self, from: Option<PackageId>, want: &Want<'a>) -> Result<(), GivenUp> {
        let chosen = self.chosen(want.name);
        if !self.universe.is_met(want, chosen) {
            self.solver.mark_error(from);
        }
        self.change(want.name)?;
        if chosen.is_some_and(|chosen| self.solver.package(chosen.package).error) {
            self.solver.mark_error(from);
        }
        Ok(())
    }
}

/// How a package stands to a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Irrelevant,
    Breaks,
    Satisfies,
}

/// How a package, by its own name or the first provided one that fits, stands to a dependency.
pub(super) fn effect(universe: &Universe<'_>, want: &Want<'_>, package: PackageId) -> Effect {
    let build = universe.build(package);
    let version = if want.name == build.name {
        Some(build.version)
    } else {
        match build.provides.iter().find(|provided| provided.name == want.name) {
            Some(provided) => provided.version,
            None => return Effect::Irrelevant,
        }
    };
    let met = universe.is_met(want, Some(Provider { package, version }));
    if met { Effect::Satisfies } else { Effect::Breaks }
}

/// The installed packages, some dependency of which a package satisfies.
fn installed_dependents(universe: &Universe<'_>, package: PackageId, budget: &Budget) -> Vec<PackageId> {
    let mut dependents = Vec::new();
    for_each_dependent(universe, package, budget, |dependent, want| {
        if universe.build(dependent).installed && effect(universe, want, package) == Effect::Satisfies {
            dependents.push(dependent);
        }
    });
    dependents.dedup();
    dependents
}

/// Calls back for each dependency of packages whose names depend on one of a package's names, each package once, as long as
/// the budget lasts.
pub(super) fn for_each_dependent(
    universe: &Universe<'_>,
    package: PackageId,
    budget: &Budget,
    mut each: impl FnMut(PackageId, &Want<'_>),
) {
    let build = universe.build(package);
    let names = std::iter::once(build.name).chain(build.provides.iter().map(|provided| provided.name));
    let (mut names_seen, mut packages_seen) = (HashSet::new(), HashSet::new());
    for name in names {
        for &dependent in &universe.name(name).dependents {
            if !budget.spend(1) {
                return;
            }
            if !names_seen.insert(dependent) {
                continue;
            }
            for provider in &universe.name(dependent).providers {
                let wants = &universe.build(provider.package).depends;
                if !budget.spend(1) {
                    return;
                }
                if packages_seen.insert(provider.package) && budget.spend(wants.len() * (1 + build.provides.len())) {
                    for want in wants {
                        each(provider.package, want);
                    }
                }
            }
        }
    }
}
