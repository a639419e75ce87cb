//! What Alpine's official base images hold: the minimal root of each release, as far as it is known.
//!
//! The data is read from Alpine's own minimal roots (`scripts/apk-base`). For a release that is not known the nearest known
//! one stands in, and [`Base::stand_in`] says so. An image of one's own is not described here: read its own database.

use super::catalog::Catalog;
use super::index::{Index, Package};
use super::installed::Installed;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Programs and versions of every known release.
static DATA: &str = include_str!("../../data/apk/base.txt");

/// The database records of one of them, for what an index leaves out.
static RECORDS: &str = include_str!("../../data/apk/base.installed");

/// What was asked for when the minimal root was made. Source: `etc/apk/world` of Alpine 3.20.3's minimal root.
const WORLD: &str = "alpine-baselayout alpine-keys apk-tools busybox libc-utils";

/// The folders that programs are looked up in, in order, where an image sets no PATH.
pub const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The path of a program in a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseProgram {
    /// The absolute path.
    pub path: &'static str,
    /// What stands there.
    pub file: BaseFile,
    /// The package that brings it.
    pub package: &'static str,
}

/// What stands at a program's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFile {
    /// A regular file with its mode.
    File(u32),
    /// A link to another path.
    Link(&'static str),
}

/// The minimal root of one release.
#[derive(Clone, Debug)]
pub struct Base {
    release: String,
    known: u32,
    programs: BTreeMap<&'static str, BaseProgram>,
    packages: BTreeMap<&'static str, &'static str>,
}

impl Base {
    /// The minimal root of a release (`v3.20`, `3.20`, `3.20.3`, `edge`); of the nearest known one where it is not known.
    pub fn minimal(release: &str) -> Self {
        let wanted = minor(release);
        let known = known_releases();
        let nearest = known.iter().copied().min_by_key(|known| known.abs_diff(wanted.unwrap_or(u32::MAX)));
        let mut base = Self {
            release: release.to_owned(),
            known: nearest.expect("internal: the data names releases"),
            programs: BTreeMap::new(),
            packages: BTreeMap::new(),
        };
        for row in DATA.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&'static str> = row.split('\t').collect();
            match columns[..] {
                [path, file, package, releases] if in_spans(releases, base.known) => {
                    base.programs.insert(path, BaseProgram { path, file: base_file(file), package });
                }
                [name, versions] => {
                    let version = versions.split(' ').filter_map(|pair| pair.split_once('='));
                    let version = version.clone().find(|(release, _)| minor(release) == Some(base.known));
                    if let Some((_, version)) = version {
                        base.packages.insert(name, version);
                    }
                }
                _ => {}
            }
        }
        base
    }

    /// The release that the data is of (`v3.20`).
    pub fn known_release(&self) -> String {
        format!("v3.{}", self.known)
    }

    /// Where the release itself is not known: a sentence that says which one stands in.
    pub fn stand_in(&self) -> Option<String> {
        let exact = minor(&self.release) == Some(self.known);
        let known = self.known_release();
        (!exact).then(|| {
            format!("the base of {} is not known; that of {known}, the nearest known, stands in", self.release)
        })
    }

    /// The programs on PATH, by their path.
    pub fn programs(&self) -> impl Iterator<Item = &BaseProgram> {
        self.programs.values()
    }

    /// The program at a path (`/bin/sh`).
    pub fn program_at(&self, path: &str) -> Option<&BaseProgram> {
        self.programs.get(path)
    }

    /// The program that a name means, looked up in [`PATH`].
    pub fn program(&self, name: &str) -> Option<&BaseProgram> {
        PATH.iter().find_map(|folder| self.programs.get(format!("{folder}/{name}").as_str()))
    }

    /// The names and versions of the installed packages. A stand-in's versions are not those of the release itself.
    pub fn packages(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.packages.iter().map(|(&name, &version)| (name, version))
    }

    /// The base as a closure starts from it. What the packages need and provide is taken from the catalog, where it has
    /// them; so are their versions where another release stands in.
    pub fn installed(&self, catalog: &Catalog, arch: &str) -> Installed {
        let exact = self.stand_in().is_none();
        let database = database(self.packages(), exact, catalog, arch);
        Installed::parse(database, WORLD).expect("internal: records of an index read back")
    }
}

/// Packages of which only the versions are known, as a closure starts from them: all count as asked for, so that none goes.
pub fn installed_as(packages: &BTreeMap<String, String>, catalog: &Catalog, arch: &str) -> Installed {
    // What a lock says was read from an image; what is no name and no version of apk is none of its packages.
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let packages = packages.iter().map(|(name, version)| (name.as_str(), version.as_str()));
    let packages = packages.filter(|(name, version)| is_plain(name) && is_plain(version));
    let world: Vec<&str> = packages.clone().map(|(name, _)| name).collect();
    let database = database(packages, true, catalog, arch);
    Installed::parse(database, &world.join(" ")).unwrap_or_default()
}

/// A database of packages. Their records are those of the known base or of the catalog; at `exact` they keep their versions.
fn database<'p>(
    packages: impl Iterator<Item = (&'p str, &'p str)>,
    exact: bool,
    catalog: &Catalog,
    arch: &str,
) -> String {
    let records = Index::parse(RECORDS.replace("x86_64", arch)).expect("internal: the records are read by a test");
    let mut database = String::new();
    for (name, known) in packages {
        let own = records.find(name).find(|package| exact && package.version() == known);
        let listed = || catalog.package(name).map(|entry| entry.package);
        match own.or_else(listed).or_else(|| records.find(name).next()) {
            Some(package) => {
                let version = if exact { known } else { package.version() };
                write_record(&mut database, package, version);
            }
            None => {
                let _ = write!(database, "C:{name}-{known}\nP:{name}\nV:{known}\n\n");
            }
        }
    }
    database
}

/// Writes a package as it would stand in the database, at another version than the index's where need be.
fn write_record(database: &mut String, package: Package<'_>, version: &str) {
    let same = package.version() == version;
    let checksum = if same { package.checksum().to_owned() } else { format!("{}-{version}", package.name()) };
    let _ = write!(database, "C:{checksum}\nP:{}\nV:{version}\n", package.name());
    let _ = write!(database, "S:{}\nI:{}\n", package.download_size(), package.installed_size());
    if package.provider_priority() > 0 {
        let _ = writeln!(database, "k:{}", package.provider_priority());
    }
    let lists = [
        ("D", package.depends().map(|one| one.to_string()).collect::<Vec<_>>()),
        ("p", package.provides().map(|one| one.to_string()).collect()),
        ("i", package.install_if().map(|one| one.to_string()).collect()),
    ];
    let (old, new) = (format!("={}", package.version()), format!("={version}"));
    for (field, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        // Packages built together name each other by their common version.
        let list: Vec<String> = list
            .into_iter()
            .map(|one| match one.strip_suffix(&old) {
                Some(name) if !same => format!("{name}{new}"),
                _ => one,
            })
            .collect();
        let _ = writeln!(database, "{field}:{}", list.join(" "));
    }
    database.push('\n');
}

fn base_file(text: &'static str) -> BaseFile {
    match text.strip_prefix("-> ") {
        Some(target) => BaseFile::Link(target),
        None => BaseFile::File(u32::from_str_radix(text, 8).unwrap_or(0o755)),
    }
}

/// The number after `3.` in a release's name; nothing for `edge` and for what is none.
fn minor(release: &str) -> Option<u32> {
    let rest = release.trim_start_matches('v').strip_prefix("3.")?;
    rest.split('.').next()?.parse().ok()
}

/// Whether `3.12-3.16 3.20` holds release 3.`minor`.
fn in_spans(spans: &str, wanted: u32) -> bool {
    spans.split(' ').any(|span| {
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        minor(first).zip(minor(last)).is_some_and(|(first, last)| (first..=last).contains(&wanted))
    })
}

fn known_releases() -> Vec<u32> {
    let versions = DATA.lines().find_map(|line| line.strip_prefix("busybox\t")).unwrap_or_default();
    versions.split(' ').filter_map(|pair| minor(pair.split_once('=')?.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_release_is_read() {
        let base = Base::minimal("3.20.3");
        assert_eq!(base.stand_in(), None);
        let shell = base.program("sh").expect("there is a shell");
        assert_eq!((shell.path, shell.file, shell.package), ("/bin/sh", BaseFile::Link("/bin/busybox"), "busybox"));
        assert_eq!(base.program("apk").map(|program| program.file), Some(BaseFile::File(0o755)));
        assert_eq!(base.program("docker"), None);
        assert!(base.packages().any(|package| package == ("busybox", "1.36.1-r29")));
        assert!(base.program("mkmntdirs").is_none());
        assert!(Base::minimal("v3.12").program("mkmntdirs").is_some());
    }

    #[test]
    fn the_nearest_release_stands_in_and_says_so() {
        for (release, known) in [("edge", "v3.20"), ("v3.22", "v3.20"), ("3.9", "v3.12"), ("latest", "v3.20")] {
            let base = Base::minimal(release);
            assert_eq!(base.known_release(), known);
            assert!(base.stand_in().expect("it is not known").contains(known), "{release}");
        }
    }

    #[test]
    fn the_records_are_those_of_their_release() {
        let installed = Base::minimal("v3.20").installed(&Catalog::default(), "x86_64");
        assert_eq!(installed.index().len(), 14);
        let musl = installed.package("musl").expect("musl is there");
        assert!(musl.provides().any(|provided| provided.name == "so:libc.musl-x86_64.so.1"));
        let other = Base::minimal("v3.20").installed(&Catalog::default(), "aarch64");
        let musl = other.package("musl").expect("musl is there");
        assert!(musl.provides().any(|provided| provided.name == "so:libc.musl-aarch64.so.1"));
    }

    #[test]
    fn spans_hold_their_ends() {
        assert!(in_spans("3.12-3.14 3.17", 12) && in_spans("3.12-3.14 3.17", 14) && in_spans("3.12-3.14 3.17", 17));
        assert!(!in_spans("3.12-3.14 3.17", 15));
    }
}
