//! Several indexes together, in the order in which they are preferred: what an image's `/etc/apk/repositories` is to apk.
//!
//! It answers which packages have a name, provide a name or bring a program. Which of several providers an image should
//! have is for [`super::choice`], and what installing one would add for [`super::closure`].

use super::index::{Index, Package};
use super::version;
use std::cmp::Ordering;
use std::sync::atomic::{AtomicU32, Ordering as Atomic};
use std::sync::{Arc, OnceLock};

/// How many look-ups are answered by searching the text before a table is built.
const SEARCHES_BEFORE_TABLE: u32 = 3;

/// The number of repositories that one catalog may hold; apk's own bound.
pub const MAX_SOURCES: usize = 32;

/// One repository of a catalog.
#[derive(Clone, Debug)]
pub struct Source {
    /// What it is called in output (`v3.20/main`, or a custom repository's address).
    pub repository: String,
    /// The tag under which alone its packages are taken (`edge` for `php@edge`); nothing for an ordinary repository.
    pub tag: Option<String>,
    /// Its packages.
    pub index: Arc<Index>,
}

/// A package and the repository that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The package.
    pub package: Package<'a>,
    /// Its repository.
    pub source: &'a Source,
    /// The repository's place in the catalog.
    pub source_at: usize,
}

/// A package that provides a name, and at which version it does.
#[derive(Clone, Copy, Debug)]
pub struct Provided<'a> {
    /// The package.
    pub entry: Entry<'a>,
    /// The version of the provided name; nothing for a name provided without one.
    pub version: Option<&'a str>,
}

/// Indexes in the order of preference.
#[derive(Debug, Default)]
pub struct Catalog {
    sources: Vec<Source>,
    names: OnceLock<Vec<Slot>>,
    provided: OnceLock<Vec<Slot>>,
    searches: AtomicU32,
}

/// A package by the hash of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    hash: u32,
    source: u16,
    at: u32,
}

impl Catalog {
    /// A catalog over repositories; those past [`MAX_SOURCES`] are left out, as apk does.
    pub fn new(mut sources: Vec<Source>) -> Self {
        sources.truncate(MAX_SOURCES);
        Self { sources, names: OnceLock::new(), provided: OnceLock::new(), searches: AtomicU32::new(0) }
    }

    /// The repositories.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Every package of every repository.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.sources.iter().enumerate().flat_map(|(source_at, source)| {
            source.index.packages().map(move |package| Entry { package, source, source_at })
        })
    }

    /// Every build of a package of that name, the one that apk prefers first: untagged before tagged, the newest first,
    /// the earlier repository first.
    pub fn versions(&self, name: &str) -> Vec<Entry<'_>> {
        let table = self.names.get_or_init(|| self.table(|package, add| add(package.name())));
        let mut found: Vec<Entry<'_>> = self.slots(table, name).filter(|entry| entry.package.name() == name).collect();
        found.sort_by(|a, b| {
            let tagged = a.source.tag.is_some().cmp(&b.source.tag.is_some());
            tagged
                .then_with(|| version::compare(b.package.version(), a.package.version()))
                .then(a.source_at.cmp(&b.source_at))
        });
        found
    }

    /// The build of a package that apk would take where nothing else is asked for; nothing where the name is unknown or
    /// stands in tagged repositories alone.
    pub fn package(&self, name: &str) -> Option<Entry<'_>> {
        self.versions(name).into_iter().next().filter(|entry| entry.source.tag.is_none())
    }

    /// Every package that provides a name (`cmd:docker`, `so:libz.so.1`, `/bin/sh`), its own name included, in the order
    /// of the repositories.
    pub fn providers(&self, name: &str) -> Vec<Provided<'_>> {
        let search = || self.searches.fetch_add(1, Atomic::Relaxed) < SEARCHES_BEFORE_TABLE;
        let mut candidates: Vec<Entry<'_>> = if self.provided.get().is_none() && search() {
            let finder = memchr::memmem::Finder::new(name);
            let holds = |package: Package<'_>| {
                package.name() == name || finder.find(package.provides_text().as_bytes()).is_some()
            };
            self.entries().filter(|entry| holds(entry.package)).collect()
        } else {
            let table = self.provided.get_or_init(|| {
                self.table(|package, add| {
                    add(package.name());
                    let is_end = |c: char| matches!(c, '<' | '=' | '>' | '~' | '@');
                    for entry in package.provides_text().split(' ') {
                        add(entry.split(is_end).next().unwrap_or(entry));
                    }
                })
            });
            self.slots(table, name).collect()
        };
        candidates.dedup_by_key(|entry| (entry.source_at, entry.package.at()));
        candidates
            .into_iter()
            .filter_map(|entry| {
                let own =
                    (entry.package.name() == name).then(|| Provided { entry, version: Some(entry.package.version()) });
                let provided = entry.package.provides().find(|provided| provided.name == name);
                let provided = provided.map(|provided| {
                    let version = (!provided.version.is_empty()).then_some(provided.version);
                    Provided { entry, version }
                });
                own.or(provided)
            })
            .collect()
    }

    /// Every package that brings a program (`docker`), in the order of the repositories.
    pub fn providers_of_program(&self, program: &str) -> Vec<Provided<'_>> {
        self.providers(&format!("cmd:{program}"))
    }

    /// Names of programs near to one that nothing provides, the nearest first.
    pub fn near_programs(&self, program: &str, most: usize) -> Vec<String> {
        let programs = self.entries().flat_map(|entry| entry.package.programs().map(|(program, _)| program));
        nearest(program, programs, most)
    }

    /// Names of packages near to one that does not exist, the nearest first.
    pub fn near_packages(&self, name: &str, most: usize) -> Vec<String> {
        nearest(name, self.entries().map(|entry| entry.package.name()), most)
    }

    fn table(&self, names: impl for<'a> Fn(Package<'a>, &mut dyn FnMut(&str))) -> Vec<Slot> {
        let mut table = Vec::new();
        for entry in self.entries() {
            let (source, at) = (entry.source_at as u16, entry.package.at() as u32);
            names(entry.package, &mut |name| table.push(Slot { hash: hash(name), source, at }));
        }
        table.sort_unstable();
        table
    }

    fn slots<'a>(&'a self, table: &'a [Slot], name: &str) -> impl Iterator<Item = Entry<'a>> {
        let hash = hash(name);
        let start = table.partition_point(|slot| slot.hash < hash);
        table[start..].iter().take_while(move |slot| slot.hash == hash).filter_map(|slot| {
            let source = self.sources.get(slot.source as usize)?;
            let package = source.index.package(slot.at as usize)?;
            Some(Entry { package, source, source_at: slot.source as usize })
        })
    }
}

/// FNV-1a; the tables are small and looked up by equality afterwards.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The candidates nearest to a name: few letters apart, or with a long common start. Beyond that a hint only misleads.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>, most: usize) -> Vec<String> {
    const ALIKE: f64 = 0.92;
    let length = name.len();
    let may_differ = match length {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let mut near: Vec<(usize, f64, &str)> = candidates
        .filter(|candidate| candidate.len().abs_diff(length) <= length.max(3) && *candidate != name)
        .map(|candidate| (strsim::osa_distance(name, candidate), strsim::jaro_winkler(name, candidate), candidate))
        .filter(|&(distance, score, _)| distance <= may_differ || (length > 2 && score >= ALIKE))
        .collect();
    near.sort_by(|a, b| {
        let score = b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal);
        a.0.cmp(&b.0).then(score).then(a.2.cmp(b.2))
    });
    near.dedup_by_key(|row| row.2);
    near.into_iter().take(most).map(|(_, _, candidate)| candidate.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str =
        "C:Q1a\nP:git\nV:2.45-r0\nk:5\np:cmd:git=2.45-r0 cmd:git-x=2.45-r0 vcs\n\nC:Q1b\nP:vi\nV:1-r0\np:cmd:vi\n\n";
    const EDGE: &str = "C:Q1c\nP:git\nV:2.47-r0\np:cmd:git=2.47-r0\n\n";

    fn catalog() -> Catalog {
        let source = |repository: &str, tag: Option<&str>, text: &str| Source {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            index: Arc::new(Index::parse(text.to_owned()).expect("an index")),
        };
        Catalog::new(vec![source("edge/main", Some("edge"), EDGE), source("v3.20/main", None, MAIN)])
    }

    #[test]
    fn untagged_packages_come_first() {
        let catalog = catalog();
        assert_eq!(catalog.package("git").expect("known").source.repository, "v3.20/main");
        assert_eq!(catalog.versions("git").len(), 2);
        assert!(catalog.package("git-x").is_none());
    }

    #[test]
    fn search_and_table_agree() {
        let catalog = catalog();
        for _ in 0..2 * SEARCHES_BEFORE_TABLE {
            let found = catalog.providers_of_program("git");
            let found: Vec<_> = found.iter().map(|one| (one.entry.package.name(), one.version)).collect();
            assert_eq!(found, [("git", Some("2.47-r0")), ("git", Some("2.45-r0"))]);
            assert_eq!(catalog.providers("vcs")[0].version, None);
            assert!(catalog.providers("cmd:gi").is_empty());
        }
    }

    #[test]
    fn near_names_are_near() {
        assert_eq!(catalog().near_programs("gti", 3), ["git"]);
        assert_eq!(catalog().near_packages("gitt", 1), ["git"]);
        assert!(catalog().near_packages("postgresql", 3).is_empty());
    }
}
