//! The first walk of a selection: which names and packages a request can lead to, before any is chosen.

use super::{NO_TAG, Solver};
use crate::apk::closure::universe::{NameId, PackageId};

impl Solver<'_, '_> {
    /// Finds the names that a name can lead to, and how long the longest chain of dependencies below it is.
    ///
    /// apk recurses; chains through a whole repository are thousands of names long, so the frames are kept by hand.
    pub(super) fn discover(&mut self, root: NameId) {
        let mut frames = Vec::new();
        self.enter(root, &mut frames);
        while let Some(frame) = frames.last_mut().filter(|_| self.budget.spend(1)) {
            let step = frame.step;
            let name = frame.name;
            let next = match step {
                Step::Provider { at } => match self.known(name).providers.get(at) {
                    None => Step::Trigger { provider: 0, list: 0, at: 0 },
                    Some(provider) if self.package(provider.package).seen => {
                        self.leave_package(name, provider.package);
                        Step::Provider { at: at + 1 }
                    }
                    Some(provider) => {
                        self.see_package(provider.package);
                        Step::Depends { provider: at, at: 0 }
                    }
                },
                Step::Depends { provider, at } => {
                    let package = self.known(name).providers[provider].package;
                    match self.universe.build(package).depends.get(at) {
                        None => {
                            self.leave_package(name, package);
                            Step::Provider { at: provider + 1 }
                        }
                        Some(want) if self.name(want.name).seen => {
                            let chain = self.name(want.name).chain + 1;
                            let state = self.package_mut(package);
                            state.chain = state.chain.max(chain);
                            Step::Depends { provider, at: at + 1 }
                        }
                        Some(want) => {
                            // Comes back to this step once the name is seen.
                            let below = want.name;
                            self.enter(below, &mut frames);
                            continue;
                        }
                    }
                }
                Step::Trigger { provider, list, at } => {
                    let Some(from) = self.known(name).providers.get(provider) else {
                        frames.pop();
                        continue;
                    };
                    let build = self.universe.build(from.package);
                    let source =
                        if list == 0 { Some(build.name) } else { build.provides.get(list - 1).map(|p| p.name) };
                    match source {
                        None => Step::Trigger { provider: provider + 1, list: 0, at: 0 },
                        Some(source) if list > 0 && at == 0 && self.name(source).seen => {
                            Step::Trigger { provider, list: list + 1, at: 0 }
                        }
                        Some(source) => match self.known(source).triggers.get(at) {
                            None => Step::Trigger { provider, list: list + 1, at: 0 },
                            Some(&triggered) => {
                                frame.step = Step::Trigger { provider, list, at: at + 1 };
                                if !self.name(triggered).seen {
                                    self.enter(triggered, &mut frames);
                                }
                                continue;
                            }
                        },
                    }
                }
            };
            frame.step = next;
        }
    }

    fn enter(&mut self, id: NameId, frames: &mut Vec<Frame>) {
        let name = self.name_mut(id);
        if !std::mem::replace(&mut name.seen, true) {
            name.never_triggered = true;
            frames.push(Frame { name: id, step: Step::Provider { at: 0 } });
        }
    }

    fn see_package(&mut self, id: PackageId) {
        let build = self.universe.build(id);
        // apk adds the repositories of an installed package's tag; only untagged ones are known here.
        let installed = if build.installed { self.universe.repositories(NO_TAG) } else { 0 };
        let preferred = build.package.installed_size() == 0
            || (build.repositories | installed) & self.universe.repositories(NO_TAG) != 0;
        let state = self.package_mut(id);
        state.seen = true;
        state.tags_allowed = NO_TAG;
        state.selectable = build.repositories != 0 || build.installed;
        state.trigger_failed = build.install_if.is_empty();
        state.tag_preferred = preferred;
        state.tag_ok = preferred || build.installed;
    }

    fn leave_package(&mut self, name: NameId, package: PackageId) {
        let package = *self.package(package);
        let name = self.name_mut(name);
        name.never_triggered &= package.trigger_failed;
        name.chain = name.chain.max(package.chain);
    }
}

/// Where the walk of [`Solver::discover`] stands in one name.
#[derive(Clone, Copy)]
enum Step {
    Provider { at: usize },
    Depends { provider: usize, at: usize },
    Trigger { provider: usize, list: usize, at: usize },
}

struct Frame {
    name: NameId,
    step: Step,
}
