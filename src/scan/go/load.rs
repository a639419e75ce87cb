//! The program: the main packages and every package that they import, as far as the sources are there.
//!
//! Folders are listed and files read in parallel, a level of imports at a time. Only the head of a file is looked at; the
//! rest is parsed on demand ([`Unit::syntax`]). A package that cannot be found is listed in [`Program::missing`].

use super::constraint::BuildTags;
use super::imports::Head;
use super::module::{Place, Workspace};
use super::outline::{Declared, Interface, Outline, UnitRange};
use super::package_set::PackageSet;
use super::std_methods;
use super::syntax::{Decl, ExprId, Part, Syntax};
use super::words::way;
use crate::file::{FileId, SourceFile};
use crate::walk::{Kind, Tree};
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many packages one program may have before the rest is ignored.
const MAX_PACKAGES: usize = 50_000;
/// How many files may use a member before only the importers of its package are looked at.
const MAX_MEMBER_USERS: usize = 300;

/// How many files may select a method's name before only those are looked at that lead to its package.
const MAX_CALLING_UNITS: usize = 300;

/// A package, by its place in [`Program::packages`].
pub(crate) type PackageId = u32;
/// A file, by its place in [`Program::units`].
pub(crate) type UnitId = u32;

/// A package with the files of it that are built.
#[derive(Debug)]
pub(crate) struct Package {
    pub import: String,
    pub name: String,
    pub units: Vec<UnitId>,
    /// Whether it belongs to a module that is developed here, not to one that this depends on.
    pub is_own: bool,
}

/// A file of a package; parsed when it is asked for.
#[derive(Debug)]
pub(crate) struct Unit {
    pub package: PackageId,
    pub file: FileId,
    pub source: Arc<SourceFile>,
    pub head: Head,
    syntax: OnceLock<Syntax>,
}

impl Unit {
    /// The parsed file.
    pub(crate) fn syntax(&self) -> &Syntax {
        self.syntax.get_or_init(|| Syntax::parse(self.file, &self.source))
    }

    /// Whether it has been parsed.
    pub(crate) fn is_parsed(&self) -> bool {
        self.syntax.get().is_some()
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        self.source.text()
    }
}

/// Everything that main packages are built from.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub packages: Vec<Package>,
    pub units: Vec<Unit>,
    by_import: HashMap<String, PackageId>,
    /// Import path → the files that import it.
    importers: HashMap<String, Vec<UnitId>>,
    /// Import paths that some file imports under no name: `import . "path"`.
    imported_whole: HashSet<String>,
    outline: OnceLock<Outline>,
    dependents: Mutex<HashMap<PackageId, Arc<PackageSet>>>,
    /// Modules and packages without sources, with one import path of each.
    pub missing: BTreeMap<String, String>,
    /// The folders that were listed, in the tree; for the cache.
    pub folders: BTreeSet<String>,
    /// Files that could not be read, and why.
    pub unread: BTreeMap<String, String>,
}

/// What one folder gave.
struct Loaded {
    import: String,
    folder: Option<String>,
    files: Vec<(FileId, Arc<SourceFile>, Head)>,
    unread: Vec<(String, String)>,
}

/// A main package: its folder, and the one file of it where a file was named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MainPackage {
    pub folder: String,
    pub file: Option<String>,
}

impl Program {
    /// Loads the main packages and what they import.
    pub(crate) fn load(tree: &Tree, workspace: &Workspace, tags: &BuildTags, mains: &[MainPackage]) -> Self {
        let mut program = Self::default();
        let loaded: Vec<Loaded> = mains
            .par_iter()
            .map(|main| {
                let import = workspace.import_path(&main.folder);
                let mut loaded = load_folder(tree, tree, &main.folder, "", import, tags);
                if let Some(only) = &main.file {
                    loaded.files.retain(|(_, source, _)| source.path() == only);
                }
                loaded
            })
            .collect();
        let mut level = program.take(loaded, |_| true);
        while !level.is_empty() && program.packages.len() < MAX_PACKAGES {
            let places: Vec<(String, Place)> = level
                .into_par_iter()
                .map(|import| {
                    let place = workspace.place(tree, &import);
                    (import, place)
                })
                .collect();
            let mut wanted = Vec::new();
            for (import, place) in places {
                match place {
                    Place::Missing(module) => {
                        program.missing.entry(module).or_insert(import);
                    }
                    Place::Standard => {}
                    place => wanted.push((import, place)),
                }
            }
            let loaded: Vec<Loaded> = wanted
                .into_par_iter()
                .map(|(import, place)| match (place, workspace.cache()) {
                    (Place::Tree(folder), _) => load_folder(tree, tree, &folder, "", import, tags),
                    (Place::Cache(folder), Some(cache)) => {
                        load_folder(tree, cache, &folder, "$GOMODCACHE/", import, tags)
                    }
                    _ => Loaded { import, folder: None, files: Vec::new(), unread: Vec::new() },
                })
                .collect();
            level = program.take(loaded, |import| workspace.is_own(import));
        }
        for (id, unit) in program.units.iter().enumerate() {
            for import in &unit.head.imports {
                match program.importers.get_mut(&import.path) {
                    Some(importers) => importers.push(id as UnitId),
                    None => drop(program.importers.insert(import.path.clone(), vec![id as UnitId])),
                }
                if import.alias.as_deref() == Some(".") {
                    program.imported_whole.insert(import.path.clone());
                }
            }
        }
        program
    }

    /// Takes over what was loaded; returns the imports that are new.
    fn take(&mut self, loaded: Vec<Loaded>, is_own: impl Fn(&str) -> bool) -> Vec<String> {
        let mut new: HashSet<String> = HashSet::default();
        for loaded in loaded {
            if self.by_import.contains_key(&loaded.import) && !loaded.files.is_empty() {
                // Two main packages of one folder, each named by a file.
                continue;
            }
            let id = self.packages.len() as PackageId;
            self.by_import.insert(loaded.import.clone(), id);
            self.folders.extend(loaded.folder);
            self.unread.extend(loaded.unread);
            let is_own = is_own(&loaded.import);
            let mut package = Package { import: loaded.import, name: String::new(), units: Vec::new(), is_own };
            for (file, source, head) in loaded.files {
                if package.name.is_empty() {
                    package.name.clone_from(&head.package);
                }
                for import in &head.imports {
                    if !self.by_import.contains_key(&import.path) && !new.contains(&import.path) {
                        new.insert(import.path.clone());
                    }
                }
                package.units.push(self.units.len() as UnitId);
                self.units.push(Unit { package: id, file, source, head, syntax: OnceLock::new() });
            }
            self.packages.push(package);
        }
        let is_new = |import: &String| import != "C" && !import.is_empty() && !self.by_import.contains_key(import);
        let mut new: Vec<String> = new.into_iter().filter(is_new).collect();
        new.sort_unstable();
        new
    }

    pub(crate) fn unit(&self, id: UnitId) -> &Unit {
        &self.units[id as usize]
    }

    pub(crate) fn syntax(&self, id: UnitId) -> &Syntax {
        self.units[id as usize].syntax()
    }

    pub(crate) fn package(&self, id: PackageId) -> &Package {
        &self.packages[id as usize]
    }

    /// The package of an import path, where its sources are there.
    pub(crate) fn by_import(&self, import: &str) -> Option<PackageId> {
        self.by_import.get(import).copied()
    }

    /// The files that import a path.
    pub(crate) fn importers(&self, import: &str) -> &[UnitId] {
        self.importers.get(import).map_or(&[], Vec::as_slice)
    }

    /// Parses files that are about to be looked at, in parallel.
    pub(crate) fn parse_all(&self, units: &[UnitId]) {
        let open: Vec<&Unit> = units.iter().map(|&unit| self.unit(unit)).filter(|unit| !unit.is_parsed()).collect();
        if open.len() > 1 {
            open.into_par_iter().for_each(|unit| {
                unit.syntax();
            });
        }
    }

    /// The import path that a package name stands for in a file.
    pub(crate) fn import_of<'a>(&'a self, unit: UnitId, name: &str) -> Option<&'a str> {
        self.unit(unit)
            .head
            .imports
            .iter()
            .find(|import| self.local_name(import) == Some(name))
            .map(|i| i.path.as_str())
    }

    /// The name under which a file uses an import; nothing for `_` and `.`.
    pub(crate) fn local_name<'a>(&'a self, import: &'a super::imports::Import) -> Option<&'a str> {
        match import.alias.as_deref() {
            Some("_" | ".") => None,
            Some(alias) => Some(alias),
            None => match self.by_import(&import.path).map(|id| self.package(id).name.as_str()) {
                Some(name) if !name.is_empty() => Some(name),
                _ => Some(guessed_name(&import.path)),
            },
        }
    }

    /// A package-level declaration, with its file.
    pub(crate) fn decl(&self, package: PackageId, name: &str) -> Option<(UnitId, Decl)> {
        let declaring = self.own_users(package, name, way::DECLARED);
        let at_top = |&unit: &UnitId| self.syntax(unit).decl(name).map(|decl| (unit, decl));
        let anywhere = |&unit: &UnitId| {
            let text = self.unit(unit).text();
            self.parts_naming(unit, name).find_map(|part| part.decl(text, name)).map(|decl| (unit, decl))
        };
        declaring.iter().find_map(at_top).or_else(|| declaring.iter().find_map(anywhere))
    }

    /// What stands at the top of a file, and the bodies in which a word may stand.
    pub(crate) fn parts_naming(&self, unit: UnitId, word: &str) -> impl Iterator<Item = &Part> {
        self.syntax(unit).parts_in(self.outline().sections(unit, word))
    }

    /// The identifiers and selectors of a file whose (last) name this is.
    pub(crate) fn refs<'a>(&'a self, unit: UnitId, name: &'a str) -> impl Iterator<Item = ExprId> + 'a {
        let text = self.unit(unit).text();
        self.parts_naming(unit, name).flat_map(move |part| part.refs(text, name))
    }

    /// The files of a package, which stand together.
    fn units_of(&self, package: PackageId) -> UnitRange {
        let units = &self.package(package).units;
        let first = units.first().copied().unwrap_or_default();
        first..first + units.len() as UnitId
    }

    /// The files of a package that use a word in one of some ways.
    fn own_users(&self, package: PackageId, word: &str, ways: u8) -> Vec<UnitId> {
        self.outline().users_among(word, ways, self.units_of(package)).collect()
    }

    /// The files that use a package-level name: those of the package and, for an exported name, of those that import it.
    pub(crate) fn users(&self, package: PackageId, word: &str) -> Vec<UnitId> {
        self.users_in(package, word, way::NAME, way::SELECTOR)
    }

    /// Those of [`Self::users`] that may set a package-level variable.
    pub(crate) fn setters(&self, package: PackageId, word: &str) -> Vec<UnitId> {
        self.users_in(package, word, way::SET_NAME, way::SET | way::OPENS)
    }

    /// Those of [`Self::users`] that may write down a literal of a type.
    pub(crate) fn literals(&self, package: PackageId, word: &str) -> Vec<UnitId> {
        self.users_in(package, word, way::OPENS, way::OPENS)
    }

    /// The files that use a package-level name in one of some ways, and those that import it in one of others.
    fn users_in(&self, package: PackageId, word: &str, own: u8, imported: u8) -> Vec<UnitId> {
        let mut users = self.own_users(package, word, own);
        if word.starts_with(char::is_uppercase) {
            let import = self.package(package).import.as_str();
            let importers = self.importers(import);
            users.extend(self.outline().users_in(word, imported, importers));
            if self.imported_whole.contains(import) {
                let imports_whole = |unit: &UnitId| {
                    let imports = &self.unit(*unit).head.imports;
                    imports.iter().any(|one| one.path == import && one.alias.as_deref() == Some("."))
                };
                users.extend(self.outline().users_in(word, own, importers).filter(imports_whole));
            }
            users.sort_unstable();
            users.dedup();
        }
        users
    }

    /// The files that may use a member (a field, a method) of a type of a package: no file need import the package for
    /// that, but each that holds such a value imports one that leads there.
    pub(crate) fn member_users(&self, package: PackageId, word: &str, ways: u8) -> Vec<UnitId> {
        if !word.starts_with(char::is_uppercase) {
            return self.own_users(package, word, ways);
        }
        let dependents = self.dependents(package);
        let units: Vec<UnitId> =
            self.outline().users(word, ways).filter(|unit| dependents.contains(self.unit(*unit).package)).collect();
        if units.len() <= MAX_MEMBER_USERS {
            return units;
        }
        // A name that hundreds of files hold: those that import the package itself must do.
        let importers = self.importers(&self.package(package).import);
        let near = |unit: &UnitId| self.unit(*unit).package == package || importers.binary_search(unit).is_ok();
        units.into_iter().filter(near).collect()
    }

    /// The files that may call a method of a type of a package: those that lead to the type, or to an interface that stands
    /// for it. Of a name that hundreds of such files select, those that lead to the type must do.
    pub(crate) fn callers_of_method(&self, package: PackageId, receiver: &str, name: &str) -> Vec<UnitId> {
        let units = self.selectors_of_method(package, receiver, name);
        if units.len() > MAX_CALLING_UNITS { self.member_users(package, name, way::SELECTOR) } else { units }
    }

    /// Whether anything may call a method: code that is there, code that is not, or the standard library.
    pub(crate) fn may_be_called(&self, package: PackageId, receiver: &str, name: &str) -> bool {
        !self.missing.is_empty()
            || std_methods::is_asked_for(name)
            // It calls whatever methods there are.
            || !self.importers("net/rpc").is_empty()
            || !self.selectors_of_method(package, receiver, name).is_empty()
    }

    fn selectors_of_method(&self, package: PackageId, receiver: &str, name: &str) -> Vec<UnitId> {
        if !name.starts_with(char::is_uppercase) {
            return self.own_users(package, name, way::SELECTOR);
        }
        let mut seeing = (*self.dependents(package)).clone();
        for interface in self.outline().interfaces(name) {
            if !seeing.contains(interface.package) && self.may_satisfy(package, receiver, interface) {
                seeing.add_all(&self.dependents(interface.package));
            }
        }
        let users = self.outline().users(name, way::SELECTOR);
        users.filter(|&unit| seeing.contains(self.unit(unit).package)).collect()
    }

    /// Whether a type has most of the methods that an interface asks for; the others it may have from what it embeds.
    fn may_satisfy(&self, package: PackageId, receiver: &str, interface: &Interface) -> bool {
        let own = interface.methods.iter().filter(|name| self.methods_of(package, receiver, name).next().is_some());
        let (own, all) = (own.count(), interface.methods.len());
        own == all || own * 2 >= all && !self.is_plain(package, receiver)
    }

    /// The methods of a name, in the order of their files.
    pub(crate) fn methods(&self, name: &str) -> impl Iterator<Item = Declared<'_>> {
        self.outline().methods(name)
    }

    /// The files of a package that declare a method of a type.
    pub(crate) fn methods_of(&self, package: PackageId, receiver: &str, name: &str) -> impl Iterator<Item = UnitId> {
        self.outline().methods_of(self.units_of(package), receiver, name)
    }

    /// Whether a type is a struct that embeds nothing, so that it has no methods but its own.
    pub(crate) fn is_plain(&self, package: PackageId, name: &str) -> bool {
        self.outline().is_plain(package, &self.units_of(package), name)
    }

    /// The words and methods of all files.
    pub(crate) fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| Outline::of(&self.units))
    }

    /// Whether a package is another or imports it, by way of others too.
    pub(crate) fn leads_to(&self, package: PackageId, other: PackageId) -> bool {
        self.dependents(other).contains(package)
    }

    /// A package and every package that imports it, by way of others too.
    fn dependents(&self, package: PackageId) -> Arc<PackageSet> {
        let known = |map: &HashMap<PackageId, Arc<PackageSet>>| map.get(&package).cloned();
        if let Some(found) = known(&self.dependents.lock().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let mut all = PackageSet::default();
        all.insert(package);
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            for unit in self.importers(&self.package(next).import) {
                let importer = self.unit(*unit).package;
                if all.insert(importer) {
                    open.push(importer);
                }
            }
        }
        let all = Arc::new(all);
        self.dependents.lock().unwrap_or_else(PoisonError::into_inner).insert(package, Arc::clone(&all));
        all
    }
}

/// The name that a package most likely has, from its import path.
fn guessed_name(import: &str) -> &str {
    let mut parts = import.rsplit('/');
    let mut last = parts.next().unwrap_or(import);
    let is_version = last.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if is_version && let Some(before) = parts.next() {
        last = before;
    }
    // `gopkg.in/yaml.v3`, `go-shellwords`, `cli.go`.
    let last = last.split_once(".v").map_or(last, |(name, _)| name);
    let last = last.strip_prefix("go-").unwrap_or(last);
    let last = last.strip_suffix("-go").or_else(|| last.strip_suffix(".go")).unwrap_or(last);
    last.rsplit_once('-').map_or(last, |(_, name)| name)
}

/// Lists a folder and reads those of its files that are built. `tree` keeps the text, `from` holds the files.
fn load_folder(tree: &Tree, from: &Tree, folder: &str, shown: &str, import: String, tags: &BuildTags) -> Loaded {
    let mut loaded = Loaded { import, folder: None, files: Vec::new(), unread: Vec::new() };
    if shown.is_empty() {
        loaded.folder = Some(folder.to_owned());
    }
    let Ok(entries) = from.list(folder) else { return loaded };
    for entry in entries {
        if entry.kind != Kind::File || !tags.takes_name(&entry.name) {
            continue;
        }
        let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
        let id = if shown.is_empty() {
            tree.read_entry(&path, &entry)
        } else {
            from.read_bytes(&path)
                .map(|bytes| tree.files().add(&format!("{shown}{path}"), String::from_utf8_lossy(&bytes).into_owned()))
        };
        match id {
            Ok(id) => {
                let source = tree.files().get(id);
                let head = Head::read(source.text());
                if head.is_built(tags) && !head.package.is_empty() {
                    loaded.files.push((id, source, head));
                }
            }
            Err(error) => loaded.unread.push((path, error.to_string())),
        }
    }
    loaded
}

/// How many folders are looked through for main packages.
const MAX_FOLDERS: usize = 20_000;

/// The main packages that a root names: the folder itself, else all beneath it; or one file.
pub(crate) fn main_packages(tree: &Tree, path: &str, tags: &BuildTags) -> Vec<MainPackage> {
    if tree.is_file(path) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let is_main = path.ends_with(".go") && head_of(tree, path).is_some_and(|head| head.package == "main");
        return if is_main { vec![MainPackage { folder, file: Some(path.to_owned()) }] } else { Vec::new() };
    }
    if is_main(tree, path, tags) {
        return vec![MainPackage { folder: path.to_owned(), file: None }];
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        looked += 1;
        if looked > MAX_FOLDERS {
            break;
        }
        if folder != path && is_main(tree, &folder, tags) {
            found.push(MainPackage { folder: folder.clone(), file: None });
        }
        let Ok(entries) = tree.list(&folder) else { continue };
        for entry in entries {
            let skipped = entry.name.starts_with(['.', '_'])
                || matches!(entry.name.as_str(), "vendor" | "testdata" | "node_modules");
            if entry.kind == Kind::Folder && !skipped {
                folders.push(if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) });
            }
        }
    }
    found.sort();
    found
}

fn is_main(tree: &Tree, folder: &str, tags: &BuildTags) -> bool {
    let Ok(entries) = tree.list(folder) else { return false };
    entries.iter().filter(|entry| entry.kind == Kind::File && tags.takes_name(&entry.name)).any(|entry| {
        let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
        head_of(tree, &path).is_some_and(|head| head.package == "main" && head.is_built(tags))
    })
}

fn head_of(tree: &Tree, path: &str) -> Option<Head> {
    let bytes = tree.read_bytes(path).ok()?;
    Some(Head::read(&String::from_utf8_lossy(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_guessed_as_people_name_packages() {
        for (import, name) in [
            ("os/exec", "exec"),
            ("github.com/a/b/v3", "b"),
            ("gopkg.in/yaml.v3", "yaml"),
            ("github.com/mattn/go-shellwords", "shellwords"),
            ("v2", "v2"),
        ] {
            assert_eq!(guessed_name(import), name);
        }
    }
}
