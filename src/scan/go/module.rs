//! From import paths to folders: `go.mod`, `go.work`, local `replace`, `vendor/` and, where it is named, `GOMODCACHE`.
//!
//! It finds what is there and fetches nothing. A package that is in none of these places is reported as missing with its
//! module, never guessed.

use crate::walk::{self, Tree};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How many modules one workspace may name before the rest is ignored.
const MAX_MODULES: usize = 10_000;

/// Where packages are looked for, seen from one main package.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Module path → folder in the tree, for the modules that are developed here.
    local: BTreeMap<String, String>,
    /// The same for local `replace` targets, which a vendor folder overrides.
    replaced: BTreeMap<String, String>,
    /// Vendor folders, the nearest first.
    vendor: Vec<String>,
    /// Module path → (path, version) in the module cache.
    required: BTreeMap<String, (String, String)>,
    /// The module cache, where `GOMODCACHE` names one.
    cache: Option<Tree>,
}

/// Where a package's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder of the tree.
    Tree(String),
    /// A folder of the module cache.
    Cache(String),
    /// The standard library, which is not read.
    Standard,
    /// Nowhere; the module that would hold it, with its version where one is required.
    Missing(String),
}

impl Workspace {
    /// The workspace of the main package in `folder`.
    pub(crate) fn find(tree: &Tree, folder: &str) -> Self {
        let mut workspace = Self { cache: module_cache(), ..Self::default() };
        let mut at = Some(folder.to_owned());
        let mut module_found = false;
        while let Some(here) = at {
            if !module_found {
                // moby and docker/cli keep their module file under another name and pass `-modfile`.
                for name in ["go.mod", "vendor.mod"] {
                    if let Some(text) = read(tree, &here, name) {
                        workspace.add_module(tree, &here, &text);
                        module_found = true;
                        break;
                    }
                }
            }
            let vendor = under(&here, "vendor");
            if tree.is_folder(&vendor) {
                workspace.vendor.push(vendor);
            }
            if let Some(text) = read(tree, &here, "go.work") {
                workspace.add_work(tree, &here, &text);
                break;
            }
            at = match here.rsplit_once('/') {
                Some((parent, _)) => Some(parent.to_owned()),
                None if here.is_empty() => None,
                None => Some(String::new()),
            };
        }
        workspace
    }

    /// The import path of a folder that lies in one of the modules; its own path where it lies in none.
    pub(crate) fn import_path(&self, folder: &str) -> String {
        let mut best: Option<(&str, String)> = None;
        for (path, root) in self.local.iter().chain(&self.replaced) {
            let rest = if root.is_empty() {
                Some(folder)
            } else {
                folder
                    .strip_prefix(root.as_str())
                    .and_then(|rest| if rest.is_empty() { Some("") } else { rest.strip_prefix('/') })
            };
            if let Some(rest) = rest
                && best.as_ref().is_none_or(|(known, _)| known.len() < root.len())
            {
                best = Some((root, if rest.is_empty() { path.clone() } else { format!("{path}/{rest}") }));
            }
        }
        best.map_or_else(|| if folder.is_empty() { ".".to_owned() } else { format!("./{folder}") }, |(_, path)| path)
    }

    /// Whether a package belongs to a module that is developed here.
    pub(crate) fn is_own(&self, import: &str) -> bool {
        self.local.keys().chain(self.replaced.keys()).any(|module| is_below(import, module))
    }

    /// Where the package of an import path is.
    pub(crate) fn place(&self, tree: &Tree, import: &str) -> Place {
        if let Some(folder) = longest(&self.local, import)
            && tree.is_folder(&folder)
        {
            return Place::Tree(folder);
        }
        let dotted = import.split('/').next().is_some_and(|first| first.contains('.'));
        for vendor in &self.vendor {
            if let Some(folder) = walk::join(vendor, import)
                && tree.is_folder(&folder)
            {
                return Place::Tree(folder);
            }
        }
        if let Some(folder) = longest(&self.replaced, import)
            && tree.is_folder(&folder)
        {
            return Place::Tree(folder);
        }
        let module = self.required.keys().filter(|module| is_below(import, module)).max_by_key(|module| module.len());
        if let (Some(cache), Some(module)) = (&self.cache, module) {
            let (path, version) = &self.required[module];
            let folder = format!("{}@{}{}", escape(path), escape(version), &import[module.len()..]);
            if let Some(folder) = walk::normalize(&folder)
                && cache.is_folder(&folder)
            {
                return Place::Cache(folder);
            }
        }
        if let Some(module) = module {
            return Place::Missing(format!("{module} {}", self.required[module].1));
        }
        let is_local = self.local.keys().any(|module| is_below(import, module));
        if dotted || is_local { Place::Missing(import.to_owned()) } else { Place::Standard }
    }

    /// The module cache.
    pub(crate) fn cache(&self) -> Option<&Tree> {
        self.cache.as_ref()
    }

    fn add_module(&mut self, tree: &Tree, folder: &str, text: &str) {
        for directive in directives(text) {
            let words: Vec<&str> = directive.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["module", path, ..] => {
                    self.local.insert((*path).to_owned(), folder.to_owned());
                }
                ["require", path, version, ..] if self.required.len() < MAX_MODULES => {
                    self.required
                        .entry((*path).to_owned())
                        .or_insert_with(|| ((*path).to_owned(), (*version).to_owned()));
                }
                ["replace", rest @ ..] => self.add_replace(tree, folder, rest),
                _ => {}
            }
        }
    }

    fn add_replace(&mut self, tree: &Tree, folder: &str, words: &[&str]) {
        let Some(arrow) = words.iter().position(|&word| word == "=>") else { return };
        let (Some(&old), Some(&new)) = (words.first(), words.get(arrow + 1)) else { return };
        if self.required.len() + self.replaced.len() >= MAX_MODULES {
            return;
        }
        if new.starts_with("./") || new.starts_with("../") || new == "." || new == ".." {
            if let Some(target) = walk::join(folder, new)
                && tree.is_folder(&target)
            {
                self.replaced.insert(old.to_owned(), target);
            }
        } else if let Some(&version) = words.get(arrow + 2) {
            self.required.insert(old.to_owned(), (new.to_owned(), version.to_owned()));
        }
    }

    fn add_work(&mut self, tree: &Tree, folder: &str, text: &str) {
        for directive in directives(text) {
            let words: Vec<&str> = directive.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["use", path] if self.local.len() < MAX_MODULES => {
                    let Some(target) = walk::join(folder, path) else { continue };
                    if let Some(text) = read(tree, &target, "go.mod") {
                        self.add_module(tree, &target, &text);
                    }
                }
                ["replace", rest @ ..] => self.add_replace(tree, folder, rest),
                _ => {}
            }
        }
    }
}

/// The module cache, only where the environment names one: what lies in a home folder is no part of the project.
fn module_cache() -> Option<Tree> {
    Tree::open(&PathBuf::from(std::env::var_os("GOMODCACHE")?)).ok()
}

/// The folder of the longest module path that an import path lies below.
fn longest(modules: &BTreeMap<String, String>, import: &str) -> Option<String> {
    let (module, folder) =
        modules.iter().filter(|(module, _)| is_below(import, module)).max_by_key(|(module, _)| module.len())?;
    walk::join(folder, import[module.len()..].trim_start_matches('/'))
}

fn is_below(import: &str, module: &str) -> bool {
    import.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn under(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn read(tree: &Tree, folder: &str, name: &str) -> Option<String> {
    let bytes = tree.read_bytes(&under(folder, name)).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The module cache's spelling: an upper-case letter becomes `!` and the lower-case one.
/// Source: <https://pkg.go.dev/golang.org/x/mod/module#hdr-Escaped_Paths>.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}

/// The lines of a `go.mod` or `go.work`, blocks unfolded: each directive with its words.
fn directives(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or("").trim();
        let mut words: Vec<String> =
            line.split_whitespace().map(|word| word.trim_matches(['"', '`']).to_owned()).collect();
        if words.is_empty() {
            continue;
        }
        match &block {
            Some(_) if words[0] == ")" => block = None,
            Some(keyword) => {
                words.insert(0, keyword.clone());
                found.push(words);
            }
            None if words.last().is_some_and(|word| word == "(") => block = Some(words.swap_remove(0)),
            None => found.push(words),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("created");
            fs::write(path, text).expect("written");
        }
        let tree = Tree::open(folder.path()).expect("opened");
        (folder, tree)
    }

    #[test]
    fn a_package_is_looked_for_where_the_go_tool_looks() {
        let (_folder, tree) = tree(&[
            (
                "s/go.mod",
                "module example.com/s // c\nrequire (\n\texample.com/Far v1.0.0\n)\nreplace example.com/r => ../r\n",
            ),
            ("s/cmd/x/main.go", ""),
            ("s/a/a.go", ""),
            ("s/vendor/example.com/v/b/b.go", ""),
            ("r/go.mod", "module example.com/r"),
            ("r/c/c.go", ""),
        ]);
        let workspace = Workspace::find(&tree, "s/cmd/x");
        assert_eq!(workspace.import_path("s/cmd/x"), "example.com/s/cmd/x");
        assert_eq!(workspace.place(&tree, "example.com/s/a"), Place::Tree("s/a".to_owned()));
        assert_eq!(workspace.place(&tree, "example.com/v/b"), Place::Tree("s/vendor/example.com/v/b".to_owned()));
        assert_eq!(workspace.place(&tree, "example.com/r/c"), Place::Tree("r/c".to_owned()));
        assert_eq!(workspace.place(&tree, "os/exec"), Place::Standard);
        assert_eq!(workspace.place(&tree, "example.com/Far/x"), Place::Missing("example.com/Far v1.0.0".to_owned()));
        assert_eq!(workspace.place(&tree, "example.com/s/none"), Place::Missing("example.com/s/none".to_owned()));
    }

    #[test]
    fn a_workspace_joins_its_modules() {
        let (_folder, tree) = tree(&[
            ("go.work", "go 1.22\nuse (\n\t./a\n\t./b\n)\n"),
            ("a/go.mod", "module example.com/a"),
            ("b/go.mod", "module \"example.com/b\""),
            ("b/p/p.go", ""),
        ]);
        let workspace = Workspace::find(&tree, "a");
        assert_eq!(workspace.place(&tree, "example.com/b/p"), Place::Tree("b/p".to_owned()));
    }

    #[test]
    fn the_module_cache_escapes_capitals() {
        assert_eq!(escape("github.com/BurntSushi/toml"), "github.com/!burnt!sushi/toml");
    }
}
