//! Programs and packages that are copied from the build context and are not in it: what makes them before the image is
//! built, where the context says so.
//!
//! Two things say so: goreleaser's own configuration, and a Go main package that alone has the artefact's name.

use super::folder::join;
use crate::dockerfile::{Context, path};
use crate::scan::go;
use crate::walk::{self, Kind, Tree};
use crate::yaml::{self, Dialect, Node};

/// Where goreleaser looks for its configuration. Source: <https://goreleaser.com/customization/>.
const CONFIGURATIONS: [&str; 6] = [
    ".config/goreleaser.yaml",
    ".config/goreleaser.yml",
    ".goreleaser.yaml",
    ".goreleaser.yml",
    "goreleaser.yaml",
    "goreleaser.yml",
];
/// The endings of packages that hold a program of their name.
const PACKAGES: [&str; 3] = [".apk", ".deb", ".rpm"];
/// How many folders are looked at for a main package.
const MAX_FOLDERS: usize = 3000;
/// How deep they may lie.
const MAX_DEPTH: usize = 5;

/// The Go main packages that an artefact of the context is made of, with the reason for each; none where it cannot be told.
pub(super) fn sources(context: &Context<'_>, artefact: &str) -> Vec<(String, String)> {
    let Some(artefact) = Artefact::new(artefact) else { return Vec::new() };
    let by_goreleaser = goreleaser(context, &artefact);
    if by_goreleaser.is_empty() { named(context, &artefact).into_iter().collect() } else { by_goreleaser }
}

/// A program, or a package that holds one.
struct Artefact<'a> {
    name: &'a str,
    is_package: bool,
}

impl<'a> Artefact<'a> {
    fn new(source: &'a str) -> Option<Self> {
        let name = path::file_name(source);
        let package = PACKAGES.iter().find_map(|ending| name.strip_suffix(ending));
        let name = package.unwrap_or(name);
        let is_program = !name.is_empty() && (package.is_some() || !name.contains(['*', '?', '[', '.']));
        is_program.then_some(Self { name, is_package: package.is_some() })
    }

    /// Whether it is, or holds, a program: a package's name goes on with the version.
    fn holds(&self, program: &str) -> bool {
        let rest = self.name.strip_prefix(program).filter(|_| !program.is_empty());
        rest.is_some_and(|rest| rest.is_empty() || self.is_package && rest.starts_with(['_', '-', '*']))
    }
}

/// The packages that goreleaser builds into the artefact. Source: <https://goreleaser.com/customization/builds/go/>.
fn goreleaser(context: &Context<'_>, artefact: &Artefact<'_>) -> Vec<(String, String)> {
    let tree = context.tree();
    let folders = if context.folder().is_empty() { vec![""] } else { vec![context.folder(), ""] };
    let files = folders.iter().flat_map(|folder| CONFIGURATIONS.iter().map(move |name| (*folder, join(folder, name))));
    let Some((folder, file)) = files.into_iter().find(|(_, file)| tree.is_file(file)) else { return Vec::new() };
    let Ok(id) = tree.read(&file) else { return Vec::new() };
    let reading = yaml::parse(id, tree.files().get(id).text(), Dialect::Foreign);
    let Some(root) = reading.documents.first() else { return Vec::new() };
    let text = |node: &Node, key: &str| node.get(key).and_then(|entry| entry.value.text()).map(str::to_owned);
    let project = text(root, "project_name").or_else(|| module_name(tree, folder)).unwrap_or_default();
    let builds: Vec<&Node> = match root.get("builds") {
        Some(builds) => builds.value.items().iter().map(|build| &**build).collect(),
        None => vec![root],
    };
    let mut found = Vec::new();
    for build in builds {
        let (build, own) = (build, root.get("builds").is_some());
        let key = |key: &str| if own { text(build, key) } else { None };
        if key("builder").is_some_and(|builder| builder != "go") {
            continue;
        }
        let binary = key("binary").unwrap_or_else(|| project.clone());
        // A package has the project's name, and holds the programs of all builds.
        let is_it = artefact.holds(&binary) || artefact.is_package && artefact.holds(&project);
        if !is_it {
            continue;
        }
        let main = key("main").unwrap_or_else(|| ".".to_owned());
        let at = walk::join(folder, &key("dir").unwrap_or_default()).and_then(|dir| walk::join(&dir, &main));
        let at = at.map(|at| if at.ends_with(".go") { parent(&at).to_owned() } else { at });
        if let Some(at) = at.filter(|at| is_main(tree, at)) {
            found.push((at, format!("{file} builds {binary}")));
        }
    }
    found
}

/// The one main package whose name is the artefact's.
fn named(context: &Context<'_>, artefact: &Artefact<'_>) -> Option<(String, String)> {
    let only = one_main(context, |name| artefact.holds(name))?;
    Some((only, format!("the one main package called {}", artefact.name.trim_end_matches(['*', '_']))))
}

/// The main package of a context that has one alone, with the reason.
pub(super) fn only(context: &Context<'_>) -> Option<(String, String)> {
    Some((one_main(context, |_| true)?, "the one main package of the build context".to_owned()))
}

/// The main package that alone has a name that fits.
fn one_main(context: &Context<'_>, fits: impl Fn(&str) -> bool) -> Option<String> {
    let tree = context.tree();
    let mut found = Vec::new();
    let mut folders = vec![(context.folder().to_owned(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        seen += 1;
        if seen > MAX_FOLDERS {
            return None;
        }
        let name = if tree.is_file(&join(&folder, "go.mod")) { module_name(tree, &folder) } else { None };
        let name = name.unwrap_or_else(|| path::file_name(&folder).to_owned());
        if fits(&name) && is_main(tree, &folder) {
            found.push(folder.clone());
        }
        for entry in tree.list(&folder).unwrap_or_default() {
            let skipped = ["docs", "examples", "node_modules", "test", "testdata", "vendor"];
            if entry.kind == Kind::Folder
                && depth < MAX_DEPTH
                && !entry.name.starts_with(['.', '_'])
                && !skipped.contains(&entry.name.as_str())
            {
                folders.push((join(&folder, &entry.name), depth + 1));
            }
        }
    }
    match found.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Whether a folder is itself a Go main package.
fn is_main(tree: &Tree, folder: &str) -> bool {
    let files = tree.list(folder).unwrap_or_default();
    let files = files.iter().filter(|entry| entry.kind == Kind::File && entry.name.ends_with(".go"));
    files.filter(|entry| !entry.name.ends_with("_test.go")).any(|entry| go::detects(tree, &join(folder, &entry.name)))
}

fn parent(at: &str) -> &str {
    at.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a module's path, a version aside.
fn module_name(tree: &Tree, folder: &str) -> Option<String> {
    let id = tree.read(&join(folder, "go.mod")).ok()?;
    let source = tree.files().get(id);
    let module = source.text().lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let mut parts = module.trim().trim_matches('"').rsplit('/');
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    parts.find(|part| !is_version(part)).map(str::to_owned)
}
