//! The build context: the files that `COPY` can take, `.dockerignore` applied.
//!
//! Names only: nothing is read but `.dockerignore` itself.

use super::model::{Dockerfile, Kind as InstructionKind, Source, flag};
use super::path;
use crate::walk::{Kind, Tree};

/// How many entries one search may look at.
const MAX_ENTRIES: usize = 50_000;
/// How deep a search goes.
const MAX_DEPTH: usize = 40;

/// A build context inside a tree.
#[derive(Debug)]
pub struct Context<'a> {
    tree: &'a Tree,
    folder: String,
    ignored: Vec<IgnoreRule>,
}

/// Something in the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path in the context.
    pub path: String,
    /// It is a folder.
    pub is_folder: bool,
    /// Its execute bits, for a file.
    pub executable: Option<bool>,
}

/// A line of `.dockerignore`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IgnoreRule {
    pattern: String,
    /// `!pattern`: what it matches is taken after all.
    keep: bool,
}

impl<'a> Context<'a> {
    /// The context at `folder` of the tree, for the Dockerfile at `dockerfile`: `<dockerfile>.dockerignore` counts before
    /// the context's own `.dockerignore`.
    pub fn new(tree: &'a Tree, folder: &str, dockerfile: &str) -> Self {
        let candidates = [format!("{dockerfile}.dockerignore"), in_folder(folder, ".dockerignore")];
        let text = candidates.iter().find_map(|path| tree.read(path).ok()).map(|id| tree.files().get(id));
        let ignored = text.map(|text| ignore_rules(text.text())).unwrap_or_default();
        Self { tree, folder: folder.to_owned(), ignored }
    }

    /// The context that a Dockerfile is most likely built in: of its own folder and those above it, the one that has the
    /// most of what its `COPY` instructions take; the nearest where several have as much.
    pub fn find_for(tree: &'a Tree, path: &str, dockerfile: &Dockerfile) -> Self {
        let sources: Vec<String> = context_sources(dockerfile);
        let mut folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let mut best: Option<(usize, Self)> = None;
        loop {
            let context = Self::new(tree, &folder, path);
            let found = sources.iter().filter(|source| !context.find(source).is_empty()).count();
            if best.as_ref().is_none_or(|(most, _)| found > *most) {
                best = Some((found, context));
            }
            if folder.is_empty() {
                break;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
        }
        best.map_or_else(|| Self::new(tree, &folder, path), |(_, context)| context)
    }

    /// The folder of the tree that the context is.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The tree that the context lies in.
    pub fn tree(&self) -> &'a Tree {
        self.tree
    }

    /// The path in the tree of a path in the context.
    pub fn tree_path(&self, path: &str) -> String {
        in_folder(&self.folder, path)
    }

    /// What a source of `COPY` names: one file or folder, or every match of a glob.
    pub fn find(&self, source: &str) -> Vec<Found> {
        if !source.contains(['*', '?', '[']) {
            return self.entry(source).into_iter().collect();
        }
        let mut found = Vec::new();
        let mut budget = MAX_ENTRIES;
        let parts: Vec<&str> = source.split('/').collect();
        self.glob("", &parts, &mut budget, &mut found);
        found
    }

    fn entry(&self, path: &str) -> Option<Found> {
        if self.is_ignored(path) {
            return None;
        }
        let tree_path = self.tree_path(path);
        let kind = self.tree.kind(&tree_path)?;
        let executable = if kind == Kind::File { self.tree.is_executable(&tree_path) } else { None };
        Some(Found { path: path.to_owned(), is_folder: kind == Kind::Folder, executable })
    }

    fn glob(&self, folder: &str, parts: &[&str], budget: &mut usize, found: &mut Vec<Found>) {
        let Some((part, rest)) = parts.split_first() else { return };
        let Ok(entries) = self.tree.list(&self.tree_path(folder)) else { return };
        for entry in entries {
            if *budget == 0 {
                return;
            }
            *budget -= 1;
            if !segment_matches(part, &entry.name) {
                continue;
            }
            let path = in_folder(folder, &entry.name);
            if rest.is_empty() {
                found.extend(self.entry(&path));
            } else if entry.kind == Kind::Folder {
                self.glob(&path, rest, budget, found);
            }
        }
    }

    /// Whether `.dockerignore` keeps a path out of the context; the last rule that matches it or a folder above it counts.
    pub fn is_ignored(&self, path: &str) -> bool {
        let mut ignored = false;
        for rule in &self.ignored {
            if rule.keep == ignored && covers(&rule.pattern, path) {
                ignored = !rule.keep;
            }
        }
        ignored && !path.is_empty()
    }
}

/// The paths that the `COPY` and `ADD` instructions take from the context; those with variables are left out.
fn context_sources(dockerfile: &Dockerfile) -> Vec<String> {
    let mut sources = Vec::new();
    for instruction in dockerfile.stages.iter().flat_map(|stage| &stage.instructions) {
        let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind else { continue };
        if flag(&copy.flags, "from").is_some() {
            continue;
        }
        for source in &copy.sources {
            if let Source::Path(word) = source
                && !word.text.contains(['$', ':'])
                && sources.len() < 200
            {
                sources.push(path::join("/", &word.text)[1..].to_owned());
            }
        }
    }
    sources
}

fn in_folder(folder: &str, path: &str) -> String {
    match (folder.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{path}"),
    }
}

/// Source: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.
fn ignore_rules(text: &str) -> Vec<IgnoreRule> {
    let lines = text.trim_start_matches('\u{feff}').lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let line = line.trim();
            let (keep, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let pattern = path::join("/", pattern)[1..].to_owned();
            (!pattern.is_empty()).then_some(IgnoreRule { pattern, keep })
        })
        .collect()
}

/// Whether a pattern matches a path or a folder above it.
fn covers(pattern: &str, path: &str) -> bool {
    let mut end = path.len();
    loop {
        if matches(pattern, &path[..end]) {
            return true;
        }
        match path[..end].rfind('/') {
            Some(slash) => end = slash,
            None => return false,
        }
    }
}

/// Whether a whole path matches a pattern: `*` and `?` stay inside a part, `**` crosses parts.
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    if pattern.len() > MAX_DEPTH || path.len() > MAX_DEPTH * 4 {
        return false;
    }
    // reached[i]: the pattern so far can end at the first i parts of the path.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            if part == "**" {
                next[at] = reached[at] || (at > 0 && next[at - 1]);
            } else if at > 0 {
                next[at] = reached[at - 1] && segment_matches(part, path[at - 1]);
            }
        }
        reached = next;
    }
    reached[path.len()]
}

/// Go's `filepath.Match` on one part of a path, without its escapes in classes.
fn segment_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => class(&pattern[p..], name[n]),
            Some('\\') if pattern.get(p + 1) == Some(&name[n]) => Some(2),
            Some(c) if *c == name[n] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(step), _) => (p, n) = (p + step, n + 1),
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                (p, n) = (at + 1, from + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The length of the class at the start of a pattern where it takes `c`.
fn class(pattern: &[char], c: char) -> Option<usize> {
    let end = pattern.iter().skip(1).position(|c| *c == ']')? + 1;
    let inner = &pattern[1..end];
    let (negated, inner) = match inner.first() {
        Some('^' | '!') => (true, &inner[1..]),
        _ => (false, inner),
    };
    let mut hit = false;
    let mut at = 0;
    while at < inner.len() {
        if inner.get(at + 1) == Some(&'-') && at + 2 < inner.len() {
            hit |= (inner[at]..=inner[at + 2]).contains(&c);
            at += 3;
        } else {
            hit |= inner[at] == c;
            at += 1;
        }
    }
    (hit != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_docker_matches() {
        for (pattern, path, want) in [
            ("*.py", "a.py", true),
            ("*.py", "x/a.py", false),
            ("**/*.py", "x/y/a.py", true),
            ("**/*.py", "a.py", true),
            ("a/**", "a/b/c", true),
            ("[a-c]?", "bx", true),
            ("[^a-c]?", "bx", false),
            ("a\\*", "a*", true),
        ] {
            assert_eq!(matches(pattern, path), want, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_rule_counts() {
        let rules = ignore_rules("# all but docs\n*\n!docs\ndocs/secret\n");
        let tree = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(tree.path()).expect("opened");
        let context = Context { tree: &tree, folder: String::new(), ignored: rules };
        assert!(context.is_ignored("src/a") && context.is_ignored("docs/secret/b"));
        assert!(!context.is_ignored("docs/readme") && !context.is_ignored(""));
    }
}
