//! Which package stands for each name: the selection of apk-tools 2.14 (`src/solver.c`), step for step.
//!
//! Names are settled one at a time. Between two decisions, everything that follows from those made so far is propagated:
//! constraints push candidates out, what all candidates of a name share is applied at once, and packages that install
//! themselves beside others are woken. There is no backtracking, so the order of decisions matters and is kept as in apk.
//! [`super::changes`] then says what the selection means for the image.

mod discover;

use super::budget::Budget;
use super::universe::{Name, NameId, PackageId, Provider, Rank, Universe, Want};
use crate::apk::version;
use std::cmp::Ordering;
use std::collections::VecDeque;

/// The bit of packages that carry no tag.
const NO_TAG: u64 = 1;

/// What is known of a name.
#[expect(clippy::struct_excessive_bools, reason = "apk's own flags of a name")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameState<'a> {
    pub(super) chosen: Option<Provider<'a>>,
    pub(super) requirers: u32,
    pub(super) locked: bool,
    pub(super) seen: bool,
    asked_for: bool,
    dirty: bool,
    unresolved: bool,
    merged_depends: u32,
    merged_provides: u32,
    chain: u32,
    reevaluate_depends: bool,
    reevaluate_triggers: bool,
    triggered: bool,
    never_triggered: bool,
    has_options: bool,
    dependents_settled: bool,
    provided_bare: bool,
}

/// What is known of a package.
#[expect(clippy::struct_excessive_bools, reason = "apk's own flags of a package")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PackageState {
    pub(super) selectable: bool,
    pub(super) error: bool,
    seen: bool,
    conflicts: u32,
    chain: u32,
    tags_allowed: u64,
    tag_ok: bool,
    tag_preferred: bool,
    shared: bool,
    merged: bool,
    triggered: bool,
    trigger_failed: bool,
}

/// A selection in progress; once [`Solver::run`] is through, the answer.
pub(super) struct Solver<'u, 'a> {
    pub(super) universe: &'u Universe<'a>,
    pub(super) names: Vec<NameState<'a>>,
    pub(super) packages: Vec<PackageState>,
    /// How many constraints could not be kept.
    pub(super) errors: u32,
    budget: &'u Budget,
    dirty: VecDeque<NameId>,
    /// The newest last.
    unresolved: Vec<NameId>,
    world_tags: u64,
}

impl<'u, 'a> Solver<'u, 'a> {
    /// A selection among a universe, and `unknown` names that only the request has. Where the budget does not last there is
    /// no answer.
    pub(super) fn new(universe: &'u Universe<'a>, unknown: usize, budget: &'u Budget) -> Self {
        Self {
            universe,
            names: vec![NameState::default(); universe.names.len() + unknown],
            packages: vec![PackageState::default(); universe.packages.len()],
            errors: 0,
            budget,
            dirty: VecDeque::new(),
            unresolved: Vec::new(),
            world_tags: 0,
        }
    }

    /// Selects packages for a sorted world; `asked_for` are the names of this request.
    pub(super) fn run(&mut self, world: &[Want<'a>], asked_for: &[NameId]) {
        for &name in asked_for {
            self.name_mut(name).asked_for = true;
        }
        for want in world {
            self.discover(want.name);
        }
        for want in world {
            self.world_tags = 1 << want.tag.min(63);
            self.apply(None, want);
        }
        self.world_tags = 0;
        while !self.budget.is_spent() {
            while let Some(name) = self.dirty.pop_front() {
                if std::mem::take(&mut self.name_mut(name).dirty) {
                    self.reconsider(name);
                }
            }
            let Some(name) = self.next_name() else { break };
            self.select(name);
        }
    }

    pub(super) fn name(&self, id: NameId) -> &NameState<'a> {
        &self.names[id.0 as usize]
    }

    fn name_mut(&mut self, id: NameId) -> &mut NameState<'a> {
        &mut self.names[id.0 as usize]
    }

    pub(super) fn package(&self, id: PackageId) -> &PackageState {
        &self.packages[id.0 as usize]
    }

    fn package_mut(&mut self, id: PackageId) -> &mut PackageState {
        &mut self.packages[id.0 as usize]
    }

    fn known(&self, id: NameId) -> &'u Name<'a> {
        self.universe.name(id)
    }

    /// Notes that a package cannot be installed without breaking something; once a package.
    pub(super) fn mark_error(&mut self, package: Option<PackageId>) {
        let Some(package) = package else { return };
        if !std::mem::replace(&mut self.package_mut(package).error, true) {
            self.errors += 1;
        }
    }

    fn queue_dirty(&mut self, id: NameId) {
        let name = self.name_mut(id);
        if name.dirty || name.locked || (name.requirers == 0 && !name.reevaluate_triggers) {
            return;
        }
        name.dirty = true;
        self.dirty.push_back(id);
    }

    fn queue_unresolved(&mut self, id: NameId) {
        let name = self.name_mut(id);
        if name.locked {
            return;
        }
        let wanted = name.requirers > 0 || name.triggered;
        if wanted && !name.unresolved {
            name.unresolved = true;
            self.unresolved.push(id);
        } else if !wanted && name.unresolved {
            self.drop_unresolved(id);
        }
    }

    fn drop_unresolved(&mut self, id: NameId) {
        self.budget.spend(self.unresolved.len());
        if std::mem::take(&mut self.name_mut(id).unresolved)
            && let Some(at) = self.unresolved.iter().rposition(|&other| other == id)
        {
            self.unresolved.remove(at);
        }
    }

    fn reevaluate_dependents(&mut self, id: NameId) {
        self.budget.spend(self.known(id).dependents.len());
        for &dependent in &self.known(id).dependents {
            if self.name(dependent).seen {
                self.name_mut(dependent).reevaluate_depends = true;
                self.queue_dirty(dependent);
            }
        }
    }

    fn reevaluate_triggers(&mut self, id: NameId) {
        self.budget.spend(self.known(id).triggers.len());
        for &triggered in &self.known(id).triggers {
            let name = self.name_mut(triggered);
            if name.seen && !name.never_triggered {
                name.reevaluate_triggers = true;
                self.queue_dirty(triggered);
            }
        }
    }

    fn reevaluate_triggers_of(&mut self, id: PackageId) {
        let build = self.universe.build(id);
        self.reevaluate_triggers(build.name);
        for provided in &build.provides {
            self.reevaluate_triggers(provided.name);
        }
    }

    fn disqualify(&mut self, id: PackageId) {
        self.package_mut(id).selectable = false;
        let build = self.universe.build(id);
        self.reevaluate_dependents(build.name);
        for provided in &build.provides {
            self.reevaluate_dependents(provided.name);
        }
        self.reevaluate_triggers_of(id);
    }

    fn is_satisfiable(&self, want: &Want<'a>) -> bool {
        let name = self.name(want.name);
        if name.locked {
            return self.universe.is_met(want, name.chosen);
        }
        if name.requirers == 0 && self.universe.is_met(want, None) {
            return true;
        }
        let mut providers = self.known(want.name).providers.iter();
        self.budget.spend(providers.len());
        providers
            .any(|&provider| self.package(provider.package).selectable && self.universe.is_met(want, Some(provider)))
    }

    fn requirers_changed(&mut self, id: NameId) {
        self.queue_unresolved(id);
        self.reevaluate_triggers(id);
        self.queue_dirty(id);
    }

    fn inherit_tags(&mut self, id: PackageId, from: Option<PackageId>) {
        let build = self.universe.build(id);
        let installed = if build.installed { self.universe.repositories(NO_TAG) } else { 0 };
        let repositories = build.repositories | installed;
        let inherited = from.map(|from| self.package(from).tags_allowed);
        let world_tags = self.world_tags;
        let universe = self.universe;
        let state = self.package_mut(id);
        if let Some(tags) = inherited {
            state.tags_allowed |= tags;
        } else {
            state.tags_allowed |= world_tags;
            state.tag_preferred = repositories & universe.repositories(world_tags) != 0;
        }
        state.tag_ok |= repositories & universe.repositories(state.tags_allowed) != 0;
    }

    /// Holds every provider of a name against a constraint that `from` (the world, where nothing) puts on it.
    fn apply(&mut self, from: Option<PackageId>, want: &Want<'a>) {
        if !want.conflict {
            let name = self.name_mut(want.name);
            name.requirers += 1;
            if name.requirers == 1 {
                self.requirers_changed(want.name);
            }
        }
        for &provider in &self.known(want.name).providers {
            self.budget.spend(1);
            let met = self.universe.is_met(want, Some(provider));
            let state = self.package_mut(provider.package);
            state.conflicts += u32::from(!met);
            if state.selectable && state.conflicts > 0 {
                self.disqualify(provider.package);
            }
            if met {
                self.inherit_tags(provider.package, from);
            }
        }
    }

    /// Every candidate for `must` provides `name` too: what provides `name` without `must` is out.
    fn exclude_non_providers(&mut self, name: NameId, must: NameId, skip_bare: bool) {
        if name == must {
            return;
        }
        for provider in &self.known(name).providers {
            let build = self.universe.build(provider.package);
            if !self.budget.spend(1 + build.provides.len()) {
                return;
            }
            let provides_it = build.name == must
                || !self.package(provider.package).selectable
                || (skip_bare && provider.version.is_none())
                || build.provides.iter().any(|own| own.name == must || (skip_bare && own.version.is_none()));
            if !provides_it {
                self.disqualify(provider.package);
            }
        }
    }

    fn reconsider(&mut self, id: NameId) {
        let reevaluate_depends = std::mem::take(&mut self.name_mut(id).reevaluate_depends);
        let reevaluate_triggers = std::mem::take(&mut self.name_mut(id).reevaluate_triggers);
        let providers = &self.known(id).providers;
        let (mut first, mut options, mut tags_not_ok) = (None, 0, 0);
        let (mut triggered, mut never_triggered) = (false, true);
        for provider in providers {
            let package = provider.package;
            if !self.budget.spend(1) {
                return;
            }
            self.package_mut(package).merged = false;
            if reevaluate_depends && self.package(package).selectable {
                let build = self.universe.build(package);
                if !build.depends.iter().all(|want| self.is_satisfiable(want)) {
                    self.disqualify(package);
                }
            }
            if !self.package(package).selectable {
                continue;
            }
            if reevaluate_triggers {
                self.evaluate_trigger(package);
            }
            triggered |= self.package(package).triggered;
            never_triggered &= self.package(package).trigger_failed;
            if self.name(id).requirers == 0 {
                continue;
            }
            self.package_mut(package).merged = true;
            first.get_or_insert(package);
            self.merge(provider, options);
            tags_not_ok += u32::from(!self.package(package).tag_ok);
            options += 1;
        }
        let name = self.name_mut(id);
        name.has_options = options > 1 || tags_not_ok > 0;
        name.triggered = triggered;
        name.never_triggered = never_triggered;
        self.queue_unresolved(id);
        if let Some(first) = first {
            for provider in providers {
                let state = self.package_mut(provider.package);
                state.shared = state.merged;
            }
            self.apply_shared(id, first, options);
        }
        let settled = |&dependent: &NameId| !self.name(dependent).seen || self.name(dependent).locked;
        let settled = self.known(id).dependents.iter().all(settled);
        self.name_mut(id).dependents_settled = settled;
    }

    /// Whether a package installs itself, now that more names are settled.
    fn evaluate_trigger(&mut self, package: PackageId) {
        let build = self.universe.build(package);
        let state = *self.package(package);
        if !state.triggered && !state.trigger_failed {
            let (mut triggered, mut failed) = (true, false);
            for want in &build.install_if {
                let name = self.name(want.name);
                if !name.locked {
                    triggered = false;
                    break;
                }
                if !self.universe.is_met(want, name.chosen) {
                    (triggered, failed) = (false, true);
                    break;
                }
            }
            let state = self.package_mut(package);
            (state.triggered, state.trigger_failed) = (triggered, failed);
        }
        if self.package(package).triggered {
            for want in &build.install_if {
                let from = self.name(want.name).chosen.map(|chosen| chosen.package);
                self.inherit_tags(package, from);
            }
        }
    }

    /// Counts what candidate number `options` has in common with those before it.
    fn merge(&mut self, provider: &Provider<'a>, options: u32) {
        let build = self.universe.build(provider.package);
        self.budget.spend(build.depends.len() + build.provides.len());
        for want in build.depends.iter().filter(|want| !want.conflict) {
            merge(&mut self.name_mut(want.name).merged_depends, options);
        }
        let bare = provider.version.is_none();
        let own = self.name_mut(build.name);
        if merge(&mut own.merged_provides, options) {
            own.provided_bare |= bare;
        }
        for provided in &build.provides {
            let name = self.name_mut(provided.name);
            if merge(&mut name.merged_provides, options) {
                name.provided_bare |= provided.version.is_none();
            }
        }
    }

    /// Applies what all candidates of a name have in common.
    fn apply_shared(&mut self, id: NameId, first: PackageId, options: u32) {
        let build = self.universe.build(first);
        for want in &build.depends {
            let shared = merge_complete(&mut self.name_mut(want.name).merged_depends, options);
            if !shared {
                continue;
            }
            if options == 1 {
                self.apply(Some(first), want);
            } else if self.name(want.name).requirers == 0 {
                self.name_mut(want.name).requirers += 1;
                self.requirers_changed(want.name);
                for provider in &self.known(want.name).providers {
                    self.inherit_tags(provider.package, Some(first));
                }
            }
        }
        let own = std::iter::once(build.name).chain(build.provides.iter().map(|provided| provided.name));
        for name in own.clone() {
            if merge_complete(&mut self.name_mut(name).merged_provides, options) {
                self.exclude_non_providers(name, id, self.name(name).provided_bare);
            }
        }
        for name in own {
            self.name_mut(name).provided_bare = false;
        }
    }

    /// The name to settle next: the newest one that leaves no choice, else the most urgent.
    fn next_name(&self) -> Option<NameId> {
        self.budget.spend(self.unresolved.len());
        let leaves_no_choice = |id: &NameId| {
            let name = self.name(*id);
            name.dependents_settled && name.requirers > 0 && !name.has_options
        };
        let newest_first = || self.unresolved.iter().rev().copied();
        let most_urgent = || newest_first().reduce(|best, id| if self.is_more_urgent(id, best) { id } else { best });
        newest_first().find(leaves_no_choice).or_else(most_urgent)
    }

    fn is_more_urgent(&self, a: NameId, b: NameId) -> bool {
        let key = |id: NameId| {
            let name = self.name(id);
            let rank: Rank = self.known(id).rank;
            (!name.asked_for, rank, std::cmp::Reverse(name.chain), name.requirers == 0)
        };
        key(a) < key(b)
    }

    /// Which of two providers of one name is the better choice.
    fn compare(&self, a: Provider<'a>, b: Provider<'a>) -> Ordering {
        let (pa, pb) = (self.package(a.package), self.package(b.package));
        let (ba, bb) = (self.universe.build(a.package), self.universe.build(b.package));
        let by_state = pa
            .selectable
            .cmp(&pb.selectable)
            .then(pa.shared.cmp(&pb.shared))
            .then(pb.conflicts.cmp(&pa.conflicts))
            .then(pa.tag_ok.cmp(&pb.tag_ok))
            .then(pa.tag_preferred.cmp(&pb.tag_preferred))
            .then(ba.installed.cmp(&bb.installed));
        if by_state != Ordering::Equal {
            return by_state;
        }
        // A name provided without a version is neither older nor newer than any version.
        let by_version = match (a.version, b.version) {
            (Some(a), Some(b)) => version::compare(a, b),
            _ => Ordering::Equal,
        };
        let by_own_version =
            || if ba.name == bb.name { version::compare(ba.version, bb.version) } else { Ordering::Equal };
        let repository = |mask: u32| if mask == 0 { 0 } else { mask.trailing_zeros() + 1 };
        by_version
            .then_with(by_own_version)
            .then_with(|| ba.package.provider_priority().cmp(&bb.package.provider_priority()))
            .then_with(|| repository(bb.repositories).cmp(&repository(ba.repositories)))
    }

    fn assign(&mut self, id: NameId, provider: Option<Provider<'a>>) {
        let bare = provider.is_none_or(|provider| provider.version.is_none());
        let name = *self.name(id);
        if name.locked {
            let chosen_bare = name.chosen.is_none_or(|chosen| chosen.version.is_none());
            if !(bare && chosen_bare) {
                self.mark_error(provider.map(|provider| provider.package));
                self.mark_error(name.chosen.map(|chosen| chosen.package));
            }
            return;
        }
        let state = self.name_mut(id);
        state.locked = true;
        state.chosen = provider;
        state.dirty = false;
        self.drop_unresolved(id);
        for other in &self.known(id).providers {
            let same = provider.is_some_and(|provider| provider.package == other.package);
            if !(same || bare && other.version.is_none()) {
                self.disqualify(other.package);
            }
        }
        self.reevaluate_dependents(id);
        match provider {
            Some(provider) => self.reevaluate_triggers_of(provider.package),
            None => self.reevaluate_triggers(id),
        }
    }

    fn select(&mut self, id: NameId) {
        let state = *self.name(id);
        let mut chosen: Option<Provider<'a>> = None;
        if state.requirers > 0 || state.triggered {
            for &provider in &self.known(id).providers {
                let package = self.package(provider.package);
                if state.requirers == 0 && (!package.triggered || !package.tag_ok) {
                    continue;
                }
                // A name provided without version and priority is no reason to choose a package nobody asked for.
                let build = self.universe.build(provider.package);
                if provider.version.is_none()
                    && self.name(build.name).requirers == 0
                    && build.package.provider_priority() == 0
                {
                    continue;
                }
                if chosen.is_none_or(|chosen| self.compare(provider, chosen) == Ordering::Greater) {
                    chosen = Some(provider);
                }
            }
        }
        let Some(chosen) = chosen else {
            self.assign(id, None);
            if state.requirers > 0 {
                self.errors += 1;
            }
            return;
        };
        let package = chosen.package;
        if !self.package(package).selectable || !self.package(package).tag_ok {
            self.mark_error(Some(package));
        }
        let build = self.universe.build(package);
        self.assign(build.name, Some(Provider { package, version: Some(build.version) }));
        for provided in &build.provides {
            self.assign(provided.name, Some(Provider { package, version: provided.version }));
        }
        for want in &build.depends {
            self.apply(Some(package), want);
        }
    }
}

/// Counts a name in where every candidate so far had it; whether it did.
fn merge(count: &mut u32, options: u32) -> bool {
    let merges = *count == options;
    if merges {
        *count += 1;
    }
    merges
}

/// Whether every candidate had the name; forgets the count.
fn merge_complete(count: &mut u32, options: u32) -> bool {
    std::mem::take(count) == options
}
