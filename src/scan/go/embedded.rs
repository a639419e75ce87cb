//! Defaults in configuration files that the program embeds (`//go:embed`): ini, TOML, YAML and JSON.
//!
//! A value counts only where its key stands once in a file: which section a struct is filled from is not followed.

use super::engine::Engine;
use super::load::{PackageId, Program};
use super::value::{Set, Value};
use crate::file::{FileId, Span};
use crate::walk::{Kind, Tree};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How many embedded files are read.
const MAX_FILES: usize = 100;
/// The longest embedded file that is read, in bytes.
const MAX_LENGTH: usize = 1 << 20;
/// How deep values may nest.
const MAX_DEPTH: usize = 40;

/// The endings of files with the tag keys that name places in them.
const FORMATS: &[(&str, &[&str])] = &[
    ("ini", &["ini"]),
    ("json", &["json", "koanf", "mapstructure"]),
    ("toml", &["koanf", "mapstructure", "toml"]),
    ("yaml", &["koanf", "mapstructure", "yaml"]),
    ("yml", &["koanf", "mapstructure", "yaml"]),
];

/// A file's texts by their keys; nothing for a key that stands twice.
type Keys = BTreeMap<String, Option<(String, Span)>>;

/// A configuration file.
#[derive(Debug)]
struct File {
    /// The package that embeds it.
    package: PackageId,
    /// The keys of tags that name places in it.
    tags: &'static [&'static str],
    keys: Keys,
}

/// The configuration files that a program embeds; read when they are asked for.
#[derive(Debug)]
pub(crate) struct Embedded<'a> {
    tree: &'a Tree,
    program: &'a Program,
    files: OnceLock<Vec<File>>,
}

impl<'a> Embedded<'a> {
    pub(crate) fn new(tree: &'a Tree, program: &'a Program) -> Self {
        Self { tree, program, files: OnceLock::new() }
    }

    fn files(&self) -> &[File] {
        self.files.get_or_init(|| {
            let paths = |unit| self.paths(unit).into_iter().map(move |path| (path, unit.package));
            let mut paths: Vec<(String, PackageId)> = self.program.units.iter().flat_map(paths).collect();
            paths.sort_unstable();
            paths.dedup();
            paths.truncate(MAX_FILES);
            paths.iter().filter_map(|(path, package)| self.read(path, *package)).collect()
        })
    }

    /// The files that a Go file embeds, as far as they are configuration.
    fn paths(&self, unit: &super::load::Unit) -> Vec<String> {
        let path = unit.source.path();
        if path.starts_with("$GOMODCACHE/") || memchr::memmem::find(unit.text().as_bytes(), b"//go:embed ").is_none() {
            return Vec::new();
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let patterns = unit.text().lines().filter_map(|line| line.strip_prefix("//go:embed "));
        let patterns = patterns.flat_map(str::split_whitespace).map(|pattern| {
            let pattern = pattern.trim_matches(['"', '`']);
            pattern.strip_prefix("all:").unwrap_or(pattern)
        });
        patterns.flat_map(|pattern| self.matching(folder, pattern)).filter(|path| format(path).is_some()).collect()
    }

    /// The files that a pattern names: a file, the files of a folder, or `*` in the last name.
    fn matching(&self, folder: &str, pattern: &str) -> Vec<String> {
        if pattern.split('/').any(|part| part == "..") {
            return Vec::new();
        }
        let join =
            |folder: &str, name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let path = join(folder, pattern);
        if self.tree.is_file(&path) {
            return vec![path];
        }
        let (inside, before, after) = match pattern.rsplit_once('/').unwrap_or(("", pattern)) {
            (parent, name) if name.contains('*') => {
                let (before, after) = name.split_once('*').unwrap_or((name, ""));
                (join(folder, parent), before, after)
            }
            _ => (path, "", ""),
        };
        let entries = self.tree.list(inside.trim_end_matches('/')).unwrap_or_default();
        let files = entries
            .into_iter()
            .filter(|entry| entry.kind == Kind::File && entry.name.starts_with(before) && entry.name.ends_with(after));
        files.map(|entry| join(inside.trim_end_matches('/'), &entry.name)).collect()
    }

    fn read(&self, path: &str, package: PackageId) -> Option<File> {
        let (ending, tags) = format(path)?;
        let file = self.tree.read(path).ok()?;
        let source = self.tree.files().get(file);
        let text = source.text();
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut keys = Keys::new();
        match ending {
            "ini" | "toml" => lines(text, file, &mut keys),
            "json" => {
                let value: serde_json::Value = serde_json::from_str(text).ok()?;
                leaves(&value, &mut keys, (text, file), 0);
            }
            _ => {
                let value: serde_json::Value = yaml_serde::from_str(text).ok()?;
                leaves(&value, &mut keys, (text, file), 0);
            }
        }
        Some(File { package, tags, keys })
    }
}

fn format(path: &str) -> Option<(&'static str, &'static [&'static str])> {
    let ending = path.rsplit_once('.')?.1;
    FORMATS.iter().find(|row| row.0 == ending).map(|&(ending, tags)| (ending, tags))
}

fn put(keys: &mut Keys, key: &str, value: &str, span: Span) {
    keys.entry(key.to_owned()).and_modify(|known| *known = None).or_insert_with(|| Some((value.to_owned(), span)));
}

/// `key = value` lines of any section.
fn lines(text: &str, file: FileId, keys: &mut Keys) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let own = line.trim_start();
        if !own.starts_with([';', '#', '['])
            && let Some((key, value)) = own.split_once('=')
        {
            let shown = value.trim();
            let at = start + (shown.as_ptr() as usize - line.as_ptr() as usize);
            let quoted = [('"', '"'), ('\'', '\''), ('`', '`')]
                .into_iter()
                .find_map(|(open, close)| shown.strip_prefix(open)?.split_once(close).map(|(inside, _)| inside));
            let bare = || shown.split([';', '#']).next().unwrap_or_default().trim_end();
            put(keys, key.trim(), quoted.unwrap_or_else(bare), Span::new(file, at, at + shown.len()));
        }
        start += line.len();
    }
}

/// The texts of a tree of values, by the last key that leads to each.
fn leaves(value: &serde_json::Value, keys: &mut Keys, (text, file): (&str, FileId), depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                match value {
                    serde_json::Value::String(value) => {
                        // Where it stands: the first such text behind the first such key.
                        let after = text.find(key.as_str()).map_or(0, |at| at + key.len());
                        let at =
                            text.get(after..).and_then(|rest| rest.find(value.as_str())).map_or(0, |at| after + at);
                        let end = (at + value.len()).min(text.len());
                        put(keys, key, value, Span::new(file, at, end));
                    }
                    value => leaves(value, keys, (text, file), depth + 1),
                }
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                leaves(item, keys, (text, file), depth + 1);
            }
        }
        _ => {}
    }
}

impl Engine<'_> {
    /// What embedded files hold under the key that a tag of a field of a package names. A package that has nothing to do
    /// with the one that embeds a file is not filled from it.
    pub(crate) fn embedded_value(&self, package: PackageId, tag: &str, key: &str) -> Set {
        let mut set = Set::default();
        if matches!(key, "" | "-") || !FORMATS.iter().any(|row| row.1.contains(&tag)) {
            return set;
        }
        for file in self.embedded.files() {
            if file.tags.contains(&tag)
                && let Some(Some((value, span))) = file.keys.get(key)
                && !value.is_empty()
                && (self.program.leads_to(file.package, package) || self.program.leads_to(package, file.package))
            {
                set.add(Value::text(value, *span));
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Files;

    #[test]
    fn a_key_that_stands_twice_says_nothing() {
        let text = "; x = 1\n[a]\nP = one ; two\nQ=\"x;y\"\n[b]\nP = three\nR\n";
        let mut keys = Keys::new();
        lines(text, Files::new().add("x", text.to_owned()), &mut keys);
        assert_eq!(keys.get("P"), Some(&None));
        let (value, span) = keys["Q"].clone().expect("once");
        assert_eq!((value.as_str(), &text[span.start as usize..span.end as usize]), ("x;y", "\"x;y\""));
        assert!(!keys.contains_key("R"));
    }
}
