//! The files of the roots, read once and lowered on demand.
//!
//! Every text is read; only files that can matter (a word of a sink, a name that a value is followed through) are parsed.

use super::Tongue;
use super::form::{ExprId, Kind, Module};
use crate::file::{FileId, SourceFile};
use crate::scan::{Root, ScanContext, Skipped};
use crate::walk::{Kind as Entry, Tree, join};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock, RwLock};

/// How many files the roots of one language may hold; what is beyond is listed as skipped.
const MAX_FILES: usize = 100_000;
/// How deep folders are entered.
const MAX_FOLDERS: usize = 64;

/// The code of one language.
pub(crate) struct Code<'a> {
    /// What the scan was told.
    pub(crate) context: &'a ScanContext<'a>,
    /// The language.
    pub(crate) tongue: &'static Tongue,
    /// The files, sorted by path.
    pub(crate) files: Vec<Source>,
    /// What was left out, and why.
    pub(crate) skipped: Vec<Skipped>,
    by_path: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    mentions: RwLock<HashMap<String, Arc<Vec<usize>>>>,
}

/// A file.
pub(crate) struct Source {
    /// The path.
    pub(crate) path: String,
    /// The file.
    pub(crate) id: FileId,
    text: Arc<SourceFile>,
    lowered: OnceLock<Lowered>,
}

/// A lowered file and where its calls are by name.
pub(crate) struct Lowered {
    /// The file, lowered.
    pub(crate) module: Module,
    /// The calls by the last name of what they call.
    pub(crate) calls: HashMap<String, Vec<ExprId>>,
    /// The calls that are handed a function by name, and at which place.
    pub(crate) handed: HashMap<String, Vec<(ExprId, usize)>>,
    /// How often a name is used other than to be called.
    pub(crate) named: HashMap<String, u32>,
}

impl Source {
    /// The text.
    pub(crate) fn text(&self) -> &str {
        self.text.text()
    }
}

impl<'a> Code<'a> {
    /// Reads the files of the roots.
    pub(crate) fn read(context: &'a ScanContext<'a>, tongue: &'static Tongue, roots: &[Root]) -> Self {
        let mut paths = BTreeSet::new();
        let mut skipped = Vec::new();
        for root in roots {
            gather(context.tree, tongue, &root.path, &mut paths, &mut skipped);
        }
        let read: Vec<_> = paths.into_par_iter().map(|path| (context.tree.read(&path), path)).collect();
        let mut files = Vec::new();
        for (result, path) in read {
            match result {
                Ok(id) => {
                    let text = context.tree.files().get(id);
                    files.push(Source { path, id, text, lowered: OnceLock::new() });
                }
                Err(error) => skipped.push(Skipped { path, why: error.to_string() }),
            }
        }
        let mut by_path = HashMap::new();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, source) in files.iter().enumerate() {
            by_path.insert(source.path.clone(), place);
            let name = source.path.rsplit('/').next().unwrap_or(&source.path);
            by_name.entry(name.to_owned()).or_default().push(place);
        }
        Self { context, tongue, files, skipped, by_path, by_name, mentions: RwLock::default() }
    }

    /// The lowered form of a file; made at the first call.
    pub(crate) fn lowered(&self, file: usize) -> &Lowered {
        let source = &self.files[file];
        source.lowered.get_or_init(|| {
            let module = (self.tongue.lower)(source.id, &source.path, source.text());
            let mut calls: HashMap<String, Vec<ExprId>> = HashMap::new();
            let mut handed: HashMap<String, Vec<(ExprId, usize)>> = HashMap::new();
            for &call in &module.calls {
                let Kind::Call { arguments, .. } = &module.exprs[call as usize].kind else { continue };
                if let Some(name) = module.callee_name(call) {
                    calls.entry(name.to_owned()).or_default().push(call);
                }
                for (place, argument) in arguments.iter().enumerate() {
                    if let Some(name) = module.last_name(argument.value) {
                        handed.entry(name.to_owned()).or_default().push((call, place));
                    }
                }
            }
            let callees: HashSet<ExprId> = module
                .calls
                .iter()
                .filter_map(|&call| match module.exprs[call as usize].kind {
                    Kind::Call { callee, .. } => Some(callee),
                    _ => None,
                })
                .collect();
            let mut named: HashMap<String, u32> = HashMap::new();
            for place in 0..module.exprs.len() as ExprId {
                if let (Some(name), false) = (module.last_name(place), callees.contains(&place)) {
                    *named.entry(name.to_owned()).or_default() += 1;
                }
            }
            Lowered { module, calls, handed, named }
        })
    }

    /// The module of a file.
    pub(crate) fn module(&self, file: usize) -> &Module {
        &self.lowered(file).module
    }

    /// The file at a path.
    pub(crate) fn at(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// The files whose path ends in `/suffix` or is it; the ones nearest to `from` first.
    pub(crate) fn ending_in(&self, suffix: &str, from: &str) -> Option<usize> {
        let name = suffix.rsplit('/').next().unwrap_or(suffix);
        let fits = |path: &str| path.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        let candidates = self.by_name.get(name)?.iter().filter(|&&place| fits(&self.files[place].path));
        candidates.copied().max_by_key(|&place| {
            let path = &self.files[place].path;
            let shared = path.bytes().zip(from.bytes()).take_while(|(a, b)| a == b).count();
            (shared, usize::MAX - path.len())
        })
    }

    /// The files whose text holds a word, as a whole word.
    pub(crate) fn mentioning(&self, word: &str) -> Arc<Vec<usize>> {
        if let Some(known) = self.mentions.read().expect("internal: no thread panics while it holds the lock").get(word)
        {
            return Arc::clone(known);
        }
        let finder = memchr::memmem::Finder::new(word);
        let holds = |source: &Source| {
            let text = source.text().as_bytes();
            finder.find_iter(text).any(|at| {
                let before = at.checked_sub(1).and_then(|at| text.get(at));
                let after = text.get(at + word.len());
                !before.copied().is_some_and(is_word) && !after.copied().is_some_and(is_word)
            })
        };
        let found: Vec<usize> =
            self.files.iter().enumerate().filter(|(_, source)| holds(source)).map(|(place, _)| place).collect();
        let found = Arc::new(found);
        self.mentions
            .write()
            .expect("internal: no thread panics while it holds the lock")
            .insert(word.to_owned(), Arc::clone(&found));
        found
    }

    /// The files that hold a word of a sink.
    pub(crate) fn with_sinks(&self) -> Vec<usize> {
        let Ok(words) = aho_corasick::AhoCorasick::new(self.tongue.words) else { return Vec::new() };
        self.files
            .par_iter()
            .enumerate()
            .filter(|(_, source)| words.is_match(source.text()))
            .map(|(place, _)| place)
            .collect()
    }

    /// What the image's `ENV` or the language says of a variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.context.env.get(name).map(String::as_str)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a path is a root of a language: a file by its ending or shebang, a folder that holds such a file.
pub(crate) fn detects(tongue: &Tongue, tree: &Tree, path: &str) -> bool {
    if tree.is_file(path) {
        return owns(tongue, path) || has_shebang(tongue, tree, path);
    }
    if !tree.is_folder(path) {
        return false;
    }
    let mut folders = vec![(path.to_owned(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        for entry in tree.list(&folder).unwrap_or_default() {
            seen += 1;
            if seen > MAX_FILES {
                return false;
            }
            let Some(path) = join(&folder, &entry.name) else { continue };
            let inner = join("", path.strip_prefix(folder.as_str()).unwrap_or(&path).trim_start_matches('/'));
            if never_code(&entry.name) || (tongue.left_out)(&inner.unwrap_or_default()) {
                continue;
            }
            match entry.kind {
                Entry::File if owns(tongue, &entry.name) => return true,
                Entry::Folder if depth < MAX_FOLDERS => folders.push((path, depth + 1)),
                _ => {}
            }
        }
    }
    false
}

fn owns(tongue: &Tongue, path: &str) -> bool {
    tongue.endings.iter().any(|ending| path.ends_with(ending))
}

/// Whether the first line is `#!` and names the language's interpreter.
fn has_shebang(tongue: &Tongue, tree: &Tree, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if tongue.shebangs.is_empty() || name.contains('.') {
        return false;
    }
    let Ok(bytes) = tree.read_bytes(path) else { return false };
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let Some(command) = line.strip_prefix("#!") else { return false };
    command.split_whitespace().any(|word| {
        let word = word.rsplit('/').next().unwrap_or(word);
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        tongue.shebangs.contains(&word)
    })
}

/// Folders that hold no code of the project in any language.
fn never_code(name: &str) -> bool {
    matches!(name, ".git" | ".hg" | ".svn" | ".venv" | "venv" | ".tox" | "__pycache__" | "node_modules" | ".cache")
}

/// Adds the files that a root names: itself, those below it, or those that match it.
fn gather(tree: &Tree, tongue: &Tongue, root: &str, paths: &mut BTreeSet<String>, skipped: &mut Vec<Skipped>) {
    if root.contains(['*', '?', '[']) && tree.kind(root).is_none() {
        let before = paths.len();
        expand(tree, tongue, root, paths, skipped);
        if paths.len() == before {
            skipped.push(Skipped { path: root.to_owned(), why: "nothing matches".to_owned() });
        }
    } else if tree.is_file(root) {
        paths.insert(root.to_owned());
    } else {
        below(tree, tongue, root, paths, skipped);
    }
}

/// Adds what matches a glob: part by part, files by themselves, folders with all below them.
fn expand(tree: &Tree, tongue: &Tongue, glob: &str, paths: &mut BTreeSet<String>, skipped: &mut Vec<Skipped>) {
    let mut found = vec![String::new()];
    for part in glob.split('/') {
        let mut next = Vec::new();
        for folder in &found {
            if part == "**" {
                next.extend(all_folders(tree, folder));
                continue;
            }
            if !part.contains(['*', '?', '[']) {
                next.extend(join(folder, part).filter(|path| tree.kind(path).is_some()));
                continue;
            }
            for entry in tree.list(folder).unwrap_or_default() {
                if matches(part, &entry.name) && !(tongue.left_out)(&entry.name) {
                    next.extend(join(folder, &entry.name));
                }
            }
        }
        next.sort();
        next.dedup();
        next.truncate(MAX_FILES);
        found = next;
    }
    for path in found {
        if tree.is_file(&path) {
            if owns(tongue, &path) || has_shebang(tongue, tree, &path) {
                paths.insert(path);
            }
        } else {
            below(tree, tongue, &path, paths, skipped);
        }
    }
}

fn all_folders(tree: &Tree, folder: &str) -> Vec<String> {
    let mut found = vec![folder.to_owned()];
    let mut at = 0;
    while at < found.len() && found.len() < MAX_FILES {
        let folder = found[at].clone();
        for entry in tree.list(&folder).unwrap_or_default() {
            let inside = folder.split('/').count() < MAX_FOLDERS && entry.kind == Entry::Folder;
            if inside && !never_code(&entry.name) {
                found.extend(join(&folder, &entry.name));
            }
        }
        at += 1;
    }
    found
}

/// Whether a name matches a pattern of `*`, `?` and `[…]`.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    if name.first() == Some(&'.') && pattern.first() != Some(&'.') {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => one_of(&pattern, p, name[n]),
            Some(&c) if c == name[n] => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Where the pattern goes on after a `[…]` that holds `c`.
fn one_of(pattern: &[char], open: usize, c: char) -> Option<usize> {
    let close = open + 2 + pattern.get(open + 2..)?.iter().position(|&c| c == ']')?;
    let mut set = &pattern[open + 1..close];
    let negated = matches!(set.first(), Some('!' | '^'));
    if negated {
        set = &set[1..];
    }
    let mut holds = false;
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            holds |= (set[at]..=set[at + 2]).contains(&c);
            at += 3;
        } else {
            holds |= set[at] == c;
            at += 1;
        }
    }
    (holds != negated).then_some(close + 1)
}

/// Adds the language's files below a folder. A folder that was entered under another name (a link) is left out.
fn below(tree: &Tree, tongue: &Tongue, root: &str, paths: &mut BTreeSet<String>, skipped: &mut Vec<Skipped>) {
    let mut open = vec![(root.to_owned(), String::new(), 0)];
    let mut entered = HashSet::new();
    while let Some((folder, inner, depth)) = open.pop() {
        if !tree.identity(&folder).is_some_and(|real| entered.insert(real)) {
            continue;
        }
        let entries = match tree.list(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                skipped.push(Skipped { path: folder, why: error.to_string() });
                continue;
            }
        };
        for entry in entries {
            let (Some(path), Some(inner)) = (join(&folder, &entry.name), join(&inner, &entry.name)) else { continue };
            if never_code(&entry.name) || (tongue.left_out)(&inner) {
                continue;
            }
            if paths.len() >= MAX_FILES {
                return skipped.push(Skipped { path, why: format!("more than {MAX_FILES} files") });
            }
            match entry.kind {
                Entry::File if owns(tongue, &entry.name) || has_shebang(tongue, tree, &path) => {
                    paths.insert(path);
                }
                Entry::Folder if depth >= MAX_FOLDERS => {
                    skipped.push(Skipped { path, why: "folders nest too deeply".to_owned() });
                }
                Entry::Folder => open.push((path, inner, depth + 1)),
                _ => {}
            }
        }
    }
}

/// As `matches`, for tests.
#[cfg(test)]
pub(crate) fn glob_matches(pattern: &str, name: &str) -> bool {
    matches(pattern, name)
}

/// Where a name is defined at the top of any file; for languages whose paths need no import.
pub(crate) fn defined_anywhere(code: &Code<'_>, name: &str, limit: usize) -> Vec<usize> {
    let files = code.mentioning(name);
    let holds = |&place: &usize| code.module(place).scopes[0].names.contains_key(name);
    files.iter().copied().filter(holds).take(limit).collect()
}
