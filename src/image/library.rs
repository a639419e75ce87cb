//! Where a program's loader finds the libraries it needs: musl's search and glibc's.
//!
//! musl (`ldso/dynlink.c`): `LD_LIBRARY_PATH`, the run paths of the object that needs the library and of those that needed
//! *it*, then the folders of `/etc/ld-musl-ARCH.path` or `/lib:/usr/local/lib:/usr/lib`; the C library's old names are the loader
//! itself; the first file there is taken. glibc (`elf/dl-load.c`): the `DT_RPATH` of the same chain (unless there is a
//! `DT_RUNPATH`), `LD_LIBRARY_PATH`, the object's `DT_RUNPATH`, `/etc/ld.so.cache`, the folders compiled into the loader; files
//! for another machine are passed over, and the versions that are asked for must be defined. Symbols are not compared.

use super::elf::{self, Elf};
use super::tree::{Body, Found, NodeKind, Tree};
use super::user::Identity;
use std::collections::{BTreeMap, VecDeque};

/// The most objects that one program may load.
const MAX_OBJECTS: usize = 2000;
/// The most of a loader or a cache that is searched for paths.
const MAX_SEARCHED: usize = 16 << 20;

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

/// A C library's loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loader {
    Musl,
    Glibc,
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
    let kind = if is_musl(search.tree, loader) { Loader::Musl } else { Loader::Glibc };
    let mut folders = default_folders(search.tree, kind, elf.interpreter.as_deref().unwrap_or_default(), loader);
    if kind == Loader::Glibc {
        folders.retain(|folder| folder.starts_with('/'));
    }
    let cache = if kind == Loader::Glibc { read_cache(search.tree, elf) } else { BTreeMap::new() };
    let mut run = Run {
        search,
        kind,
        folders,
        cache,
        objects: vec![Object { path: program.to_owned(), elf: elf.clone(), parent: None }],
        loaded: BTreeMap::new(),
        lacking: Vec::new(),
        files: Vec::new(),
        loader: loader.clone(),
    };
    run.load_all();
    run.check_versions();
    run.lacking.sort();
    run.lacking.dedup();
    (run.lacking, run.files)
}

struct Run<'a> {
    search: &'a Search<'a>,
    kind: Loader,
    folders: Vec<String>,
    cache: BTreeMap<String, Vec<String>>,
    objects: Vec<Object>,
    /// By the name that was asked for.
    loaded: BTreeMap<String, Option<usize>>,
    lacking: Vec<Lacking>,
    files: Vec<Found>,
    loader: Found,
}

impl Run<'_> {
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
        self.kind == Loader::Musl
            && name.strip_prefix("lib").is_some_and(|rest| MUSL_OWN.iter().any(|own| rest.starts_with(own)))
    }

    fn find(&self, at: usize, name: &str, instead: &mut Option<String>) -> Option<(Found, Elf)> {
        if name.contains('/') {
            return self.try_file(self.search.working_dir, name, instead);
        }
        let paths = match self.kind {
            Loader::Musl => self.musl_paths(at, name),
            Loader::Glibc => self.glibc_paths(at, name),
        };
        for path in paths {
            let there = instead.is_some();
            if let Some(found) = self.try_file(self.search.working_dir, &path, instead) {
                return Some(found);
            }
            // musl takes the first file of the name, glibc goes on to the next that fits.
            if self.kind == Loader::Musl && !there && instead.is_some() {
                return None;
            }
        }
        None
    }

    fn musl_paths(&self, at: usize, name: &str) -> Vec<String> {
        let mut folders: Vec<String> = split(self.search.library_path.unwrap_or_default(), &[':', '\n']);
        let mut next = Some(at);
        while let Some(index) = next {
            let object = &self.objects[index];
            let run_path = object.elf.runpath.as_deref().or(object.elf.rpath.as_deref());
            folders.extend(run_path.and_then(|path| expand(path, &object.path, true)).unwrap_or_default());
            next = object.parent;
        }
        folders.extend(self.folders.iter().cloned());
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
                folders.extend(run_path.and_then(|path| expand(path, &object.path, false)).unwrap_or_default());
                next = object.parent;
            }
        }
        folders.extend(split(self.search.library_path.unwrap_or_default(), &[':', ';']));
        let run_path = object.elf.runpath.as_deref();
        folders.extend(run_path.and_then(|path| expand(path, &object.path, false)).unwrap_or_default());
        let mut paths: Vec<String> = folders.into_iter().map(|folder| format!("{folder}/{name}")).collect();
        if !object.elf.no_default {
            paths.extend(self.cache.get(name).into_iter().flatten().cloned());
            paths.extend(self.folders.iter().map(|folder| format!("{folder}/{name}")));
        }
        paths
    }

    /// The file at a path, where it can be loaded.
    fn try_file(&self, from: &str, path: &str, instead: &mut Option<String>) -> Option<(Found, Elf)> {
        let found = self.search.tree.walk(from, path, self.search.user).ok()?;
        let node = self.search.tree.node(found.node);
        let mut refuse = |why: &str| {
            instead.get_or_insert_with(|| format!("{} {why}", found.path));
            None
        };
        let NodeKind::File(body) = &node.kind else { return refuse("is no file") };
        if !self.search.user.may_read(node) {
            return refuse("may not be read by the image's user");
        }
        match elf::read(body) {
            Err(error) => refuse(&format!("is {error}")),
            Ok(elf) if !same_machine(&elf, &self.objects[0].elf) => {
                let machine = elf::machine_name(elf.machine, elf.is_64);
                refuse(&format!("is for {machine}"))
            }
            Ok(elf) if !elf.executable => refuse("is no shared object"),
            Ok(elf) if elf.cut_short => refuse("is cut short"),
            Ok(elf) => Some((found, elf)),
        }
    }

    /// glibc: a library must define the versions that are asked of it. One that defines none at all is let pass.
    fn check_versions(&mut self) {
        if self.kind != Loader::Glibc {
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

/// Whether a loader is musl's: its name says so, or it names musl's own path file.
pub(super) fn is_musl(tree: &Tree, loader: &Found) -> bool {
    let name = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with("ld-musl-"));
    if name(&loader.path) || loader.links.iter().any(|(link, _)| name(link)) {
        return true;
    }
    let NodeKind::File(body) = &tree.node(loader.node).kind else { return false };
    body.head(MAX_SEARCHED).is_ok_and(|bytes| memchr::memmem::find(&bytes, b"/etc/ld-musl-").is_some())
}

/// The folders that a loader searches last.
fn default_folders(tree: &Tree, kind: Loader, asked: &str, loader: &Found) -> Vec<String> {
    match kind {
        Loader::Musl => {
            // The loader takes the architecture and the folder above its own from the path by which it was asked for.
            let folder = asked.rfind('/').map_or("", |at| &asked[..at]);
            let prefix = folder.rfind('/').map_or("", |at| &folder[..at]);
            let name = asked.rsplit('/').next().unwrap_or_default();
            let arch = name.strip_prefix("ld-musl-").and_then(|rest| rest.strip_suffix(".so.1")).unwrap_or("x86_64");
            let file = tree.file(&format!("{prefix}/etc/ld-musl-{arch}.path"));
            match file.and_then(|body| body.head(64 * 1024).ok()) {
                Some(text) => split(&String::from_utf8_lossy(&text), &[':', '\n']),
                None => ["/lib", "/usr/local/lib", "/usr/lib"].map(str::to_owned).to_vec(),
            }
        }
        Loader::Glibc => {
            let NodeKind::File(body) = &tree.node(loader.node).kind else { return Vec::new() };
            let compiled_in = compiled_in_folders(body);
            if compiled_in.is_empty() {
                ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(str::to_owned).to_vec()
            } else {
                compiled_in
            }
        }
    }
}

/// glibc's loader carries its folders as text (`/lib/x86_64-linux-gnu/`, `/usr/lib/`): which they are, distributions decide.
fn compiled_in_folders(loader: &Body) -> Vec<String> {
    let bytes = loader.head(MAX_SEARCHED).unwrap_or_default();
    let mut folders = Vec::new();
    for at in memchr::memmem::find_iter(&bytes, b"/lib") {
        let start = if bytes[..at].ends_with(b"/usr") { at - 4 } else { at };
        let starts_a_text = start == 0 || bytes[start - 1] == 0;
        let text = &bytes[start..bytes.len().min(start + 256)];
        let Some(end) = text.iter().position(|&byte| byte == 0) else { continue };
        let plain = text[..end].iter().all(|&byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
        if starts_a_text && plain && text[..end].ends_with(b"/") {
            let folder = String::from_utf8_lossy(&text[..end]).trim_end_matches('/').to_owned();
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}

/// A run path's folders with `$ORIGIN` put in. musl gives up a whole path that holds another variable.
fn expand(path: &str, object: &str, is_musl: bool) -> Option<Vec<String>> {
    let origin = object.rsplit_once('/').map_or("", |(folder, _)| folder);
    let expanded = path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin);
    if is_musl && expanded.contains('$') {
        return None;
    }
    let lib = expanded.replace("${LIB}", "lib").replace("$LIB", "lib");
    Some(split(&lib, &[':']))
}

fn split(path: &str, separators: &[char]) -> Vec<String> {
    path.split(separators).filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}

/// `/etc/ld.so.cache` in glibc's present form (`glibc-ld.so.cache1.1`): names and the paths they lead to.
fn read_cache(tree: &Tree, elf: &Elf) -> BTreeMap<String, Vec<String>> {
    let bytes = tree.file("/etc/ld.so.cache").and_then(|body| body.head(MAX_SEARCHED).ok()).unwrap_or_default();
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
