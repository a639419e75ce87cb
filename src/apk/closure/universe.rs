//! The names and packages that a choice is made among, linked to each other as apk's database links them.
//!
//! The order in which apk meets names decides between choices that are equal otherwise. It walks its hash table of names;
//! the same table is rebuilt here (bucket by bucket, the newest name of a bucket first).

use super::budget::{self, Budget};
use crate::apk::catalog::Catalog;
use crate::apk::dependency::Dependency;
use crate::apk::index::Package;
use crate::apk::installed::Installed;
use crate::apk::version::Operator;
use std::collections::HashMap;

/// The links between names that a universe may hold. Alpine's main has about 90,000.
const MAX_LINKS: usize = 20_000_000;

/// The number of buckets of apk's table of names.
const BUCKETS: u32 = 20_000;

/// A name, by its place in [`Universe::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NameId(pub(super) u32);

/// A package, by its place in [`Universe::packages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PackageId(pub(super) u32);

/// A package's own name, or one that packages provide or ask for.
#[derive(Debug, Default)]
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) providers: Vec<Provider<'a>>,
    /// Names, some package of which depends on this one.
    pub(super) dependents: Vec<NameId>,
    /// Names, some package of which is installed by itself once this one is there.
    pub(super) triggers: Vec<NameId>,
    pub(super) rank: Rank,
}

/// Which names are settled first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Only packages of that name have it.
    #[default]
    Own,
    /// Packages of other names provide it too.
    Mixed,
    /// Only packages of other names provide it.
    Virtual,
}

/// A package under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Provider<'a> {
    pub(super) package: PackageId,
    /// The version under that name; nothing where the name is provided without one.
    pub(super) version: Option<&'a str>,
}

/// A dependency whose name is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Want<'a> {
    pub(super) name: NameId,
    /// The name's text; [`Universe`] does not know that of a name that only a request has.
    pub(super) text: &'a str,
    pub(super) conflict: bool,
    pub(super) operator: Operator,
    /// Nothing where none is given.
    pub(super) version: Option<&'a str>,
    /// The tag, by its place in [`Universe::tags`]; 0 for none.
    pub(super) tag: usize,
}

impl<'a> Want<'a> {
    fn new(name: NameId, dependency: Dependency<'a>, tag: usize) -> Self {
        Self {
            name,
            text: dependency.name,
            conflict: dependency.conflict,
            operator: dependency.operator,
            version: (!dependency.version.is_empty()).then_some(dependency.version),
            tag,
        }
    }
}

/// One build of a package: the same build in several repositories stands once.
#[derive(Debug)]
pub(super) struct Build<'a> {
    pub(super) package: Package<'a>,
    pub(super) name: NameId,
    pub(super) version: &'a str,
    pub(super) depends: Vec<Want<'a>>,
    pub(super) provides: Vec<Want<'a>>,
    pub(super) install_if: Vec<Want<'a>>,
    /// The repositories that have it, a bit each.
    pub(super) repositories: u32,
    pub(super) installed: bool,
}

/// All names and packages of a catalog and an image.
#[derive(Debug)]
pub(super) struct Universe<'a> {
    pub(super) names: Vec<Name<'a>>,
    pub(super) packages: Vec<Build<'a>>,
    pub(super) installed: Vec<PackageId>,
    pub(super) world: Vec<Want<'a>>,
    /// The repositories that each tag allows, a bit each; the first is for packages without a tag.
    pub(super) tags: Vec<(&'a str, u32)>,
    /// There are more links than any real indexes have: nothing is worked out from it.
    pub(super) is_tangled: bool,
    by_text: HashMap<&'a str, NameId>,
    by_checksum: HashMap<&'a str, PackageId>,
}

impl<'a> Universe<'a> {
    pub(super) fn new(catalog: &'a Catalog, installed: &'a Installed) -> Self {
        let expected = catalog.sources().iter().map(|source| source.index.len()).sum::<usize>();
        let mut universe = Self {
            names: Vec::with_capacity(expected * 4),
            packages: Vec::with_capacity(expected),
            installed: Vec::new(),
            world: Vec::new(),
            tags: vec![("", 0)],
            is_tangled: false,
            by_text: HashMap::with_capacity(expected * 4),
            by_checksum: HashMap::with_capacity(expected),
        };
        for text in installed.world() {
            if let Ok(dependency) = Dependency::parse(text) {
                let want = universe.want(dependency);
                universe.world.push(want);
            }
        }
        for package in installed.index().packages() {
            let id = universe.add(package, 0);
            universe.packages[id.0 as usize].installed = true;
            universe.installed.push(id);
        }
        for (at, source) in catalog.sources().iter().enumerate() {
            let tag = source.tag.as_deref().map_or(0, |tag| universe.tag(tag));
            universe.tags[tag].1 |= 1 << at;
            for package in source.index.packages() {
                universe.add(package, 1 << at);
            }
        }
        universe.link();
        // Stands for every name that only a request has.
        universe.names.push(Name::default());
        universe
    }

    /// A name; one without text and providers where only a request has it.
    pub(super) fn name(&self, id: NameId) -> &Name<'a> {
        &self.names[(id.0 as usize).min(self.names.len() - 1)]
    }

    pub(super) fn build(&self, id: PackageId) -> &Build<'a> {
        &self.packages[id.0 as usize]
    }

    /// The names of a request that nothing else has get ids after all others, in the order of `unknown`. Nothing where
    /// the request's tag is unknown.
    pub(super) fn request<'r>(&self, dependency: Dependency<'r>, unknown: &mut Vec<&'r str>) -> Option<Want<'r>> {
        let tag = match dependency.tag {
            None => 0,
            Some(tag) => self.tags.iter().position(|known| known.0 == tag && known.1 != 0)?,
        };
        let name = self.by_text.get(dependency.name).copied().unwrap_or_else(|| {
            let at = unknown.iter().position(|name| *name == dependency.name).unwrap_or_else(|| {
                unknown.push(dependency.name);
                unknown.len() - 1
            });
            NameId((self.names.len() + at) as u32)
        });
        Some(Want::new(name, dependency, tag))
    }

    /// Resolves a dependency; a name that nothing has yet is added.
    fn want(&mut self, dependency: Dependency<'a>) -> Want<'a> {
        let tag = dependency.tag.map_or(0, |tag| self.tag(tag));
        Want::new(self.intern(dependency.name), dependency, tag)
    }

    fn tag(&mut self, tag: &'a str) -> usize {
        if let Some(at) = self.tags.iter().skip(1).position(|known| known.0 == tag) {
            return at + 1;
        }
        self.tags.push((tag, 0));
        self.tags.len() - 1
    }

    fn intern(&mut self, text: &'a str) -> NameId {
        if let Some(&id) = self.by_text.get(text) {
            return id;
        }
        let id = NameId(self.names.len() as u32);
        self.names.push(Name { text, ..Name::default() });
        self.by_text.insert(text, id);
        id
    }

    fn add(&mut self, package: Package<'a>, repositories: u32) -> PackageId {
        // Names are met in the order of the fields, also where the build is known already.
        let name = self.intern(package.name());
        let depends = package.depends().map(|dependency| self.want(dependency)).collect();
        let provides: Vec<Want<'a>> = package.provides().map(|dependency| self.want(dependency)).collect();
        let install_if = package.install_if().map(|dependency| self.want(dependency)).collect();
        if let Some(&known) = self.by_checksum.get(package.checksum()) {
            self.packages[known.0 as usize].repositories |= repositories;
            return known;
        }
        let id = PackageId(self.packages.len() as u32);
        self.by_checksum.insert(package.checksum(), id);
        let version = package.version();
        self.names[name.0 as usize].providers.push(Provider { package: id, version: Some(version) });
        for provided in &provides {
            let provider = Provider { package: id, version: provided.version };
            self.names[provided.name.0 as usize].providers.push(provider);
        }
        self.packages.push(Build {
            package,
            name,
            version,
            depends,
            provides,
            install_if,
            repositories,
            installed: false,
        });
        id
    }

    /// Links every name to those that depend on it or are triggered by it.
    fn link(&mut self) {
        let mut order: Vec<(u32, std::cmp::Reverse<u32>)> = self
            .names
            .iter()
            .enumerate()
            .map(|(id, name)| (murmur3(name.text.as_bytes(), 5381) % BUCKETS, std::cmp::Reverse(id as u32)))
            .collect();
        order.sort_unstable();
        let mut linked_depends = vec![u32::MAX; self.names.len()];
        let mut linked_triggers = vec![u32::MAX; self.names.len()];
        let budget = Budget::new(budget::MOST);
        let mut links = 0;
        for (_, std::cmp::Reverse(id)) in order {
            let providers = std::mem::take(&mut self.names[id as usize].providers);
            let mut foreign = 0;
            for provider in &providers {
                let build = &self.packages[provider.package.0 as usize];
                foreign += usize::from(build.name.0 != id);
                if links > MAX_LINKS || !budget.spend(1 + build.depends.len() + build.install_if.len()) {
                    self.is_tangled = true;
                    return;
                }
                for want in &build.depends {
                    if std::mem::replace(&mut linked_depends[want.name.0 as usize], id) != id {
                        self.names[want.name.0 as usize].dependents.push(NameId(id));
                        links += 1;
                    }
                }
                for want in &build.install_if {
                    if std::mem::replace(&mut linked_triggers[want.name.0 as usize], id) != id {
                        self.names[want.name.0 as usize].triggers.push(NameId(id));
                        links += 1;
                    }
                }
            }
            let name = &mut self.names[id as usize];
            name.rank = match foreign {
                0 => Rank::Own,
                n if n == providers.len() => Rank::Virtual,
                _ => Rank::Mixed,
            };
            name.providers = providers;
        }
    }

    /// The repositories that the tags of a mask allow together.
    pub(super) fn repositories(&self, tags: u64) -> u32 {
        let allowed = self.tags.iter().enumerate().filter(|(at, _)| *at < 64 && tags & (1 << at) != 0);
        allowed.fold(0, |mask, (_, tag)| mask | tag.1)
    }

    /// A dependency as a person writes it.
    pub(super) fn show(&self, want: &Want<'_>) -> String {
        let mark = if want.conflict { "!" } else { "" };
        let name = want.text;
        let at = if want.tag == 0 { String::new() } else { format!("@{}", self.tags[want.tag].0) };
        match want.version {
            Some(version) => format!("{mark}{name}{at}{}{version}", want.operator),
            None => format!("{mark}{name}{at}"),
        }
    }

    /// `name-version`, as apk writes a package.
    pub(super) fn label(&self, id: PackageId) -> String {
        let build = self.build(id);
        format!("{}-{}", self.name(build.name).text, build.version)
    }

    /// Whether a dependency is met by what was chosen for its name; nothing chosen meets a conflict alone.
    pub(super) fn is_met(&self, want: &Want<'_>, provider: Option<Provider<'_>>) -> bool {
        let Some(provider) = provider else { return want.conflict };
        self.matches(want, provider.package, provider.version) != want.conflict
    }

    fn matches(&self, want: &Want<'_>, package: PackageId, version: Option<&str>) -> bool {
        match (want.operator, version) {
            (Operator::ANY, _) => true,
            (Operator::CHECKSUM, _) => want.version == Some(self.build(package).package.checksum()),
            (_, None) => false,
            (operator, Some(version)) => operator.matches(version, want.version.unwrap_or("")),
        }
    }
}

/// `MurmurHash3_x86_32`, Austin Appleby's public-domain hash.
fn murmur3(key: &[u8], seed: u32) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let mix = |block: u32| block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let (blocks, tail) = key.as_chunks::<4>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        (hash ^ mix(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    let rest = tail.iter().rev().fold(0, |rest: u32, &byte| rest << 8 | u32::from(byte));
    if !tail.is_empty() {
        hash ^= mix(rest);
    }
    hash ^= key.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from the reference implementation.
    #[test]
    fn the_hash_is_murmur3() {
        assert_eq!(murmur3(b"", 0), 0);
        assert_eq!(murmur3(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3(b"aaaa", 0x9747_b28c), 0x5a97_808a);
        assert_eq!(murmur3(b"Hello, world!", 0x9747_b28c), 0x2488_4cba);
        assert_eq!(murmur3(b"aaa", 0x9747_b28c), 0x283e_0130);
    }
}
