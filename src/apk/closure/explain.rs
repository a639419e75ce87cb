//! Why a set of packages is impossible: which constraint broke, and who asked for it.
//!
//! Like `apk add` it names every package of the failed selection that breaks something or is in the way, and every name
//! that nothing stands for.

use super::budget::{self, Budget};
use super::changes::{Change, Effect, effect, for_each_dependent};
use super::universe::{NameId, PackageId, Universe, Want};
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// The constraints that one problem names at most.
const MOST_NAMED: usize = 1_000;

/// What is wrong with a name or a package of an impossible set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// No repository has a package of that name, and none provides it.
    NoSuchPackage,
    /// Several packages provide the name without a version: one of them must be asked for by its own name.
    Ambiguous,
    /// The package cannot be installed together with the rest.
    Conflict,
}

/// One part of the explanation of an impossible set. Who asks is written `package-version: constraint`, or `the request:
/// constraint`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The name, or the package with its version (`openssl-3.3.2-r0`).
    pub subject: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
    /// Who asks for the name.
    pub required_by: Vec<String>,
    /// The packages that provide an ambiguous name.
    pub provided_by: Vec<String>,
    /// The tags under which alone the package may be taken.
    pub tagged: Vec<String>,
    /// The packages of the set that it cannot stand beside.
    pub conflicts: Vec<String>,
    /// The constraints that it breaks, with who asks.
    pub breaks: Vec<String>,
    /// The constraints that it is there for, with who asks.
    pub satisfies: Vec<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ProblemKind::NoSuchPackage => write!(f, "{}: no such package", self.subject)?,
            ProblemKind::Ambiguous => write!(f, "{}: several packages provide it; ask for one of them", self.subject)?,
            ProblemKind::Conflict => write!(f, "{} does not fit", self.subject)?,
        }
        let lists = [
            ("required by", &self.required_by),
            ("provided by", &self.provided_by),
            ("only under the tag", &self.tagged),
            ("cannot stand beside", &self.conflicts),
            ("breaks", &self.breaks),
            ("is there for", &self.satisfies),
        ];
        for (label, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            write!(f, "; {label} {}", list.join(", "))?;
        }
        Ok(())
    }
}

/// Explains a failed selection, as far as the budget lasts.
pub(super) fn explain(universe: &Universe<'_>, changes: &[Change], world: &[Want<'_>]) -> Vec<Problem> {
    let selected: BTreeSet<PackageId> = changes.iter().filter_map(|change| change.new).collect();
    let budget = Budget::new(budget::MOST);
    let mut explanation =
        Explanation { universe, world, selected, present: HashSet::new(), problems: Vec::new(), budget };
    explanation.find_present();
    explanation.missing(world);
    for change in changes {
        let Some(package) = change.new else { continue };
        explanation.package(package);
        explanation.missing(&universe.build(package).depends);
    }
    explanation.problems
}

struct Explanation<'e, 'a> {
    universe: &'e Universe<'a>,
    world: &'e [Want<'a>],
    selected: BTreeSet<PackageId>,
    budget: Budget,
    /// Names that something of the selection stands for, or whose absence is said already.
    present: HashSet<NameId>,
    problems: Vec<Problem>,
}

/// How a name is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Presence {
    Real,
    Triggered,
    /// Only provided without a version, by a package that no priority lets stand for the name.
    Bare,
}

impl<'a> Explanation<'_, 'a> {
    /// Finds the names that are had, from the world on.
    fn find_present(&mut self) {
        let wanted = |wants: &[Want<'a>]| -> Vec<(NameId, Presence)> {
            wants.iter().filter(|want| !want.conflict).map(|want| (want.name, Presence::Real)).collect()
        };
        let mut queue = wanted(self.world);
        let mut seen = HashSet::new();
        while let Some((name, presence)) = queue.pop() {
            for provider in &self.universe.name(name).providers {
                let package = provider.package;
                let build = self.universe.build(package);
                if !self.budget.spend(1 + build.provides.len()) {
                    return;
                }
                let concrete = build.name == name
                    || build.provides.iter().any(|provided| provided.name == name && provided.version.is_some());
                let bare = presence == Presence::Bare || (build.package.provider_priority() == 0 && !concrete);
                let state = if bare { Presence::Bare } else { presence };
                if !self.selected.contains(&package) || !seen.insert((package, state)) {
                    continue;
                }
                if state != Presence::Bare {
                    self.present.insert(build.name);
                }
                for provided in &build.provides {
                    let counts = match state {
                        Presence::Real => true,
                        Presence::Triggered => provided.version.is_some(),
                        Presence::Bare => false,
                    };
                    if counts {
                        self.present.insert(provided.name);
                    }
                }
                queue.extend(wanted(&build.depends));
                if state != Presence::Bare {
                    queue.extend(self.triggered_by(package));
                }
            }
        }
    }

    /// Names of selected packages that install themselves now that a package is there.
    fn triggered_by(&self, package: PackageId) -> Vec<(NameId, Presence)> {
        let build = self.universe.build(package);
        let names = std::iter::once(build.name).chain(build.provides.iter().map(|provided| provided.name));
        let triggers = names.flat_map(|name| self.universe.name(name).triggers.iter());
        let mut found = Vec::new();
        for &trigger in triggers {
            for provider in &self.universe.name(trigger).providers {
                let build = self.universe.build(provider.package);
                if !self.budget.spend(1 + build.install_if.len()) {
                    return found;
                }
                let holds = |want: &Want<'_>| want.conflict != self.present.contains(&want.name);
                if self.selected.contains(&provider.package)
                    && !build.install_if.is_empty()
                    && build.install_if.iter().all(holds)
                {
                    found.push((build.name, Presence::Triggered));
                    found.extend(build.provides.iter().map(|provided| (provided.name, Presence::Triggered)));
                }
            }
        }
        found
    }

    /// Says which names of a list nothing stands for; each once.
    fn missing(&mut self, wants: &[Want<'a>]) {
        for want in wants.iter().filter(|want| !want.conflict) {
            if !self.present.insert(want.name) {
                continue;
            }
            let name = self.universe.name(want.name);
            let mut provided_by: Vec<String> = name
                .providers
                .iter()
                .map(|provider| self.universe.name(self.universe.build(provider.package).name).text.to_owned())
                .collect();
            provided_by.sort();
            provided_by.dedup();
            let kind = if provided_by.is_empty() { ProblemKind::NoSuchPackage } else { ProblemKind::Ambiguous };
            let mut problem = Problem::new(want.text.to_owned(), kind);
            problem.required_by = self.who_wants(want.name);
            problem.provided_by = provided_by;
            self.problems.push(problem);
        }
    }

    fn who_wants(&self, name: NameId) -> Vec<String> {
        let wants_it = |want: &&Want<'_>| want.name == name && !want.conflict;
        let mut who: Vec<String> = self.world.iter().filter(wants_it).map(|want| self.request(want)).collect();
        for &package in &self.selected {
            let wants = &self.universe.build(package).depends;
            if !self.budget.spend(1 + wants.len()) {
                break;
            }
            if let Some(want) = wants.iter().find(wants_it) {
                who.push(self.request_by(package, want));
            }
        }
        who
    }

    fn request(&self, want: &Want<'_>) -> String {
        format!("the request: {}", self.universe.show(want))
    }

    fn request_by(&self, package: PackageId, want: &Want<'_>) -> String {
        format!("{}: {}", self.universe.label(package), self.universe.show(want))
    }

    /// Says what is wrong with a selected package, if anything is.
    fn package(&mut self, package: PackageId) {
        let mut problem = Problem::new(self.universe.label(package), ProblemKind::Conflict);
        problem.tagged = self.tags_missing(package);
        problem.conflicts = self.conflicts(package);
        problem.breaks = self.constraints(package, Effect::Breaks);
        if problem.tagged.is_empty() && problem.conflicts.is_empty() && problem.breaks.is_empty() {
            return;
        }
        problem.satisfies = self.constraints(package, Effect::Satisfies);
        self.problems.push(problem);
    }

    fn tags_missing(&self, package: PackageId) -> Vec<String> {
        let build = self.universe.build(package);
        let allowed = self.world.iter().filter(|want| want.name == build.name);
        let allowed = allowed.fold(1_u64, |mask, want| mask | 1 << want.tag.min(63));
        if build.installed || build.repositories & self.universe.repositories(allowed) != 0 {
            return Vec::new();
        }
        let tags = self.universe.tags.iter().skip(1).filter(|tag| tag.1 & build.repositories != 0);
        tags.map(|tag| format!("@{}", tag.0)).collect()
    }

    fn conflicts(&self, package: PackageId) -> Vec<String> {
        let build = self.universe.build(package);
        let mut conflicts = Vec::new();
        for provider in &self.universe.name(build.name).providers {
            if provider.package != package && self.selected.contains(&provider.package) {
                conflicts.push(self.universe.label(provider.package));
            }
        }
        for provided in &build.provides {
            let mut own_entry = true;
            for provider in &self.universe.name(provided.name).providers {
                if !self.budget.spend(1) {
                    return conflicts;
                }
                if !self.selected.contains(&provider.package)
                    || (provided.version.is_none() && provider.version.is_none())
                {
                    continue;
                }
                if own_entry && provider.package == package && provider.version == provided.version {
                    own_entry = false;
                    continue;
                }
                let other = self.universe.label(provider.package);
                conflicts.push(format!("{other} (both provide {})", self.universe.name(provided.name).text));
            }
        }
        conflicts
    }

    /// The constraints of the world and of selected packages on which a package has an effect.
    fn constraints(&self, package: PackageId, wanted: Effect) -> Vec<String> {
        let world = self.world.iter().filter(|want| effect(self.universe, want, package) == wanted);
        let mut who: Vec<String> = world.map(|want| self.request(want)).collect();
        let mut seen = HashSet::new();
        for_each_dependent(self.universe, package, &self.budget, |dependent, want| {
            let counts = who.len() < MOST_NAMED && self.selected.contains(&dependent);
            if counts && effect(self.universe, want, package) == wanted {
                let line = self.request_by(dependent, want);
                if seen.insert(line.clone()) {
                    who.push(line);
                }
            }
        });
        who
    }
}

impl Problem {
    fn new(subject: String, kind: ProblemKind) -> Self {
        Self {
            subject,
            kind,
            required_by: Vec::new(),
            provided_by: Vec::new(),
            tagged: Vec::new(),
            conflicts: Vec::new(),
            breaks: Vec::new(),
            satisfies: Vec::new(),
        }
    }
}
