//! Where a program's loader finds the libraries it needs: musl's search and glibc's.
//!
//! musl (`ldso/dynlink.c`): `LD_LIBRARY_PATH`, the run paths of the object that needs the library and of those that needed
//! *it*, then the folders of `/etc/ld-musl-ARCH.path` or `/lib:/usr/local/lib:/usr/lib`; the C library's old names are the loader
//! itself; the first file that can be opened is taken. glibc (`elf/dl-load.c`): the `DT_RPATH` of the same chain (unless there is
//! a `DT_RUNPATH`), `LD_LIBRARY_PATH`, the object's `DT_RUNPATH`, `/etc/ld.so.cache`, the folders compiled into the loader, each
//! with its `glibc-hwcaps` folders; files for another machine are passed over, one that is broken ends the search, and the
//! versions that are asked for must be defined. Symbols are not compared.

use super::elf::{self, Elf};
use super::loader::{Kind, Loader};
use super::tree::{Found, NodeKind, Tree};
use super::user::Identity;
use std::collections::{BTreeMap, VecDeque};

/// The most objects that one program may load.
const MAX_OBJECTS: usize = 2000;
/// The most of a cache that is read.
const MAX_CACHE: usize = 16 << 20;

/// musl: `static const char reserved[] = "c.pthread.rt.m.dl.util.xnet."`, matched against what follows `lib`.
const MUSL_OWN: [&str; 7] = ["c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."];

/// A library, or a version of one, that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lacking {
    /// The library's name as the object asks for it.
    pub library: String,
    /// The version that the library lacks; nothing where the library itself is not there.
    pub version: Option<String>,
    /// The object that asks for it.
    pub needed_by: String,
    /// A file of the name that is there but cannot be loaded, and why.
    pub instead: Option<String>,
}

/// What the search goes by.
pub struct Search<'a> {
    /// The image's files.
    pub tree: &'a Tree,
    /// Who runs the program.
    pub user: &'a Identity,
    /// `LD_LIBRARY_PATH` of the image.
    pub library_path: Option<&'a str>,
    /// The folder that the program starts in.
    pub working_dir: &'a str,
}

/// An object that is loaded.
struct Object {
    path: String,
    elf: Elf,
    /// The object that needed it.
    parent: Option<usize>,
}

/// What a program lacks of the libraries that it needs, and the files that it loads.
pub fn lacking(search: &Search<'_>, program: &str, elf: &Elf, loader: &Found) -> (Vec<Lacking>, Vec<Found>) {
    let facts = Loader::of(search.tree, elf, loader);
    let cache = if facts.kind == Kind::Glibc { read_cache(search.tree, elf) } else { BTreeMap::new() };
    let mut run = Run {
        search,
        facts,
        cache,
        objects: vec![Object { path: program.to_owned(), elf: elf.clone(), parent: None }],
        loaded: BTreeMap::new(),
        lacking: Vec::new(),
        files: Vec::new(),
        loader: loader.clone(),
    };
    run.load_what_the_loader_needs();
    run.load_all();
    run.check_versions();
    run.lacking.sort();
    run.lacking.dedup();
    (run.lacking, run.files)
}

struct Run<'a> {
    search: &'a Search<'a>,
    facts: Loader,
    cache: BTreeMap<String, Vec<String>>,
    objects: Vec<Object>,
    /// By the name that was asked for.
    loaded: BTreeMap<String, Option<usize>>,
    lacking: Vec<Lacking>,
    files: Vec<Found>,
    loader: Found,
}

/// What stands at the path of a library.
enum Candidate {
    Loads(Box<(Found, Elf)>),
    /// Nothing that the loader sees: it goes on.
    PassedOver(Option<String>),
    /// Something that no loader loads: it gives up.
    Broken(String),
}

impl Run<'_> {
    /// gcompat's loader starts musl's, with a library of its own in front.
    fn load_what_the_loader_needs(&mut self) {
        for path in [self.facts.behind.clone(), self.facts.preload.clone()].into_iter().flatten() {
            if let Candidate::Loads(loads) = self.candidate(&path) {
                self.files.push(loads.0);
            } else {
                let needed_by = self.loader.path.clone();
                self.lacking.push(Lacking { library: path, version: None, needed_by, instead: None });
            }
        }
    }

    fn load_all(&mut self) {
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            for name in self.objects[at].elf.needed.clone() {
                if self.loaded.contains_key(&name) || self.is_loader(&name) {
                    continue;
                }
                if self.objects.len() >= MAX_OBJECTS {
                    return;
                }
                let mut instead = None;
                if let Some((found, elf)) = self.find(at, &name, &mut instead) {
                    let known = self.objects.iter().position(|object| object.path == found.path);
                    let index = known.unwrap_or(self.objects.len());
                    self.loaded.insert(name, Some(index));
                    if known.is_none() {
                        self.objects.push(Object { path: found.path.clone(), elf, parent: Some(at) });
                        self.files.push(found);
                        queue.push_back(index);
                    }
                } else {
                    self.loaded.insert(name.clone(), None);
                    let needed_by = self.objects[at].path.clone();
                    self.lacking.push(Lacking { library: name, version: None, needed_by, instead });
                }
            }
        }
    }

    /// Whether a name is the loader itself: it is loaded already.
    fn is_loader(&self, name: &str) -> bool {
        let file_name = self.loader.path.rsplit('/').next().unwrap_or_default();
        let asked =
            self.loader.links.first().map_or(file_name, |(link, _)| link.rsplit('/').next().unwrap_or_default());
        if name == file_name || name == asked {
            return true;
        }
        self.facts.kind == Kind::Musl
            && name.strip_prefix("lib").is_some_and(|rest| MUSL_OWN.iter().any(|own| rest.starts_with(own)))
    }

    fn find(&self, at: usize, name: &str, instead: &mut Option<String>) -> Option<(Found, Elf)> {
        let paths = match self.facts.kind {
            _ if name.contains('/') => vec![name.to_owned()],
            Kind::Musl => self.musl_paths(at, name),
            Kind::Glibc => self.glibc_paths(at, name),
        };
        for path in paths {
            match self.candidate(&path) {
                Candidate::Loads(loads) => return Some(*loads),
                Candidate::PassedOver(None) => {}
                Candidate::PassedOver(Some(why)) => drop(instead.get_or_insert(why)),
                Candidate::Broken(why) => {
                    *instead = Some(why);
                    return None;
                }
            }
        }
        None
    }

    fn library_path(&self) -> Vec<String> {
        self.facts.library_path(self.search.library_path.unwrap_or_default(), &self.objects[0].path)
    }

    fn musl_paths(&self, at: usize, name: &str) -> Vec<String> {
        let mut folders = self.library_path();
        let mut next = Some(at);
        while let Some(index) = next {
            let object = &self.objects[index];
            let run_path = object.elf.runpath.as_deref().or(object.elf.rpath.as_deref());
            folders.extend(run_path.into_iter().flat_map(|path| self.facts.run_path(path, &object.path)));
            next = object.parent;
        }
        folders.extend(self.facts.folders.iter().cloned());
        folders.into_iter().map(|folder| format!("{folder}/{name}")).collect()
    }

    fn glibc_paths(&self, at: usize, name: &str) -> Vec<String> {
        let mut folders: Vec<String> = Vec::new();
        let object = &self.objects[at];
        if object.elf.runpath.is_none() {
            let mut next = Some(at);
            while let Some(index) = next {
                let object = &self.objects[index];
                let run_path = object.elf.rpath.as_deref().filter(|_| object.elf.runpath.is_none());
                folders.extend(run_path.into_iter().flat_map(|path| self.facts.run_path(path, &object.path)));
                next = object.parent;
            }
        }
        folders.extend(self.library_path());
        let run_path = object.elf.runpath.as_deref();
        folders.extend(run_path.into_iter().flat_map(|path| self.facts.run_path(path, &object.path)));
        let mut paths: Vec<String> = folders.iter().flat_map(|folder| self.in_folder(folder, name)).collect();
        if !object.elf.no_default {
            paths.extend(self.cache.get(name).into_iter().flatten().cloned());
            paths.extend(self.facts.folders.iter().flat_map(|folder| self.in_folder(folder, name)));
        }
        paths
    }

    /// A library's paths in a folder: which of those for newer processors would be taken, the processor decides; the one for all
    /// stands for them.
    fn in_folder(&self, folder: &str, name: &str) -> Vec<String> {
        let newer = self.facts.newer.iter().map(|newer| format!("{folder}/glibc-hwcaps/{newer}/{name}"));
        std::iter::once(format!("{folder}/{name}")).chain(newer).collect()
    }

    /// The file at a path, where it can be loaded.
    fn candidate(&self, path: &str) -> Candidate {
        let Ok(found) = self.search.tree.walk(self.search.working_dir, path, self.search.user) else {
            return Candidate::PassedOver(None);
        };
        let node = self.search.tree.node(found.node);
        if !self.search.user.may_read(node) {
            return Candidate::PassedOver(Some(format!("{} may not be read by the image's user", found.path)));
        }
        let broken = |why: &str| Candidate::Broken(format!("{} {why}", found.path));
        let NodeKind::File(body) = &node.kind else { return broken("is no file") };
        match elf::read(body) {
            Err(error) => broken(&format!("is {error}")),
            Ok(elf) if !same_machine(&elf, &self.objects[0].elf) => {
                let machine = elf::machine_name(elf.machine, elf.is_64);
                match self.facts.kind {
                    Kind::Musl => broken(&format!("is for {machine}")),
                    Kind::Glibc => Candidate::PassedOver(Some(format!("{} is for {machine}", found.path))),
                }
            }
            Ok(elf) if !elf.executable => broken("is no shared object"),
            Ok(elf) if elf.cut_short => broken("is cut short"),
            Ok(elf) => Candidate::Loads(Box::new((found, elf))),
        }
    }

    /// glibc: a library must define the versions that are asked of it. One that defines none at all is let pass.
    fn check_versions(&mut self) {
        if self.facts.kind != Kind::Glibc {
            return;
        }
        let loader = match &self.search.tree.node(self.loader.node).kind {
            NodeKind::File(body) => elf::read(body).unwrap_or_default(),
            _ => Elf::default(),
        };
        let mut lacking = Vec::new();
        for object in &self.objects {
            for (library, version) in &object.elf.versions_needed {
                let provider = match self.loaded.get(library) {
                    Some(Some(index)) => &self.objects[*index].elf,
                    _ if self.is_loader(library) => &loader,
                    _ => continue,
                };
                if !provider.versions_defined.is_empty() && !provider.versions_defined.contains(version) {
                    lacking.push(Lacking {
                        library: library.clone(),
                        version: Some(version.clone()),
                        needed_by: object.path.clone(),
                        instead: None,
                    });
                }
            }
        }
        self.lacking.extend(lacking);
    }
}

fn same_machine(a: &Elf, b: &Elf) -> bool {
    (a.machine, a.is_64, a.little_endian) == (b.machine, b.is_64, b.little_endian)
}

/// `/etc/ld.so.cache` in glibc's present form (`glibc-ld.so.cache1.1`): names and the paths they lead to.
fn read_cache(tree: &Tree, elf: &Elf) -> BTreeMap<String, Vec<String>> {
    let bytes = tree.file("/etc/ld.so.cache").and_then(|body| body.head(MAX_CACHE).ok()).unwrap_or_default();
    // Older caches carry the present form behind the first one.
    let start = memchr::memmem::find(&bytes, b"glibc-ld.so.cache1.1").unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    let number = |at: usize| {
        let field = bytes.get(at..at + 4)?;
        let field = [field[0], field[1], field[2], field[3]];
        Some(if elf.little_endian { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) })
    };
    let text = |at: u32| {
        let rest = bytes.get(at as usize..)?;
        let end = memchr::memchr(0, rest.get(..rest.len().min(4096))?)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for index in 0..number(20).unwrap_or(0).min(1 << 20) as usize {
        let at = 48 + index * 24;
        let (Some(key), Some(value)) = (number(at + 4), number(at + 8)) else { break };
        if let (Some(key), Some(value)) = (text(key), text(value)) {
            paths.entry(key).or_default().push(value);
        }
    }
    paths
}
